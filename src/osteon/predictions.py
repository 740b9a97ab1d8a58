"""Predictions as a CSV (id, label, group, one score per class) and back."""

from __future__ import annotations

import csv
import difflib
import io
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from osteon.classes import order_classes
from osteon.errors import DataError
from osteon.files import write_text
from osteon.types import Predictions

SUM_TOLERANCE = 1e-3  # other tools round their scores
NAMED = ("id", "label", "group")


def write_predictions(predictions: Predictions, path: Path) -> Path:
    """Scores are written so that they read back as the same floats."""
    lines = [_line([*NAMED, *predictions.classes])]
    labels, scores = predictions.labels.tolist(), predictions.scores.tolist()
    for id_, label, group, row in zip(
        predictions.ids, labels, predictions.groups, scores, strict=True
    ):
        name = predictions.classes[label] if label >= 0 else ""
        lines.append(_line([id_, name, group, *map(repr, row)]))
    return write_text(path, "".join(lines))


def _line(cells: Sequence[str]) -> str:
    """A row. Python's writer quotes a carriage return only where it ends its own lines."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerow(cells)
    return text.getvalue().removesuffix("\r\n") + "\n"


def read_predictions(path: Path, *, part: str) -> Predictions:
    """Read what ``write_predictions`` wrote, or a table of another tool's.

    Columns: ``id``, ``label``, optional ``group`` (default: each film its own), and one column of
    scores per class; or for two classes ``score``, of the positive one (see
    ``osteon.classes.order_classes``), whatever other columns there are. Rows without a label get
    label -1.

    Raises DataError, naming the row and the column, where a cell cannot be used.
    """
    import numpy as np

    table = _read(path)
    classes, columns = _classes(table)
    rows = list(table.rows())
    return Predictions(
        ids=_ids(table),
        labels=np.array([_label(row, classes) for row in rows], dtype=np.int64),
        scores=np.array([_scores(row, columns) for row in rows], dtype=np.float64),
        groups=tuple(row.cell("group") or row.cell("id") for row in rows),
        classes=classes,
        part=part,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Row:
    where: str
    header: tuple[str, ...]
    cells: tuple[str, ...]

    def cell(self, column: str) -> str:
        """Of the first column of that name, so that a class may be called ``group``."""
        return self.cells[self.header.index(column)] if column in self.header else ""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Table:
    path: Path
    header: tuple[str, ...]
    numbered: tuple[tuple[int, tuple[str, ...]], ...]  # row numbers as a spreadsheet shows them

    def rows(self) -> Iterator[_Row]:
        for number, cells in self.numbered:
            yield _Row(where=f"{self.path}, row {number}", header=self.header, cells=cells)

    @property
    def others(self) -> dict[int, str]:
        """The columns that are not id, label or group: their place -> their name."""
        taken = {self.header.index(name) for name in NAMED if name in self.header}
        return {at: name for at, name in enumerate(self.header) if at not in taken}


def _read(path: Path) -> _Table:
    if not path.is_file():
        raise DataError(f"There is no file of predictions {path}.")
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            lines = [tuple(cells) for cells in csv.reader(file)]
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path} is no CSV in UTF-8: {error}.") from None
    header = lines[0] if lines else ()
    for wanted in ("id", "label"):
        if wanted not in header:
            raise DataError(
                f"{path} has no column '{wanted}', only {', '.join(header) or 'nothing'}."
                + _nearest(wanted, header)
            )
    numbered = tuple((n, cells) for n, cells in enumerate(lines[1:], start=2) if cells)
    if not numbered:
        raise DataError(f"{path} has no row below its header.")
    for number, cells in numbered:
        if len(cells) != len(header):
            raise DataError(
                f"{path}, row {number} has {len(cells)} cells, the header {len(header)}."
            )
    return _Table(path=path, header=header, numbered=numbered)


def _nearest(wanted: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(wanted, known, n=1, cutoff=0.4)
    return f" Is it '{near[0]}'?" if near else ""


def _ids(table: _Table) -> tuple[str, ...]:
    seen: dict[str, str] = {}
    for row in table.rows():
        id_ = row.cell("id")
        if not id_:
            raise DataError(f"{row.where}: the id is empty.")
        if id_ in seen:
            raise DataError(f"{seen[id_]} and {row.where} are both '{id_}'.")
        seen[id_] = row.where
    return tuple(seen)


# --- scores ---------------------------------------------------------------------------------------


def _classes(table: _Table) -> tuple[tuple[str, ...], dict[int, str]]:
    """The classes and the columns of their scores: one each, or the positive one's alone."""
    others = table.others
    labels = {row.cell("label") for row in table.rows()} - {""}
    score = [at for at, name in others.items() if name == "score"]
    if score and (len(others) == 1 or not labels <= set(others.values())):
        classes = order_classes(labels)
        if len(classes) != 2:
            raise DataError(
                f"{table.path}: one column 'score' needs two labels; found {len(classes)}."
            )
        return classes, {score[0]: "score"}
    if len(others) < 2 or len(set(others.values())) < len(others):
        raise DataError(
            f"{table.path} needs one column of scores per class, named as the labels are (or one "
            f"column 'score'); beside id, label and group it has {', '.join(others.values())}."
        )
    return tuple(others.values()), others


def _scores(row: _Row, columns: dict[int, str]) -> list[float]:
    scores = [_number(row.cells[at], f"{row.where}: {name}") for at, name in columns.items()]
    if len(scores) == 1:
        return [1 - scores[0], scores[0]]
    total = sum(scores)
    if abs(total - 1) > SUM_TOLERANCE:
        raise DataError(f"{row.where}: the scores sum to {total:.4f}, not to 1.")
    return scores


def _number(cell: str, where: str) -> float:
    try:
        value = float(cell)
    except ValueError:
        raise DataError(
            f"{where} '{cell}' is no number. Columns beside id, label and group are the scores of "
            "a class each: remove any other."
        ) from None
    if not (math.isfinite(value) and -SUM_TOLERANCE <= value <= 1 + SUM_TOLERANCE):
        raise DataError(f"{where} {cell} is not in 0 to 1: scores are probabilities.")
    return min(max(value, 0.0), 1.0)


def _label(row: _Row, classes: Sequence[str]) -> int:
    name = row.cell("label")
    if name and name not in classes:
        raise DataError(
            f"{row.where}: label '{name}' has no column of scores: {', '.join(classes)}."
            + _nearest(name, classes)
        )
    return classes.index(name) if name else -1

"""Predictions as a CSV (id, label, group, one score per class) and back; tables of other tools."""

from __future__ import annotations

import csv
import difflib
import io
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
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


def selected(predictions: Predictions, places: Iterable[int]) -> Predictions:
    """The films at these places, in this order."""
    kept = list(places)
    return replace(
        predictions,
        ids=tuple(predictions.ids[at] for at in kept),
        labels=predictions.labels[kept],
        scores=predictions.scores[kept],
        groups=tuple(predictions.groups[at] for at in kept),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class ScoreTable:
    """Predictions, and what else their table says of the films."""

    predictions: Predictions
    columns: Mapping[str, Mapping[str, str]]  # every other column -> film id -> cell
    taken_for: Mapping[str, str]  # column -> what it was taken for
    has_groups: bool


def read_predictions(path: Path, *, part: str) -> Predictions:
    """Read what ``write_predictions`` wrote, or a table of another tool's.

    Columns: ``id``, ``label``, optional ``group`` (default: each film its own), and one column of
    scores per class; or for two classes ``score``, of the positive one (see
    ``osteon.classes.order_classes``). Rows without a label get label -1. Where all other columns
    are scores that sum to 1 they are the classes; else see ``read_score_table``.

    Raises DataError, naming the row and the column, where a cell cannot be used.
    """
    return _score_table(path, part, ours=True).predictions


def read_score_table(path: Path, *, part: str) -> ScoreTable:
    """Read a table of any tool's, with columns that say more of the films.

    Beside ``score`` every other column tells of the films. Without it, the columns that are named
    as a label are scores where they sum to 1 in every row; and where they do not, together with all
    other columns of numbers in 0 to 1. Of two classes the one that sounds negative comes first,
    however the columns stand (see ``osteon.classes.order_classes``): the second is positive.

    Raises DataError, naming the row and the column, where a cell cannot be used.
    """
    read = _score_table(path, part, ours=False)
    return replace(read, predictions=positive_last(read.predictions))


def positive_last(predictions: Predictions) -> Predictions:
    """The same with two classes in the order of ``osteon.classes.order_classes``."""
    import numpy as np

    classes = predictions.classes
    if len(classes) != 2 or order_classes(classes) == classes:
        return predictions
    labels = predictions.labels
    return replace(
        predictions,
        classes=order_classes(classes),
        labels=np.where(labels < 0, labels, 1 - labels),
        scores=predictions.scores[:, ::-1],
    )


def _score_table(path: Path, part: str, *, ours: bool) -> ScoreTable:
    import numpy as np

    table = _read(path)
    classes, columns = _classes(table, ours=ours)
    rows = list(table.rows())
    ids = _ids(table)
    others = {at: name for at, name in table.others.items() if at not in columns}
    if twice := [name for name, n in Counter(others.values()).items() if n > 1 or not name]:
        raise DataError(f"{path} has several columns '{twice[0]}', or one without a name.")
    taken = {name: f"the {name} of the film" for name in NAMED if name in table.header}
    taken |= {name: f"the score of '{classes[-1] if name == 'score' else name}'"
              for name in columns.values()}  # fmt: skip
    predictions = Predictions(
        ids=ids,
        labels=np.array([_label(row, classes) for row in rows], dtype=np.int64),
        scores=np.array([_scores(row, columns) for row in rows], dtype=np.float64),
        groups=tuple(row.cell("group") or row.cell("id") for row in rows),
        classes=classes,
        part=part,
    )
    return ScoreTable(
        predictions=predictions,
        columns={
            name: dict(zip(ids, (row.cells[at] for row in rows), strict=True))
            for at, name in others.items()
        },
        taken_for=taken | dict.fromkeys(others.values(), "a column of subgroups"),
        has_groups="group" in table.header,
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


def _classes(table: _Table, *, ours: bool) -> tuple[tuple[str, ...], dict[int, str]]:
    """The classes and the columns of their scores: one each, or the positive one's alone."""
    others = table.others
    labels = {row.cell("label") for row in table.rows()} - {""}
    score = [at for at, name in others.items() if name == "score"]
    if score and (len(others) == 1 or not labels <= set(others.values())):
        classes = order_classes(labels)
        if len(classes) != 2:
            raise DataError(
                f"{table.path}: one column 'score' needs two labels; found {len(classes)}"
                f"{': ' + ', '.join(classes[:5]) if classes else ''}."
            )
        return classes, {score[0]: "score"}
    named = {at: name for at, name in others.items() if name in labels}
    numbers = {at: name for at, name in others.items() if _all_shares(table, at)}
    mixed = {at: name for at, name in others.items() if at in named or at in numbers}
    for columns in (others, named, mixed) if ours else (named, mixed):
        if _fit(table, columns):
            return tuple(columns.values()), columns
    for columns in (named, mixed):
        if _several(columns):  # its first bad row is named when it is read
            return tuple(columns.values()), columns
    raise DataError(_no_scores(table))


def _several(columns: Mapping[int, str]) -> bool:
    return len(columns) > 1 and len(set(columns.values())) == len(columns)


def _fit(table: _Table, columns: Mapping[int, str]) -> bool:
    """Whether they are scores, one a class: numbers in 0 to 1 that sum to 1 in every row."""
    if not _several(columns):
        return False
    sums = (_sum(row, columns) for row in table.rows())
    return all(total is not None and abs(total - 1) <= SUM_TOLERANCE for total in sums)


def _sum(row: _Row, columns: Mapping[int, str]) -> float | None:
    shares = [_as_share(row.cells[at]) for at in columns]
    return None if None in shares else sum(share for share in shares if share is not None)


def _all_shares(table: _Table, at: int) -> bool:
    return all(_as_share(row.cells[at]) is not None for row in table.rows())


def _as_share(cell: str) -> float | None:
    try:
        value = float(cell)
    except ValueError:
        return None
    fits = math.isfinite(value) and -SUM_TOLERANCE <= value <= 1 + SUM_TOLERANCE
    return value if fits else None


def _no_scores(table: _Table) -> str:
    names = ", ".join(table.others.values()) or "nothing"
    told = (
        f"{table.path} needs one column of scores per class, named as the labels are (or one "
        f"column 'score'); beside id, label and group it has {names}."
    )
    for at, name in table.others.items():
        for row in table.rows():
            if _as_share(row.cells[at]) is None:
                return f"{told} {row.where}: {name} '{row.cells[at]}' is no number in 0 to 1."
    return told + _nearest("score", [*table.others.values()])


def _scores(row: _Row, columns: dict[int, str]) -> list[float]:
    scores = [_number(row.cells[at], f"{row.where}: {name}") for at, name in columns.items()]
    if len(scores) == 1:
        return [1 - scores[0], scores[0]]
    total = sum(scores)
    if abs(total - 1) > SUM_TOLERANCE:
        raise DataError(
            f"{row.where}: the scores sum to {total:.4f}, not to 1 ({', '.join(columns.values())} "
            "were taken for the scores of a class each)."
        )
    return scores


def _number(cell: str, where: str) -> float:
    try:
        value = float(cell)
    except ValueError:
        raise DataError(f"{where} '{cell}' is no number. Leave the row out, or score it.") from None
    if not (math.isfinite(value) and -SUM_TOLERANCE <= value <= 1 + SUM_TOLERANCE):
        raise DataError(
            f"{where} {cell} is not in 0 to 1: scores are probabilities. Turn logits into them "
            "first, by the sigmoid of one score or the softmax of several; leave out films without "
            "a score."
        )
    return min(max(value, 0.0), 1.0)


def _label(row: _Row, classes: Sequence[str]) -> int:
    name = row.cell("label")
    if name and name not in classes:
        raise DataError(
            f"{row.where}: label '{name}' has no column of scores: {', '.join(classes)}."
            + _nearest(name, classes)
        )
    return classes.index(name) if name else -1

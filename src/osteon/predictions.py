"""Predictions as a CSV (id, label, group, one score per class) and back."""

from __future__ import annotations

import csv
import difflib
import io
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from osteon.classes import order_classes
from osteon.errors import DataError
from osteon.files import write_text
from osteon.types import Predictions

SUM_TOLERANCE = 1e-3  # other tools round their scores


def write_predictions(predictions: Predictions, path: Path) -> Path:
    """Scores are written so that they read back as the same floats."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(["id", "label", "group", *predictions.classes])
    labels, scores = predictions.labels.tolist(), predictions.scores.tolist()
    for id_, label, group, row in zip(
        predictions.ids, labels, predictions.groups, scores, strict=True
    ):
        name = predictions.classes[label] if label >= 0 else ""
        rows.writerow([id_, name, group, *map(repr, row)])
    return write_text(path, text.getvalue())


def read_predictions(path: Path, *, part: str) -> Predictions:
    """Read what ``write_predictions`` wrote, or a table of another tool's.

    Columns: ``id``, ``label``, optional ``group`` (default: each film its own), and one column of
    scores per class; or for two classes ``score`` alone, of the positive one (see
    ``osteon.classes.order_classes``). Rows without a label get label -1.

    Raises DataError, naming the row and the column, where a cell cannot be used.
    """
    rows, columns = _rows(path)
    if "score" in columns and not _class_columns(columns):
        classes = order_classes(row["label"] for row in rows if row["label"])
        if len(classes) != 2:
            raise DataError(f"{path}: one column 'score' needs two labels; found {len(classes)}.")
        table = [_of_positive(row, f"{path}, row {n}") for n, row in enumerate(rows, start=2)]
    else:
        classes = tuple(_class_columns(columns))
        table = [_scores(row, classes, f"{path}, row {n}") for n, row in enumerate(rows, start=2)]
    labels = [_label(row, classes, f"{path}, row {n}") for n, row in enumerate(rows, start=2)]
    ids = tuple(row["id"] for row in rows)
    _no_doubles(ids, path)
    import numpy as np

    return Predictions(
        ids=ids,
        labels=np.array(labels, dtype=np.int64),
        scores=np.array(table, dtype=np.float64),
        groups=tuple(row.get("group") or row["id"] for row in rows),
        classes=classes,
        part=part,
    )


def _rows(path: Path) -> tuple[list[Mapping[str, str]], Sequence[str]]:
    if not path.is_file():
        raise DataError(f"There is no file of predictions {path}.")
    with path.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file)
        columns = list(reader.fieldnames or ())
        rows: list[Mapping[str, str]] = list(reader)
    for wanted in ("id", "label"):
        if wanted not in columns:
            near = difflib.get_close_matches(wanted, columns, n=1, cutoff=0.4)
            hint = f" Is it '{near[0]}'?" if near else ""
            raise DataError(f"{path} has no column '{wanted}', only {', '.join(columns)}.{hint}")
    if not rows:
        raise DataError(f"{path} has no row below its header.")
    return rows, columns


def _class_columns(columns: Sequence[str]) -> list[str]:
    return [name for name in columns if name not in ("id", "label", "group", "score")]


def _number(cell: str, where: str) -> float:
    try:
        value = float(cell)
    except (TypeError, ValueError):
        raise DataError(f"{where} '{cell}' is no number.") from None
    if not (math.isfinite(value) and -SUM_TOLERANCE <= value <= 1 + SUM_TOLERANCE):
        raise DataError(f"{where} {cell} is not in 0 to 1: scores are probabilities.")
    return value


def _of_positive(row: Mapping[str, str], where: str) -> list[float]:
    positive = _number(row["score"], f"{where}: score")
    return [1 - positive, positive]


def _scores(row: Mapping[str, str], classes: Sequence[str], where: str) -> list[float]:
    scores = [_number(row[name], f"{where}: {name}") for name in classes]
    total = sum(scores)
    if abs(total - 1) > SUM_TOLERANCE:
        raise DataError(f"{where}: the scores sum to {total:.4f}, not to 1.")
    return scores


def _label(row: Mapping[str, str], classes: Sequence[str], where: str) -> int:
    name = row["label"]
    if not name:
        return -1
    if name not in classes:
        raise DataError(f"{where}: label '{name}' has no column of scores: {', '.join(classes)}.")
    return classes.index(name)


def _no_doubles(ids: Sequence[str], path: Path) -> None:
    seen: dict[str, int] = {}
    for number, id_ in enumerate(ids, start=2):
        if id_ in seen:
            raise DataError(f"{path}: rows {seen[id_]} and {number} are both '{id_}'.")
        seen[id_] = number

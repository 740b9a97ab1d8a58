"""Who is compared: runs as they lie there, and tables of any tool's predictions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from osteon.errors import DataError, UsageError
from osteon.predictions import positive_last, read_predictions
from osteon.runs import RunFolder, no_run
from osteon.types import Evaluation, OperatingPoint, Predictions
from osteon.values import read_value


@dataclass(frozen=True, kw_only=True, slots=True)
class Contender:
    """One classifier's answers, by the name that the comparison calls it."""

    name: str
    predictions: Predictions
    point: OperatingPoint | None = None


def read_contender(path: Path) -> Contender:
    """A run folder (its test predictions as they lie there, the operating point of validation), or
    a CSV of predictions (``osteon.predictions.read_predictions``; of two classes the one that
    sounds negative is put first, however the columns stand).

    The test part is not opened again. Raises DataError where a run has none yet or the table cannot
    be used, UsageError where there is neither.
    """
    if not path.is_dir():
        if not path.is_file():
            raise UsageError(f"{path} is neither a run folder nor a table of predictions.")
        predictions = positive_last(read_predictions(path, part="test"))
        return Contender(name=path.stem, predictions=predictions)
    folder = RunFolder(path)
    if not folder.predictions("test").is_file():
        if not folder.request.is_file():
            raise no_run(folder)
        raise DataError(f"{path} has no test predictions yet: osteon evaluate {path}")
    point = None
    if folder.evaluation("val").is_file():
        point = read_value(Evaluation, folder.evaluation("val")).operating_point
    predictions = read_predictions(folder.predictions("test"), part="test")
    return Contender(name=path.resolve().name, predictions=predictions, point=point)


def read_contenders(paths: Sequence[Path]) -> tuple[Contender, ...]:
    """``read_contender`` of each; those of one name are called by their number as well."""
    read = [read_contender(path) for path in paths]
    names = [each.name for each in read]
    return tuple(
        replace(each, name=f"{each.name} ({at})") if names.count(each.name) > 1 else each
        for at, each in enumerate(read, start=1)
    )

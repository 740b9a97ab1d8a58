"""What a classifier must beat: the majority class, and file metadata without any picture."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from osteon.errors import DataError
from osteon.parallel import one_thread
from osteon.types import FilmFacts, Manifest, Radiograph, Split

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from sklearn.ensemble import HistGradientBoostingClassifier

    from osteon.types import Floats

Cell = str | float | None
Row = Mapping[str, Cell]

MOST_CATEGORIES = 200  # of a text column, the most frequent; the booster bins at most 255
SMALLEST_LEAF = 10  # films; a value of fewer films tells nothing of a new film
FEWEST_NUMBERS = 32  # distinct ones, so that a column is a quantity and no code
TOLD = 0.98  # share of each class that a column must tell to be the label in other words
SOURCE = "source: "  # before the names of the source's columns, which may be called mean as well
NUMBERS = ("width_px", "height_px", "n_bytes", "bit_depth", "n_channels", "mean", "std")


@dataclass(frozen=True, kw_only=True, slots=True)
class MetadataBaseline:
    """How well files can be told apart without looking at the bone."""

    scores: Floats  # (N, C)
    columns: tuple[str, ...]  # what it learnt from
    left_out: tuple[str, ...]  # columns of the source that are the label in other words

    @property
    def remarks(self) -> tuple[str, ...]:
        """What a reader of the scores must know: one sentence for each column left out."""
        return tuple(
            f"The source's column '{name}' tells the class of nearly every film of train: it is "
            "taken for the label in other words and left out of the metadata-only baseline. If it "
            "says how the films were made, it is a shortcut instead."
            for name in self.left_out
        )


def baseline_scores(
    manifest: Manifest, facts: Mapping[str, FilmFacts], split: Split, ids: Sequence[str]
) -> dict[str, Floats]:
    """Scores (N, C) of each baseline for the films ``ids``; both learn from train alone.

    Raises DataError when no film of train has a label.
    """
    return {
        "metadata_only": metadata_baseline(manifest, facts, split, ids).scores,
        "majority": majority_scores(manifest, split, ids),
    }


def baseline_scores_elsewhere(
    learnt_from: Manifest,
    facts: Mapping[str, FilmFacts],
    split: Split,
    judged: Manifest,
    judged_facts: Mapping[str, FilmFacts],
    ids: Sequence[str],
) -> dict[str, Floats]:
    """Scores (N, C) of each baseline, learnt from one data set, for the films ``ids`` of another.

    A column that the other has not is unknown there. Both have the same classes.
    Raises DataError when no film of train has a label.
    """
    model = learn_metadata(learnt_from, facts, split)
    there = replace(model, row_of=_rows_of(judged, judged_facts))
    scores = there.judged(ids).scores
    return {"metadata_only": scores, "majority": majority_scores(learnt_from, split, ids)}


def majority_scores(manifest: Manifest, split: Split, ids: Sequence[str]) -> Floats:
    """The class frequencies of train, whatever the film."""
    _, truth = _train(manifest, split)
    counts = np.bincount(truth, minlength=len(manifest.classes))
    frequencies: Floats = np.tile(counts / counts.sum(), (len(ids), 1))
    return frequencies


def metadata_baseline(
    manifest: Manifest, facts: Mapping[str, FilmFacts], split: Split, ids: Sequence[str]
) -> MetadataBaseline:
    """Gradient boosting on size, format, mean, deviation and the source's columns; no pixels.

    A column of the source that alone tells the class of 98 % of the train films of each class is
    the label in other words (``fracture_count``), no metadata, and is left out; one that tells it
    of some films only (``hardware``) stays.
    """
    return learn_metadata(manifest, facts, split).judged(ids)


def learn_metadata(
    manifest: Manifest, facts: Mapping[str, FilmFacts], split: Split
) -> MetadataModel:
    """``fit_metadata`` on one thread. Learnt once, it judges any part."""
    with one_thread():
        return fit_metadata(manifest, facts, split)


@dataclass(frozen=True, kw_only=True, slots=True)
class MetadataModel:
    """The metadata-only baseline, learnt: columns to numbers, numbers to scores."""

    columns: tuple[Column, ...]
    left_out: tuple[str, ...]
    n_classes: int
    classes: NDArray[np.int64]  # those that train has
    booster: HistGradientBoostingClassifier | None  # none: train has one class, or no column
    frequencies: Floats  # (C,), of train
    row_of: Callable[[str], Row]

    def table(self, ids: Sequence[str]) -> Floats:
        """What is known of the films (N, K), one column each of ``columns``; NaN is unknown."""
        rows = [self.row_of(id_) for id_ in ids]
        cells = [[column.cell(row.get(column.name)) for column in self.columns] for row in rows]
        return np.array(cells, dtype=np.float64).reshape(len(rows), len(self.columns))

    def judged(self, ids: Sequence[str]) -> MetadataBaseline:
        """Its scores of the films ``ids``, on one thread."""
        with one_thread():
            scores = self.scores(self.table(ids))
        return MetadataBaseline(
            scores=scores,
            columns=tuple(column.name for column in self.columns),
            left_out=self.left_out,
        )

    def scores(self, table: Floats) -> Floats:
        """Scores (N, C) for a ``table`` (N, K)."""
        if self.booster is None or not len(table):
            return np.tile(self.frequencies, (len(table), 1))
        scores: Floats = np.zeros((len(table), self.n_classes))
        scores[:, self.classes] = self.booster.predict_proba(table)
        return scores


def fit_metadata(manifest: Manifest, facts: Mapping[str, FilmFacts], split: Split) -> MetadataModel:
    """Learn the metadata-only baseline from the train part of ``split``."""
    row_of = _rows_of(manifest, facts)
    train, truth = _train(manifest, split)
    rows = [row_of(id_) for id_ in train]
    left_out = _in_other_words(rows, truth)
    counts = np.bincount(truth, minlength=len(manifest.classes))
    model = MetadataModel(
        columns=tuple(column for column in _columns(rows) if column.name not in left_out),
        left_out=tuple(name.removeprefix(SOURCE) for name in left_out),
        n_classes=len(manifest.classes),
        classes=np.unique(truth),
        booster=None,
        frequencies=counts / counts.sum(),
        row_of=row_of,
    )
    if len(model.classes) == 1 or not model.columns:
        return model
    return replace(model, booster=_boosted(model.columns, model.table(train), truth, split.seed))


def _boosted(
    columns: Sequence[Column], known: Floats, truth: NDArray[np.int64], seed: int
) -> HistGradientBoostingClassifier:
    from sklearn.ensemble import HistGradientBoostingClassifier

    model = HistGradientBoostingClassifier(
        categorical_features=[column.codes is not None for column in columns],
        max_iter=100,
        learning_rate=0.05,
        min_samples_leaf=min(SMALLEST_LEAF, max(1, len(truth) // 10)),
        early_stopping=False,
        random_state=seed,
    )
    return model.fit(known, truth)


def _train(manifest: Manifest, split: Split) -> tuple[list[str], NDArray[np.int64]]:
    """The films of train that have a label, and the labels."""
    label_of = {film.id: film.label for film in manifest.radiographs}
    known = {id_: label for id_ in split.train if (label := label_of[id_]) is not None}
    if not known:
        raise DataError("No film of train has a label: there is nothing to compare with.")
    return list(known), np.array(list(known.values()), dtype=np.int64)


# --- the table ------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class Column:
    """A column of the table of metadata."""

    name: str
    codes: Mapping[str, int] | None  # of a text column: its values; None for a number

    def cell(self, value: Cell) -> float:
        """NaN where the value is unknown, or was not seen in train."""
        if self.codes is not None:
            return self.codes.get(str(value), math.nan)
        return _number(value)


def _rows_of(manifest: Manifest, facts: Mapping[str, FilmFacts]) -> Callable[[str], Row]:
    films = {film.id: film for film in manifest.radiographs}
    return lambda id_: _row(films[id_], facts.get(id_))


def _row(film: Radiograph, facts: FilmFacts | None) -> dict[str, Cell]:
    """What is known of one film without its picture: numbers as numbers, the rest as words."""
    numbers: dict[str, Cell] = {name: getattr(facts, name, None) for name in NUMBERS}
    if facts is not None and facts.width_px and facts.height_px:
        numbers["aspect"] = facts.width_px / facts.height_px
    words: dict[str, Cell] = {
        "format": facts.format if facts else None,
        "named": facts.suffix_format if facts else None,
        "regions": ";".join(sorted(film.regions)),
        "views": ";".join(sorted(film.views)),
        "laterality": film.laterality,
    }
    return numbers | words | {SOURCE + name: value for name, value in film.extra.items()}


def _columns(rows: Sequence[Row]) -> list[Column]:
    columns = []
    for name in _names(rows):
        values = [row.get(name) for row in rows]
        if is_quantity(values):
            columns.append(Column(name=name, codes=None))
        elif codes := _codes(map(str, filter(None, values)), len(values)):
            columns.append(Column(name=name, codes=codes))
    return columns


def _names(rows: Sequence[Row]) -> list[str]:
    return sorted({name for row in rows for name in row})


def is_quantity(values: Sequence[Cell]) -> bool:
    """Whether what is there are numbers, and those of a text column so many that they measure."""
    there = [value for value in values if value not in (None, "")]
    if any(isinstance(value, str) for value in there) and len(set(there)) < FEWEST_NUMBERS:
        return False
    return bool(there) and not any(math.isnan(_number(value)) for value in there)


def _codes(values: Iterable[str], n: int) -> dict[str, int]:
    """Values that enough films have, but not all of them."""
    enough = min(SMALLEST_LEAF, max(1, n // 10))
    common = Counter(values).most_common(MOST_CATEGORIES)
    return {value: code for code, (value, count) in enumerate(common) if enough <= count < n}


def _number(value: Cell) -> float:
    try:
        number = float(value) if value is not None else math.nan
    except ValueError:
        return math.nan
    return number if math.isfinite(number) else math.nan


# --- the label in other words ---------------------------------------------------------------------


def labels_in_other_words(films: Sequence[Radiograph]) -> tuple[str, ...]:
    """The columns of the source that alone tell the class of nearly all of these films."""
    rows = [_row(film, None) for film in films if film.label is not None]
    truth = np.array([film.label for film in films if film.label is not None], dtype=np.int64)
    return tuple(name.removeprefix(SOURCE) for name in _in_other_words(rows, truth))


def _in_other_words(rows: Sequence[Row], truth: NDArray[np.int64]) -> tuple[str, ...]:
    told = []
    for name in _names(rows):
        values = [row.get(name) or "" for row in rows]
        filled = [value != "" for value in values]  # such as the grade of a fracture
        if name.startswith(SOURCE) and (_tells(values, truth) or _tells(filled, truth)):
            told.append(name)
    return tuple(told)


def _tells(values: Sequence[object], truth: NDArray[np.int64]) -> bool:
    """Whether the other films of the same value name a film's class, for nearly all of each class.

    The film itself is not counted, so that an identifier, which no other film shares, tells none.
    """
    labels = truth.tolist()
    held = Counter(zip(values, labels, strict=True))
    told: Counter[int] = Counter()
    for (value, label), count in held.items():
        rivals = [held[value, other] for other in set(labels) - {label}]
        if count - 1 > max(rivals, default=0):
            told[label] += count
    of_class = Counter(labels)
    return len(of_class) > 1 and all(
        told[label] >= TOLD * n for label, n in of_class.items() if n > 1
    )

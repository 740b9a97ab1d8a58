"""What a classifier must beat: the majority class, and file metadata without any picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from osteon.types import FilmFacts, Manifest, Radiograph, Split

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from osteon.types import Floats

MOST_CATEGORIES = 32  # of a text column; more are identifiers, which tell nothing of a new film
SMALLEST_LEAF = 10


def baseline_scores(
    manifest: Manifest, facts: Mapping[str, FilmFacts], split: Split, ids: Sequence[str]
) -> dict[str, Floats]:
    """Scores (N, C) of each baseline for the films ``ids``; both learn from train alone."""
    return {
        "metadata_only": metadata_scores(manifest, facts, split, ids),
        "majority": majority_scores(manifest, split, ids),
    }


def majority_scores(manifest: Manifest, split: Split, ids: Sequence[str]) -> Floats:
    """The class frequencies of train, whatever the film."""
    counts = np.bincount(_labels(manifest, split.train), minlength=len(manifest.classes))
    frequencies: Floats = np.tile(counts / counts.sum(), (len(ids), 1))
    return frequencies


def metadata_scores(
    manifest: Manifest, facts: Mapping[str, FilmFacts], split: Split, ids: Sequence[str]
) -> Floats:
    """Gradient boosting on size, format, mean, deviation and the source's columns; no pixels.

    A column of the source that names the class in other words (each of its values belongs to one
    class in train, and each class to one value) is the label, no metadata, and is left out.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier

    films = {film.id: film for film in manifest.radiographs}
    truth = _labels(manifest, split.train)
    columns = _columns(films, facts, split.train, truth)
    model = HistGradientBoostingClassifier(
        categorical_features=[bool(column.codes) for column in columns],
        max_iter=100,
        learning_rate=0.05,
        min_samples_leaf=min(SMALLEST_LEAF, max(1, len(truth) // 10)),
        random_state=split.seed,
    )
    model.fit(_table(columns, films, facts, split.train), truth)
    known = model.predict_proba(_table(columns, films, facts, ids))
    scores: Floats = np.zeros((len(ids), len(manifest.classes)))
    scores[:, model.classes_] = known
    return scores


@dataclass(frozen=True, kw_only=True, slots=True)
class _Column:
    name: str
    codes: Mapping[str, int]  # of a text column: its values; empty for a number


def _labels(manifest: Manifest, ids: Sequence[str]) -> NDArray[np.int64]:
    label_of = {film.id: film.label for film in manifest.radiographs}
    return np.array([label_of[id_] for id_ in ids], dtype=np.int64)


_NUMBERS = ("width_px", "height_px", "aspect", "n_bytes", "bit_depth", "n_channels", "mean", "std")


def _columns(
    films: Mapping[str, Radiograph],
    facts: Mapping[str, FilmFacts],
    train: Sequence[str],
    truth: NDArray[np.int64],
) -> list[_Column]:
    columns = [_Column(name=name, codes={}) for name in _NUMBERS]
    words = [_words(films[id_], facts[id_]) for id_ in train]
    for name in sorted({name for row in words for name in row}):
        values = [row.get(name, "") for row in words]
        distinct = sorted(set(values))
        if 1 < len(distinct) <= MOST_CATEGORIES and not _is_the_label(values, truth):
            columns.append(_Column(name=name, codes={v: i for i, v in enumerate(distinct)}))
    return columns


def _is_the_label(values: Sequence[str], truth: NDArray[np.int64]) -> bool:
    pairs = set(zip(values, truth.tolist(), strict=True))
    return len(pairs) == len(set(values)) == len(set(truth.tolist()))


def _words(film: Radiograph, facts: FilmFacts) -> dict[str, str]:
    return {
        "format": facts.format or "",
        "named": facts.suffix_format or "",
        "regions": ";".join(sorted(film.regions)),
        "views": ";".join(sorted(film.views)),
        "laterality": film.laterality or "",
        **film.extra,
    }


def _table(
    columns: Sequence[_Column],
    films: Mapping[str, Radiograph],
    facts: Mapping[str, FilmFacts],
    ids: Sequence[str],
) -> Floats:
    rows: Floats = np.full((len(ids), len(columns)), np.nan)
    for row, id_ in zip(rows, ids, strict=True):
        words = _words(films[id_], facts[id_])
        for at, column in enumerate(columns):
            value: float | int | None
            if column.codes:
                value = column.codes.get(words.get(column.name, ""))
            else:
                value = _number(facts[id_], column.name)
            row[at] = np.nan if value is None else value
    return rows


def _number(facts: FilmFacts, name: str) -> float | int | None:
    if name == "aspect":
        return facts.width_px / facts.height_px if facts.width_px and facts.height_px else None
    value: float | int | None = getattr(facts, name)
    return value

"""Probes: models that never see the bone, judged on films of groups that they did not learn from.

Legend: N films, C classes, F features, K columns.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from osteon.baselines import SMALLEST_LEAF, SOURCE, MetadataModel, fit_metadata
from osteon.errors import DataError
from osteon.metrics import METRICS
from osteon.shortcuts.surroundings import RULES, background, border, film_in
from osteon.split import folds
from osteon.statistics import estimates
from osteon.types import Estimate, FilmFacts, Leaning, Manifest, Probe, Split

if TYPE_CHECKING:
    from osteon.prepare import Prepared
    from osteon.types import Floats, Ints

FOLDS = 5
SHUFFLES = 3  # of each column
TOGETHER = {  # columns that say one thing: of one of them shuffled alone, the others would tell
    "width_px": "film size",
    "height_px": "film size",
    "aspect": "film size",
    "mean": "gray level",
    "std": "gray level",
    "format": "file format",
    "named": "file format",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Judged:
    """Films with a label that count, and the groups that are never separated."""

    manifest: Manifest  # of these films and of their classes alone
    facts: Mapping[str, FilmFacts]
    groups: Mapping[str, str]
    seed: int = 0

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(film.id for film in self.manifest.radiographs)

    def labels(self, ids: Sequence[str]) -> Ints:
        label_of = {film.id: film.label for film in self.manifest.radiographs}
        return np.array([label_of[id_] for id_ in ids], dtype=np.int64)

    def folds(self, ids: Sequence[str] | None = None) -> list[Split]:
        """Each film is tested once; all others of other groups are learnt from.

        Raises DataError where a class of ``ids`` is in too few groups.
        """
        left_out = set() if ids is None else set(self.ids) - set(ids)
        made = folds(self.manifest, groups=self.groups, k=FOLDS, seed=self.seed, exclude=left_out)
        return [replace(part, train=part.train + part.val, val=()) for part in made]

    def auroc(self, ids: Sequence[str], scores: Floats) -> Estimate:
        groups = [self.groups[id_] for id_ in ids]
        metric = {"auroc": METRICS["auroc"]}
        return estimates(metric, self.labels(ids), scores, groups, seed=self.seed)["auroc"]


# --- metadata -------------------------------------------------------------------------------------


def probe_metadata(judged: Judged) -> Probe:
    """Gradient boosting on what files and source say (``osteon.baselines``), and on what it leans:
    by how much the AUROC falls when a column is shuffled among the films of each test fold."""
    made = judged.folds()
    models = [fit_metadata(judged.manifest, judged.facts, part) for part in made]
    tables = [model.table(part.test) for model, part in zip(models, made, strict=True)]
    ids = [id_ for part in made for id_ in part.test]
    labels, weights = judged.labels(ids), np.ones((1, len(ids)))

    def scores(change: Callable[[MetadataModel, Floats], Floats]) -> Floats:
        pairs = zip(models, tables, strict=True)
        return np.concatenate([model.scores(change(model, table)) for model, table in pairs])

    whole = scores(lambda _, table: table)
    best = METRICS["auroc"](labels, whole, weights)[0]
    rng = np.random.default_rng(judged.seed)
    falls: dict[str, float] = {}
    for name in sorted({_topic(column.name) for model in models for column in model.columns}):

        def shuffled(model: MetadataModel, table: Floats, name: str = name) -> Floats:
            at = [i for i, column in enumerate(model.columns) if _topic(column.name) == name]
            changed = table.copy()
            changed[:, at] = table[rng.permutation(len(table))][:, at]
            return changed

        tries = [METRICS["auroc"](labels, scores(shuffled), weights)[0] for _ in range(SHUFFLES)]
        falls[name] = max(0.0, float(best - np.mean(tries)))
    return Probe(
        name="metadata",
        auroc=judged.auroc(ids, whole),
        leans_on=_leanings(falls),
        left_out=tuple(sorted({name for model in models for name in model.left_out})),
    )


def _topic(column: str) -> str:
    return TOGETHER.get(column, column.removeprefix(SOURCE))


def _leanings(falls: Mapping[str, float]) -> tuple[Leaning, ...]:
    total = sum(falls.values())
    there = sorted(
        (name for name, fall in falls.items() if fall > 0), key=lambda name: (-falls[name], name)
    )
    return tuple(Leaning(column=name, share=falls[name] / total) for name in there)


# --- pixels ---------------------------------------------------------------------------------------

Place = Literal["border", "background"]
PIXELS: Mapping[Place, Callable[[Floats], Floats | None]] = {
    "border": border,
    "background": background,
}


def probe_pixels(judged: Judged, prepared: Prepared, name: Place) -> Probe:
    """Gradient boosting on what the border or the background shows.

    Films without any background are left out. Raises DataError where too few are left.
    """
    assert prepared.rules == RULES
    seen = _features(judged, prepared, PIXELS[name])
    for label, class_name in enumerate(judged.manifest.classes):
        if not any(film.label == label and film.id in seen for film in judged.manifest.radiographs):
            raise DataError(f"No film of '{class_name}' shows any {name}.")
    made = judged.folds([*seen])
    ids = [id_ for part in made for id_ in part.test]
    scores = np.concatenate([_scored(judged, part, seen) for part in made])
    return Probe(name=name, auroc=judged.auroc(ids, scores))


def _features(
    judged: Judged, prepared: Prepared, region: Callable[[Floats], Floats | None]
) -> dict[str, Floats]:
    of_row: dict[int, Floats | None] = {}  # copies of one file are looked at once
    seen = {}
    for id_ in judged.ids:
        row = prepared.row_of[id_]
        if row not in of_row:
            of_row[row] = region(film_in(prepared.pixels[row], judged.facts[id_]))
        if (features := of_row[row]) is not None:
            seen[id_] = features
    return seen


def _scored(judged: Judged, part: Split, seen: Mapping[str, Floats]) -> Floats:
    """(n, C) for the films in test."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    known, asked = (np.stack([seen[id_] for id_ in ids]) for ids in (part.train, part.test))
    truth = judged.labels(part.train)
    model = HistGradientBoostingClassifier(
        max_iter=60,
        max_leaf_nodes=8,
        learning_rate=0.05,
        min_samples_leaf=SMALLEST_LEAF,
        early_stopping=False,
        random_state=judged.seed,
    )
    scores: Floats = np.zeros((len(asked), len(judged.manifest.classes)))
    scores[:, np.unique(truth)] = model.fit(known, truth).predict_proba(asked)
    return scores

"""Scores of a method's maps against the boxes of a sample of films."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from osteon.explain import AT_ONCE, explain
from osteon.explain.sample import Sample
from osteon.explain.scores import (
    TOLERANCE,
    average_precision_score,
    energy_score,
    mean_estimate,
    pointing_score,
)
from osteon.explain.values import BOX_SCORES, BoxScores, SizeClass
from osteon.statistics.paired import exact_p

if TYPE_CHECKING:
    from osteon.classifier import Classifier
    from osteon.explain.scores import Mask
    from osteon.explainers import Maps
    from osteon.prepare import Prepared
    from osteon.types import Estimate, Floats

SIZES = ("small", "medium", "large")

Rows = Mapping[str, "Floats"]  # score -> (n,), one figure a film


def rows_of(name: str, classifier: Classifier, prepared: Prepared, sample: Sample) -> Rows:
    """Every box score of every film, a few maps in memory at a time."""
    tables = []
    for begun in range(0, len(sample.ids), AT_ONCE):
        some = sample.between(begun, begun + AT_ONCE)
        maps = explain(classifier, prepared, some.ids, method=name, targets=some.targets)
        tables.append(table_of(maps, some))
    return {
        score: np.concatenate([table[score] for table in tables]) if tables else np.empty(0)
        for score in BOX_SCORES
    }


def table_of(maps: Maps, sample: Sample) -> Rows:
    near = TOLERANCE * maps[0].shape[0] if len(maps) else 0.0
    pairs = [
        (map_[where], mask)
        for map_, mask, where in zip(maps, sample.masks, sample.extents, strict=True)
    ]
    return {
        "pointing": np.array([pointing_score(map_, mask) for map_, mask in pairs]),
        "near": np.array([pointing_score(map_, mask, near) for map_, mask in pairs]),
        "energy": np.array([energy_score(map_, mask) for map_, mask in pairs]),
        "average_precision": np.array([average_precision_score(*pair) for pair in pairs]),
    }


def box_scores(
    rows: Rows,
    sample: Sample,
    rivals: Mapping[str, Rows],
    *,
    bounds: tuple[float, float],
    seed: int,
) -> BoxScores:
    """Means over the films with their intervals, paired differences to ``rivals``, and the same in
    three classes of size, between ``bounds``."""
    n = len(sample.ids)
    gains, p_pointing = {}, {}
    for rival, theirs in rivals.items():
        common = min(n, len(theirs["pointing"]))  # rivals may have been judged on fewer films
        gains[rival] = {
            score: mean_estimate(
                rows[score][:common] - theirs[score][:common],
                sample.groups[:common],
                seed=seed,
                of="difference",
            )
            for score in BOX_SCORES
        }
        hits = rows["pointing"][:common] - theirs["pointing"][:common]
        p_pointing[rival] = _sign_test(hits, sample.groups[:common])
    return BoxScores(
        scores=_means(rows, sample, np.ones(n, np.bool_), seed),
        chance=mean_estimate(sample.areas, sample.groups, seed=seed),
        gains=gains,
        by_size=_by_size(rows, sample, bounds, seed),
        p_pointing=p_pointing,
    )


def _sign_test(gain: Floats, groups: Sequence[str]) -> float:
    """Two-sided mid-p of as many groups with a gain and with a loss: exact, where an interval by
    resamples is too sure of a handful."""
    _, of = np.unique(np.asarray(groups), return_inverse=True)
    sums = np.bincount(of, weights=gain)
    _, mid = exact_p(int((sums > 0).sum()), int((sums < 0).sum()))
    return mid


def _means(rows: Rows, sample: Sample, chosen: Mask, seed: int) -> dict[str, Estimate]:
    groups = [sample.groups[at] for at in np.flatnonzero(chosen)]
    return {
        score: mean_estimate(rows[score][chosen], groups, seed=seed) for score in BOX_SCORES
    }  # fmt: skip


def _by_size(
    rows: Rows, sample: Sample, bounds: tuple[float, float], seed: int
) -> tuple[SizeClass, ...]:
    """Thirds of the validation films by the share that their boxes cover."""
    ends = (0.0, *bounds, 1.0)
    made = []
    for name, low, high in zip(SIZES, ends, ends[1:], strict=False):
        chosen = (sample.areas >= low) & ((sample.areas < high) | (high == 1.0))
        groups = [sample.groups[at] for at in np.flatnonzero(chosen)]
        made.append(
            SizeClass(
                name=name,
                low=low,
                high=high,
                scores=_means(rows, sample, chosen, seed),
                chance=mean_estimate(sample.areas[chosen], groups, seed=seed),
            )
        )
    return tuple(made)

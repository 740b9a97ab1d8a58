"""Metrics of the order of the scores, no threshold: AUROC and average precision."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from osteon.metrics import METRICS
from osteon.metrics.shared import Ranking, Weighted, ratio, shared

if TYPE_CHECKING:
    from osteon.types import Floats


@METRICS.register("auroc")
@shared
def auroc(films: Weighted) -> Floats:
    """Area under the ROC curve: P(score of a positive > of a negative), ties count a half.

    Of more than two classes, the mean over the classes, each against the rest (macro).
    Hanley and McNeil, Radiology 143:29 (1982).
    """
    return _per_class(_auroc, films)


@METRICS.register("average_precision")
@shared
def average_precision(films: Weighted) -> Floats:
    """Mean of the precision at each threshold, weighted by the gain in sensitivity (macro)."""
    return _per_class(_average_precision, films)


def _per_class(metric: Callable[[Ranking], Floats], films: Weighted) -> Floats:
    """For two classes of the positive one; else the mean over the classes that are there."""
    if films.n_classes == 2:
        return metric(films.ranking(1))
    each = np.stack([metric(films.ranking(index)) for index in range(films.n_classes)])
    there = ~np.isnan(each)
    total = np.where(there, each, 0.0).sum(0)
    count = there.sum(0)
    mean: Floats = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    return mean


def _auroc(ranking: Ranking) -> Floats:
    won = np.einsum("bp,bp->b", ranking.up, ranking.below)
    if ranking.through is not ranking.below:
        won = (won + np.einsum("bp,bp->b", ranking.up, ranking.through)) / 2
    return ratio(won, ranking.positives * ranking.negatives)


def _average_precision(ranking: Ranking) -> Floats:
    up = ranking.up[:, ::-1]
    hits = np.cumsum(up, axis=1)
    answered = ranking.negatives[:, None] - ranking.below[:, ::-1]
    answered += hits
    np.multiply(hits, up, out=hits)
    gained = np.divide(hits, answered, out=hits, where=answered > 0).sum(1)
    return ratio(gained, ranking.positives)

"""Metrics of the order of the scores, no threshold: AUROC and average precision."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from osteon.metrics import METRICS

if TYPE_CHECKING:
    from osteon.types import Floats, Ints

Binary = Callable[["Floats", "Floats", "Floats"], "Floats"]


@METRICS.register("auroc")
def auroc(labels: Ints, scores: Floats, weights: Floats) -> Floats:
    """Area under the ROC curve: P(score of a positive > of a negative), ties count a half.

    Of more than two classes, the mean over the classes, each against the rest (macro).
    Hanley and McNeil, Radiology 143:29 (1982).
    """
    return _per_class(_auroc, labels, scores, weights)


@METRICS.register("average_precision")
def average_precision(labels: Ints, scores: Floats, weights: Floats) -> Floats:
    """Mean of the precision at each threshold, weighted by the gain in sensitivity (macro)."""
    return _per_class(_average_precision, labels, scores, weights)


def _per_class(metric: Binary, labels: Ints, scores: Floats, weights: Floats) -> Floats:
    """For two classes of the positive one; else the mean over the classes that are there."""
    n_classes = scores.shape[1]
    if n_classes == 2:
        return metric((labels == 1).astype(float), scores[:, 1], weights)
    each = np.stack(
        [metric((labels == c).astype(float), scores[:, c], weights) for c in range(n_classes)]
    )
    there = ~np.isnan(each)
    total = np.where(there, each, 0.0).sum(0)
    count = there.sum(0)
    mean: Floats = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    return mean


def _masses(positive: Floats, score: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Weight of positives and negatives at each distinct score, ascending: two (B, G)."""
    order = np.argsort(score, kind="stable")
    ranked = score[order]
    starts = np.flatnonzero(np.r_[True, ranked[1:] != ranked[:-1]])
    ordered = weights[:, order]
    of_positives = np.add.reduceat(ordered * positive[order], starts, axis=1)
    # Summed and not subtracted, so that a class without weight has exactly none.
    of_negatives = np.add.reduceat(ordered * (1 - positive[order]), starts, axis=1)
    return of_positives, of_negatives


def _auroc(positive: Floats, score: Floats, weights: Floats) -> Floats:
    up, down = _masses(positive, score, weights)
    below = np.cumsum(down, axis=1) - down
    won = (up * (below + down / 2)).sum(1)
    pairs = up.sum(1) * down.sum(1)
    area: Floats = np.divide(won, pairs, out=np.full(len(won), np.nan), where=pairs > 0)
    return area


def _average_precision(positive: Floats, score: Floats, weights: Floats) -> Floats:
    up, down = (mass[:, ::-1] for mass in _masses(positive, score, weights))
    hits = np.cumsum(up, axis=1)
    answered = hits + np.cumsum(down, axis=1)
    precision = np.divide(hits, answered, out=np.zeros_like(hits), where=answered > 0)
    total = up.sum(1)
    mean: Floats = np.divide(
        (precision * up).sum(1), total, out=np.full(len(total), np.nan), where=total > 0
    )
    return mean

"""Metrics of the scores as probabilities: log loss and Brier loss."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from osteon.metrics import METRICS

if TYPE_CHECKING:
    from osteon.types import Floats, Ints

SMALLEST = float(np.finfo(np.float64).eps)  # a score of 0 for the truth would cost infinity


@METRICS.register("log_loss")
def log_loss(labels: Ints, scores: Floats, weights: Floats) -> Floats:
    """Mean of -ln(score of the true class), in nats."""
    of_truth = np.clip(scores[np.arange(len(labels)), labels], SMALLEST, 1.0)
    return _mean(-np.log(of_truth), weights)


@METRICS.register("brier_loss")
def brier_loss(labels: Ints, scores: Floats, weights: Floats) -> Floats:
    """Mean squared error of the scores; of two classes of the positive score alone.

    Brier, Mon Weather Rev 78:1 (1950); for two classes half of his sum, as is usual.
    """
    truth = np.eye(scores.shape[1])[labels]
    squared = ((scores - truth) ** 2).sum(1)
    return _mean(squared / 2 if scores.shape[1] == 2 else squared, weights)


def _mean(loss: Floats, weights: Floats) -> Floats:
    total = weights.sum(1)
    mean: Floats = np.divide(
        weights @ loss, total, out=np.full(len(total), np.nan), where=total > 0
    )
    return mean

"""Metrics of the scores as probabilities: log loss and Brier loss."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from osteon.metrics import METRICS
from osteon.metrics.shared import Weighted, shared

if TYPE_CHECKING:
    from osteon.types import Floats, Ints

SMALLEST = float(np.finfo(np.float64).eps)  # a score of 0 for the truth would cost infinity


@METRICS.register("log_loss")
@shared
def log_loss(films: Weighted) -> Floats:
    """Mean of -ln(score of the true class), in nats."""
    return films.mean(_surprises)


@METRICS.register("brier_loss")
@shared
def brier_loss(films: Weighted) -> Floats:
    """Mean squared error of the scores; of two classes of the positive score alone.

    Brier, Mon Weather Rev 78:1 (1950); for two classes half of his sum, as is usual.
    """
    return films.mean(_squares)


def _surprises(labels: Ints, scores: Floats) -> Floats:
    of_truth = np.clip(scores[np.arange(len(labels)), labels], SMALLEST, 1.0)
    surprises: Floats = -np.log(of_truth)
    return surprises


def _squares(labels: Ints, scores: Floats) -> Floats:
    truth = np.eye(scores.shape[1])[labels]
    squared: Floats = ((scores - truth) ** 2).sum(1)
    return squared / 2 if scores.shape[1] == 2 else squared

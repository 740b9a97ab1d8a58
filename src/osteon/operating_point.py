"""The threshold that turns a score into an answer, chosen on validation alone."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from osteon.errors import DataError, UsageError
from osteon.types import OperatingPoint, Predictions

if TYPE_CHECKING:
    from osteon.types import Floats


def choose_operating_point(
    predictions: Predictions, *, sensitivity: float = 0.90
) -> OperatingPoint:
    """The highest threshold at which the sensitivity on ``predictions`` reaches the target.

    ``predictions`` are of two classes and of the validation part. Raises UsageError for a target
    outside (0, 1] or more than two classes, DataError without a positive film.
    """
    if not 0 < sensitivity <= 1:
        raise UsageError(f"A sensitivity of {sensitivity} cannot be asked for: it is in (0, 1].")
    if len(predictions.classes) != 2:
        raise UsageError("An operating point needs two classes.")
    positives = np.sort(predictions.scores[predictions.labels == 1, 1])[::-1]
    if not len(positives):
        raise DataError(
            f"No film of '{predictions.classes[1]}' in {predictions.part}: no operating point."
        )
    needed = math.ceil(sensitivity * len(positives) - 1e-9)
    return OperatingPoint(
        threshold=float(positives[needed - 1]), rule=f"sensitivity >= {as_asked(sensitivity)}"
    )


def as_asked(share: float) -> str:
    """A target with two decimals, or as many as it has: 0.999 is not 1.00."""
    rounded = f"{share:.2f}"
    return rounded if float(rounded) == share else str(float(share))


def answers_at(scores: Floats, point: OperatingPoint) -> Floats:
    """(N, 2) scores as answers: 1 for the class answered at the threshold, 0 for the other."""
    positive = scores[:, 1] >= point.threshold
    answers: Floats = np.stack([~positive, positive], axis=1).astype(np.float64)
    return answers

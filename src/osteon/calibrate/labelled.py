"""The films that something can be fitted on or judged by."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from osteon.errors import DataError
from osteon.types import Predictions


def labelled(predictions: Predictions) -> Predictions:
    """Less the films without a label (-1). Raises DataError when none is left."""
    kept = np.flatnonzero(predictions.labels >= 0)
    if not len(kept):
        raise DataError(f"No film of {predictions.part} has a label: there is nothing to compare.")
    return replace(
        predictions,
        ids=tuple(predictions.ids[at] for at in kept),
        labels=predictions.labels[kept],
        scores=predictions.scores[kept],
        groups=tuple(predictions.groups[at] for at in kept),
    )

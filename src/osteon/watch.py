"""What is watched on validation while training: loss, accuracy, AUROC."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from osteon.batches import labels_of
from osteon.errors import UsageError
from osteon.metrics import METRICS
from osteon.types import History, Manifest, Recipe

if TYPE_CHECKING:
    from osteon.types import Floats


@dataclass(frozen=True, kw_only=True, slots=True)
class Watched:
    loss: float
    accuracy: float
    auroc: float  # NaN with one class alone

    def row(
        self, epoch: int, train_loss: float, train_accuracy: float, lr: float, seconds: float
    ) -> History:
        return History(
            epoch=epoch,
            train_loss=train_loss,
            train_accuracy=train_accuracy,
            val_loss=self.loss,
            val_accuracy=self.accuracy,
            val_auroc=self.auroc,
            lr=lr,
            seconds=round(seconds, 3),
        )


def watched(scores: Floats, manifest: Manifest, ids: Sequence[str]) -> Watched:
    labels = labels_of(manifest, ids).numpy()
    once = np.ones((1, len(labels)))
    loss, accuracy, auroc = (
        float(METRICS[name](labels, scores, once)[0]) for name in ("log_loss", "accuracy", "auroc")
    )
    return Watched(loss=loss, accuracy=accuracy, auroc=auroc)


def better(one: History, other: History, monitor: str) -> bool:
    """Whether ``one`` is better than ``other``; losses are better when lower, NaN never is.

    Where both are NaN (the AUROC of films of one class), the validation loss decides.
    """
    mine, theirs = getattr(one, monitor), getattr(other, monitor)
    if np.isnan(theirs):
        if np.isnan(mine) and monitor != "val_loss":
            return better(one, other, "val_loss")
        return not np.isnan(mine)
    return bool(mine < theirs if monitor.endswith("_loss") else mine > theirs)


def best_of(history: Sequence[History], monitor: str) -> History:
    """The first of the best rows."""
    best = history[0]
    for row in history[1:]:
        if better(row, best, monitor):
            best = row
    return best


def is_over(history: Sequence[History], recipe: Recipe) -> bool:
    """Whether training by ``recipe`` has come to its end: all epochs, or its patience."""
    if not history:
        return False
    last = history[-1].epoch
    return last >= recipe.epochs or last - best_of(history, recipe.monitor).epoch >= recipe.patience


def check_finite(figures: float | Floats, epoch: int) -> None:
    """Raise UsageError, with what to change, if the loss of an epoch, or a score that the network
    gives after it, is no number any more."""
    if not np.isfinite(figures).all():
        raise UsageError(
            f"The loss or a score is no number any more in epoch {epoch}. Lower the learning rate, "
            "such as --set optimiser.lr=1e-4; the checkpoints before it are kept."
        )

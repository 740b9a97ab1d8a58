"""Which calibrator: the one with the least log loss on films of validation that it was not fitted
on.

Legend: N films, C classes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from osteon.calibrate.bootstrap import bootstrapped
from osteon.calibrators import NONE, Calibrator, candidates
from osteon.metrics.probabilities import SMALLEST
from osteon.statistics import RESAMPLES
from osteon.types import Estimate, Predictions

if TYPE_CHECKING:
    from osteon.types import Floats, Ints

FOLDS = 5
ROUNDS = 4  # of other folds, since with few films the choice hangs on how they fall


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """The chosen calibrator, why, and what each candidate lost on films left out."""

    name: str
    reason: str
    losses: Mapping[str, Estimate]  # simplest first


def choose_calibrator(
    validation: Predictions, *, n_resamples: int = RESAMPLES, seed: int = 0
) -> Choice:
    """Grouped cross-validation of every candidate, "none" among them; the least mean loss wins, of
    equal ones the simplest. ``validation`` has no unknown label.

    With fewer than two groups of some class nothing can be fitted and left out: "none".
    """
    kinds = candidates(len(validation.classes))
    held, labels = np.asarray(validation.groups), validation.labels
    present = np.unique(labels)
    fewest = min(len(set(held[labels == label])) for label in present)
    k = min(FOLDS, fewest)
    if k < 2 or len(present) < 2:
        kinds = {NONE: kinds[NONE]}
        reason = "Too few independent groups of a class in validation to fit and to leave out."
        losses = _losses(kinds, validation, [])
    else:
        losses = _losses(kinds, validation, _rounds(validation, k, seed))
        reason = ""
    whole = {name: loss.mean() for name, loss in losses.items()}
    best = min(whole, key=lambda name: whole[name])
    loss = np.stack(list(losses.values()), axis=1)  # (N, candidates)

    def means(weights: Floats) -> dict[str, Floats]:
        each = weights @ loss / weights.sum(1, keepdims=True)
        return {name: each[:, at] for at, name in enumerate(losses)}

    found = bootstrapped(means, validation.groups, n_resamples=n_resamples, seed=seed)
    if not reason:
        how = f"({k} grouped folds, {ROUNDS} times)"
        others = min(loss for name, loss in whole.items() if name != NONE)
        reason = (
            f"On validation films left out of its fit {how} no calibrator had a lower log loss: "
            f"{others:.4f} at best, the scores as they are {whole[NONE]:.4f}."
            if best == NONE
            else f"It has the least log loss on validation films left out of its fit {how}: "
            f"{whole[best]:.4f}; the scores as they are {whole[NONE]:.4f}."
        )
    return Choice(name=best, reason=reason, losses=found)


def _rounds(validation: Predictions, k: int, seed: int) -> list[tuple[Ints, Ints]]:
    """(round, film) -> fold, as pairs of the films to fit on and those left out."""
    from sklearn.model_selection import StratifiedGroupKFold

    pairs = []
    for at in range(ROUNDS):
        folds = StratifiedGroupKFold(k, shuffle=True, random_state=seed + at)
        nothing = np.zeros(len(validation.labels))
        pairs += list(folds.split(nothing, validation.labels, validation.groups))
    return [(fit, out) for fit, out in pairs if len(out)]


def _losses(
    kinds: Mapping[str, type[Calibrator]], validation: Predictions, pairs: list[tuple[Ints, Ints]]
) -> dict[str, Floats]:
    """Of each candidate the log loss of each film, meaned over the rounds: (N,)."""
    labels, scores = validation.labels, validation.scores
    every = np.arange(len(labels))
    losses = {}
    for name, kind in kinds.items():
        total, count = np.zeros(len(labels)), np.zeros(len(labels))
        for fit, out in pairs or [(every, every)]:
            made = kind.fit(labels[fit], scores[fit]).apply(scores[out])
            of_truth = made[np.arange(len(out)), labels[out]]
            total[out] -= np.log(np.clip(of_truth, SMALLEST, 1.0))
            count[out] += 1
        losses[name] = total / count
    return losses

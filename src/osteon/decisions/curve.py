"""Decision curves: what acting on a score is worth, at every threshold that a user may have.

Legend: N films, T thresholds, B resamples.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from osteon.calibrate.bootstrap import bootstrapped
from osteon.calibrators.logits import logit, sigmoid
from osteon.decisions.values import DecisionCurve, NetBenefit
from osteon.statistics import RESAMPLES

if TYPE_CHECKING:
    from osteon.types import Floats, Ints

THRESHOLDS = np.arange(1, 100) / 100


def net_benefits(
    labels: Ints,
    score: Floats,
    weights: Floats,
    thresholds: Floats = THRESHOLDS,
    prevalence: float | None = None,
) -> tuple[Floats, Floats]:
    """Net benefit of treating the films with a score at or above each threshold, and of treating
    all: two (B, T). Treating none has 0.

    True positives less false ones, each false one weighing threshold / (1 - threshold), as a share
    of all films; in true positives a film. Vickers and Elkin, Med Decis Making 26:565 (2006). At a
    ``prevalence`` the two classes are scaled to it.
    """
    treated = (score[:, None] >= thresholds).astype(np.float64)  # (N, T)
    positive = (labels == 1).astype(np.float64)
    n_positive, n_negative = weights @ positive, weights @ (1 - positive)
    share = n_positive / (n_positive + n_negative) if prevalence is None else prevalence

    def rate(of: Floats, count: Floats) -> Floats:
        hits = weights @ (treated * of[:, None])
        rates = np.full(hits.shape, 0.0 if prevalence is None else np.nan)
        np.divide(hits, count[:, None], out=rates, where=count[:, None] > 0)
        return rates

    odds = thresholds / (1 - thresholds)
    up = np.broadcast_to(share, n_positive.shape)[:, None]
    model = up * rate(positive, n_positive) - (1 - up) * rate(1 - positive, n_negative) * odds
    return model, up - (1 - up) * odds


def at_prevalence(score: Floats, before: float, after: float) -> Floats:
    """Probabilities of the positive class where it is as frequent as ``after``, not ``before``.

    The odds change as the odds of the class do: Saerens et al., Neural Comput 14:21 (2002).
    """
    shift = logit(np.array([after, before]))
    return sigmoid(logit(score) + shift[0] - shift[1])


def decision_curve(
    labels: Ints,
    score: Floats,
    groups: Sequence[str],
    *,
    calibrator: str,
    prevalence: float | None = None,
    n_resamples: int = RESAMPLES,
    seed: int = 0,
) -> DecisionCurve:
    """``score`` (N,) are calibrated, else the threshold probabilities would mean nothing."""

    def figures(weights: Floats) -> dict[str, Floats]:
        model, treat_all = net_benefits(labels, score, weights, prevalence=prevalence)
        gain = model - np.maximum(treat_all, 0)
        found = {"model": model, "all": treat_all, "gain": gain}
        return {f"{name} {at}": each[:, at] for name, each in found.items()
                for at in range(len(THRESHOLDS))}  # fmt: skip

    found = bootstrapped(figures, groups, n_resamples=n_resamples, seed=seed)
    points = tuple(
        NetBenefit(
            threshold=float(threshold),
            model=found[f"model {at}"],
            treat_all=found[f"all {at}"],
            gain=found[f"gain {at}"],
        )
        for at, threshold in enumerate(THRESHOLDS)
    )
    return DecisionCurve(calibrator=calibrator, points=points, useful=_useful(points))


def _useful(points: Sequence[NetBenefit]) -> tuple[tuple[float, float], ...]:
    ranges: list[tuple[float, float]] = []
    before = None
    for at, point in enumerate(points):
        if point.gain.low is None or point.gain.low <= 0:
            continue
        begun = ranges.pop()[0] if before == at - 1 and ranges else point.threshold
        ranges.append((begun, point.threshold))
        before = at
    return tuple(ranges)

"""Curves to draw: ROC, precision-recall, reliability."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from osteon.statistics import wilson
from osteon.types import CalibrationBin, Curve, Estimate, Predictions

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from osteon.types import Floats

MOST_POINTS = 300
N_BINS = 10
ANSWERED = "the class answered"  # of more than two classes, reliability is of the highest score


def curves(predictions: Predictions) -> tuple[Curve, ...]:
    """ROC and precision-recall: of the positive class, or of each class against the rest."""
    n_classes = len(predictions.classes)
    drawn: list[Curve] = []
    for index in [1] if n_classes == 2 else range(n_classes):
        positive = predictions.labels == index
        if positive.any() and not positive.all():
            name = predictions.classes[index]
            drawn += _roc_and_pr(positive.astype(float), predictions.scores[:, index], name)
    return tuple(drawn)


def _roc_and_pr(positive: Floats, score: Floats, name: str) -> list[Curve]:
    order = np.argsort(-score, kind="stable")
    ends = np.flatnonzero(np.r_[np.diff(score[order]) != 0, True])
    hits = np.cumsum(positive[order])[ends]
    answered = ends + 1.0
    sensitivity = np.r_[0.0, hits / positive.sum()]
    false_alarms = np.r_[0.0, (answered - hits) / (1 - positive).sum()]
    precision = hits / answered
    return [
        _thinned("roc", name, false_alarms, sensitivity),
        _thinned("pr", name, sensitivity, np.r_[precision[0], precision]),
    ]


def _thinned(kind: Literal["roc", "pr"], name: str, x: Floats, y: Floats) -> Curve:
    """At most ``MOST_POINTS``, evenly along the curve; the first and the last among them."""
    if len(x) > MOST_POINTS:
        along = np.r_[0.0, np.cumsum(np.abs(np.diff(x)) + np.abs(np.diff(y)))]
        wanted = np.linspace(0, along[-1], MOST_POINTS - 1)  # one more may be needed for the end
        kept = np.unique(np.r_[np.searchsorted(along, wanted), len(x) - 1])
        x, y = x[kept], y[kept]
    return Curve(name=kind, class_name=name, x=tuple(x.tolist()), y=tuple(y.tolist()))


def calibration(predictions: Predictions) -> tuple[CalibrationBin, ...]:
    """Films in ten bins of equal width by their score, and the share that is of the class.

    Of two classes the score is the positive one's, else that of the class answered. Intervals are
    Wilson's, with as many trials as the bin has groups. Empty bins are left out.
    """
    if len(predictions.classes) == 2:
        score, hit = predictions.scores[:, 1], predictions.labels == 1
        name = predictions.classes[1]
    else:
        score = predictions.scores.max(1)
        hit, name = predictions.scores.argmax(1) == predictions.labels, ANSWERED
    bin_of = np.minimum((score * N_BINS).astype(int), N_BINS - 1)
    groups = np.asarray(predictions.groups)
    return tuple(
        CalibrationBin(
            class_name=name,
            low=index / N_BINS,
            high=(index + 1) / N_BINS,
            mean_score=float(score[inside].mean()),
            observed=_share(hit[inside], len(set(groups[inside]))),
        )
        for index in range(N_BINS)
        if (inside := bin_of == index).any()
    )


def _share(hit: NDArray[np.bool_], n_groups: int) -> Estimate:
    share = float(hit.mean())
    low, high = wilson(share * n_groups, n_groups)
    return Estimate(
        value=share,
        low=low,
        high=high,
        n=len(hit),
        n_groups=n_groups,
        method=f"Wilson on {n_groups:,} groups",
    )

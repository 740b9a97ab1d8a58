"""Metrics for classes in an order, or for many of them: quadratic kappa, top-2 and top-3."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from osteon.metrics import METRICS
from osteon.metrics.shared import SharedMetric, Weighted, ratio

if TYPE_CHECKING:
    from osteon.types import Floats, Ints


def quadratic_kappa(films: Weighted) -> Floats:
    """Agreement beyond chance, where an error costs the square of its distance in classes.

    Only for classes that are listed in their order (such as grades): of others it means nothing.
    Of two classes it is Cohen's kappa. Cohen, Psychol Bull 70:213 (1968).
    """
    table = films.table
    place = np.arange(films.n_classes)
    cost = (place[:, None] - place) ** 2.0
    total = table.sum((1, 2))
    by_chance = table.sum(2) @ cost * table.sum(1)  # (B, C)
    missed = (table * cost).sum((1, 2)) * total
    return 1 - ratio(missed, by_chance.sum(1))


def _among_top(labels: Ints, scores: Floats, *, k: int) -> Floats:
    """1 where the true class is among the k of the highest score; of tied scores the class that
    comes first is taken first, as the answer is."""
    of_truth = np.take_along_axis(scores, labels[:, None], axis=1)
    higher = (scores > of_truth).sum(1)
    earlier = ((scores == of_truth) & (np.arange(scores.shape[1]) < labels[:, None])).sum(1)
    among: Floats = (higher + earlier < k).astype(np.float64)
    return among


_TOP = {k: partial(_among_top, k=k) for k in (2, 3)}


def _top(k: int, films: Weighted) -> Floats:
    """Share of films whose class is among the k of the highest score; NaN where that is all."""
    if films.n_classes <= k:
        return np.full(len(films.drawn), np.nan)
    return films.mean(_TOP[k])


METRICS.register("quadratic_kappa")(SharedMetric(quadratic_kappa, ordered=True))
for _k in _TOP:
    METRICS.register(f"top_{_k}_accuracy")(SharedMetric(partial(_top, _k), fewest_classes=_k + 1))

"""Metrics of the answers: the class of the highest score, compared with the truth.

At an operating point, hand in scores that are 1 for the class answered and 0 elsewhere
(``osteon.operating_point.answers_at``). Of more than two classes sensitivity, specificity,
precision, NPV and F1 are means over the classes, each against the rest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from osteon.metrics import METRICS
from osteon.metrics.shared import Films, Weighted, ratio, shared

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from osteon.types import Floats, Ints


ROUNDING = 1e-12  # what is left of a variance of 0 when it is computed in floats


def confusion(labels: Ints, scores: Floats, weights: Floats) -> Floats:
    """(B, C, C): weight of the films of each true class (first) answered as each (second)."""
    return Weighted(Films(labels, scores), weights).table


def confusion_table(labels: Ints, scores: Floats) -> tuple[tuple[int, ...], ...]:
    """Films by truth (rows) and highest score (columns); ``labels`` (N,), ``scores`` (N, C)."""
    counts = confusion(labels, scores, np.ones((1, len(labels))))[0]
    return tuple(tuple(int(count) for count in row) for row in counts)


def _counts(films: Weighted) -> tuple[Floats, ...]:
    """True and false positives, false and true negatives: (B, 1) of two classes, else (B, C)."""
    table = films.table
    # Sums, no differences: of weights that are not whole a difference that is 0 comes out as 1e-17.
    others = 1 - np.eye(films.n_classes)
    off_diagonal = table * others
    counts = (
        np.diagonal(table, axis1=1, axis2=2),
        off_diagonal.sum(1),
        off_diagonal.sum(2),
        ((others @ table) * others).sum(2),
    )
    chosen = slice(1, None) if films.n_classes == 2 else slice(None)
    return tuple(count[:, chosen] for count in counts)


def _macro(each: Floats, there: NDArray[np.bool_], absent: float = np.nan) -> Floats:
    """The mean over the classes that have films; of such a class, undefined counts ``absent``."""
    if each.shape[1] == 1:
        single: Floats = each[:, 0]
        return single
    filled = np.where(np.isnan(each), absent, each)
    return ratio(np.where(there, filled, 0.0).sum(1), there.sum(1).astype(float))


@METRICS.register("accuracy")
@shared
def accuracy(films: Weighted) -> Floats:
    return ratio(np.trace(films.table, axis1=1, axis2=2), films.table.sum((1, 2)))


@METRICS.register("balanced_accuracy")
@shared
def balanced_accuracy(films: Weighted) -> Floats:
    """The mean over the classes of the share answered right."""
    table = films.table
    of_class = table.sum(2)
    recall = ratio(np.diagonal(table, axis1=1, axis2=2), of_class)
    return ratio(np.where(of_class > 0, recall, 0.0).sum(1), (of_class > 0).sum(1).astype(float))


@METRICS.register("sensitivity")
@shared
def sensitivity(films: Weighted) -> Floats:
    """Share of the positives answered positive; also called recall."""
    tp, _, fn, _ = _counts(films)
    return _macro(ratio(tp, tp + fn), tp + fn > 0)


@METRICS.register("specificity")
@shared
def specificity(films: Weighted) -> Floats:
    """Share of the negatives answered negative."""
    tp, fp, fn, tn = _counts(films)
    return _macro(ratio(tn, tn + fp), (tp + fn > 0) & (tn + fp > 0))


@METRICS.register("precision")
@shared
def precision(films: Weighted) -> Floats:
    """Share of the positive answers that are right (PPV); a class never answered counts 0."""
    tp, fp, fn, _ = _counts(films)
    return _macro(ratio(tp, tp + fp), tp + fn > 0, absent=0.0)


@METRICS.register("npv")
@shared
def npv(films: Weighted) -> Floats:
    """Share of the negative answers that are right."""
    tp, _, fn, tn = _counts(films)
    return _macro(ratio(tn, tn + fn), tp + fn > 0, absent=0.0)


@METRICS.register("f1")
@shared
def f1(films: Weighted) -> Floats:
    """Harmonic mean of precision and sensitivity."""
    tp, fp, fn, _ = _counts(films)
    return _macro(ratio(2 * tp, 2 * tp + fp + fn), tp + fn > 0, absent=0.0)


@METRICS.register("mcc")
@shared
def mcc(films: Weighted) -> Floats:
    """Matthews correlation; of several classes Gorodkin's R_K (Comput Biol Chem 28:367, 2004)."""
    true, answered, right = _shares(films)
    covariance = right - (true * answered).sum(1)
    variances = [1 - (share**2).sum(1) for share in (true, answered)]
    product = np.where(np.minimum(*variances) > ROUNDING, variances[0] * variances[1], 0.0)
    return ratio(covariance, np.sqrt(product))


@METRICS.register("kappa")
@shared
def kappa(films: Weighted) -> Floats:
    """Cohen's kappa: agreement beyond chance (Educ Psychol Meas 20:37, 1960)."""
    true, answered, agreed = _shares(films)
    by_chance = (true * answered).sum(1)
    room = np.where(1 - by_chance > ROUNDING, 1 - by_chance, 0.0)
    return ratio(agreed - by_chance, room)


def _shares(films: Weighted) -> tuple[Floats, Floats, Floats]:
    """Of all films: truly of each class (B, C), answered as each (B, C), answered right (B,)."""
    counts = films.table
    table = ratio(counts, np.broadcast_to(counts.sum((1, 2), keepdims=True), counts.shape))
    return table.sum(2), table.sum(1), np.diagonal(table, axis1=1, axis2=2).sum(1)

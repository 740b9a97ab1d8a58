"""Metrics of the answers: the class of the highest score, compared with the truth.

At an operating point, hand in scores that are 1 for the class answered and 0 elsewhere
(``osteon.operating_point.answers_at``). Of more than two classes sensitivity, specificity,
precision, NPV and F1 are means over the classes, each against the rest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from osteon.metrics import METRICS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from osteon.types import Floats, Ints


ROUNDING = 1e-12  # what is left of a variance of 0 when it is computed in floats


def confusion(labels: Ints, scores: Floats, weights: Floats) -> Floats:
    """(B, C, C): weight of the films of each true class (first) answered as each (second)."""
    n_classes = scores.shape[1]
    cell = labels * n_classes + scores.argmax(1)
    one_hot = np.eye(n_classes * n_classes)[cell]
    counts: Floats = (weights @ one_hot).reshape(-1, n_classes, n_classes)
    return counts


def _ratio(part: Floats, whole: Floats) -> Floats:
    ratio: Floats = np.divide(part, whole, out=np.full(part.shape, np.nan), where=whole > 0)
    return ratio


def _counts(labels: Ints, scores: Floats, weights: Floats) -> tuple[Floats, ...]:
    """True and false positives, false and true negatives: (B, 1) of two classes, else (B, C)."""
    table = confusion(labels, scores, weights)
    # Sums, no differences: of weights that are not whole a difference that is 0 comes out as 1e-17.
    others = 1 - np.eye(scores.shape[1])
    off_diagonal = table * others
    counts = (
        np.diagonal(table, axis1=1, axis2=2),
        off_diagonal.sum(1),
        off_diagonal.sum(2),
        ((others @ table) * others).sum(2),
    )
    chosen = slice(1, None) if scores.shape[1] == 2 else slice(None)
    return tuple(count[:, chosen] for count in counts)


def _macro(each: Floats, there: NDArray[np.bool_], absent: float = np.nan) -> Floats:
    """The mean over the classes that have films; of such a class, undefined counts ``absent``."""
    if each.shape[1] == 1:
        single: Floats = each[:, 0]
        return single
    filled = np.where(np.isnan(each), absent, each)
    return _ratio(np.where(there, filled, 0.0).sum(1), there.sum(1).astype(float))


@METRICS.register("accuracy")
def accuracy(labels: Ints, scores: Floats, weights: Floats) -> Floats:
    right = (scores.argmax(1) == labels).astype(float)
    return _ratio(weights @ right, weights.sum(1))


@METRICS.register("balanced_accuracy")
def balanced_accuracy(labels: Ints, scores: Floats, weights: Floats) -> Floats:
    """The mean over the classes of the share answered right."""
    table = confusion(labels, scores, weights)
    films = table.sum(2)
    recall = _ratio(np.diagonal(table, axis1=1, axis2=2), films)
    return _ratio(np.where(films > 0, recall, 0.0).sum(1), (films > 0).sum(1).astype(float))


@METRICS.register("sensitivity")
def sensitivity(labels: Ints, scores: Floats, weights: Floats) -> Floats:
    """Share of the positives answered positive; also called recall."""
    tp, _, fn, _ = _counts(labels, scores, weights)
    return _macro(_ratio(tp, tp + fn), tp + fn > 0)


@METRICS.register("specificity")
def specificity(labels: Ints, scores: Floats, weights: Floats) -> Floats:
    """Share of the negatives answered negative."""
    tp, fp, fn, tn = _counts(labels, scores, weights)
    return _macro(_ratio(tn, tn + fp), (tp + fn > 0) & (tn + fp > 0))


@METRICS.register("precision")
def precision(labels: Ints, scores: Floats, weights: Floats) -> Floats:
    """Share of the positive answers that are right (PPV); a class never answered counts 0."""
    tp, fp, fn, _ = _counts(labels, scores, weights)
    return _macro(_ratio(tp, tp + fp), tp + fn > 0, absent=0.0)


@METRICS.register("npv")
def npv(labels: Ints, scores: Floats, weights: Floats) -> Floats:
    """Share of the negative answers that are right."""
    tp, _, fn, tn = _counts(labels, scores, weights)
    return _macro(_ratio(tn, tn + fn), tp + fn > 0, absent=0.0)


@METRICS.register("f1")
def f1(labels: Ints, scores: Floats, weights: Floats) -> Floats:
    """Harmonic mean of precision and sensitivity."""
    tp, fp, fn, _ = _counts(labels, scores, weights)
    return _macro(_ratio(2 * tp, 2 * tp + fp + fn), tp + fn > 0, absent=0.0)


@METRICS.register("mcc")
def mcc(labels: Ints, scores: Floats, weights: Floats) -> Floats:
    """Matthews correlation; of several classes Gorodkin's R_K (Comput Biol Chem 28:367, 2004)."""
    true, answered, right = _shares(labels, scores, weights)
    covariance = right - (true * answered).sum(1)
    variances = [1 - (share**2).sum(1) for share in (true, answered)]
    product = np.where(np.minimum(*variances) > ROUNDING, variances[0] * variances[1], 0.0)
    return _ratio(covariance, np.sqrt(product))


@METRICS.register("kappa")
def kappa(labels: Ints, scores: Floats, weights: Floats) -> Floats:
    """Cohen's kappa: agreement beyond chance (Educ Psychol Meas 20:37, 1960)."""
    true, answered, agreed = _shares(labels, scores, weights)
    by_chance = (true * answered).sum(1)
    room = np.where(1 - by_chance > ROUNDING, 1 - by_chance, 0.0)
    return _ratio(agreed - by_chance, room)


def _shares(labels: Ints, scores: Floats, weights: Floats) -> tuple[Floats, Floats, Floats]:
    """Of all films: truly of each class (B, C), answered as each (B, C), answered right (B,)."""
    counts = confusion(labels, scores, weights)
    table = _ratio(counts, counts.sum((1, 2), keepdims=True))
    return table.sum(2), table.sum(1), np.diagonal(table, axis1=1, axis2=2).sum(1)

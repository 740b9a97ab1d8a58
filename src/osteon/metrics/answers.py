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
    true_positive = np.diagonal(table, axis1=1, axis2=2)
    false_negative = table.sum(2) - true_positive
    false_positive = table.sum(1) - true_positive
    true_negative = table.sum((1, 2))[:, None] - true_positive - false_negative - false_positive
    chosen = slice(1, None) if scores.shape[1] == 2 else slice(None)
    return (
        true_positive[:, chosen],
        false_positive[:, chosen],
        false_negative[:, chosen],
        true_negative[:, chosen],
    )


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
    table = confusion(labels, scores, weights)
    true, answered, n = table.sum(2), table.sum(1), table.sum((1, 2))
    right = np.diagonal(table, axis1=1, axis2=2).sum(1)
    covariance = right * n - (true * answered).sum(1)
    spread = (n**2 - (true**2).sum(1)) * (n**2 - (answered**2).sum(1))
    return _ratio(covariance, np.sqrt(np.maximum(spread, 0.0)))


@METRICS.register("kappa")
def kappa(labels: Ints, scores: Floats, weights: Floats) -> Floats:
    """Cohen's kappa: agreement beyond chance (Educ Psychol Meas 20:37, 1960)."""
    table = confusion(labels, scores, weights)
    n = table.sum((1, 2))
    agreed = _ratio(np.diagonal(table, axis1=1, axis2=2).sum(1), n)
    by_chance = _ratio((table.sum(2) * table.sum(1)).sum(1), n**2)
    return _ratio(agreed - by_chance, 1 - by_chance)

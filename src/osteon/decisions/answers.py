"""Three answers, positive, doubtful and negative, by two thresholds of validation."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np

from osteon.decisions.promises import promise
from osteon.decisions.tables import Share, cells, shares
from osteon.decisions.values import DOUBTFUL, ThreeAnswers
from osteon.errors import DataError, UsageError
from osteon.operating_point import as_asked, choose_operating_point
from osteon.statistics import RESAMPLES
from osteon.types import Estimate, OperatingPoint, Predictions

if TYPE_CHECKING:
    from osteon.types import Floats, Ints

NEGATIVE, UNSURE, POSITIVE = 0, 1, 2  # the columns of a table of three answers
BOTH = (0, 1)


def specific_point(validation: Predictions, *, specificity: float) -> OperatingPoint:
    """The lowest threshold at which the specificity on ``validation`` reaches the target.

    It is a score that was seen, or just above the highest one where every film has to be answered
    negative. Raises UsageError for a target outside (0, 1] or more than two classes, DataError
    without a negative film.
    """
    if not 0 < specificity <= 1:
        raise UsageError(f"A specificity of {specificity} cannot be asked for: it is in (0, 1].")
    if len(validation.classes) != 2:
        raise UsageError("An operating point needs two classes.")
    negatives = np.sort(validation.scores[validation.labels == 0, 1])
    if not len(negatives):
        raise DataError(
            f"No film of '{validation.classes[0]}' in {validation.part}: no operating point."
        )
    needed = math.ceil(specificity * len(negatives) - 1e-9)
    highest = negatives[needed - 1]
    above = validation.scores[validation.scores[:, 1] > highest, 1]
    threshold = float(above.min()) if len(above) else math.nextafter(float(highest), math.inf)
    return OperatingPoint(threshold=threshold, rule=f"specificity >= {as_asked(specificity)}")


def two_points(
    validation: Predictions, *, sensitivity: float, specificity: float
) -> tuple[OperatingPoint, OperatingPoint, bool]:
    """Lower and upper threshold, and whether they crossed.

    Where the classifier is so good that the lower one is above the upper, any threshold between
    them keeps both promises on validation: both become the middle.
    """
    lower = choose_operating_point(validation, sensitivity=sensitivity)
    upper = specific_point(validation, specificity=specificity)
    if lower.threshold <= upper.threshold:
        return lower, upper, False
    middle = (lower.threshold + upper.threshold) / 2
    return (
        OperatingPoint(threshold=middle, rule=lower.rule),
        OperatingPoint(threshold=middle, rule=upper.rule),
        True,
    )


def answer(scores: Floats, lower: float, upper: float) -> Ints:
    """0 negative, 1 doubtful, 2 positive for scores of the positive class: (N,)."""
    answers: Ints = (scores >= lower).astype(np.int64) + (scores >= upper)
    return answers


class Thresholds(Protocol):
    """What ``three_way`` needs of ThreeAnswers."""

    @property
    def lower(self) -> OperatingPoint: ...
    @property
    def upper(self) -> OperatingPoint: ...


def three_way(classes: Sequence[str], score: float, three: Thresholds) -> tuple[str, str]:
    """The answer for one raw score of the positive class, and why."""
    lower, upper = three.lower, three.upper
    scale = f"raw score of '{classes[1]}' {score:.4f}"
    if score >= upper.threshold:
        return classes[1], f"{scale} >= {upper.threshold:.4f} ({upper.rule} on {upper.chosen_on})"
    if score < lower.threshold:
        return classes[0], f"{scale} < {lower.threshold:.4f} ({lower.rule} on {lower.chosen_on})"
    return DOUBTFUL, (
        f"{scale} between {lower.threshold:.4f} ({lower.rule}) and {upper.threshold:.4f} "
        f"({upper.rule}), both on {upper.chosen_on}"
    )


SHARES: dict[str, Share] = {
    "sensitivity": (cells(3, [1], [UNSURE, POSITIVE]), cells(3, [1], [0, 1, 2])),
    "npv": (cells(3, [0], [NEGATIVE]), cells(3, BOTH, [NEGATIVE])),
    "specificity": (cells(3, [0], [NEGATIVE, UNSURE]), cells(3, [0], [0, 1, 2])),
    "ppv": (cells(3, [1], [POSITIVE]), cells(3, BOTH, [POSITIVE])),
    "positive": (cells(3, BOTH, [POSITIVE]), cells(3, BOTH, [0, 1, 2])),
    "doubtful": (cells(3, BOTH, [UNSURE]), cells(3, BOTH, [0, 1, 2])),
    "negative": (cells(3, BOTH, [NEGATIVE]), cells(3, BOTH, [0, 1, 2])),
    "error": (
        cells(3, [0], [POSITIVE]) | cells(3, [1], [NEGATIVE]),
        cells(3, BOTH, [NEGATIVE, POSITIVE]),
    ),
    "doubtful_positives": (cells(3, [1], [UNSURE]), cells(3, [1], [0, 1, 2])),
    "doubtful_negatives": (cells(3, [0], [UNSURE]), cells(3, [0], [0, 1, 2])),
}


def three_answers(
    validation: Predictions,
    test: Predictions,
    *,
    sensitivity: float,
    specificity: float,
    prevalence: float | None = None,
    n_resamples: int = RESAMPLES,
    seed: int = 0,
) -> ThreeAnswers:
    """Thresholds by ``validation``, figures on ``test``; both labelled, of two classes."""
    lower, upper, crossed = two_points(validation, sensitivity=sensitivity, specificity=specificity)
    answers = answer(test.scores[:, 1], lower.threshold, upper.threshold)
    figures = shares(
        SHARES, test.labels, answers, test.groups,
        prevalence=prevalence, n_resamples=n_resamples, seed=seed,
    )  # fmt: skip
    counts = np.bincount(test.labels * 3 + answers, minlength=6).reshape(2, 3)
    return ThreeAnswers(
        lower=lower,
        upper=upper,
        crossed=crossed,
        counts=tuple(tuple(row) for row in counts.tolist()),
        figures=figures,
        promises=(
            promise("Sensitivity of 'negative'", sensitivity, figures["sensitivity"]),
            promise("Specificity of 'positive'", specificity, figures["specificity"]),
        ),
        verdict=_verdict(figures, crossed),
    )


def _verdict(figures: dict[str, Estimate], crossed: bool) -> str:
    def percent(name: str) -> str:
        value = figures[name].value
        return "an unknown share" if value is None else _percent(value)

    left = (
        "two thresholds crossed, so that no film is left doubtful"
        if crossed
        else f"{percent('doubtful')} are left doubtful for a person to read"
    )
    answered = (
        f"Of the films {percent('positive')} are answered positive and {percent('negative')} "
        f"negative; {left}."
    )
    if figures["error"].value is None:
        return answered
    return f"{answered} Of the answered ones {percent('error')} are wrong."


def _percent(share: float) -> str:
    """Whole, but never 0 or 100 where it is only near."""
    if 0 < share < 0.005 or 0.995 < share < 1:
        return f"{'under 1' if share < 0.5 else 'over 99'} %"
    return f"{100 * share:.0f} %"

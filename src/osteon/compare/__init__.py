"""Two classifiers on the same films: is one better, and could these films show it?"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from osteon.compare.contenders import Contender, read_contender, read_contenders
from osteon.compare.outcome import FOUND, ComparedMetric, Comparison, Disagreement
from osteon.compare.pairing import aligned
from osteon.curves import curves
from osteon.errors import UsageError
from osteon.metrics import METRICS
from osteon.operating_point import answers_at
from osteon.statistics import (
    RESAMPLES,
    AurocTest,
    McNemar,
    Z,
    auroc_difference,
    contrasts,
    estimates,
    holm,
    mcnemar,
)
from osteon.types import OperatingPoint, Predictions

if TYPE_CHECKING:
    from osteon.types import Floats

__all__ = [
    "ComparedMetric",
    "Comparison",
    "Contender",
    "Disagreement",
    "adjusted",
    "compare",
    "compare_all",
    "read_contender",
    "read_contenders",
]

OF_SCORES = ("auroc", "average_precision", "log_loss", "brier_loss")
OF_ANSWERS = ("accuracy", "balanced_accuracy", "sensitivity", "specificity")
OF_TWO_CLASSES = ("sensitivity", "specificity")
ORDER = ("auroc", "average_precision", *OF_ANSWERS, "log_loss", "brier_loss")
POWER = 0.8416212335729143  # 80 % of a standard normal variable lies below
DISAGREEMENTS = 12


def compare(
    a: Predictions,
    b: Predictions,
    *,
    point_a: OperatingPoint | None = None,
    point_b: OperatingPoint | None = None,
    names: tuple[str, str] = ("A", "B"),
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Comparison:
    """Paired comparison on the films that both scored, matched by id.

    Answers are those at each one's operating point where given, else the class of the highest
    score. Films are grouped by both tables: in one group if either says so.

    Raises DataError where the classes differ, a film has two labels, or no labelled film is in
    both; UsageError for equal names, or an operating point of more than two classes.
    """
    if names[0] == names[1]:
        raise UsageError(f"Both are called '{names[0]}': name them apart.")
    if (point_a or point_b) and len(a.classes) != 2:
        raise UsageError("An operating point needs two classes.")
    pair = aligned(a, b, names)
    first, second = pair.first, pair.second
    positive = second.classes.index(b.classes[1])  # of its own order, which its point is for
    answered = (_answers(first, point_a, 1), _answers(second, point_b, positive))
    right = [(answers.argmax(1) == first.labels) for answers in answered]
    answers = mcnemar(right[0], right[1], first.groups)
    auroc = _delong(first, second)
    figures = {
        **_compared(first, (first.scores, second.scores), OF_SCORES, resamples, seed),
        **_compared(first, answered, OF_ANSWERS, resamples, seed),
    }
    rows = [
        _tested(figures[name], auroc, answers)
        for name in ORDER
        if len(a.classes) == 2 or name not in OF_TWO_CLASSES
    ]
    made = Comparison(
        names=names,
        classes=first.classes,
        n=len(first.ids),
        n_groups=len(set(first.groups)),
        only=pair.only,
        unlabelled=pair.unlabelled,
        points=(point_a, point_b),
        metrics=tuple(rows),
        n_compared=0,
        answers=answers,
        detectable=_detectable(rows[0]),
        curves=(*curves(first)[:1], *curves(second)[:1]) if len(a.classes) == 2 else (),
        disagreements=tuple(_disagreements(first, second)),
    )
    return adjusted([made])[0]


def _answers(side: Predictions, point: OperatingPoint | None, positive: int) -> Floats:
    """(N, C), 1 for the class that was answered; ``point`` is for the scores of ``positive``."""
    if point is None:
        highest: Floats = np.eye(len(side.classes))[side.scores.argmax(1)]
        return highest
    own = [1 - positive, positive]
    return answers_at(side.scores[:, own], point)[:, own]


def compare_all(
    contenders: Sequence[Contender], *, resamples: int = RESAMPLES, seed: int = 0
) -> tuple[Comparison, ...]:
    """Each of the others with the first, all p values adjusted together. ``resamples`` are at
    least so many: the least p that they can show must stay small after the adjustment.

    Raises UsageError for fewer than two, otherwise as ``compare`` does.
    """
    if len(contenders) < 2:
        raise UsageError("A comparison needs two run folders or tables of predictions.")
    first, *others = contenders
    resamples = max(resamples, math.ceil(4 * len(others) * len(ORDER) / FOUND))
    return adjusted([
        compare(
            first.predictions,
            other.predictions,
            point_a=first.point,
            point_b=other.point,
            names=(first.name, other.name),
            resamples=resamples,
            seed=seed,
        )
        for other in others
    ])  # fmt: skip


def adjusted(comparisons: Sequence[Comparison]) -> tuple[Comparison, ...]:
    """The same with Holm's adjustment over every p value of all of them."""
    known = [row.p for made in comparisons for row in made.metrics if row.p is not None]
    stepped = iter(holm(known))
    return tuple(
        replace(
            made,
            n_compared=len(known),
            metrics=tuple(
                replace(row, p_adjusted=None if row.p is None else next(stepped))
                for row in made.metrics
            ),
        )
        for made in comparisons
    )


# --- figures --------------------------------------------------------------------------------------


def _compared(
    films: Predictions,
    sides: Sequence[Floats],
    names: Sequence[str],
    resamples: int,
    seed: int,
) -> dict[str, ComparedMetric]:
    metrics = {name: METRICS[name] for name in names}
    first, second = (
        estimates(metrics, films.labels, scores, films.groups, n_resamples=resamples, seed=seed)
        for scores in sides
    )
    paired = contrasts(
        metrics, films.labels, sides[0], sides[1], films.groups, n_resamples=resamples, seed=seed
    )
    return {
        name: ComparedMetric(
            metric=name,
            first=first[name],
            second=second[name],
            difference=difference,
            by_formula=None,
            p=p,
            p_adjusted=None,
            test="paired grouped bootstrap",
        )
        for name, (difference, p) in paired.items()
    }


def _delong(first: Predictions, second: Predictions) -> AurocTest | None:
    positive = first.labels == 1
    if len(first.classes) != 2 or positive.all() or not positive.any():
        return None
    return auroc_difference(positive, first.scores[:, 1], second.scores[:, 1], first.groups)


def _tested(row: ComparedMetric, auroc: AurocTest | None, answers: McNemar) -> ComparedMetric:
    """With the p value of a test made for the metric, where there is one."""
    if row.metric == "accuracy":
        return replace(row, p=answers.p, test=answers.method)
    if row.metric != "auroc" or auroc is None:
        return row
    p = 1.0 if auroc.difference.low == auroc.difference.high else auroc.p
    if auroc.difference.low is None:
        return replace(row, by_formula=auroc.difference)
    test = auroc.difference.method
    return replace(row, by_formula=auroc.difference, p=p, test=test)


def _detectable(auroc: ComparedMetric) -> float | None:
    interval = auroc.by_formula or auroc.difference
    if interval.low is None or interval.high is None or interval.low == interval.high:
        return None
    return (Z + POWER) * (interval.high - interval.low) / (2 * Z)


def _disagreements(first: Predictions, second: Predictions) -> Iterator[Disagreement]:
    apart = np.abs(first.scores - second.scores).sum(1) / 2
    column = np.ones_like(first.labels) if len(first.classes) == 2 else first.labels
    for at in np.argsort(-apart, kind="stable")[:DISAGREEMENTS]:
        if apart[at] > 0:
            yield Disagreement(
                id=first.ids[at],
                group=first.groups[at],
                label=first.classes[first.labels[at]],
                first=float(first.scores[at, column[at]]),
                second=float(second.scores[at, column[at]]),
            )

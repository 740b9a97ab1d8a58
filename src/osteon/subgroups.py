"""Who a classifier is good for: every subgroup that is known, against all other films.

A difference is called shown only where its p, adjusted by Holm's method for all that were tested
together, is below 0.05 and its interval leaves out 0.

Legend: N films.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from osteon.attributes import Attributes
from osteon.contrasts import OF_ANSWERS, Judged, contrast
from osteon.errors import DataError, UsageError
from osteon.fracture_size import FractureSizes
from osteon.metrics import METRICS, TITLES
from osteon.statistics import RESAMPLES, estimates, holm
from osteon.types import Estimate, OperatingPoint, Predictions
from osteon.words import counted, first_few, shown_p

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Mask = NDArray[np.bool_]  # (N,)

FEWEST = 10  # groups of each class that a figure rests on, on either side of a difference
MOST_P = 0.05  # after Holm's correction
BINARY = ("auroc", "sensitivity", "specificity")
MANY = ("accuracy", "balanced_accuracy")
# Balanced accuracy is not tested: it changes with the classes that a subgroup happens to have.
TESTED = ("auroc", "sensitivity", "specificity", "accuracy")
OTHERS = " among all others"
NAMED = 6  # subgroups that one sentence names


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """A figure of a subgroup less that of all other films of known value, and its test."""

    estimate: Estimate
    p: float
    p_adjusted: float  # Holm's, over all differences of the table
    shown: bool  # by both p and interval

    @property
    def value(self) -> float:
        return math.nan if self.estimate.value is None else self.estimate.value


@dataclass(frozen=True, kw_only=True, slots=True)
class Subgroup:
    """The films of one value of one column. ``too_few``: of which figures nothing can be said,
    metric -> what it lacks; those have no difference."""

    column: str
    value: str
    n: int
    n_groups: int
    class_counts: Mapping[str, int]
    figures: Mapping[str, Estimate]
    differences: Mapping[str, Difference]
    too_few: Mapping[str, str]

    @property
    def name(self) -> str:
        return f"{self.column} '{self.value}'"


@dataclass(frozen=True, kw_only=True, slots=True)
class Subgroups:
    """All subgroups of one part."""

    classes: tuple[str, ...]
    n: int
    n_groups: int
    answered_by: str  # how scores became answers
    subgroups: tuple[Subgroup, ...]
    n_tests: int
    verdict: str
    sizes: FractureSizes | None = None


def subgroups(
    predictions: Predictions,
    attributes: Attributes,
    *,
    point: OperatingPoint | None = None,
    n_resamples: int = RESAMPLES,
    seed: int = 0,
) -> Subgroups:
    """Each value of each column: n, figures with intervals, and the difference to all others.

    Without a ``point`` the class of the highest score answers. Groups (``predictions.groups``) are
    resampled once for both sides of a difference. Tests: Fisher's exact test of the share answered
    right, one film of each group and side by lot; of the AUROC a z test with the larger of the
    bootstrap's standard error and that of Hanley and McNeil, Radiology 143:29 (1982), at the AUROC
    of all films. Holm, Scand J Stat 6:65 (1979), corrects for their number; a value that divides
    the films as another does is tested once.

    Raises DataError when no film has a label, UsageError for an operating point of more than two
    classes.
    """
    if point is not None and len(predictions.classes) != 2:
        raise UsageError("An operating point needs two classes.")
    judged = Judged.of(predictions, point, n_resamples, seed)
    if not judged.ids:
        raise DataError(f"No film of {predictions.part} has a label: there is nothing to compare.")
    made: list[Subgroup] = []
    tests: list[_Tests] = []
    for name, values in attributes.items():
        sides = [*_sides(judged, values)]
        if len(sides) < 2:  # these films do not differ in it
            continue
        for value, inside, others in sides:
            subgroup, tested = _subgroup(judged, name, value, inside, others)
            made.append(subgroup)
            tests.append(tested)
    adjusted, n_tests = _adjusted(made, tests)
    return Subgroups(
        classes=predictions.classes,
        n=len(judged.ids),
        n_groups=len(set(judged.groups)),
        answered_by=_answered_by(point),
        subgroups=tuple(adjusted),
        n_tests=n_tests,
        verdict=verdict(adjusted),
    )


def _answered_by(point: OperatingPoint | None) -> str:
    if point is None:
        return "the class of the highest score"
    return f"the threshold {point.threshold:.4f}, chosen for {point.rule} on validation"


def _sides(judged: Judged, values: Mapping[str, tuple[str, ...]]) -> Iterator[_Side]:
    """Value, the films that have it, and the other films of which the column is known."""
    of_film = [values.get(id_, ()) for id_ in judged.ids]
    known = np.array([bool(own) for own in of_film])
    for value in sorted({value for own in of_film for value in own}):
        inside = np.array([value in own for own in of_film])
        yield value, inside, known & ~inside


def _subgroup(
    judged: Judged, name: str, value: str, inside: Mask, others: Mask
) -> tuple[Subgroup, _Tests]:
    metrics = BINARY if len(judged.classes) == 2 else MANY
    lacking = {metric: _lacking(judged, metric, inside, others) for metric in metrics}
    differences: dict[str, Difference] = {}
    tests: _Tests = {}
    for metric in metrics:
        if lacking[metric] or metric not in TESTED or not others.any():
            continue
        if (made := contrast(judged, metric, inside, others)) is not None:
            differences[metric] = Difference(
                estimate=made[0], p=made[1], p_adjusted=1.0, shown=False
            )
            tests[metric] = (metric, frozenset((inside.tobytes(), others.tobytes())))
    subgroup = Subgroup(
        column=name,
        value=value,
        n=int(inside.sum()),
        n_groups=judged.n_groups(inside),
        class_counts={
            of: int((judged.labels[inside] == at).sum()) for at, of in enumerate(judged.classes)
        },
        figures=_figures(judged, metrics, inside),
        differences=differences,
        too_few={metric: why for metric, why in lacking.items() if why},
    )
    return subgroup, tests


def _figures(judged: Judged, metrics: Sequence[str], inside: Mask) -> dict[str, Estimate]:
    made: dict[str, Estimate] = {}
    for ranked in (True, False):  # those of the scores, those of the answers
        wanted = [metric for metric in metrics if (metric not in OF_ANSWERS) == ranked]
        if wanted:
            made |= estimates(
                {metric: METRICS[metric] for metric in wanted},
                judged.labels[inside],
                judged.looked_at(wanted[0])[inside],
                judged.held(inside),
                n_resamples=judged.n_resamples,
                seed=judged.seed,
            )
    return {metric: made[metric] for metric in metrics}


def _lacking(judged: Judged, metric: str, inside: Mask, others: Mask) -> str:
    """Which class is in too few groups for this figure, or nothing."""
    negative, positive = judged.classes[0], judged.classes[1]
    needed = {
        "auroc": (negative, positive),
        "sensitivity": (positive,),
        "specificity": (negative,),
        "accuracy": (),
        "balanced_accuracy": judged.classes,
    }[metric]
    masks = {name: judged.labels == judged.classes.index(name) for name in needed}
    for name, of_class in (masks or {"any class": judged.labels >= 0}).items():
        for side, where in ((inside, ""), (others, OTHERS)):
            n_groups = judged.n_groups(side & of_class)
            if n_groups < FEWEST and side.any():
                return f"{counted(n_groups, 'group')} of {name}{where}"
    return ""


# --- many tests -----------------------------------------------------------------------------------

_Side = tuple[str, "Mask", "Mask"]
_Test = tuple[str, frozenset[bytes]]  # metric, and the two sides whichever way round
_Tests = dict[str, _Test]


def _adjusted(made: Sequence[Subgroup], tests: Sequence[_Tests]) -> tuple[list[Subgroup], int]:
    """With Holm's p over all distinct tests: the two values of a column of two are one."""
    raw: dict[_Test, float] = {}
    for subgroup, own in zip(made, tests, strict=True):
        raw |= {own[metric]: each.p for metric, each in subgroup.differences.items()}
    p_of = dict(zip(raw, holm([*raw.values()]), strict=True))
    adjusted = []
    for subgroup, own in zip(made, tests, strict=True):
        differences = {
            metric: _with_p(each, p_of[own[metric]])
            for metric, each in subgroup.differences.items()
        }
        adjusted.append(replace(subgroup, differences=differences))
    return adjusted, len(raw)


def _with_p(difference: Difference, p: float) -> Difference:
    low, high = difference.estimate.low, difference.estimate.high
    apart = low is not None and high is not None and (low > 0 or high < 0)
    return replace(difference, p_adjusted=p, shown=p < MOST_P and apart)


# --- in words -------------------------------------------------------------------------------------


def verdict(made: Sequence[Subgroup]) -> str:
    """The worst subgroup that is shown to be worse, or that none is, and which are too small."""
    if not made:
        return "Nothing is known of these films by which they fall into subgroups."
    worse = [
        (subgroup, metric)
        for subgroup in made
        for metric, difference in subgroup.differences.items()
        if difference.shown and difference.value < 0
    ]
    small = [subgroup.name for subgroup in made if _too_small(subgroup)]
    unsure = f" Too few films to say anything of: {first_few(small, NAMED)}." if small else ""
    if not worse:
        return f"No subgroup is shown to be worse than all other films.{unsure}"
    worst, metric = min(worse, key=lambda item: item[0].differences[item[1]].value)
    others = sorted({subgroup.name for subgroup, _ in worse} - {worst.name})
    more = f" Also shown to be worse: {first_few(others, NAMED)}." if others else ""
    return f"{_sentence(worst, metric)}{more}{unsure}"


def _too_small(subgroup: Subgroup) -> bool:
    """Of no figure anything can be said, and not for want of others alone."""
    own = [why for why in subgroup.too_few.values() if not why.endswith(OTHERS)]
    return bool(own) and len(subgroup.too_few) == len(subgroup.figures)


def _sentence(subgroup: Subgroup, metric: str) -> str:
    own, difference = subgroup.figures[metric], subgroup.differences[metric]
    low, high = difference.estimate.low, difference.estimate.high
    assert own.value is not None
    assert low is not None
    assert high is not None
    title = TITLES[metric] if metric == "auroc" else TITLES[metric].lower()
    return (
        f"Worse on films of {subgroup.name}: {title} {own.value:.3f}, "
        f"{-100 * difference.value:.1f} points below all others (95 % interval {-100 * high:.1f} "
        f"to {-100 * low:.1f}, adjusted p {shown_p(difference.p_adjusted)}; {subgroup.n:,} films)."
    )

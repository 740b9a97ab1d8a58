"""What a comparison found, and how to say it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from osteon.metrics import TITLES
from osteon.statistics import McNemar
from osteon.types import Curve, Estimate, OperatingPoint
from osteon.words import shown_p

FOUND = 0.05  # an adjusted p below it: the metric is said to differ


@dataclass(frozen=True, kw_only=True, slots=True)
class ComparedMetric:
    """One metric of both; ``difference`` is first less second, paired, by the bootstrap."""

    metric: str
    first: Estimate
    second: Estimate
    difference: Estimate
    by_formula: Estimate | None  # of the AUROC of two classes: DeLong's interval
    p: float | None  # two-sided; None where the difference has no interval
    p_adjusted: float | None  # Holm's, over all metrics and pairs compared
    test: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Disagreement:
    """A film that the two score far apart: the positive class's score, or the true class's."""

    id: str
    group: str
    label: str
    first: float
    second: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """Two classifiers on the films that both scored."""

    names: tuple[str, str]
    classes: tuple[str, ...]
    n: int
    n_groups: int
    only: Mapping[str, tuple[str, ...]]  # name -> films that the other did not score: left out
    unlabelled: tuple[str, ...]  # left out
    points: tuple[OperatingPoint | None, OperatingPoint | None]  # None: the highest score answers
    metrics: tuple[ComparedMetric, ...]
    n_compared: int  # p values that Holm's adjustment was over
    answers: McNemar
    detectable: float | None  # AUROC difference that such films show 8 times in 10
    curves: tuple[Curve, ...]  # ROC of first and second, of two classes
    disagreements: tuple[Disagreement, ...]  # furthest apart first

    @property
    def verdict(self) -> str:
        return " ".join(_verdict(self))


def _verdict(made: Comparison) -> Iterator[str]:
    main = next((row for row in made.metrics if row.difference.value is not None), made.metrics[0])
    interval = main.by_formula or main.difference
    films = f"on {made.n:,} films of {made.n_groups:,} groups"
    title = TITLES[main.metric]
    if _shows(main) and interval.value:
        better, side = (made.names[0], 1) if interval.value > 0 else (made.names[1], -1)
        shown = _with_interval(interval, side)
        yield f"The {title} of {better} is higher by {shown} {films}{_p(main)}."
    else:
        shown = f"{made.names[0]} less {made.names[1]} is {_with_interval(interval)}"
        yield f"No difference in {title} that these films could show: {shown} {films}{_p(main)}."
        if made.detectable is not None and main.metric == "auroc":
            yield (
                f"With them, differences under {made.detectable:.3f} would mostly stay unseen "
                "(below 80 % power)."
            )
    others = [TITLES[row.metric] for row in made.metrics if row is not main and _shows(row)]
    if others:
        yield f"Shown to differ as well: {', '.join(others)}."
    one, other = made.names
    yield (
        f"Answered right by {one} alone: {made.answers.only_first:,} films; by {other} alone: "
        f"{made.answers.only_second:,}."
    )


def _shows(row: ComparedMetric) -> bool:
    return row.p_adjusted is not None and row.p_adjusted < FOUND


def _with_interval(estimate: Estimate, side: int = 1) -> str:
    """First less second; of ``side`` -1 second less first."""
    value = side * (estimate.value or 0.0)
    if estimate.low is None or estimate.high is None:
        return f"{value:z.3f} (no interval)"
    low, high = sorted((side * estimate.low, side * estimate.high))
    return f"{value:z.3f} [{low:z.3f}, {high:z.3f}]"


def _p(row: ComparedMetric) -> str:
    if row.p is None or row.p_adjusted is None:
        return ""
    return f" (p {shown_p(row.p)}; adjusted p {shown_p(row.p_adjusted)})"

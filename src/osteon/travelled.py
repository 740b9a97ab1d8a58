"""What a shift suite found, and how to say it; made by ``osteon.travel``."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from osteon.types import Estimate, OperatingPoint

AT_POINT = ("sensitivity", "specificity")
FILE = "shift.json"  # of a run folder
SHOWN = 0.05  # Holm's p below which a loss counts as shown


@dataclass(frozen=True, kw_only=True, slots=True)
class ShiftPoint:
    """One shift in one strength. Keys are metrics: auroc, and sensitivity and specificity at the
    clean operating point; of more than two classes auroc and balanced_accuracy."""

    strength: float
    told: str  # the strength in words
    figures: Mapping[str, Estimate]
    losses: Mapping[str, Estimate]  # clean less shifted, paired: above 0 is harm


@dataclass(frozen=True, kw_only=True, slots=True)
class ShiftCurve:
    """One shift in all its strengths."""

    name: str
    title: str
    quantity: str
    unit: str
    source: str
    may_hide: bool  # the fracture itself may be gone
    points: tuple[ShiftPoint, ...]
    mean_drop: Estimate  # see the head of osteon.travel
    mean_loss: Estimate  # of AUROC, over the strengths
    p: float  # that the mean loss is 0 (two-sided, Wald, grouped bootstrap's deviation); Holm's
    sentence: str

    @property
    def shown(self) -> bool:
        """Whether a loss is shown, counting how many shifts were looked at."""
        return self.p < SHOWN and (self.mean_loss.value or 0) > 0

    @property
    def worst(self) -> ShiftPoint:
        """Where the AUROC is lowest."""
        return min(self.points, key=lambda point: _value(point.figures["auroc"]))


@dataclass(frozen=True, kw_only=True, slots=True)
class ShiftReport:
    """The whole suite. ``mean_drop`` is the mean of the curves' mean relative drops."""

    classes: tuple[str, ...]
    n_films: int
    n_of_part: int
    class_counts: Mapping[str, int]
    seed: int
    engine: str
    parity: float  # largest difference of a clean score to the run's own
    operating_point: OperatingPoint | None
    clean: Mapping[str, Estimate]
    mean_drop: Estimate
    curves: tuple[ShiftCurve, ...]
    example: str  # the film that the report shows under each shift
    # AUROC on these films of metadata_only, which no shift changes, and of majority
    baselines: Mapping[str, Estimate] = field(default_factory=dict)

    @property
    def worst(self) -> tuple[ShiftCurve, ShiftPoint]:
        """The worst slice: the shift and strength with the lowest AUROC."""
        curve = min(self.curves, key=lambda curve: _value(curve.worst.figures["auroc"]))
        return curve, curve.worst


def _value(estimate: Estimate) -> float:
    return math.inf if estimate.value is None else estimate.value


def spoken(curve: ShiftCurve) -> ShiftCurve:
    """The curve with its sentence."""
    worst = curve.worst
    loss = worst.losses["auroc"]
    if loss.value is None or loss.low is None or loss.high is None:
        return replace(curve, sentence=f"{curve.title}: its cost cannot be told on these films.")
    told = f"{curve.title} {worst.told}".strip()
    ends = _ends(loss)
    if curve.shown:
        hidden = " (part of it may be fractures that left the film)" if curve.may_hide else ""
        sentence = f"{told} costs {ends} of AUROC{hidden}"
    elif curve.p < SHOWN:
        sentence = f"{curve.title}: a gain over its strengths; {worst.told or 'there'} {ends} lost"
    else:
        sentence = f"{curve.title}: no loss shown; {worst.told or 'there'} {ends} of AUROC"
    return replace(curve, sentence=f"{sentence}{_at_threshold(worst)}.")


def _at_threshold(point: ShiftPoint) -> str:
    """What the threshold of the unchanged films lets go: the greater loss of the two, if any."""
    lost = [
        (loss.value, name, loss)
        for name, loss in point.losses.items()
        if name in AT_POINT and loss.value is not None and (loss.low or 0) > 0
    ]
    if not lost:
        return ""
    _, name, loss = max(lost)
    return f"; at the threshold of unchanged films the {name} falls by {_ends(loss)}"


def _ends(loss: Estimate) -> str:
    return f"{loss.value:z.3f} [{loss.low:z.3f}, {loss.high:z.3f}]"


def told_losses(report: ShiftReport) -> Iterator[str]:
    """The sentences, the greatest mean relative drop first."""
    for curve in sorted(report.curves, key=lambda curve: -(curve.mean_drop.value or 0)):
        yield curve.sentence

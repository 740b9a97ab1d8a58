"""What was found about decisions: RUN/decisions.json."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from osteon.types import Estimate, OperatingPoint

FILE = "decisions.json"  # in a run folder
DOUBTFUL = "doubtful"
Verdict = Literal["kept", "open", "broken"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Promise:
    """What validation promised and what test shows.

    kept: the whole interval is at the target or above. open: the interval holds the target, so
    that these films cannot tell. broken: the whole interval is below it.
    """

    what: str
    target: float
    seen: Estimate
    verdict: Verdict

    @property
    def words(self) -> str:
        """One plain sentence."""
        said = f"{self.what} at least {100 * self.target:.10g} %"
        if self.seen.value is None:
            return f"{said}: undefined on these films."
        seen = f"{100 * self.seen.value:.1f} % seen"
        if self.seen.low is None or self.seen.high is None:
            return f"{said}: {seen}, without an interval."
        ends = f"{seen}, interval {100 * self.seen.low:.1f} to {100 * self.seen.high:.1f} %"
        near = "reached" if self.seen.value >= self.target else "missed"
        judged = {
            "kept": "kept",
            "open": f"{near} here, but so few films cannot settle it",
            "broken": "not kept",
        }[self.verdict]
        return f"{said}: {judged} ({ends})."


@dataclass(frozen=True, kw_only=True, slots=True)
class ThreeAnswers:
    """Score >= ``upper``: positive; < ``lower``: negative; between them: doubtful.

    Thresholds are on the raw scores of the positive class.
    """

    lower: OperatingPoint
    upper: OperatingPoint
    crossed: bool  # one threshold kept both promises on validation: there is no doubtful zone
    counts: tuple[tuple[int, ...], ...]  # test films: [negative, positive][negative, doubtful, pos]
    figures: Mapping[str, Estimate]  # see TITLES
    promises: tuple[Promise, ...]
    verdict: str  # one plain sentence


@dataclass(frozen=True, kw_only=True, slots=True)
class Conformal:
    """Sets of classes that hold the true one with a promised share, of each class on its own."""

    coverage: float  # promised
    thresholds: Mapping[str, float]  # a class is in the set where its raw score is at least this
    n_groups: Mapping[str, int]  # of validation, that the threshold rests on
    by_class: Mapping[str, Estimate]  # coverage on test: of a film of a new group
    sizes: Mapping[str, Estimate]  # "0", "1", ...: share of the test films with so large a set
    mean_size: Estimate
    sets: Mapping[str, Estimate]  # of two classes: what each set means, and its share
    promises: tuple[Promise, ...]
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class NetBenefit:
    """At one threshold probability; treating nobody has a net benefit of 0."""

    threshold: float
    model: Estimate
    treat_all: Estimate
    gain: Estimate  # model minus the better of treating all and none, in each resample


@dataclass(frozen=True, kw_only=True, slots=True)
class DecisionCurve:
    """Net benefit over threshold probabilities, by the calibrated scores."""

    calibrator: str
    points: tuple[NetBenefit, ...]
    useful: tuple[tuple[float, float], ...]  # ranges with the interval of ``gain`` above 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Saving:
    """Films that need no urgent look at a threshold of validation for a sensitivity."""

    point: OperatingPoint
    target: float
    sensitivity: Estimate  # truly reached on test
    answered_negative: Estimate  # share of all films
    npv: Estimate
    wss: Estimate  # work saved over sampling: answered_negative - (1 - sensitivity reached)
    promise: Promise


@dataclass(frozen=True, kw_only=True, slots=True)
class Decisions:
    """Everything that was decided from validation and judged on test."""

    classes: tuple[str, ...]
    n: int
    n_groups: int
    prevalence: float  # of the positive class that the shares and predictive values are for
    of_test: bool  # that prevalence is the test part's own
    three: ThreeAnswers | None  # these three are for two classes
    curve: DecisionCurve | None
    savings: tuple[Saving, ...]
    conformal: Conformal
    remarks: tuple[str, ...] = ()


TITLES = {
    "sensitivity": "positives not answered negative (sensitivity)",
    "npv": "NPV of 'negative'",
    "specificity": "negatives not answered positive (specificity)",
    "ppv": "PPV of 'positive'",
    "positive": "answered positive",
    "doubtful": "answered doubtful",
    "negative": "answered negative",
    "error": "wrong, of the films answered positive or negative",
    "doubtful_positives": "doubtful, of the positives",
    "doubtful_negatives": "doubtful, of the negatives",
}
"""How a table calls each figure of the three answers, in the order to show them."""

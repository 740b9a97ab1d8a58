"""What intervals and tests promise, by simulation: nominal 95 %, seen 93 to 97 %.

Each check adds the binomial slack of its own number of simulations (two standard errors of a
coverage of 95 %) to those bounds. Sizes are those at which a method is meant to work; where one
does not keep its promise is a check of its own, and stands in docs/statistics.md.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import norm

from osteon.metrics import METRICS
from osteon.statistics import (
    auroc_difference,
    auroc_interval,
    contrasts,
    diagnostic_shares,
    estimates,
    mcnemar,
    predictive_values,
)
from osteon.types import Estimate

pytestmark = pytest.mark.slow
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

ROUNDS = 1500
ROUNDS_OF_RESAMPLES = 1000  # the bootstrap takes its time
BETWEEN = math.sqrt(0.6)  # of a score's variance 1, between patients; 0.4 within


class Coverage:
    """How often each interval held the truth, and on which side it missed."""

    def __init__(self) -> None:
        self.held: Counter[str] = Counter()
        self.made: Counter[str] = Counter()

    def saw(self, name: str, estimate: Estimate, truth: float) -> None:
        self.made[name] += 1
        assert estimate.low is not None
        assert estimate.high is not None
        self.held[name] += estimate.low <= truth <= estimate.high

    def of(self, name: str) -> float:
        return self.held[name] / self.made[name]

    def slack(self, name: str) -> float:
        return 2 * math.sqrt(0.95 * 0.05 / self.made[name])

    def check(self, names: Iterable[str], *, low: float = 0.93, high: float = 0.97) -> None:
        for name in names:
            seen, slack = self.of(name), self.slack(name)
            print(f"{name}: {seen:.3f}")
            assert low - slack <= seen <= high + slack, f"{name}: {seen:.3f}"


def films(
    rng: np.random.Generator, n_patients: int, each: int, *, mixed: bool = True
) -> tuple[Bools, Floats, list[str]]:
    """Labels, scores N(0, 1) of films that share a part with their patient's, and patients.

    ``mixed``: a patient has films of both classes, else of one."""
    n = n_patients * each
    patient = np.repeat(np.arange(n_patients), each)
    positive = rng.random(n) < 0.35 if mixed else (rng.random(n_patients) < 0.35)[patient]
    score = BETWEEN * rng.normal(size=n_patients)[patient] + math.sqrt(1 - BETWEEN**2) * rng.normal(
        size=n
    )
    return positive, score, [str(at) for at in patient]


def area(shift: float) -> float:
    return float(norm.cdf(shift / math.sqrt(2)))


@pytest.mark.parametrize(("n_patients", "each", "mixed"),
                         [(150, 1, True), (80, 3, True), (80, 3, False)])  # fmt: skip
@pytest.mark.parametrize("shift", [0.8, 2.0])
def test_delongs_interval_covers(n_patients: int, each: int, mixed: bool, shift: float) -> None:
    rng, seen = np.random.default_rng(1), Coverage()
    for _ in range(ROUNDS):
        positive, noise, groups = films(rng, n_patients, each, mixed=mixed)
        made = auroc_interval(positive, noise + shift * positive, groups)
        seen.saw("DeLong", made, area(shift))
    seen.check(["DeLong"])


def test_counted_as_independent_films_of_a_patient_make_it_too_sure() -> None:
    rng, seen = np.random.default_rng(2), Coverage()
    for _ in range(ROUNDS):
        positive, noise, _ = films(rng, 80, 3, mixed=False)
        alone = [str(at) for at in range(len(noise))]
        seen.saw("naive", auroc_interval(positive, noise + positive, alone), area(1.0))
    assert seen.of("naive") < 0.90


@pytest.mark.parametrize(("n_patients", "each"), [(150, 1), (80, 3)])
def test_the_difference_of_areas_covers_and_its_test_keeps_its_level(
    n_patients: int, each: int
) -> None:
    """Two readers whose errors are correlated; equally good, and not."""
    rng, seen, refused = np.random.default_rng(3), Coverage(), 0
    for _ in range(ROUNDS):
        positive, common, groups = films(rng, n_patients, each)
        first, second, third = (0.7 * common + math.sqrt(0.51) * films(rng, n_patients, each)[1]
                                for _ in range(3))  # fmt: skip
        better = auroc_difference(positive, first + 1.6 * positive, second + positive, groups)
        seen.saw("difference", better.difference, area(1.6) - area(1.0))
        equal = auroc_difference(positive, second + positive, third + positive, groups)
        assert equal.p is not None
        refused += equal.p < 0.05
    seen.check(["difference"])
    assert 0.03 - 0.011 <= refused / ROUNDS <= 0.07 + 0.011


@pytest.mark.parametrize(("n_patients", "each"), [(200, 1), (80, 3)])
def test_shares_and_predictive_values_cover(n_patients: int, each: int) -> None:
    """Clopper and Pearson's are meant to cover more than 95 %: only too little would be wrong."""
    rng, seen = np.random.default_rng(4), Coverage()
    truth = {"sensitivity": float(norm.cdf(1.0)), "specificity": float(norm.cdf(0.6))}
    right, wrong = 0.35 * truth["sensitivity"], 0.65 * (1 - truth["specificity"])
    truth["precision"] = right / (right + wrong)
    silent = 0.65 * truth["specificity"]
    truth["npv"] = silent / (silent + 0.35 * (1 - truth["sensitivity"]))
    truth["accuracy"] = right + silent
    at_tenth = 0.1 * truth["sensitivity"], 0.9 * (1 - truth["specificity"])
    ppv = at_tenth[0] / sum(at_tenth)
    calm = 0.9 * truth["specificity"], 0.1 * (1 - truth["sensitivity"])
    npv = calm[0] / sum(calm)
    for _ in range(ROUNDS):
        positive, noise, groups = films(rng, n_patients, each)
        answered = noise + 1.6 * positive > 0.6
        for rule in ("Wilson", "Clopper-Pearson"):
            made = diagnostic_shares(positive, answered, groups, rule=rule)
            for name, estimate in made.items():
                seen.saw(f"{rule} {name}", estimate, truth[name])
        elsewhere = predictive_values(positive, answered, groups, prevalence=0.1)
        seen.saw("logit ppv", elsewhere.ppv, ppv)
        seen.saw("logit npv", elsewhere.npv, npv)
    seen.check([name for name in seen.made if name.startswith(("Wilson", "logit"))])
    seen.check([name for name in seen.made if name.startswith("Clopper")], low=0.95, high=1.0)


@pytest.mark.parametrize(("n_patients", "each"), [(200, 1), (80, 3)])
def test_mcnemar_keeps_its_level(n_patients: int, each: int) -> None:
    """Two equally good classifiers: called different in at most 5 % of the simulations."""
    rng, refused, naive = np.random.default_rng(5), 0, 0
    for _ in range(ROUNDS):
        _, common, groups = films(rng, n_patients, each)
        first, second = (0.6 * common + 0.8 * films(rng, n_patients, each)[1] < 0.8
                         for _ in range(2))  # fmt: skip
        refused += mcnemar(first, second, groups).p < 0.05
        naive += mcnemar(first, second, [str(at) for at in range(len(first))]).p < 0.05
    assert 0.03 - 0.011 <= refused / ROUNDS <= 0.05 + 0.011
    assert (naive / ROUNDS > 0.07) == (each > 1)


@pytest.mark.parametrize(("n_patients", "each"), [(250, 1), (120, 3)])
def test_the_grouped_bootstrap_covers(n_patients: int, each: int) -> None:
    """Every metric; what it should be is taken from a million films."""
    rng, seen = np.random.default_rng(6), Coverage()
    names = [n for n in METRICS if not n.startswith("top_") and n != "quadratic_kappa"]
    metrics = {name: METRICS[name] for name in names}

    def drawn(n: int, films_of: int) -> tuple[NDArray[np.int64], Floats, Floats, list[str]]:
        positive, common, groups = films(rng, n, films_of)
        logit = 1.6 * (positive - 0.5) + common
        other = 0.8 * logit + 0.5 * films(rng, n, films_of)[1]
        chances = (1 / (1 + np.exp(-each_one)) for each_one in (logit, other))
        one, two = (np.stack([1 - p, p], axis=1) for p in chances)
        return positive.astype(np.int64), one, two, groups

    labels, one, two, _ = drawn(1_000_000, 1)
    once = np.ones((1, len(labels)))
    truth = {name: float(metrics[name](labels, one, once)[0]) for name in names}
    gain = {name: truth[name] - float(metrics[name](labels, two, once)[0]) for name in names}
    for _ in range(ROUNDS_OF_RESAMPLES):
        labels, one, two, groups = drawn(n_patients, each)
        for name, made in estimates(metrics, labels, one, groups, n_resamples=500).items():
            seen.saw(name, made, truth[name])
        for name, (made, _) in contrasts(
            metrics, labels, one, two, groups, n_resamples=500
        ).items():
            seen.saw(f"difference of {name}", made, gain[name])
    seen.check(seen.made)

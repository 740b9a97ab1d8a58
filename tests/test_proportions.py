"""Intervals of shares against scipy, statsmodels and the formulas as published."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest, norm, t
from statsmodels.stats.proportion import proportion_confint

from osteon.statistics import (
    clopper_pearson,
    diagnostic_shares,
    predictive_values,
    share,
    shares_of_counts,
    wilson,
)
from osteon.statistics.proportions import Rule, effective_n


@settings(deadline=None)
@given(st.integers(1, 400), st.floats(0, 1))
def test_intervals_equal_statsmodels_and_scipys(n: int, part: float) -> None:
    k = round(part * n)
    for ours, statsmodels, scipy in (
        (clopper_pearson, "beta", "exact"),
        (wilson, "wilson", "wilson"),
    ):
        theirs = binomtest(k, n).proportion_ci(method=scipy)
        np.testing.assert_allclose(ours(k, n), (theirs.low, theirs.high), atol=1e-9)
        low, high = proportion_confint(k, n, method=statsmodels)
        np.testing.assert_allclose(ours(k, n), (max(low, 0), min(high, 1)), atol=1e-9)


@pytest.mark.parametrize(("k", "n"), [(1, 0), (3, 2), (-1, 5)])
def test_no_proportion_is_refused(k: int, n: int) -> None:
    with pytest.raises(ValueError, match="no proportion"):
        clopper_pearson(k, n)


def test_a_table_gives_the_measures_of_a_test() -> None:
    made = shares_of_counts(tp=90, fp=30, fn=10, tn=170, rule="Clopper-Pearson")
    counts = {
        "sensitivity": (90, 100),
        "specificity": (170, 200),
        "precision": (90, 120),
        "npv": (170, 180),
        "accuracy": (260, 300),
    }
    assert set(made) == set(counts)
    for name, (k, n) in counts.items():
        theirs = binomtest(k, n).proportion_ci()
        assert made[name].value == pytest.approx(k / n)
        assert made[name].low == pytest.approx(theirs.low, abs=1e-9)
        assert (made[name].n, made[name].method) == (n, "Clopper-Pearson")


def test_what_no_film_can_tell_is_undefined() -> None:
    made = shares_of_counts(tp=5, fp=0, fn=5, tn=0)
    assert made["specificity"].value is None
    assert made["sensitivity"].value == 0.5


def test_groups_count_as_the_design_effect_says() -> None:
    """Rao and Scott's ratio estimator, written out, and Korn and Graubard's t."""
    rng = np.random.default_rng(1)
    sizes = rng.integers(1, 6, size=40)
    held = np.repeat(np.arange(40), sizes)
    hits = rng.random(len(held)) < np.repeat(rng.beta(2, 2, size=40), sizes)
    p = hits.mean()
    spread = sum((hits[held == g].sum() - p * (held == g).sum()) ** 2 for g in range(40))
    variance = 40 / 39 * spread / len(held) ** 2
    expected = p * (1 - p) / variance * (norm.ppf(0.975) / t.ppf(0.975, 39)) ** 2
    assert expected < len(held)
    assert effective_n(hits, held) == pytest.approx(expected, rel=1e-9)
    made = share(hits, [str(g) for g in held], rule="Clopper-Pearson")
    theirs = proportion_confint(p * expected, expected, method="beta")
    assert (made.low, made.high) == pytest.approx(theirs, abs=1e-9)
    assert "clustered" in made.method
    assert (made.n, made.n_groups) == (len(held), 40)


def test_copies_do_not_narrow_a_share() -> None:
    hits = np.arange(60) % 3 == 0
    once = share(hits, [str(at) for at in range(60)])
    thrice = share(np.repeat(hits, 3), [str(at // 3) for at in range(180)])
    assert once.low is not None
    assert thrice.low is not None
    assert thrice.value == once.value
    assert thrice.low < once.low  # by the t of 59 degrees of freedom
    assert thrice.low == pytest.approx(once.low, abs=0.005)


def test_a_perfect_share_of_few_groups_rests_on_the_groups() -> None:
    made = share(np.ones(12, dtype=bool), [str(at // 4) for at in range(12)])
    assert (made.value, made.low) == (1.0, wilson(3, 3)[0])


@pytest.mark.parametrize("each", [1, 3, 10])
@pytest.mark.parametrize("rule", ["Wilson", "Clopper-Pearson"])
def test_a_miss_more_never_raises_the_lower_end(each: int, rule: Rule) -> None:
    groups = [str(at // each) for at in range(30)]
    lows = [share(np.arange(30) >= missed, groups, rule=rule).low or 0.0 for missed in range(4)]
    assert lows == sorted(lows, reverse=True)
    assert lows[-1] > 0


def test_the_groups_are_those_of_the_films_that_count() -> None:
    positive = np.array([True, True, False, False])
    made = diagnostic_shares(positive, positive, ["a", "b", "c", "c"])
    assert made["sensitivity"].n_groups == 2
    assert "clustered" not in made["sensitivity"].method
    assert "clustered" in made["specificity"].method


def logit_interval(k: int, n: int, j: int, m: int, odds: float) -> tuple[float, float, float]:
    """Mercaldo, Lau and Zhou (2007): k of n right, j of m alarms; ``odds`` of the condition."""
    right, wrong = k / n, j / m
    middle = math.log(right * odds / wrong)
    error = math.sqrt((1 - right) / right / n + (1 - wrong) / wrong / m)
    low, high = (1 / (1 + math.exp(-middle - z * error)) for z in norm.ppf([0.025, 0.975]))
    return right * odds / (right * odds + wrong), low, high


def table(tp: int, fp: int, fn: int, tn: int) -> tuple[np.ndarray, np.ndarray, list[str]]:
    positive = np.repeat([True, False, True, False], [tp, fp, fn, tn])
    answered = np.repeat([True, True, False, False], [tp, fp, fn, tn])
    return positive, answered, [str(at) for at in range(len(positive))]


@pytest.mark.parametrize("prevalence", [0.03, 0.2, 0.7])
def test_predictive_values_are_mercaldos(prevalence: float) -> None:
    made = predictive_values(*table(240, 87, 178, 288), prevalence=prevalence)
    odds = prevalence / (1 - prevalence)
    expected = {
        "ppv": logit_interval(240, 418, 87, 375, odds),
        "npv": logit_interval(288, 375, 178, 418, 1 / odds),
    }
    for name, figures in expected.items():
        ours = getattr(made, name)
        np.testing.assert_allclose((ours.value, ours.low, ours.high), figures, atol=1e-9)
    bayes = 240 / 418 * prevalence / (240 / 418 * prevalence + 87 / 375 * (1 - prevalence))
    assert made.ppv.value == pytest.approx(bayes)


def test_at_the_films_own_prevalence_they_are_the_shares_seen() -> None:
    made = predictive_values(*table(40, 10, 20, 130), prevalence=60 / 200)
    assert made.ppv.value == pytest.approx(40 / 50)
    assert made.npv.value == pytest.approx(130 / 150)


def test_an_empty_cell_widens_and_the_value_stays_inside() -> None:
    made = predictive_values(*table(50, 0, 10, 100), prevalence=0.1)
    assert made.ppv.value == made.ppv.high == 1.0
    assert made.ppv.low is not None
    assert 0.3 < made.ppv.low < 0.95
    assert "adjusted" in made.ppv.method


def test_copies_do_not_narrow_predictive_values() -> None:
    positive, answered, groups = table(40, 10, 20, 130)
    once = predictive_values(positive, answered, groups, prevalence=0.1).ppv
    thrice = predictive_values(
        np.repeat(positive, 3), np.repeat(answered, 3), list(np.repeat(groups, 3)), prevalence=0.1
    ).ppv
    assert thrice.low == pytest.approx(once.low, abs=0.01)
    assert "clustered" in thrice.method


def test_positives_of_one_patient_give_no_interval_and_of_two_a_wide_one() -> None:
    """However many films there are: of the sensitivity next to nothing is known."""
    positive, answered, each = table(15, 60, 5, 240)
    single = predictive_values(positive, answered, each, prevalence=0.1).npv
    of_one = ["p" if found else name for found, name in zip(positive, each, strict=True)]
    made = predictive_values(positive, answered, of_one, prevalence=0.1).npv
    assert (made.value, made.low, made.high) == (single.value, None, None)
    assert "one group" in made.method
    of_two = [f"{name}{answer}" if name == "p" else name
              for name, answer in zip(of_one, answered, strict=True)]  # fmt: skip
    two = predictive_values(positive, answered, of_two, prevalence=0.1).npv
    assert two.low is not None
    assert single.low is not None
    assert two.low < single.low - 0.03


@pytest.mark.parametrize("n_patients", [2, 3, 8])
def test_predictive_values_of_few_positive_patients_cover(n_patients: int) -> None:
    rng, held, rounds = np.random.default_rng(n_patients), 0, 300
    positive = np.r_[np.ones(24, bool), np.zeros(200, bool)]
    groups = [f"p{at * n_patients // 24}" for at in range(24)] + [
        f"n{at // 2}" for at in range(200)
    ]
    _, of = np.unique(groups, return_inverse=True)
    npv = 0.9 * 0.8 / (0.9 * 0.8 + 0.1 * 0.25)
    for _ in range(rounds):
        found = rng.beta(1.5, 0.5, size=of.max() + 1)[of]  # on average 0.75 of a patient's films
        alarm = rng.beta(0.4, 1.6, size=of.max() + 1)[of]  # 0.2
        answered = rng.random(len(of)) < np.where(positive, found, alarm)
        made = predictive_values(positive, answered, groups, prevalence=0.1).npv
        assert made.low is not None
        assert made.high is not None
        held += made.low <= npv <= made.high
    assert held / rounds > 0.92


@pytest.mark.parametrize("prevalence", [0.0, 1.0, -0.1])
def test_a_prevalence_is_between_0_and_1(prevalence: float) -> None:
    with pytest.raises(ValueError, match="prevalence"):
        predictive_values(*table(1, 1, 1, 1), prevalence=prevalence)


def test_one_patient_gives_predictive_values_no_interval() -> None:
    positive, answered = np.array([[True, True, False, False], [True, False, False, True]])
    made = predictive_values(positive, answered, ["one"] * 4, prevalence=0.1)
    for each in (made.ppv, made.npv):
        assert each.value is not None
        assert (each.low, each.high) == (None, None)


def test_one_class_has_no_predictive_values() -> None:
    made = predictive_values(*table(3, 0, 2, 0), prevalence=0.5)
    assert (made.ppv.value, made.npv.value) == (None, None)

"""AUROC variances against the definition, taken pair by pair, and against published figures."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import norm
from sklearn.metrics import roc_auc_score

from osteon.statistics import auroc_difference, auroc_interval, delong

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]


def each_its_own(n: int) -> list[str]:
    return [str(at) for at in range(n)]


def by_pairs(positive: Bools, scores: Floats, groups: list[str]) -> tuple[Floats, Floats]:
    """Obuchowski's estimator as it is written down (1997, equations 1 to 6): every pair of a
    positive and a negative, groups summed in loops. Of single films it is DeLong's."""
    ups, downs = np.flatnonzero(positive), np.flatnonzero(~positive)
    difference = scores[:, ups, None] - scores[:, None, downs]
    won = (difference > 0) + 0.5 * (difference == 0)
    values = won.mean((1, 2))
    v10, v01 = won.mean(2), won.mean(1)  # (K, P), (K, Q)
    names = sorted(set(groups))
    held = np.array(groups)
    with_up = [g for g in names if (held[ups] == g).any()]
    with_down = [g for g in names if (held[downs] == g).any()]
    n_up, n_down, k = len(ups), len(downs), len(scores)
    covariance = np.zeros((k, k))
    for r in range(k):
        for s in range(k):
            of_up = {g: [(v10[q][held[ups] == g] - values[q]).sum() for q in (r, s)] for g in names}
            of_down = {
                g: [(v01[q][held[downs] == g] - values[q]).sum() for q in (r, s)] for g in names
            }
            i10, i01, both = len(with_up), len(with_down), len(names)
            s10 = i10 / ((i10 - 1) * n_up) * sum(of_up[g][0] * of_up[g][1] for g in names)
            s01 = i01 / ((i01 - 1) * n_down) * sum(of_down[g][0] * of_down[g][1] for g in names)
            cross = [sum(of_up[g][q] * of_down[g][1 - q] for g in names) for q in (0, 1)]
            s11 = both / (both - 1) * sum(cross)
            covariance[r, s] = s10 / n_up + s01 / n_down + s11 / (n_up * n_down)
    return values, covariance


@st.composite
def films(draw: st.DrawFn) -> tuple[Bools, Floats, list[str], bool]:
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n = draw(st.integers(8, 40))
    positive = np.r_[True, True, False, False, rng.random(n - 4) < 0.4]
    scores = rng.integers(draw(st.integers(2, 30)), size=(3, n)).astype(float)
    clustered = draw(st.booleans())
    groups = [str(at // 3 if at >= 4 else -at - 1) for at in range(n)]
    return positive, scores, groups if clustered else each_its_own(n), clustered


@settings(deadline=None, max_examples=60)
@given(films())
def test_it_equals_the_definition_pair_by_pair(
    drawn: tuple[Bools, Floats, list[str], bool],
) -> None:
    positive, scores, groups, clustered = drawn
    made = delong(positive, scores, groups)
    values, covariance = by_pairs(positive, scores, groups)
    theirs = [roc_auc_score(positive, each) for each in scores]
    np.testing.assert_allclose(made.values, values, atol=1e-12)
    np.testing.assert_allclose(made.values, theirs, atol=1e-12)
    np.testing.assert_allclose(made.covariance, covariance, atol=1e-12)
    assert ("clustered" in made.method) == clustered


def ratings() -> tuple[Bools, Floats]:
    """109 CT films rated 1 to 5: Hanley and McNeil, Radiology 143:29 (1982), table I."""
    normal, abnormal = [33, 6, 6, 11, 2], [3, 2, 2, 11, 33]
    score = np.r_[np.repeat(range(1, 6), normal), np.repeat(range(1, 6), abnormal)]
    return np.repeat([False, True], [58, 51]), score.astype(float)


def test_it_gives_the_published_area_and_interval_of_rated_ct_films() -> None:
    """Stata's manual ([R] roctab) on the same films: area 0.8932, standard error 0.0307 by DeLong,
    interval 0.83295 to 0.95339 without a logit."""
    positive, score = ratings()
    made = delong(positive, score[None], each_its_own(109))
    error = math.sqrt(made.covariance[0, 0])
    assert made.values[0] == pytest.approx(0.8932, abs=5e-5)
    assert error == pytest.approx(0.0307, abs=5e-5)
    ends = made.values[0] + norm.ppf([0.025, 0.975]) * error
    np.testing.assert_allclose(ends, [0.83295, 0.95339], atol=5e-6)


def test_the_interval_is_the_normal_one_of_the_logit() -> None:
    positive, score = ratings()
    made = auroc_interval(positive, score, each_its_own(109))
    value, variance = by_pairs(positive, score[None], each_its_own(109))
    a, error = value[0], math.sqrt(variance[0, 0])
    logit = math.log(a / (1 - a)) + norm.ppf([0.025, 0.975]) * error / (a * (1 - a))
    assert [made.low, made.high] == pytest.approx((1 / (1 + np.exp(-logit))).tolist(), abs=1e-9)
    assert (made.n, made.n_groups, made.method) == (109, 109, "DeLong, logit")


def test_the_difference_is_tested_with_the_covariance() -> None:
    rng = np.random.default_rng(3)
    positive = rng.random(200) < 0.3
    one = rng.normal(size=200) + positive
    other = 0.7 * one + rng.normal(size=200)
    made = auroc_difference(positive, one, other, each_its_own(200))
    values, covariance = by_pairs(positive, np.stack([one, other]), each_its_own(200))
    error = math.sqrt(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])
    z = (values[0] - values[1]) / error
    assert made.z == pytest.approx(z, abs=1e-9)
    assert made.p == pytest.approx(2 * norm.sf(abs(z)), abs=1e-9)
    assert made.difference.low == pytest.approx(values[0] - values[1] - norm.ppf(0.975) * error)


def test_copies_of_films_in_their_group_make_it_no_surer() -> None:
    """Each film twice, in one group with itself: the same area with the same variance, but for
    the factor G / (G - 1), which knows no copies."""
    positive, score = ratings()
    once = delong(positive, score[None], each_its_own(109))
    twice = delong(np.tile(positive, 2), np.tile(score, 2)[None], each_its_own(109) * 2)
    naive = delong(np.tile(positive, 2), np.tile(score, 2)[None], each_its_own(218))
    np.testing.assert_allclose(twice.covariance, once.covariance, rtol=1e-9)
    assert naive.covariance[0, 0] < 0.55 * once.covariance[0, 0]


def test_a_perfect_area_has_no_interval_and_one_class_no_area() -> None:
    positive = np.array([False, False, True, True])
    made = auroc_interval(positive, positive.astype(float), each_its_own(4))
    assert (made.value, made.low, made.high) == (1.0, None, None)
    assert "no interval" in made.method
    with pytest.raises(ValueError, match="both classes"):
        auroc_interval(np.ones(4, dtype=bool), np.arange(4.0), each_its_own(4))


def test_one_group_of_a_class_shows_no_variance() -> None:
    positive = np.array([False, False, True, True])
    made = auroc_interval(positive, np.array([0.1, 0.6, 0.5, 0.8]), ["a", "b", "c", "c"])
    assert (made.value, made.low) == (0.75, None)


def test_equal_rankings_do_not_differ_and_have_no_p() -> None:
    positive, score = ratings()
    made = auroc_difference(positive, score, score**3, each_its_own(109))
    assert (made.difference.value, made.difference.low, made.difference.high) == (0.0, 0.0, 0.0)
    assert (made.z, made.p) == (None, None)


def test_two_perfect_areas_are_not_known_to_be_equal() -> None:
    positive = np.repeat([False, True], 20)
    score, other = np.arange(40.0), np.r_[np.arange(20.0)[::-1], np.arange(20.0, 40.0)]
    made = auroc_difference(positive, score, other, each_its_own(40))
    assert (made.difference.value, made.difference.low, made.p) == (0.0, None, None)


def test_a_million_pairs_take_no_table_of_pairs() -> None:
    rng = np.random.default_rng(0)
    positive = rng.random(40_000) < 0.5
    scores = rng.normal(size=(2, 40_000)) + positive
    made = delong(positive, scores, each_its_own(40_000))  # 800 million pairs
    assert made.covariance[0, 0] == pytest.approx(2.2e-6 * 2, rel=0.5)

"""Calibration figures against independent computations, and the choice of a calibrator."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq
from scipy.stats import norm
from sklearn.calibration import calibration_curve
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss, log_loss

from osteon.calibrate import Calibrated, chosen_calibrator, judge_calibration
from osteon.calibrate import slope as slope_module
from osteon.calibrate.binned import (
    InBins,
    brier_parts,
    equal_mass,
    equal_width,
    score_and_hit,
    squared_errors,
    sums,
)
from osteon.calibrate.bootstrap import bootstrapped
from osteon.calibrate.choice import choose_calibrator
from osteon.calibrate.errors import by_chance, calibration_errors, debiased_rms_error
from osteon.calibrate.judge import judged, reliability_bins
from osteon.calibrate.slope import calibration_intercept, calibration_slope
from osteon.calibrate.smooth import cosines, smooth_ece
from osteon.calibrate.values import TITLES
from osteon.calibrators.logits import logit, of_two, sigmoid, softmax
from osteon.errors import DataError, UsageError
from osteon.statistics import resamples
from osteon.types import Estimate, Predictions
from osteon.values import read_value, write_value

if TYPE_CHECKING:
    from osteon.types import Floats, Ints


def drawn(n: int, *, heat: float = 1.0, shift: float = 0.0, seed: int = 0) -> tuple[Ints, Floats]:
    """Labels by true scores; scores too sure by ``heat`` and too high by ``shift`` logits."""
    rng = np.random.default_rng(seed)
    true = rng.normal(size=n) * 1.5 - 0.5
    labels = (rng.random(n) < sigmoid(true)).astype(np.int64)
    return labels, of_two(sigmoid(heat * true + shift))


def predictions(labels: Ints, scores: Floats, *, part: str = "test", each: int = 1) -> Predictions:
    return Predictions(
        ids=tuple(f"{at}.png" for at in range(len(labels))),
        labels=labels,
        scores=scores,
        groups=tuple(f"g{at // each}" for at in range(len(labels))),
        classes=tuple("abcdefgh"[: scores.shape[1]]),
        part=part,
    )


def known(estimate: Estimate | None) -> tuple[float, float, float]:
    """Value, low and high, all of which must be there."""
    assert estimate is not None
    assert estimate.value is not None
    assert estimate.low is not None
    assert estimate.high is not None
    return estimate.value, estimate.low, estimate.high


def ones(n: int) -> Floats:
    return np.ones((1, n))


# --- figures --------------------------------------------------------------------------------------


@pytest.mark.parametrize("strategy", ["uniform", "quantile"])
def test_ece_is_that_of_scikit_learns_calibration_curve(strategy: str) -> None:
    labels, scores = drawn(500, heat=2)
    score, hit = score_and_hit(labels, scores)
    bins = equal_width(score) if strategy == "uniform" else equal_mass(score)
    share, mean = calibration_curve(labels, score, n_bins=10, strategy=strategy)
    count = np.bincount(bins)
    expected = (count[count > 0] / 500 * np.abs(share - mean)).sum()
    errors = calibration_errors(score)((score - hit)[None], np.array([500.0]))
    name = "ece_width" if strategy == "uniform" else "ece_mass"
    # Its quantiles are interpolated, ours are scores: a film at the edge may lie in the next bin.
    tolerance = 1e-12 if strategy == "uniform" else 3e-3
    assert errors[name][0] == pytest.approx(expected, abs=tolerance)


def test_bins_of_equal_mass_are_equal_and_keep_ties_together() -> None:
    score = np.random.default_rng(0).random(1000)
    assert np.ptp(np.bincount(equal_mass(score))) <= 1
    tied = np.repeat([0.1, 0.2, 0.9], [900, 50, 50])
    bins = equal_mass(tied)
    assert [len(set(bins[tied == value])) for value in (0.1, 0.2, 0.9)] == [1, 1, 1]
    assert equal_mass(np.full(5, 0.3)).tolist() == [0] * 5


def test_the_debiased_error_is_right_on_average_where_the_plain_one_is_too_high() -> None:
    plain, debiased = [], []
    for seed in range(300):
        labels, scores = drawn(300, seed=seed)
        score, hit = score_and_hit(labels, scores)
        bins = equal_mass(score)
        inside = InBins.of(hit, bins, np.arange(300))
        both = squared_errors(sums(score, hit, bins, ones(300)), inside, ones(300))
        plain.append(both[0][0])
        debiased.append(both[1][0])
    chance = np.std(debiased) / np.sqrt(300)
    assert abs(np.mean(debiased)) < 4 * chance + 2e-4  # scores vary a little within a bin
    assert np.mean(plain) > 20 * chance


def test_the_debiased_error_takes_copies_for_one_film() -> None:
    """20 copies of each of 60 films say no more than the films do: chance adds as much."""
    single: list[float] = []
    copied: list[float] = []
    for seed in range(200):
        labels, scores = drawn(60, seed=seed)
        score, hit = score_and_hit(labels, scores)
        for copies, found in ((1, single), (20, copied)):
            many, hits = np.repeat(score, copies), np.repeat(hit, copies)
            bins, group_of = equal_mass(many), np.repeat(np.arange(60), copies)
            inside = InBins.of(hits, bins, group_of)
            both = squared_errors(sums(many, hits, bins, ones(60 * copies)), inside, ones(60))
            found.append(both[1][0])
    chance = np.std(copied) / np.sqrt(200)
    assert abs(np.mean(copied)) < 4 * chance + 2e-3  # scores vary a little within a bin
    assert np.mean(copied) == pytest.approx(np.mean(single), abs=4 * chance)


def test_the_debiased_error_finds_a_shift_that_was_planted() -> None:
    labels, scores = drawn(40_000)
    score = np.clip(scores[:, 1] * 0.8, 0, 1)
    found = debiased_rms_error(score, labels.astype(float), [str(i) for i in range(40_000)],
                               n_resamples=20)  # fmt: skip
    assert found.value == pytest.approx(np.sqrt(np.mean((0.2 * scores[:, 1]) ** 2)), rel=0.05)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 4), st.integers(5, 60))
def test_the_parts_add_up_to_the_brier_loss(seed: int, n_classes: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    scores = softmax(rng.normal(size=(n, n_classes)).round(1) * 2)
    labels = rng.integers(0, n_classes, n)
    weights = rng.integers(0, 3, (3, n)).astype(float)
    weights[:, 0] = 1
    parts = brier_parts(labels, scores, weights)
    whole = parts.reliability - parts.resolution + parts.uncertainty + parts.residual
    squared = ((scores - np.eye(n_classes)[labels]) ** 2).sum(1) / (2 if n_classes == 2 else 1)
    np.testing.assert_allclose(whole, weights @ squared / weights.sum(1), atol=1e-12)
    assert (parts.reliability >= 0).all()
    assert (parts.resolution >= 0).all()


def test_with_a_bin_for_each_score_nothing_is_left_within_bins() -> None:
    score = np.repeat([0.1, 0.4, 0.8], 20)
    labels = (np.arange(60) % 3 == 0).astype(np.int64)
    parts = brier_parts(labels, of_two(score), ones(60))
    assert parts.residual[0] == pytest.approx(0, abs=1e-12)
    assert parts.uncertainty[0] == pytest.approx(20 / 60 * 40 / 60)


def test_slope_and_intercept_are_logistic_regressions() -> None:
    labels, scores = drawn(600, heat=1.7, shift=0.6)
    score, hit = score_and_hit(labels, scores)
    weights = np.random.default_rng(0).integers(0, 4, (4, 600)).astype(float)
    slopes = calibration_slope(score, hit, weights)
    intercepts = calibration_intercept(score, hit, weights)
    for weight, slope, intercept in zip(weights, slopes, intercepts, strict=True):
        theirs = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000)
        theirs.fit(logit(score)[:, None], labels, sample_weight=weight)
        assert slope == pytest.approx(theirs.coef_[0, 0], rel=1e-5)
        root = brentq(lambda a, w=weight: (w * (hit - sigmoid(logit(score) + a))).sum(), -9, 9)
        assert intercept == pytest.approx(root, abs=1e-8)


@given(
    films=st.lists(st.tuples(st.integers(1, 9), st.booleans()), min_size=2, max_size=12),
    seed=st.integers(0, 1000),
)
@example(  # Newton's whole steps go to and fro
    films=[(1, True), *[(3, False)] * 3, *[(1, True)] * 2, (4, False), (5, False), (6, False),
           *[(3, False)] * 2, (9, True)],
    seed=0,
)  # fmt: skip
@settings(deadline=None)
def test_of_resamples_those_have_a_slope_that_overlap(
    films: list[tuple[int, bool]], seed: int
) -> None:
    """Albert and Anderson, Biometrika 71:1 (1984): the line exists where neither class lies whole
    at or beyond the other. Each resample has the line that it has alone."""
    score = np.array([tenth / 10 for tenth, _ in films])
    hit = np.array([float(value) for _, value in films])
    weights = np.random.default_rng(seed).integers(0, 3, (20, len(films))).astype(float)
    found = calibration_slope(score, hit, weights)
    for weight, slope in zip(weights, found, strict=True):
        up, down = score[(weight > 0) & (hit == 1)], score[(weight > 0) & (hit == 0)]
        if not (len(up) and len(down)):
            assert np.isnan(slope)
        elif len({*up, *down}) > 1:
            overlap = up.min() < down.max() and down.min() < up.max()
            assert np.isfinite(slope) == overlap
            if not overlap:
                assert slope == (np.inf if up.min() >= down.max() else -np.inf)
            alone = calibration_slope(score[weight > 0], hit[weight > 0], weight[None, weight > 0])
            assert slope == pytest.approx(alone[0], rel=1e-6, nan_ok=True)


def test_where_the_classes_are_parted_no_step_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[int] = []

    def counted(odds: Floats) -> Floats:
        steps.append(len(odds))
        return sigmoid(odds)

    monkeypatch.setattr(slope_module, "sigmoid", counted)
    score = np.linspace(0.01, 0.99, 40)
    find = slope_module.slopes(score, (score > 0.5).astype(float))
    del steps[:]  # the line of all films was looked for
    assert (find(np.ones((500, 40))) == np.inf).all()
    assert steps == []


@pytest.mark.parametrize("spread", [0.0, 1e-16, 1e-9])
def test_a_score_that_does_not_vary_has_no_slope(spread: float) -> None:
    rng = np.random.default_rng(0)
    score = 0.31 + spread * rng.standard_normal(1500)
    hit = (rng.random(1500) < 0.3).astype(float)
    drawn_ = rng.multinomial(1500, np.full(1500, 1 / 1500), size=30).astype(float)
    assert np.isnan(calibration_slope(score, hit, drawn_)).all()
    assert np.isfinite(calibration_intercept(score, hit, drawn_)).all()


def test_there_is_no_slope_where_the_score_parts_the_classes_or_one_is_absent() -> None:
    score = np.linspace(0.1, 0.9, 10)
    assert calibration_slope(score, (score > 0.5).astype(float), ones(10))[0] == np.inf
    assert calibration_slope(score, (score < 0.5).astype(float), ones(10))[0] == -np.inf
    for hit in (np.zeros(10), np.ones(10)):
        assert np.isnan(calibration_slope(score, hit, ones(10)))[0]
        assert np.isnan(calibration_intercept(score, hit, ones(10)))[0]


def direct(score: Floats, hit: Floats) -> float:
    """smECE by its definition, slowly: kernels and their mirror images, and a root by bisection."""
    places = (np.arange(400) + 0.5) / 400

    def error(width: float) -> float:
        images = [score + 2 * k for k in range(-3, 4)] + [2 * k - score for k in range(-3, 4)]
        kernel = sum(norm.pdf(places[:, None], image[None], width) for image in images)
        return float(np.abs(kernel @ (hit - score)).mean() / len(score))

    return float(brentq(lambda width: error(width) - width, 2**-8, 1, xtol=1e-4))


@pytest.mark.parametrize(("heat", "shift"), [(1.0, 1.0), (3.0, 0.0), (0.3, -1.0)])
def test_smooth_ece_is_the_direct_computation(heat: float, shift: float) -> None:
    labels, scores = drawn(300, heat=heat, shift=shift)
    score, hit = score_and_hit(labels, scores)
    found = smooth_ece(cosines(score), (score - hit)[None], np.array([300.0]))[0]
    assert found == pytest.approx(direct(score, hit), abs=1.5e-3)


@pytest.mark.parametrize(
    ("n", "power", "published"), [(500, 1.0, 0.02062), (500, 1.6, 0.11367), (2000, 0.5, 0.16822)]
)
def test_smooth_ece_is_that_of_its_authors_package(n: int, power: float, published: float) -> None:
    """``relplot`` 1.0.3, whose integral is on a grid of 200."""
    at = np.arange(n)
    score = (at + 0.5) / n
    hit = (((at * 7919) % n + 0.5) / n < score**power).astype(float)
    found = smooth_ece(cosines(score), (score - hit)[None], np.array([float(n)]))[0]
    assert found == pytest.approx(published, abs=1.5e-3)


def test_a_weight_of_two_is_a_film_twice() -> None:
    labels, scores = drawn(80, heat=2)
    weights = np.random.default_rng(3).integers(1, 4, 80)
    twice = np.repeat(np.arange(80), weights)
    score, hit = score_and_hit(labels, scores)
    weighted = weights * (score - hit)
    one = smooth_ece(cosines(score), weighted[None], np.array([float(weights.sum())]))
    other = smooth_ece(
        cosines(score[twice]), (score - hit)[twice][None], np.array([float(len(twice))])
    )
    assert one == pytest.approx(other)
    slope = calibration_slope(score, hit, weights[None].astype(float))
    assert slope == pytest.approx(calibration_slope(score[twice], hit[twice], ones(len(twice))))


@pytest.mark.parametrize("seed", range(6))
def test_a_steep_slope_of_few_films_is_not_bounded_by_the_resamples_that_have_one(
    seed: int,
) -> None:
    """Where more than 2.5 % of them part the classes, its upper end is infinite."""
    rng = np.random.default_rng(seed)
    odds = rng.normal(0, 6, 60)
    labels = (rng.random(60) < sigmoid(odds)).astype(np.int64)
    scores = of_two(sigmoid(odds))
    slope = judged(predictions(labels, scores), scores, 400)["slope"]
    weights = np.concatenate([*resamples([str(at) for at in range(60)], resamples=400)])
    steepest = (calibration_slope(scores[:, 1], labels.astype(float), weights) == np.inf).mean()
    assert (slope.low is None) == (steepest > 0.025)
    if slope.low is None:
        assert "without end" in slope.method or slope.value is None


def test_right_beyond_doubt_is_no_certainty() -> None:
    """Scores of 0 and 1, all right: an error of 0, and no interval of no width."""
    labels = np.arange(60) % 2
    scores = np.eye(2)[labels]
    made = judged(predictions(labels, scores), scores, 100)
    for name in ("ece_width", "ece_mass", "ece_smooth", "rms_error_debiased"):
        assert made[name].value == pytest.approx(0, abs=1e-9)
        assert made[name].low is None
        assert "collapsed" in made[name].method


def test_the_interval_of_the_greatest_uncertainty_holds_it() -> None:
    labels, scores = drawn(40)
    labels = np.arange(40) % 2
    found = judged(predictions(labels, scores), scores, 60)["uncertainty"]
    assert found.value == found.high == 0.25


def test_a_debiased_error_of_0_says_how_far_it_may_be_from_it() -> None:
    ends = []
    for seed in range(80):
        rng = np.random.default_rng(seed)
        score = sigmoid(rng.normal(-2, 2, 60))
        hit = (rng.random(60) < score).astype(float)
        found = debiased_rms_error(score, hit, [str(at) for at in range(60)], n_resamples=200)
        ends.append(found.high)
    assert all(high is None or high > 0 for high in ends)
    assert sum(high is None for high in ends) < 5


# --- intervals ------------------------------------------------------------------------------------


def test_where_scores_are_true_the_interval_of_an_error_reaches_0() -> None:
    labels, scores = drawn(400, seed=5)
    figures = judged(predictions(labels, scores), scores, 200)
    for name in ("ece_width", "ece_mass", "ece_smooth", "rms_error_debiased"):
        assert figures[name].low == 0, name
    assert known(figures["ece_width"])[0] > 0.02  # that much is chance
    _, low, high = known(figures["slope"])
    assert low < 1 < high


def test_where_scores_are_wrong_it_does_not() -> None:
    labels, scores = drawn(400, heat=3, shift=1)
    figures = judged(predictions(labels, scores), scores, 200)
    for name in ("ece_width", "ece_mass", "ece_smooth", "rms_error_debiased"):
        value, low, high = known(figures[name])
        assert 0.05 < low <= value <= high, name
    assert known(figures["slope"])[2] < 1
    assert known(figures["intercept"])[2] < 0  # scores too high


def test_what_chance_adds_is_more_where_films_are_copies() -> None:
    score = drawn(300)[1][:, 1]
    alone = by_chance(score, [str(at) for at in range(300)])
    copied = by_chance(np.repeat(score[:30], 10), [str(at // 10) for at in range(300)])
    assert copied["ece_width"] > 1.5 * alone["ece_width"]


def test_what_no_resample_can_change_gets_no_interval() -> None:
    def share(weights: Floats) -> dict[str, Floats]:
        return {"share": weights @ np.ones(20) / weights.sum(1)}

    alone = bootstrapped(share, ["a"] * 20)["share"]
    assert (alone.value, alone.low, alone.high) == (1, None, None)
    assert "one group" in alone.method
    many = bootstrapped(share, [str(at) for at in range(20)])["share"]
    assert (many.value, many.low, many.high) == (1, None, None)
    assert "collapsed" in many.method


@pytest.mark.slow
@pytest.mark.parametrize(("heat", "least"), [(1.0, 0.88), (2.0, 0.82)])
def test_coverage_of_the_intervals(heat: float, least: float) -> None:
    """Near their edge at 0, errors have intervals that are known to hold a little too seldom."""
    labels, scores = drawn(200_000, heat=heat, seed=99)
    score, hit = score_and_hit(labels, scores)
    truth = {name: float(value[0]) for name, value in calibration_errors(score)(
        (score - hit)[None], np.array([200_000.0])).items()}  # fmt: skip
    truth |= {"slope": 1 / heat}
    held = dict.fromkeys(truth, 0)
    for seed in range(100):
        labels, scores = drawn(500, heat=heat, seed=seed)
        figures = judged(predictions(labels, scores), scores, 400, seed)
        for name, true in truth.items():
            low, high = figures[name].low, figures[name].high
            assert low is not None
            assert high is not None
            held[name] += low <= true <= high
    assert min(held.values()) >= 100 * least, held


# --- the choice and the judgement -----------------------------------------------------------------


def test_the_figures_are_scikit_learns_and_complete() -> None:
    labels, scores = drawn(200, heat=2)
    figures = judged(predictions(labels, scores), scores, 50)
    assert set(figures) == set(TITLES)
    assert figures["log_loss"].value == pytest.approx(log_loss(labels, scores))
    assert figures["brier_loss"].value == pytest.approx(brier_score_loss(labels, scores[:, 1]))


def test_scores_that_are_too_sure_are_cooled() -> None:
    val = predictions(*drawn(800, heat=3, seed=1), part="val")
    test = predictions(*drawn(800, heat=3, seed=2))
    found = judge_calibration(val, test, n_resamples=200)
    assert found.chosen in ("temperature", "platt")
    chosen = found.of(found.chosen)
    assert known(chosen.gain)[2] < 0
    before = known(found.of("none").on_test["ece_smooth"])[0]
    assert known(chosen.on_test["ece_smooth"])[0] < before
    after = chosen_calibrator(found).apply(test.scores)
    assert found.after == reliability_bins(test, after)
    assert found.before == reliability_bins(test, test.scores)


def test_with_few_films_isotonic_loses_on_validation_and_is_not_chosen() -> None:
    val = predictions(*drawn(60, seed=1), part="val")
    losses = choose_calibrator(val, n_resamples=50)
    assert losses.name != "isotonic"
    assert known(losses.losses["isotonic"])[0] > known(losses.losses["none"])[0]


def test_the_choice_does_not_look_at_test() -> None:
    val = predictions(*drawn(200, heat=2, seed=1), part="val")
    one = judge_calibration(val, predictions(*drawn(200, heat=2, seed=2)), n_resamples=50)
    turned = predictions(*drawn(200, heat=0.2, shift=3, seed=3))
    other = judge_calibration(val, turned, n_resamples=50)
    assert (one.chosen, one.reason) == (other.chosen, other.reason)
    assert [tried.state for tried in one.tried] == [tried.state for tried in other.tried]


def test_films_of_one_group_are_left_out_together() -> None:
    """Copies of a film in fit and left out would make isotonic regression look good."""
    labels, scores = drawn(40, seed=3)
    again = np.repeat(np.arange(40), 10)
    copies = predictions(labels[again], scores[again], part="val", each=10)
    apart = replace(copies, groups=copies.ids)
    honest = choose_calibrator(copies, n_resamples=50).losses["isotonic"].value
    naive = choose_calibrator(apart, n_resamples=50).losses["isotonic"].value
    assert honest is not None
    assert naive is not None
    assert naive < honest - 0.05


def test_with_one_group_of_a_class_nothing_is_fitted() -> None:
    labels, scores = drawn(50)
    val = predictions(labels, scores, part="val")
    val = replace(val, groups=tuple("p" if label else f"n{at}" for at, label in enumerate(labels)))
    found = judge_calibration(val, predictions(labels, scores), n_resamples=50)
    assert found.chosen == "none"
    assert [tried.name for tried in found.tried] == ["none"]
    assert "Too few" in found.reason


def test_several_classes_and_the_round_trip(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(400, 4))
    labels = np.array([rng.choice(4, p=row) for row in softmax(logits)]).astype(np.int64)
    scores = softmax(3 * logits)
    val = predictions(labels[:200], scores[:200], part="val")
    found = judge_calibration(val, predictions(labels[200:], scores[200:]), n_resamples=100)
    assert found.chosen == "temperature"
    assert "slope" not in found.of("none").on_test
    assert {bin_.class_name for bin_ in found.before} == {"the class answered"}
    path = write_value(tmp_path / "calibration.json", found)
    again = read_value(Calibrated, path)
    assert again == found
    after = chosen_calibrator(again).apply(scores)
    np.testing.assert_array_equal(after, chosen_calibrator(found).apply(scores))


def test_unknown_labels_are_left_out_and_other_classes_refused() -> None:
    labels, scores = drawn(100)
    whole = predictions(labels, scores)
    blind = replace(whole, labels=np.where(np.arange(100) < 20, -1, labels))
    found = judge_calibration(blind, blind, n_resamples=50)
    assert found.n_validation == 80
    assert found.tried[0].on_test["log_loss"].n == 80
    with pytest.raises(DataError, match="No film"):
        judge_calibration(replace(whole, labels=np.full(100, -1)), whole)
    with pytest.raises(UsageError, match="classes"):
        judge_calibration(whole, replace(whole, classes=("x", "y")))

"""Decisions: thresholds of validation, judged on test; laws, formulas and promises."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from osteon.calibrators.logits import of_two, sigmoid, softmax
from osteon.calibrators.platt import Platt
from osteon.decisions import DOUBTFUL, Decisions, Goals, decide, three_way
from osteon.decisions.answers import answer, specific_point, three_answers, two_points
from osteon.decisions.conformal import class_threshold, conformal_sets
from osteon.decisions.curve import THRESHOLDS, at_prevalence, decision_curve, net_benefits
from osteon.decisions.promises import promise
from osteon.decisions.savings import saving
from osteon.errors import DataError, UsageError
from osteon.statistics import predictive_values
from osteon.types import Estimate, Predictions
from osteon.values import read_value, write_value
from tests.test_calibrate import drawn, known, ones, predictions


def apart(n: int = 300, *, gap: float = 2.0, seed: int = 0, part: str = "test") -> Predictions:
    """Two classes, a third positive, whose logits lie ``gap`` apart."""
    rng = np.random.default_rng(seed)
    labels = (rng.random(n) < 1 / 3).astype(np.int64)
    return predictions(labels, of_two(sigmoid(rng.normal(size=n) + gap * (labels - 0.5))),
                       part=part)  # fmt: skip


def estimate(value: float, low: float, high: float) -> Estimate:
    return Estimate(value=value, low=low, high=high, n=9, n_groups=9, method="made up")


# --- three answers --------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 2**32 - 1), st.floats(0.5, 1.0), st.floats(0.5, 1.0), st.integers(1, 3),
    st.floats(0, 4),
)  # fmt: skip
def test_both_promises_hold_on_validation(
    seed: int, sensitivity: float, specificity: float, digits: int, gap: float
) -> None:
    rng = np.random.default_rng(seed)
    labels = np.r_[0, 1, rng.integers(0, 2, 40)]
    score = sigmoid(rng.normal(size=42) + gap * (labels - 0.5)).round(digits)  # with ties
    val = predictions(labels, of_two(score), part="val")
    lower, upper, crossed = two_points(val, sensitivity=sensitivity, specificity=specificity)
    assert lower.threshold <= upper.threshold
    answers = answer(val.scores[:, 1], lower.threshold, upper.threshold)
    assert (answers[labels == 1] > 0).mean() >= sensitivity - 1e-9
    assert (answers[labels == 0] < 2).mean() >= specificity - 1e-9
    if crossed:
        assert not (answers == 1).any()


@pytest.mark.parametrize(("n", "target", "truth"), [(60, 0.95, 0.94), (70, 0.95, 0.94)])
def test_a_broken_promise_is_seldom_called_kept(n: int, target: float, truth: float) -> None:
    """At most 2.5 times in 100, by the exact chance of each number of positives found."""
    val = predictions(np.r_[0, 1], of_two(np.array([0.1, 0.5])), part="val")
    labels = np.r_[np.ones(n, int), np.zeros(n, int)]
    kept = 0.0
    for missed in range(8):
        score = np.r_[np.full(missed, 0.2), np.full(n - missed, 0.9), np.full(n, 0.1)]
        found = saving(val, predictions(labels, of_two(score)), target, n_resamples=50)
        assert found.sensitivity.n == n
        kept += (found.promise.verdict == "kept") * binom.pmf(missed, n, 1 - truth)
    assert kept <= 0.025


def test_one_more_missed_never_settles_a_promise_of_coverage() -> None:
    """30 of 30 groups covered leave 90 % open, and so must 29."""
    val = predictions(np.r_[np.zeros(99, int), np.ones(99, int)],
                      of_two(np.r_[np.full(99, 0.2), np.full(99, 0.8)]), part="val")  # fmt: skip
    verdicts = []
    for missed in range(3):
        score = np.r_[np.full(missed, 0.1), np.full(30 - missed, 0.9)]
        test = predictions(np.ones(30, int), of_two(score))
        found = conformal_sets(val, test, coverage=0.9, n_resamples=50)
        verdicts += [each.verdict for each in found.promises]
    assert verdicts == ["open"] * 3


def test_the_threshold_for_specificity_is_the_lowest_that_does() -> None:
    labels = np.r_[np.zeros(10, int), np.ones(3, int)]
    score = np.r_[np.arange(10) / 10, 0.05, 0.85, 0.95]
    val = predictions(labels, of_two(score), part="val")
    point = specific_point(val, specificity=0.9)
    assert point.threshold == pytest.approx(0.85)  # 0.8 would answer a second negative positive
    assert point.rule == "specificity >= 0.90"
    assert specific_point(val, specificity=0.999).rule == "specificity >= 0.999"  # and not 1.00
    assert specific_point(val, specificity=1.0).threshold == pytest.approx(0.95)
    low = predictions(labels, of_two(np.r_[np.arange(10) / 10, 0.1, 0.1, 0.1]), part="val")
    assert specific_point(low, specificity=1.0).threshold > 0.9  # above every film
    with pytest.raises(UsageError, match="specificity"):
        specific_point(val, specificity=0)
    with pytest.raises(DataError, match="'a'"):
        specific_point(replace(val, labels=np.ones(13, int)), specificity=0.9)
    with pytest.raises(UsageError, match="two classes"):
        specific_point(predictions(np.array([0, 1]), np.full((2, 3), 1 / 3)), specificity=0.9)


def test_figures_are_those_of_the_table() -> None:
    val, test = apart(part="val"), apart(seed=1)
    found = three_answers(val, test, sensitivity=0.95, specificity=0.95, n_resamples=100)
    (tn, un, fp), (fn, up, tp) = found.counts
    assert min(tn, un, fp, fn, up, tp) > 0
    expected = {
        "sensitivity": (up + tp) / (fn + up + tp), "npv": tn / (tn + fn),
        "specificity": (tn + un) / (tn + un + fp), "ppv": tp / (tp + fp),
        "positive": (fp + tp) / 300, "doubtful": (un + up) / 300, "negative": (tn + fn) / 300,
        "error": (fp + fn) / (tn + fn + fp + tp), "doubtful_positives": up / (fn + up + tp),
        "doubtful_negatives": un / (tn + un + fp),
    }  # fmt: skip
    for name, value in expected.items():
        seen, low, high = known(found.figures[name])
        assert seen == pytest.approx(value), name
        assert low < value < high
    assert set(expected) == set(found.figures)
    assert f"{100 * expected['doubtful']:.0f} % are left doubtful" in found.verdict


def test_predictive_values_at_a_prevalence_are_bayes() -> None:
    val, test = apart(part="val"), apart(seed=1)
    found = three_answers(
        val, test, sensitivity=0.95, specificity=0.95, prevalence=0.02, n_resamples=100
    )
    (tn, un, fp), (fn, up, tp) = found.counts
    hit, alarm = tp / (fn + up + tp), fp / (tn + un + fp)
    assert found.figures["ppv"].value == pytest.approx(0.02 * hit / (0.02 * hit + 0.98 * alarm))
    own = three_answers(val, test, sensitivity=0.95, specificity=0.95, n_resamples=100)
    assert known(found.figures["sensitivity"]) == pytest.approx(known(own.figures["sensitivity"]))
    assert known(found.figures["npv"])[0] > known(own.figures["npv"])[0]


@pytest.mark.parametrize("prevalence", [0.01, 0.3])
def test_answers_at_a_prevalence_are_not_surer_than_the_prevalence_lets_them(
    prevalence: float,
) -> None:
    """20 fractures of 420: with none of them missed, what "negative" is worth hangs on how many
    there are elsewhere. Wilson's interval of the films seen would be the same at any prevalence."""
    labels = np.r_[np.zeros(400, int), np.ones(20, int)]
    score = np.r_[np.linspace(0.01, 0.9, 400), np.linspace(0.5, 0.99, 20)]
    val, test = (predictions(labels, of_two(score), part=part) for part in ("val", "test"))
    found = three_answers(
        val, test, sensitivity=0.99, specificity=0.95, prevalence=prevalence, n_resamples=100
    )
    (tn, un, fp), (fn, up, tp) = found.counts
    assert fn == 0
    positive = np.repeat([False, False, True, True], [tn, un + fp, up, tp])
    left = np.repeat([True, False, False, False], [tn, un + fp, up, tp])
    named = [str(at) for at in range(420)]
    wanted = predictive_values(positive, ~left, named, prevalence=prevalence).npv
    npv = found.figures["npv"]
    assert (npv.value, npv.low, npv.high) == pytest.approx((wanted.value, wanted.low, wanted.high))
    assert "Mercaldo" in npv.method
    assert "Mercaldo" in found.figures["ppv"].method


def test_shares_of_a_perfect_classifier_at_a_prevalence_are_not_certain() -> None:
    val, test = apart(gap=40, part="val"), apart(gap=40, seed=1)
    found = three_answers(
        val, test, sensitivity=0.95, specificity=0.95, prevalence=0.05, n_resamples=100
    )
    positive = found.figures["positive"]
    assert positive.value == pytest.approx(0.05)
    assert (positive.low, positive.high) == (None, None)
    assert "collapsed" in positive.method
    assert found.figures["sensitivity"].low is not None


def test_a_classifier_that_is_too_good_leaves_no_film_doubtful() -> None:
    val, test = apart(gap=12, part="val"), apart(gap=12, seed=1)
    found = three_answers(val, test, sensitivity=0.95, specificity=0.95, n_resamples=100)
    assert found.crossed
    assert found.lower.threshold == found.upper.threshold
    assert found.figures["doubtful"].value == 0
    assert "crossed" in found.verdict
    assert found.figures["sensitivity"].method == "Clopper-Pearson"


def test_the_verdict_rounds_no_error_away() -> None:
    labels = np.repeat([0, 1], [300, 100])
    score = np.where(labels == 1, 0.9, 0.1)
    val = predictions(labels, of_two(score), part="val")
    missed = predictions(labels, of_two(np.where(np.arange(400) == 399, 0.2, score)))
    found = three_answers(val, missed, sensitivity=1, specificity=1, n_resamples=20)
    assert "ones under 1 % are wrong" in found.verdict
    doubtful = predictions(np.repeat([0, 1], 5), of_two(np.repeat([0.9, 0.1, 0.9], [1, 8, 1])))
    unanswered = predictions(labels, of_two(np.full(400, 0.5)))
    found = three_answers(doubtful, unanswered, sensitivity=1, specificity=1, n_resamples=20)
    assert found.verdict.endswith("100 % are left doubtful for a person to read.")


def test_a_film_is_answered_with_its_thresholds() -> None:
    found = three_answers(apart(part="val"), apart(), sensitivity=0.95, specificity=0.95,
                          n_resamples=50)  # fmt: skip
    lower, upper = found.lower.threshold, found.upper.threshold
    for score, category in ((upper, "b"), ((lower + upper) / 2, DOUBTFUL), (lower - 1e-6, "a")):
        answered, reason = three_way(("a", "b"), score, found)
        assert answered == category
        assert "raw score of 'b'" in reason
        assert "on val" in reason
    assert three_way(("a", "b"), lower, found)[0] == DOUBTFUL


def test_a_promise_is_judged_by_its_interval() -> None:
    assert promise("x", 0.9, estimate(0.95, 0.9, 0.99)).verdict == "kept"
    reached = promise("x", 0.9, estimate(0.92, 0.85, 0.99))
    assert reached.verdict == "open"
    assert reached.words == (
        "x at least 90 %: reached here, but so few films cannot settle it (92.0 % seen, interval "
        "85.0 to 99.0 %)."
    )
    assert promise("x", 0.995, estimate(0.9, 0.8, 0.99)).words.startswith("x at least 99.5 %")
    assert promise("x", 0.07, estimate(0.9, 0.8, 0.99)).words.startswith("x at least 7 %:")
    assert "missed here" in promise("x", 0.9, estimate(0.88, 0.85, 0.95)).words
    assert promise("x", 0.9, estimate(0.8, 0.7, 0.89)).verdict == "broken"
    assert promise("x", 1.0, estimate(0.99, 0.97, 1.0)).verdict == "broken"  # one was missed
    none = replace(estimate(0.8, 0, 0), low=None, high=None)
    assert "without an interval" in promise("x", 0.9, none).words
    assert "undefined" in promise("x", 0.9, replace(none, value=None)).words


# --- work saved -----------------------------------------------------------------------------------


def test_work_saved_is_that_of_its_formula() -> None:
    val, test = apart(part="val"), apart(seed=1)
    for target in (0.9, 1.0):
        found = saving(val, test, target, n_resamples=100)
        negative = test.scores[:, 1] < found.point.threshold
        lost = (negative & (test.labels == 1)).sum() / (test.labels == 1).sum()
        assert found.answered_negative.value == pytest.approx(negative.mean())
        assert found.sensitivity.value == pytest.approx(1 - lost)
        assert found.wss.value == pytest.approx(negative.mean() - lost)
    assert found.point.threshold == val.scores[val.labels == 1, 1].min()


def test_answering_at_random_saves_nothing() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 4000)
    blind = predictions(labels, of_two(rng.random(4000)))
    _, low, high = known(saving(blind, blind, 0.9, n_resamples=200).wss)
    assert low < 0 < high


# --- decision curves ------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.one_of(st.none(), st.floats(0.01, 0.99)))
def test_net_benefit_is_that_of_its_formula(seed: int, prevalence: float | None) -> None:
    rng = np.random.default_rng(seed)
    labels = np.r_[0, 1, rng.integers(0, 2, 30)]
    score = rng.random(32)
    model, treat_all = net_benefits(labels, score, ones(32), prevalence=prevalence)
    share = labels.mean() if prevalence is None else prevalence
    for at, threshold in enumerate(THRESHOLDS):
        treated = score >= threshold
        odds = threshold / (1 - threshold)
        true, false = treated[labels == 1].mean() * share, treated[labels == 0].mean() * (1 - share)
        assert model[0, at] == pytest.approx(true - false * odds)
        assert treat_all[0, at] == pytest.approx(share - (1 - share) * odds)
    everyone, _ = net_benefits(labels, np.ones(32), ones(32), prevalence=prevalence)
    np.testing.assert_allclose(everyone, treat_all)


def test_a_model_is_useful_where_it_beats_all_and_none() -> None:
    labels, scores = drawn(1500)
    groups = [str(at) for at in range(1500)]
    good = decision_curve(labels, scores[:, 1], groups, calibrator="none", n_resamples=200)
    assert any(low <= 0.2 and high >= 0.5 for low, high in good.useful)
    blind = decision_curve(
        labels, np.full(1500, labels.mean()), groups, calibrator="none", n_resamples=200
    )
    assert blind.useful == ()


def test_a_prevalence_moves_probabilities_as_bayes_says() -> None:
    moved = at_prevalence(np.array([0.3]), 0.5, 0.1)[0]
    assert moved == pytest.approx(0.3 * 0.2 / (0.3 * 0.2 + 0.7 * 1.8))
    assert at_prevalence(np.array([0.3]), 0.2, 0.2)[0] == pytest.approx(0.3)


# --- prediction sets ------------------------------------------------------------------------------


def test_with_groups_of_one_film_it_is_split_conformal() -> None:
    score = np.random.default_rng(0).random(99)
    found = class_threshold(score, [str(at) for at in range(99)], 0.9)
    assert found == np.sort(score)[::-1][89]  # the ceil(0.9 * 100)-th highest


def test_a_group_of_many_films_counts_once() -> None:
    score = np.r_[np.linspace(0.5, 0.9, 19), np.full(100, 0.1)]
    groups = [*(str(at) for at in range(19)), *["patient"] * 100]
    assert class_threshold(score, groups, 0.9) == pytest.approx(0.5)  # 19 of 20 + 1 groups
    assert class_threshold(score, [str(at) for at in range(119)], 0.9) == 0.1


def test_too_few_groups_for_a_promise_put_the_class_into_every_set() -> None:
    val = predictions(np.r_[np.zeros(50, int), np.ones(5, int)],
                      of_two(np.linspace(0.1, 0.9, 55)), part="val")  # fmt: skip
    found = conformal_sets(val, apart(), coverage=0.9, n_resamples=50)
    assert found.thresholds["b"] == 0
    assert found.by_class["b"].value == 1
    assert any("'b' has 5 independent groups" in remark for remark in found.remarks)
    labels = np.repeat([0, 1], 50)
    zeros = predictions(labels, of_two(np.r_[np.full(50, 0.1), np.zeros(50)]), part="val")
    found = conformal_sets(zeros, apart(), coverage=0.9, n_resamples=50)
    assert found.remarks[0].startswith("'b' is in every set: too many of its validation films")


def test_shares_of_sets_sum_to_one_and_sizes_agree() -> None:
    found = conformal_sets(apart(part="val"), apart(seed=1), coverage=0.9, n_resamples=50)
    assert sum(known(share)[0] for share in found.sets.values()) == pytest.approx(1)
    assert known(found.sets["both (doubtful)"])[0] == pytest.approx(known(found.sizes["2"])[0])
    mean = sum(int(size) * known(share)[0] for size, share in found.sizes.items())
    assert found.mean_size.value == pytest.approx(mean)


@pytest.mark.slow
@pytest.mark.parametrize("n_classes", [2, 5])
def test_coverage_of_each_class_is_kept_where_films_come_in_groups(n_classes: int) -> None:
    """1,000 validations; one film of a new group each. Within binomial bounds of the promise, and
    not far above it; films of a group are alike, and large groups are the hard ones."""
    rng = np.random.default_rng(0)
    covered = np.zeros((n_classes, 1000), bool)

    def group(label: int) -> tuple[np.ndarray, int]:
        n = int(rng.integers(1, 9))
        logits = rng.normal(size=(1, n_classes)) - 0.2 * n * np.eye(n_classes)[label]
        logits = logits + 0.3 * rng.normal(size=(n, n_classes)) + 2 * np.eye(n_classes)[label]
        return softmax(logits)[:, label], n

    for trial in range(1000):
        for label in range(n_classes):
            groups = [group(label) for _ in range(40)]
            names = [str(at) for at, (_, n) in enumerate(groups) for _ in range(n)]
            threshold = class_threshold(np.concatenate([s for s, _ in groups]), names, 0.9)
            covered[label, trial] = rng.choice(group(label)[0]) >= threshold
    low, _ = binom.interval(0.999, 1000, 0.9)
    _, high = binom.interval(0.999, 1000, 0.9 + 2 / 41)
    counts = covered.sum(1)
    assert ((counts >= low) & (counts <= high)).all(), counts


# --- all of it ------------------------------------------------------------------------------------


def test_everything_for_two_classes_and_the_round_trip(tmp_path: Path) -> None:
    val, test = apart(part="val"), apart(seed=1)
    calibrator = Platt.fit(val.labels, val.scores)
    found = decide(val, test, calibrator=calibrator, prevalence=0.1, n_resamples=50)
    assert read_value(Decisions, write_value(tmp_path / "decisions.json", found)) == found
    assert found.curve is not None
    assert found.curve.calibrator == "platt"
    assert [one.target for one in found.savings] == [0.9, 0.95, 0.98, 1.0]
    assert (found.prevalence, found.of_test) == (0.1, False)
    assert found.curve.points[0].treat_all.value == pytest.approx(0.1 - 0.9 / 99)
    raw = decide(val, test, n_resamples=50)
    assert any("not calibrated" in remark for remark in raw.remarks)
    assert raw.prevalence == pytest.approx((test.labels == 1).mean())
    # A calibrator does not move the thresholds: they are on raw scores.
    assert raw.three is not None
    assert found.three is not None
    assert raw.three.counts == found.three.counts


def test_thresholds_do_not_look_at_test() -> None:
    val = apart(part="val")
    one = decide(val, apart(seed=1), n_resamples=50)
    other = decide(val, apart(seed=2, gap=-1), n_resamples=50)
    assert one.three is not None
    assert other.three is not None
    assert (one.three.lower, one.three.upper) == (other.three.lower, other.three.upper)
    assert one.conformal.thresholds == other.conformal.thresholds
    assert other.three.promises[0].verdict == "broken"


def test_of_several_classes_there_are_sets_alone() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 4, 400)
    scores = softmax(rng.normal(size=(400, 4)) + 2 * np.eye(4)[labels])
    found = decide(predictions(labels[:200], scores[:200], part="val"),
                   predictions(labels[200:], scores[200:]), n_resamples=50)  # fmt: skip
    assert (found.three, found.curve, found.savings) == (None, None, ())
    assert "need two classes; these are 4" in found.remarks[0]
    assert list(found.conformal.by_class) == ["a", "b", "c", "d"]
    assert found.conformal.sets == {}


def test_a_validation_of_one_class_gives_sets_alone() -> None:
    val = apart(part="val")
    found = decide(replace(val, labels=np.zeros(300, int)), apart(seed=1), n_resamples=50)
    assert found.three is None
    assert "no film of 'b'" in found.remarks[0]


@pytest.mark.parametrize(
    "wrong", [{"sensitivity": 0.0}, {"specificity": 1.1}, {"coverage": 1.0}, {"prevalence": 0.0}]
)
def test_goals_that_cannot_be_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(UsageError, match=next(iter(wrong))):
        Goals(**wrong)
    with pytest.raises(UsageError):
        decide(apart(part="val"), apart(), **wrong)  # type: ignore[arg-type]


def test_other_classes_are_refused() -> None:
    with pytest.raises(UsageError, match="classes"):
        decide(apart(part="val"), replace(apart(), classes=("x", "y")))

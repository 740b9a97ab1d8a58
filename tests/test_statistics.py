"""Intervals against independent ones, and their promises by simulation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import binomtest, norm

from osteon.console import shown_estimate
from osteon.metrics import METRICS
from osteon.report.rendering import estimate_html
from osteon.statistics import contrasts, differences, estimates, group_draws, resamples, wilson
from osteon.types import Estimate

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@pytest.mark.parametrize(("k", "n"), [(0, 10), (10, 10), (3, 7), (98, 110), (1, 1), (521, 613)])
def test_wilson_equals_scipys(k: int, n: int) -> None:
    theirs = binomtest(k, n).proportion_ci(method="wilson")
    np.testing.assert_allclose(wilson(k, n), (theirs.low, theirs.high), atol=1e-12)


@pytest.mark.parametrize(("k", "n"), [(1, 0), (3, 2), (-1, 5)])
def test_no_proportion_is_refused(k: int, n: int) -> None:
    with pytest.raises(ValueError, match="no proportion"):
        wilson(k, n)


def test_whole_groups_are_drawn() -> None:
    groups = ["a", "b", "b", "c", "c", "c"]
    weights = np.concatenate(list(resamples(groups, resamples=500, seed=3)))
    assert weights.shape == (500, 6)
    assert (weights[:, 1] == weights[:, 2]).all()
    assert (weights[:, 3] == weights[:, 5]).all()
    assert (weights[:, [0, 1, 3]].sum(1) == 3).all()


def test_chunks_do_not_change_what_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    groups = [str(i) for i in range(30)]
    whole = np.concatenate(list(resamples(groups, resamples=100, seed=1)))
    monkeypatch.setattr("osteon.statistics.bootstrap.CELLS_AT_ONCE", 240)
    chunks = list(resamples(groups, resamples=100, seed=1))
    assert len(chunks) > 1
    assert (np.concatenate(chunks) == whole).all()


def scored(n: int, seed: int, shift: float = 1.0) -> tuple[Ints, Floats]:
    rng = np.random.default_rng(seed)
    labels = rng.integers(2, size=n).astype(np.int64)
    positive = 1 / (1 + np.exp(-(rng.normal(size=n) + shift * (labels - 0.5))))
    return labels, np.stack([1 - positive, positive], axis=1)


def test_an_estimate_tells_all_that_is_needed() -> None:
    labels, scores = scored(200, 0)
    groups = [str(i // 2) for i in range(200)]
    made = estimates({"auroc": METRICS["auroc"]}, labels, scores, groups)["auroc"]
    assert made.low is not None
    assert made.high is not None
    assert made.value is not None
    assert made.low < made.value < made.high
    assert (made.n, made.n_groups) == (200, 100)
    assert "grouped bootstrap, 2,000 resamples" in made.method


PERFECT = np.array([0] * 12 + [1] * 6)
PATIENTS = [str(i // 2) for i in range(18)]  # two films each: 6 without, 3 with a fracture


@pytest.mark.parametrize(
    ("name", "witnesses"),
    [
        ("accuracy", 9),
        ("sensitivity", 3),
        ("specificity", 6),
        ("precision", 3),
        ("npv", 6),
        ("auroc", 3),
        ("balanced_accuracy", 3),
    ],
)
def test_a_perfect_share_keeps_the_interval_of_the_groups_it_rests_on(
    name: str, witnesses: int
) -> None:
    made = estimates({name: METRICS[name]}, PERFECT, np.eye(2)[PERFECT], PATIENTS)[name]
    low = binomtest(witnesses, witnesses).proportion_ci(method="wilson").low
    assert (made.value, made.high) == (1.0, 1.0)
    assert made.low == pytest.approx(low)
    assert f"Wilson on the {witnesses} groups" in made.method


def test_perfect_top_answers_have_wilsons_interval_too() -> None:
    metrics = {name: METRICS[name] for name in ("top_2_accuracy", "top_3_accuracy")}
    for made in estimates(metrics, PERFECT, np.eye(5)[PERFECT], PATIENTS).values():
        assert made.value == 1.0
        assert made.low == pytest.approx(wilson(9, 9)[0])


@pytest.mark.parametrize("name", ["mcc", "kappa", "log_loss", "brier_loss"])
def test_a_perfect_figure_that_is_no_share_has_no_interval(name: str) -> None:
    made = estimates({name: METRICS[name]}, PERFECT, np.eye(2)[PERFECT], PATIENTS)[name]
    assert made.value == (0.0 if name.endswith("_loss") else 1.0)
    assert (made.low, made.high) == (None, None)
    assert "no interval" in made.method


def test_a_constant_score_has_an_auroc_of_a_half_and_nothing_else() -> None:
    scores = np.full((18, 2), 0.5)
    made = estimates({"auroc": METRICS["auroc"]}, PERFECT, scores, PATIENTS)["auroc"]
    assert (made.value, made.low, made.high) == (0.5, 0.5, 0.5)


def test_one_patient_gives_no_interval() -> None:
    labels, scores = scored(50, 1)
    made = estimates({"accuracy": METRICS["accuracy"]}, labels, scores, ["a"] * 50)["accuracy"]
    assert made.value is not None
    assert (made.low, made.high, made.n_groups) == (None, None, 1)
    assert "one group" in made.method


def test_one_group_a_class_gives_no_interval() -> None:
    """Half of the resamples lack a class: what is left tells of the luckier half."""
    groups = ["a", "a", "b", "b"]
    scores = np.array([[0.9, 0.1], [0.4, 0.6], [0.5, 0.5], [0.2, 0.8]])
    made = estimates({"auroc": METRICS["auroc"]}, np.array([0, 0, 1, 1]), scores, groups)["auroc"]
    assert made.value == 0.75
    assert (made.low, made.high) == (None, None)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 2**32 - 1), st.integers(4, 40), st.integers(1, 4))
def test_the_interval_depends_on_groups_and_not_on_their_names(
    seed: int, n_groups: int, each: int
) -> None:
    labels, scores = scored(n_groups * each, seed)
    accuracy = {"accuracy": METRICS["accuracy"]}
    plain = [f"{i // each:03d}" for i in range(len(labels))]
    renamed = [f"patient {name}" for name in plain]
    one, other = (
        estimates(accuracy, labels, scores, names, n_resamples=50)["accuracy"]
        for names in (plain, renamed)
    )
    assert one == other
    assert one.n_groups == n_groups


def test_what_is_undefined_is_none() -> None:
    labels = np.zeros(5, np.int64)
    made = estimates(
        {"auroc": METRICS["auroc"]}, labels, np.full((5, 2), 0.5), [str(i) for i in range(5)]
    )["auroc"]
    assert (made.value, made.low, made.high) == (None, None, None)


def test_the_difference_of_a_classifier_to_itself_is_nothing() -> None:
    labels, scores = scored(80, 2)
    groups = [str(i) for i in range(80)]
    made = differences({"auroc": METRICS["auroc"]}, labels, scores, scores, groups)["auroc"]
    assert (made.value, made.low, made.high) == (0.0, 0.0, 0.0)


def test_paired_differences_are_sharper_than_unpaired_ones() -> None:
    labels, scores = scored(300, 5)
    nearly = scores.copy()
    nearly[::10] = nearly[::10, ::-1]
    groups = [str(i) for i in range(300)]
    auroc = {"auroc": METRICS["auroc"]}
    paired = differences(auroc, labels, scores, nearly, groups)["auroc"]
    single = estimates(auroc, labels, scores, groups)["auroc"]
    assert paired.low is not None
    assert paired.high is not None
    assert single.low is not None
    assert single.high is not None
    assert 0 < paired.low < paired.high
    assert paired.high - paired.low < single.high - single.low


def test_a_difference_that_never_varies_has_no_interval() -> None:
    constant = np.full((18, 2), 0.5)
    auroc = {"auroc": METRICS["auroc"]}
    made = differences(auroc, PERFECT, np.eye(2)[PERFECT], constant, PATIENTS)["auroc"]
    assert (made.value, made.low, made.high) == (0.5, None, None)


def test_no_zero_is_printed_as_less_than_nothing() -> None:
    nothing = Estimate(value=-0.0001, low=-0.0004, high=0.0003, n=9, n_groups=9, method="made up")
    assert shown_estimate(nothing) == "0.000 [.000, .000]"
    assert "-" not in estimate_html(nothing)


def test_two_perfect_classifiers_are_not_known_to_be_equally_good() -> None:
    """18 films of 6 patients cannot show a difference of exactly 0."""
    rising = np.arange(18) / 18
    turned = np.r_[rising[:12][::-1], rising[12:]]
    first, second = (np.stack([1 - score, score], axis=1) for score in (rising, turned))
    auroc = {"auroc": METRICS["auroc"]}
    made = differences(auroc, PERFECT, first, second, PATIENTS)["auroc"]
    assert (made.value, made.low, made.high) == (0.0, None, None)
    assert "no interval" in made.method
    assert contrasts(auroc, PERFECT, first, second, PATIENTS)["auroc"][1] is None
    recalibrated = differences(auroc, PERFECT, first, first**3, PATIENTS)["auroc"]
    assert (recalibrated.low, recalibrated.high) == (0.0, 0.0)


@pytest.mark.slow
def test_the_grouped_intervals_cover_and_the_naive_ones_do_not() -> None:
    """Nominal 95 %. Three films a patient share a part of their score; films counted singly are
    too sure. Score = 1.2 label - 0.6 + N(0, 1) of the patient + N(0, 0.5) of the film."""
    rng = np.random.default_rng(0)
    rounds, n_patients, each = 500, 100, 3
    metrics = {name: METRICS[name] for name in ("auroc", "accuracy")}
    truth = {"auroc": norm.cdf(1.2 / np.sqrt(2 * 1.5)), "accuracy": norm.cdf(0.6 / np.sqrt(1.5))}
    covered: Counter[tuple[str, str]] = Counter()
    n = n_patients * each
    units = {"grouped": [str(i // each) for i in range(n)], "naive": [str(i) for i in range(n)]}
    for _ in range(rounds):
        labels = np.repeat(rng.integers(2, size=n_patients), each)
        of_patient = np.repeat(rng.normal(size=n_patients), each)
        logit = 1.2 * labels - 0.6 + of_patient + np.sqrt(0.5) * rng.normal(size=n)
        positive = 1 / (1 + np.exp(-logit))
        scores = np.stack([1 - positive, positive], axis=1)
        for unit, groups in units.items():
            for name, made in estimates(metrics, labels, scores, groups, n_resamples=500).items():
                assert made.low is not None
                assert made.high is not None
                covered[name, unit] += bool(made.low <= truth[name] <= made.high)
    for name in metrics:
        assert 0.93 <= covered[name, "grouped"] / rounds <= 0.97
        assert covered[name, "naive"] / rounds < 0.90


def test_group_draws_are_the_same_kept_or_drawn_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    from osteon.statistics import bootstrap

    kept = np.concatenate([*group_draws(700, resamples=900, seed=3)])
    again = np.concatenate([*group_draws(700, resamples=900, seed=3)])
    monkeypatch.setattr(bootstrap, "CELLS_KEPT", 0)
    anew = np.concatenate([*group_draws(700, resamples=900, seed=3)])
    assert (kept == again).all()
    assert (kept == anew).all()
    assert (kept.sum(1) == 700).all()


def test_a_group_drawn_more_often_than_a_byte_holds_is_counted() -> None:

    from osteon.statistics import bootstrap

    real = bootstrap._drawn

    def often(n_groups: int, resamples: int, seed: int) -> Iterator[NDArray[np.int64]]:
        for chunk in real(n_groups, resamples, seed):
            yield chunk * 300

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(bootstrap, "_drawn", often)
        bootstrap._kept.cache_clear()
        drawn = np.concatenate([*group_draws(5, resamples=20, seed=0)])
        bootstrap._kept.cache_clear()
    assert (drawn.sum(1) == 1500).all()

"""Intervals against independent ones, and their promises by simulation."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import binomtest

from osteon.metrics import METRICS
from osteon.statistics import differences, estimates, resamples, wilson

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
    monkeypatch.setattr("osteon.statistics.CELLS_AT_ONCE", 240)
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


def test_a_perfect_score_keeps_an_interval() -> None:
    labels = np.array([0, 0, 0, 1, 1, 1])
    made = estimates(
        {"auroc": METRICS["auroc"]}, labels, np.eye(2)[labels], [str(i) for i in range(6)]
    )["auroc"]
    assert made.value == 1.0
    assert made.high == 1.0
    assert made.low == pytest.approx(wilson(3, 3)[0])
    assert "Wilson" in made.method


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


@pytest.mark.slow
def test_the_grouped_interval_covers_and_the_naive_one_does_not() -> None:
    """Nominal 95 %; films of one patient share their outcome, so counting films is too sure."""
    rng = np.random.default_rng(0)
    truth, n_patients, each, rounds = 0.7, 80, 4, 400
    accuracy = {"accuracy": METRICS["accuracy"]}
    covered = {"grouped": 0, "naive": 0}
    for _ in range(rounds):
        right = np.repeat(rng.random(n_patients) < truth, each)
        labels = np.zeros(n_patients * each, np.int64)
        scores = np.eye(2)[1 - right.astype(int)]
        patients = [str(i // each) for i in range(len(labels))]
        films = [str(i) for i in range(len(labels))]
        for name, groups in (("grouped", patients), ("naive", films)):
            made = estimates(accuracy, labels, scores, groups, n_resamples=400)["accuracy"]
            assert made.low is not None
            assert made.high is not None
            covered[name] += made.low <= truth <= made.high
    assert 0.92 <= covered["grouped"] / rounds <= 0.98
    assert covered["naive"] / rounds < 0.80

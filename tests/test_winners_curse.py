"""The best of many tries, by simulation: what is taken off is what was luck."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pytest

from osteon.metrics import METRICS
from osteon.statistics import standard_error
from osteon.winners_curse import optimism

if TYPE_CHECKING:
    from osteon.types import Floats, Ints


def tries(
    rng: np.random.Generator, truths: list[float], n: int, shared: float
) -> tuple[Ints, list[Floats]]:
    """Answers of classifiers whose true accuracies are ``truths``; a film that is hard is hard for
    all of them, to the extent of ``shared``."""
    labels = rng.integers(0, 2, n)
    common = rng.standard_normal(n)
    made = []
    for truth in truths:
        own = rng.standard_normal(n)
        latent = np.sqrt(shared) * common + np.sqrt(1 - shared) * own
        right = latent < np.sqrt(2) * _erfinv(2 * truth - 1)
        answered = np.where(right, labels, 1 - labels)
        made.append(np.eye(2)[answered])
    return labels, made


def told(values: Sequence[float | None]) -> list[float]:
    assert None not in values
    return [value for value in values if value is not None]


def _erfinv(x: float) -> float:
    from scipy.special import erfinv

    return float(erfinv(x))


@pytest.mark.parametrize("shared", [0.0, 0.6])
def test_equal_tries_are_corrected_to_their_truth(shared: float) -> None:
    rng = np.random.default_rng(0)
    seen: list[float] = []
    corrected: list[float | None] = []
    for _ in range(60):
        labels, scores = tries(rng, [0.7] * 20, 150, shared)
        groups = [str(at) for at in range(150)]
        result = optimism("accuracy", labels, scores, groups, n_resamples=100)
        seen.append(result.best)
        corrected.append(result.corrected)
    assert np.mean(seen) > 0.7 + 0.025  # the winner's curse is there
    assert np.mean(told(corrected)) == pytest.approx(0.7, abs=0.012)  # and gone


def test_a_winner_that_is_better_keeps_its_lead() -> None:
    rng = np.random.default_rng(1)
    corrected: list[float | None] = []
    for _ in range(30):
        labels, scores = tries(rng, [0.6] * 9 + [0.85], 150, 0.3)
        groups = [str(at) for at in range(150)]
        corrected.append(optimism("accuracy", labels, scores, groups, n_resamples=100).corrected)
    assert np.mean(told(corrected)) == pytest.approx(0.85, abs=0.02)


def test_copies_in_one_group_are_one_witness() -> None:
    """Films doubled: the luck is that of the films, not of twice as many."""
    rng = np.random.default_rng(2)
    single: list[float | None] = []
    double: list[float | None] = []
    naive: list[float | None] = []
    for _ in range(20):
        labels, scores = tries(rng, [0.7] * 10, 80, 0.0)
        groups = [str(at) for at in range(80)]
        twice = np.repeat(labels, 2)
        doubled = [np.repeat(each, 2, axis=0) for each in scores]
        paired = [group for group in groups for _ in range(2)]
        alone = [str(at) for at in range(160)]
        single.append(optimism("accuracy", labels, scores, groups, n_resamples=100).optimism)
        double.append(optimism("accuracy", twice, doubled, paired, n_resamples=100).optimism)
        naive.append(optimism("accuracy", twice, doubled, alone, n_resamples=100).optimism)
    assert np.mean(told(double)) == pytest.approx(np.mean(told(single)), rel=0.15)
    assert np.mean(told(naive)) < 0.9 * np.mean(told(double))


def test_one_try_has_no_luck_and_losses_are_better_when_lower() -> None:
    rng = np.random.default_rng(3)
    labels = rng.integers(0, 2, 60)
    groups = [str(at) for at in range(60)]
    scores = [rng.dirichlet((2, 2), 60) for _ in range(8)]
    assert optimism("auroc", labels, scores[:1], groups, n_resamples=50).optimism == 0
    result = optimism("log_loss", labels, scores, groups, n_resamples=200)
    losses = [METRICS["log_loss"](labels, each, np.ones((1, 60)))[0] for each in scores]
    assert result.best == pytest.approx(min(losses))
    assert result.corrected is not None
    assert result.corrected > result.best


def test_of_one_group_the_luck_cannot_be_told() -> None:
    labels = np.array([0, 1, 0, 1])
    rng = np.random.default_rng(0)
    scores = [rng.dirichlet((2, 2), 4) for _ in range(3)]
    found = optimism("auroc", labels, scores, ["g"] * 4, n_resamples=20)
    assert (found.corrected, found.optimism) == (None, None)


@pytest.mark.parametrize("groups", [[str(at) for at in range(20)], ["one"] * 20])
def test_a_perfect_score_and_a_single_group_have_no_standard_error(groups: list[str]) -> None:
    labels = np.arange(20) % 2
    assert math.isnan(standard_error(METRICS["accuracy"], labels, np.eye(2)[labels], groups))


def test_the_standard_error_of_an_accuracy_is_the_binomial_one() -> None:
    labels, (scores,) = tries(np.random.default_rng(4), [0.8], 400, 0.0)
    share = METRICS["accuracy"](labels, scores, np.ones((1, 400)))[0]
    error = standard_error(METRICS["accuracy"], labels, scores, [str(at) for at in range(400)])
    assert error == pytest.approx(np.sqrt(share * (1 - share) / 400), rel=0.1)

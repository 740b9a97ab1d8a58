"""Figures over several seeds: paired where they can be, and wide enough."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy import stats

from osteon.metrics import METRICS
from osteon.repeats import repeated, repeated_differences
from osteon.statistics import differences, estimates, wilson
from osteon.types import Predictions

if TYPE_CHECKING:
    from osteon.types import Ints


def run(rng: np.random.Generator, n: int = 120, skill: float = 1.0, first: int = 0) -> Predictions:
    labels = rng.integers(0, 2, n)
    positive = 1 / (1 + np.exp(-(rng.standard_normal(n) + skill * (2 * labels - 1))))
    return Predictions(
        ids=tuple(str(first + at) for at in range(n)),
        labels=labels,
        scores=np.stack([1 - positive, positive], axis=1),
        groups=tuple(str((first + at) // 2) for at in range(n)),
        classes=("a", "b"),
        part="test",
    )


def test_the_value_is_the_mean_over_the_seeds() -> None:
    rng = np.random.default_rng(0)
    runs = [run(rng) for _ in range(3)]
    each = [METRICS["auroc"](r.labels, r.scores, np.ones((1, 120)))[0] for r in runs]
    figure = repeated(("auroc",), runs, n_resamples=200)["auroc"]
    assert figure.value == pytest.approx(np.mean(each))
    assert figure.low is not None
    assert figure.high is not None
    assert figure.low < np.mean(each) < figure.high
    assert (figure.n, figure.n_groups) == (120, 60)
    assert "3 seeds" in figure.method


def test_an_interval_holds_nothing_that_a_metric_cannot_be() -> None:
    rng = np.random.default_rng(0)
    runs = [run(rng, skill=skill) for skill in (0.2, 2.0, 6.0)]
    made = repeated(("log_loss", "brier_loss", "mcc", "kappa", "accuracy"), runs, n_resamples=200)
    for name, figure in made.items():
        assert figure.low is not None, name
        assert figure.high is not None, name
        assert figure.low >= (0 if name in ("log_loss", "brier_loss", "accuracy") else -1), name
        assert name == "log_loss" or figure.high <= 1, name
    assert made["log_loss"].low == 0  # or the test shows nothing


def test_a_run_does_not_differ_from_itself() -> None:
    runs = [run(np.random.default_rng(seed)) for seed in range(3)]
    gain = repeated_differences(("auroc", "accuracy"), runs, runs, n_resamples=100)["auroc"]
    assert (gain.value, gain.low, gain.high) == (0, 0, 0)


def test_one_seed_on_equal_films_is_the_paired_bootstrap() -> None:
    rng = np.random.default_rng(1)
    mine = run(rng, skill=1.5)
    noise = rng.dirichlet((1, 1), 120)
    theirs = Predictions(
        ids=mine.ids, labels=mine.labels, scores=0.6 * mine.scores + 0.4 * noise,
        groups=mine.groups, classes=mine.classes, part="test",
    )  # fmt: skip
    ours = repeated_differences(("auroc",), [mine], [theirs])["auroc"]
    known = differences(
        {"auroc": METRICS["auroc"]}, mine.labels, mine.scores, theirs.scores, mine.groups
    )["auroc"]
    assert ours.value == pytest.approx(known.value)
    assert ours.low == pytest.approx(known.low, abs=0.01)
    assert ours.high == pytest.approx(known.high, abs=0.01)


def answered(right: bool, first: int = 0, group: str = "") -> Predictions:
    labels = np.arange(20) % 2
    return Predictions(
        ids=tuple(str(first + at) for at in range(20)),
        labels=labels,
        scores=np.eye(2)[labels if right else 1 - labels],
        groups=tuple(group or str(first + at) for at in range(20)),
        classes=("a", "b"),
        part="test",
    )


def test_a_perfect_figure_is_not_certain() -> None:
    figures = repeated(("accuracy", "sensitivity"), [answered(right=True)] * 3, n_resamples=50)
    accuracy, sensitivity = figures["accuracy"], figures["sensitivity"]
    assert (accuracy.value, accuracy.low, accuracy.high) == (1.0, *wilson(20, 20))
    assert (sensitivity.low, sensitivity.high) == wilson(10, 10)
    assert "20 groups" in accuracy.method
    assert (accuracy.n, sensitivity.n, sensitivity.n_groups) == (20, 10, 10)
    worst = repeated(("accuracy",), [answered(right=False)] * 3, n_resamples=50)["accuracy"]
    assert (worst.low, worst.high) == wilson(0, 20)


def test_a_difference_that_every_resample_repeats_has_no_interval() -> None:
    best, worst = [answered(right=True)] * 2, [answered(right=False)] * 2
    gain = repeated_differences(("accuracy",), best, worst, n_resamples=50)["accuracy"]
    assert (gain.value, gain.low, gain.high) == (1.0, None, None)
    elsewhere = [answered(right=True, first=100)] * 2  # as good on other films is not the same
    price = repeated_differences(("accuracy",), best, elsewhere, n_resamples=50)["accuracy"]
    assert (price.value, price.low, price.high) == (0.0, None, None)
    assert "collapsed" in price.method


def test_groups_that_are_alike_show_no_certainty() -> None:
    """Three groups, of each three films right of four: no resample gives anything but 3/4."""
    labels = np.tile([0, 0, 1, 1], 3)
    wrong = np.tile([False, False, False, True], 3)
    one = replace(
        run(np.random.default_rng(0)),
        ids=tuple(map(str, range(12))),
        labels=labels,
        scores=np.eye(2)[np.where(wrong, 1 - labels, labels)],
        groups=tuple(str(at // 4) for at in range(12)),
    )
    single = estimates({"accuracy": METRICS["accuracy"]}, one.labels, one.scores, one.groups)
    for figure in (single["accuracy"], repeated(("accuracy",), [one] * 3)["accuracy"]):
        assert (figure.value, figure.low, figure.high) == (0.75, None, None)
        assert "collapsed" in figure.method


def test_one_group_has_no_interval() -> None:
    one = replace(run(np.random.default_rng(0)), groups=("x",) * 120)
    figure = repeated(("accuracy",), [one] * 3, n_resamples=50)["accuracy"]
    assert figure.value is not None
    assert (figure.low, figure.high) == (None, None)
    assert "one group" in figure.method


def test_runs_without_a_partner() -> None:
    one = run(np.random.default_rng(0))
    with pytest.raises(ValueError, match="cannot be paired"):
        repeated_differences(("auroc",), [one, one], [one])


def test_two_perfect_classifiers_are_not_shown_to_be_equal() -> None:
    """Only one that puts the films into the same order is: they may differ on other films."""
    best = [answered(right=True)] * 3
    rng = np.random.default_rng(0)
    soft = rng.uniform(0.6, 1.0, 20)
    labels = best[0].labels
    other = [
        replace(best[0], scores=np.where(np.eye(2)[labels] > 0, soft[:, None], 1 - soft[:, None]))
    ]
    gain = repeated_differences(("auroc",), best, other * 3, n_resamples=50)["auroc"]
    assert (gain.value, gain.low, gain.high) == (0.0, None, None)
    assert repeated_differences(("auroc",), best, best, n_resamples=50)["auroc"].low == 0.0


@pytest.mark.parametrize("n_seeds", [3, 6, 7, 9, 10])
def test_rounding_makes_nothing_certain(n_seeds: int) -> None:
    """A mean of ones may come out as 1 - 1e-16."""
    rng = np.random.default_rng(n_seeds)
    runs = [
        replace(answered(right=True), scores=np.stack([1 - x, x], axis=1))
        for x in (np.where(np.arange(20) % 2, rng.uniform(0.5, 1, 20), rng.uniform(0, 0.5, 20))
                  for _ in range(n_seeds))
    ]  # fmt: skip
    figure = repeated(("auroc",), runs, n_resamples=50)["auroc"]
    assert figure.value == pytest.approx(1.0)
    assert (figure.low, figure.high) == wilson(10, 10)


def test_the_reason_is_told_where_resamples_miss_a_class() -> None:
    one = answered(right=False)
    lone = replace(
        one, groups=tuple("x" if label else str(at) for at, label in enumerate(one.labels))
    )
    figure = repeated(("auroc",), [lone] * 3, n_resamples=200)["auroc"]
    assert (figure.value, figure.low) == (0.0, None)
    assert "undefined on more than a fifth" in figure.method


def test_films_without_end_leave_students_interval_of_the_seeds() -> None:
    """Three seeds, each judged by 20,000 films of known accuracy: t with 2 degrees of freedom."""
    n, shares = 20_000, (0.70, 0.78, 0.83)
    labels = np.arange(n) % 2
    runs = []
    for first, share in enumerate(shares):
        right = np.arange(n) < share * n
        answers = np.where(np.random.default_rng(0).permutation(right), labels, 1 - labels)
        runs.append(
            Predictions(
                ids=tuple(str(first * n + at) for at in range(n)), labels=labels,
                scores=np.eye(2)[answers], groups=tuple(str(first * n + at) for at in range(n)),
                classes=("a", "b"), part="test",
            )
        )  # fmt: skip
    figure = repeated(("accuracy",), runs, n_resamples=2000)["accuracy"]
    half = stats.t.ppf(0.975, 2) * np.std(shares, ddof=1) / np.sqrt(3)
    assert figure.low == pytest.approx(np.mean(shares) - half, abs=0.02)
    assert figure.high == pytest.approx(min(1.0, np.mean(shares) + half), abs=0.02)
    (alone,) = (repeated(("accuracy",), runs[:1], n_resamples=500)["accuracy"],)
    assert alone.low is not None
    assert alone.high is not None
    assert alone.high - alone.low < 0.02
    assert "spread" not in alone.method


@pytest.mark.slow
@pytest.mark.parametrize("n_seeds", [3, 5])
@pytest.mark.parametrize("spread", [0.0, 0.02, 0.05, 0.1])
def test_intervals_hold_the_truth_also_where_seeds_differ(n_seeds: int, spread: float) -> None:
    """Seeds draw test parts of 300 from 1,500 films; their accuracies vary about 0.75, as those of
    another recipe on the same films do."""
    rng = np.random.default_rng(11)

    def judged(films: Ints) -> Predictions:
        labels = films % 2
        right = rng.random(len(films)) < np.clip(rng.normal(0.75, spread), 0.01, 0.99)
        names = tuple(map(str, films))
        return Predictions(
            ids=names, labels=labels, scores=np.eye(2)[np.where(right, labels, 1 - labels)],
            groups=names, classes=("a", "b"), part="test",
        )  # fmt: skip

    held, paired, rounds = 0, 0, 300
    for _ in range(rounds):
        films = [rng.choice(1500, 300, replace=False) for _ in range(n_seeds)]
        mine, theirs = ([judged(each) for each in films] for _ in range(2))
        mean = repeated(("accuracy",), mine, n_resamples=300)["accuracy"]
        gain = repeated_differences(("accuracy",), mine, theirs, n_resamples=300)["accuracy"]
        assert mean.low is not None and mean.high is not None  # noqa: PT018
        assert gain.low is not None and gain.high is not None  # noqa: PT018
        held += mean.low <= 0.75 <= mean.high
        paired += gain.low <= 0 <= gain.high
    print(f"{n_seeds} seeds, spread {spread}: {held / rounds:.3f}, {paired / rounds:.3f}")
    assert min(held, paired) / rounds >= 0.92


@pytest.mark.slow
def test_intervals_of_a_difference_between_protocols_hold_the_truth() -> None:
    """Two protocols judged on other films of one population, of which a third is shared."""
    rng = np.random.default_rng(5)
    wide = [run(rng, n=40_000, skill=skill) for skill in (1.0, 0.6)]
    truth = repeated_differences(("auroc",), wide[:1], wide[1:], n_resamples=2)["auroc"].value
    held = 0
    for _ in range(200):
        naive = [run(rng, skill=1.0) for _ in range(3)]
        honest = [run(rng, skill=0.6, first=80) for _ in range(3)]
        gain = repeated_differences(("auroc",), naive, honest, n_resamples=200)["auroc"]
        assert gain.low is not None
        assert gain.high is not None
        held += gain.low <= truth <= gain.high  # type: ignore[operator]
    assert held / 200 >= 0.90

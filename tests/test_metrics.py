"""Every metric against scikit-learn, with weights and ties, and the contract of all."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn import metrics as sk

from osteon.metrics import METRICS, TITLES
from osteon.metrics.shared import Films, Weighted, applies, figures_on
from osteon.testing.metrics import check_metric

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

Independent = Callable[[Ints, Floats, Floats], float]


def answers(scores: Floats) -> Ints:
    highest: Ints = scores.argmax(1).astype(np.int64)
    return highest


def specificity(y: Ints, s: Floats, w: Floats) -> float:
    return float(sk.recall_score(1 - y, 1 - answers(s), sample_weight=w))


def npv(y: Ints, s: Floats, w: Floats) -> float:
    return float(sk.precision_score(1 - y, 1 - answers(s), sample_weight=w, zero_division=np.nan))


def precision(y: Ints, s: Floats, w: Floats) -> float:
    return float(sk.precision_score(y, answers(s), sample_weight=w, zero_division=np.nan))


def of_rest(metric: Callable[..., float], y: Ints, s: Floats, w: Floats) -> float:
    """The mean over the classes of a metric whose positives are all other classes."""
    rest = [
        metric(y != c, answers(s) != c, sample_weight=w, zero_division=0) for c in range(s.shape[1])
    ]
    return float(np.mean(rest))


def top(k: int, y: Ints, s: Floats, w: Floats) -> float:
    """Ties go to the class that comes first, as argmax does: scikit-learn takes the last."""
    apart = s - 1e-9 * np.arange(s.shape[1])
    return float(sk.top_k_accuracy_score(y, apart, k=k, sample_weight=w, labels=range(s.shape[1])))


BINARY: dict[str, Independent] = {
    "auroc": lambda y, s, w: sk.roc_auc_score(y, s[:, 1], sample_weight=w),
    "average_precision": lambda y, s, w: sk.average_precision_score(y, s[:, 1], sample_weight=w),
    "accuracy": lambda y, s, w: sk.accuracy_score(y, answers(s), sample_weight=w),
    "balanced_accuracy": lambda y, s, w: sk.balanced_accuracy_score(y, answers(s), sample_weight=w),
    "sensitivity": lambda y, s, w: sk.recall_score(y, answers(s), sample_weight=w),
    "specificity": specificity,
    "precision": precision,
    "npv": npv,
    "f1": lambda y, s, w: sk.f1_score(y, answers(s), sample_weight=w),
    "mcc": lambda y, s, w: sk.matthews_corrcoef(y, answers(s), sample_weight=w),
    "kappa": lambda y, s, w: sk.cohen_kappa_score(y, answers(s), sample_weight=w),
    "log_loss": lambda y, s, w: sk.log_loss(y, s, sample_weight=w, labels=[0, 1]),
    "brier_loss": lambda y, s, w: sk.brier_score_loss(y, s[:, 1], sample_weight=w),
}
BINARY["quadratic_kappa"] = lambda y, s, w: sk.cohen_kappa_score(
    y, answers(s), sample_weight=w, weights="quadratic"
)
MACRO: dict[str, Independent] = {
    "quadratic_kappa": BINARY["quadratic_kappa"],
    "top_2_accuracy": lambda y, s, w: top(2, y, s, w),
    "top_3_accuracy": lambda y, s, w: top(3, y, s, w),
    "accuracy": BINARY["accuracy"],
    "balanced_accuracy": BINARY["balanced_accuracy"],
    "mcc": BINARY["mcc"],
    "kappa": BINARY["kappa"],
    "auroc": lambda y, s, w: np.mean(
        [sk.roc_auc_score(y == c, s[:, c], sample_weight=w) for c in range(s.shape[1])]
    ).item(),
    "average_precision": lambda y, s, w: np.mean(
        [sk.average_precision_score(y == c, s[:, c], sample_weight=w) for c in range(s.shape[1])]
    ).item(),
    "sensitivity": lambda y, s, w: sk.recall_score(y, answers(s), sample_weight=w, average="macro"),
    "precision": lambda y, s, w: sk.precision_score(
        y, answers(s), sample_weight=w, average="macro", zero_division=0
    ),
    "f1": lambda y, s, w: sk.f1_score(y, answers(s), sample_weight=w, average="macro"),
    "log_loss": lambda y, s, w: sk.log_loss(y, s, sample_weight=w, labels=list(range(s.shape[1]))),
    "brier_loss": lambda y, s, w: sk.brier_score_loss(
        y, s, sample_weight=w, labels=list(range(s.shape[1]))
    ),
    "specificity": lambda y, s, w: of_rest(sk.recall_score, y, s, w),
    "npv": lambda y, s, w: of_rest(sk.precision_score, y, s, w),
}


@st.composite
def scored_films(draw: st.DrawFn, n_classes: int) -> tuple[Ints, Floats, Floats]:
    """Labels with every class present, coarse scores (so that ties happen), any weights."""
    n = draw(st.integers(2 * n_classes, 40))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    labels = np.r_[np.arange(n_classes), rng.integers(n_classes, size=n - n_classes)]
    coarse = rng.integers(1, draw(st.integers(2, 9)), size=(n, n_classes)).astype(float)
    whole = draw(st.booleans())
    weights = rng.integers(1, 4, size=n).astype(float) if whole else rng.uniform(0.1, 3, size=n)
    return labels.astype(np.int64), coarse / coarse.sum(1, keepdims=True), weights


def assert_equal(name: str, independent: Independent, films: tuple[Ints, Floats, Floats]) -> None:
    labels, scores, weights = films
    ours = METRICS[name](labels, scores, np.stack([weights, 2 * weights]))
    theirs = independent(labels, scores, weights)
    np.testing.assert_allclose(ours, [theirs, theirs], atol=1e-12)


@pytest.mark.parametrize("name", BINARY)
@settings(deadline=None, max_examples=40)
@given(films=scored_films(2))
def test_binary_metrics_equal_scikit_learns(name: str, films: tuple[Ints, Floats, Floats]) -> None:
    if name in ("mcc", "kappa", "quadratic_kappa") and len(set(answers(films[1]))) < 2:
        return  # scikit-learn says 0 where the correlation is undefined
    assert_equal(name, BINARY[name], films)


@pytest.mark.parametrize("name", MACRO)
@settings(deadline=None, max_examples=40)
@given(films=scored_films(4))
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.UndefinedMetricWarning")
def test_macro_metrics_equal_scikit_learns(name: str, films: tuple[Ints, Floats, Floats]) -> None:
    if name in ("mcc", "kappa", "quadratic_kappa") and len(set(answers(films[1]))) < 2:
        return
    assert_equal(name, MACRO[name], films)


def test_every_metric_is_checked_against_an_independent_one_and_has_a_title() -> None:
    assert set(METRICS) == set(MACRO) == set(TITLES)
    assert set(METRICS) == set(BINARY) | {"top_2_accuracy", "top_3_accuracy"}


@settings(deadline=None, max_examples=25)
@given(films=scored_films(3), seed=st.integers(0, 2**32 - 1))
def test_summaries_of_groups_give_what_the_films_give(
    films: tuple[Ints, Floats, Floats], seed: int
) -> None:
    """Every metric on weights of groups, from one ``Weighted``, and alone on weights of films."""
    labels, scores, _ = films
    rng = np.random.default_rng(seed)
    group_of = rng.permutation(np.arange(len(labels)) // 2)
    drawn = rng.integers(0, 3, size=(4, group_of.max() + 1)).astype(float)
    together = Weighted(Films(labels, scores, group_of), drawn)
    for name, metric in METRICS.items():
        alone = metric(labels, scores, drawn[:, group_of])
        np.testing.assert_allclose(figures_on(metric, together), alone, atol=1e-12, err_msg=name)


def test_a_metric_that_shares_nothing_takes_part() -> None:
    def films_drawn(labels: Ints, scores: Floats, weights: Floats) -> Floats:
        return np.asarray(weights.sum(1))

    films = Films(np.array([0, 1, 1]), np.eye(2)[[0, 1, 0]], np.array([0, 1, 1]))
    assert figures_on(films_drawn, Weighted(films, np.array([[1.0, 2.0]]))).tolist() == [5.0]


def test_distance_counts_in_quadratic_kappa_alone() -> None:
    labels = np.array([0, 1, 2, 3] * 5)
    near, far = np.eye(4)[labels], np.eye(4)[labels]
    near[0], far[0] = np.eye(4)[1], np.eye(4)[3]
    once = np.ones((1, 20))
    assert METRICS["quadratic_kappa"](labels, near, once) > METRICS["quadratic_kappa"](
        labels, far, once
    )


@pytest.mark.parametrize(
    ("n_classes", "ordered", "absent"),
    [
        (2, False, {"top_2_accuracy", "top_3_accuracy", "quadratic_kappa"}),
        (2, True, {"top_2_accuracy", "top_3_accuracy"}),
        (3, False, {"top_3_accuracy", "quadratic_kappa"}),
        (4, True, set()),
    ],
)
def test_only_what_means_something_is_shown(
    n_classes: int, ordered: bool, absent: set[str]
) -> None:
    shown = {
        name for name, metric in METRICS.items() if applies(metric, n_classes, ordered=ordered)
    }
    assert set(METRICS) - shown == absent


@pytest.mark.parametrize("name", list(METRICS))
def test_every_metric_keeps_the_contract(name: str) -> None:
    check_metric(name)


@pytest.mark.parametrize("name", ["auroc", "sensitivity", "average_precision"])
def test_undefined_without_a_positive(name: str) -> None:
    scores = np.array([[0.6, 0.4], [0.2, 0.8]])
    assert np.isnan(METRICS[name](np.zeros(2, np.int64), scores, np.ones((1, 2)))).all()


def test_undefined_stays_undefined_with_weights_that_are_not_whole() -> None:
    """One answer for all films has no correlation; a difference of floats is not quite 0."""
    rng = np.random.default_rng(0)
    scores = np.tile([0.1, 0.5, 0.3, 0.1], (12, 1))
    assert np.isnan(METRICS["mcc"](rng.integers(4, size=12), scores, rng.random((500, 12)))).all()


def test_a_class_that_a_resample_lacks_does_not_make_the_macro_undefined() -> None:
    labels = np.array([0, 1, 2])
    weights = np.array([[1.0, 1.0, 0.0]])
    assert METRICS["balanced_accuracy"](labels, np.eye(3), weights) == 1.0
    assert METRICS["auroc"](labels, np.eye(3), weights) == 1.0

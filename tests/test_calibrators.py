"""Calibrators: against scikit-learn, and the laws that each of them keeps."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit
from sklearn.calibration import _SigmoidCalibration
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss

from osteon.calibrators import (
    CALIBRATORS,
    NONE,
    calibrator_of,
    candidates,
    name_of,
    state_of,
)
from osteon.calibrators.isotonic import Isotonic
from osteon.calibrators.logits import logit, of_two, sigmoid, softmax
from osteon.calibrators.platt import Platt
from osteon.calibrators.temperature import Temperature
from osteon.errors import DataError, UnknownName
from osteon.values import read_value, write_value

if TYPE_CHECKING:
    from osteon.types import Floats, Ints


def made(
    n: int = 400, *, n_classes: int = 2, heat: float = 2.0, seed: int = 0
) -> tuple[Ints, Floats]:
    """Labels drawn from true scores, and scores too sure by the factor ``heat``."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(n, n_classes)) * 1.5
    truth = softmax(logits)
    labels = np.array([rng.choice(n_classes, p=row) for row in truth])
    return labels.astype(np.int64), softmax(heat * logits)


def test_platt_is_scikit_learns_sigmoid_on_the_logits() -> None:
    labels, scores = made()
    ours = Platt.fit(labels, scores)
    theirs = _SigmoidCalibration().fit(logit(scores[:, 1]), labels)
    assert ours.slope == pytest.approx(-theirs.a_, abs=1e-4)
    assert ours.intercept == pytest.approx(-theirs.b_, abs=1e-4)
    np.testing.assert_allclose(
        ours.apply(scores)[:, 1], theirs.predict(logit(scores[:, 1])), atol=1e-4
    )


def test_temperature_is_logistic_regression_without_an_intercept() -> None:
    labels, scores = made()
    theirs = LogisticRegression(C=np.inf, fit_intercept=False, tol=1e-10)
    theirs.fit(logit(scores[:, 1])[:, None], labels)
    assert 1 / Temperature.fit(labels, scores).temperature == pytest.approx(
        theirs.coef_[0, 0], rel=1e-5
    )


def test_temperature_of_several_classes_finds_the_heat_that_was_planted() -> None:
    labels, scores = made(20_000, n_classes=5, heat=2.5)
    assert Temperature.fit(labels, scores).temperature == pytest.approx(2.5, rel=0.03)


def test_isotonic_is_scikit_learns_but_for_its_ends() -> None:
    labels, scores = made()
    theirs = IsotonicRegression(out_of_bounds="clip").fit(scores[:, 1], labels)
    fresh = made(300, seed=1)[1]
    least = 1 / 402
    expected = np.clip(theirs.predict(fresh[:, 1]), least, 1 - least)
    ours = Isotonic.fit(labels, scores).apply(fresh)[:, 1]
    inner = (expected > 2 * least) & (expected < 1 - 2 * least)  # beyond, knots were moved
    np.testing.assert_allclose(ours[inner], expected[inner], atol=least)
    assert ours.min() >= least
    assert ours.max() <= 1 - least


def test_isotonic_cannot_cost_an_infinite_loss() -> None:
    labels = np.array([0] * 10 + [1] * 10)
    fitted = Isotonic.fit(labels, of_two(np.linspace(0.01, 0.99, 20)))
    assert fitted.apply(of_two(np.array([0.0, 1.0])))[:, 1] == pytest.approx([1 / 22, 21 / 22])


@pytest.mark.parametrize("name", ["temperature", "platt", "isotonic"])
def test_each_lowers_the_loss_of_scores_that_are_too_sure(name: str) -> None:
    labels, scores = made(3000, heat=4)
    later, fresh = made(3000, heat=4, seed=1)
    after = CALIBRATORS[name].fit(labels, scores).apply(fresh)
    assert log_loss(later, after) < log_loss(later, fresh) - 0.05


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.floats(0, 1), min_size=4, max_size=40),
    st.integers(0, 2**32 - 1),
    st.sampled_from(["none", "temperature", "platt", "isotonic"]),
)
def test_of_two_classes_none_changes_the_order_of_films(
    shares: list[float], seed: int, name: str
) -> None:
    scores = of_two(np.sort(np.array(shares)))
    labels = np.random.default_rng(seed).integers(0, 2, len(shares))
    after = CALIBRATORS[name].fit(labels, scores).apply(scores)
    assert (np.diff(after[:, 1]) >= -1e-12).all()
    np.testing.assert_allclose(after.sum(1), 1, atol=1e-12)
    assert after.min() >= 0


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(3, 6))
def test_of_several_classes_rows_sum_to_one(seed: int, n_classes: int) -> None:
    labels, scores = made(60, n_classes=n_classes, seed=seed)
    for kind in candidates(n_classes).values():
        after = kind.fit(labels, scores).apply(scores)
        np.testing.assert_allclose(after.sum(1), 1, atol=1e-12)
        assert after.min() >= 0
    cooler = Temperature.fit(labels, scores).apply(scores)
    assert (cooler.argmax(1) == scores.argmax(1)).all()


def test_scores_of_exactly_0_and_1_are_no_fault() -> None:
    labels = np.array([0, 0, 1, 1, 1, 0])
    scores = of_two(np.array([0.0, 0.2, 1.0, 0.9, 0.0, 1.0]))
    for name, kind in candidates(2).items():
        assert np.isfinite(kind.fit(labels, scores).apply(scores)).all(), name


def test_a_class_that_validation_lacks_is_no_fault() -> None:
    labels, scores = made(80, n_classes=4)
    kept = labels != 2
    for kind in candidates(4).values():
        after = kind.fit(labels[kept], scores[kept]).apply(scores)
        assert np.isfinite(after).all()


def test_a_classifier_that_is_turned_round_is_not_turned_back() -> None:
    labels, scores = made()
    assert Platt.fit(1 - labels, scores).slope == 0


def test_platt_is_for_two_classes_alone_and_the_simplest_come_first() -> None:
    assert list(candidates(2)) == ["none", "temperature", "platt", "isotonic"]
    assert list(candidates(3)) == ["none", "temperature", "isotonic"]


@pytest.mark.parametrize("n_classes", [2, 4])
def test_the_state_is_json(tmp_path: Path, n_classes: int) -> None:
    labels, scores = made(100, n_classes=n_classes)
    for name, kind in candidates(n_classes).items():
        fitted = kind.fit(labels, scores)
        assert name_of(fitted) == name
        again = calibrator_of(name, state_of(fitted))
        assert again == fitted
        assert read_value(kind, write_value(tmp_path / "state.json", fitted)) == fitted
        np.testing.assert_array_equal(again.apply(scores), fitted.apply(scores))


def test_what_is_no_calibrator_is_refused() -> None:
    with pytest.raises(UnknownName, match="platt"):
        calibrator_of("plat", {})
    with pytest.raises(DataError, match="temperature"):
        calibrator_of("temperature", {"heat": 1})
    assert calibrator_of(NONE, {}).apply(np.eye(2)).tolist() == [[1, 0], [0, 1]]


def test_sigmoid_and_logit_are_each_others_inverse() -> None:
    odds = np.linspace(-20, 20, 81)
    np.testing.assert_allclose(sigmoid(odds), expit(odds), rtol=1e-12)
    np.testing.assert_allclose(logit(sigmoid(odds)), odds, rtol=1e-6)
    assert sigmoid(np.array([-1e4, 1e4])).tolist() == [0, 1]

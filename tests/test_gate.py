"""The gate lets validation through, and refuses what lies elsewhere."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.spatial.distance import mahalanobis

from osteon.errors import DataError
from osteon.gate import ACCEPTED, fit_gate, read_gate, write_gate


def features(n: int, width: int, seed: int, at: float = 0.0) -> NDArray[np.float32]:
    rng = np.random.default_rng(seed)
    mixed = np.random.default_rng(5).normal(size=(width, width))
    return (rng.normal(size=(n, width)) @ mixed + at).astype(np.float32)


@given(st.integers(1, 120), st.integers(2, 90), st.integers(1, 30), st.integers(0, 9))
@settings(max_examples=40, deadline=None)
def test_at_least_98_in_100_validation_films_are_accepted(
    n_val: int, n_train: int, width: int, seed: int
) -> None:
    train, val = features(n_train, width, seed), features(n_val, width, seed + 100)
    gate = fit_gate(train, val)
    assert gate.accepts(gate.distance(val)).mean() >= ACCEPTED


def test_new_films_of_the_kind_are_accepted_as_often() -> None:
    train, val, new = (features(n, 20, seed) for n, seed in ((800, 1), (800, 2), (4000, 3)))
    gate = fit_gate(train, val)
    refused = 1 - gate.accepts(gate.distance(new)).mean()
    assert 0.008 < refused < 0.035  # 2 % of many; the threshold rests on 16 films


def test_few_validation_films_refuse_less() -> None:
    train, val = features(100, 4, 1), features(48, 4, 2)
    few, enough = fit_gate(train, val), fit_gate(train, features(49, 4, 2))
    assert few.threshold == pytest.approx(2 * few.distance(val).max())
    assert enough.threshold == pytest.approx(enough.distance(features(49, 4, 2)).max(), rel=2e-3)


def test_what_lies_elsewhere_is_refused() -> None:
    gate = fit_gate(features(400, 20, 1), features(200, 20, 2))
    assert not gate.accepts(gate.distance(features(50, 20, 3, at=40.0))).any()


def test_across_the_known_directions_counts_too() -> None:
    train = features(400, 6, 1)
    narrow = np.concatenate([train, np.zeros((400, 200), np.float32)], axis=1)
    narrow += np.random.default_rng(0).normal(0, 0.1, narrow.shape).astype(np.float32)
    gate = fit_gate(narrow[:300], narrow[300:])
    away = narrow[:5].copy()
    away[:, -1] += 30.0
    assert not gate.accepts(gate.distance(away)).any()


def test_the_distance_is_mahalanobis_where_all_directions_are_known() -> None:
    train = features(4000, 5, 1)
    gate = fit_gate(train, features(50, 5, 2))
    inverse = np.linalg.inv(np.cov(train.T, bias=True))
    for film, ours in zip(train[:20], gate.distance(train[:20]), strict=True):
        assert ours == pytest.approx(mahalanobis(film, train.mean(0), inverse) ** 2 / 5, rel=1e-3)


def test_a_gate_is_written_and_read(tmp_path: Path) -> None:
    gate = fit_gate(features(60, 9, 1), features(40, 9, 2))
    again = read_gate(write_gate(gate, tmp_path / "gate.safetensors"))
    new = features(30, 9, 3)
    np.testing.assert_array_equal(again.distance(new), gate.distance(new))
    assert again.threshold == gate.threshold


def test_films_that_all_look_alike_do_not_break_it() -> None:
    same = np.ones((10, 4), np.float32)
    gate = fit_gate(same, same)
    assert gate.accepts(gate.distance(same)).all()


def test_what_cannot_be_fitted_or_read_is_said(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="too few"):
        fit_gate(features(1, 3, 0), features(5, 3, 0))
    with pytest.raises(DataError, match="missing"):
        read_gate(tmp_path / "none")
    (tmp_path / "bad").write_bytes(b"no gate")
    with pytest.raises(DataError, match="no gate"):
        read_gate(tmp_path / "bad")

"""How small a fracture is still found: planted, measured again, and against scikit-learn."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from osteon.errors import UsageError
from osteon.fracture_size import FractureSizes, fitted, fracture_sizes, in_percent
from osteon.types import (
    Box,
    FilmFacts,
    Manifest,
    OperatingPoint,
    PixelRules,
    Predictions,
    Radiograph,
)
from osteon.values import read_value, write_value

HALF = OperatingPoint(threshold=0.5, rule="sensitivity >= 0.90")
SIDE = 1000  # px of a film


def made(
    shares: np.ndarray[tuple[int], np.dtype[np.float64]],
    found: np.ndarray[tuple[int], np.dtype[np.bool_]],
    spacing_mm: tuple[float, float] | None = None,
) -> tuple[Predictions, Manifest, dict[str, FilmFacts]]:
    """Fractured films with square boxes of these shares, and as many normal ones."""
    n = len(shares)
    ids = tuple(f"f{at}" for at in range(2 * n))
    films = [
        Radiograph(
            id=id_, path=Path(id_), label=int(at < n), spacing_mm=spacing_mm,
            boxes=(Box(left_px=0, top_px=0, width_px=SIDE * shares[at] ** 0.5,
                       height_px=SIDE * shares[at] ** 0.5),
                   Box(left_px=0, top_px=0, width_px=1, height_px=1)) if at < n else (),
        )
        for at, id_ in enumerate(ids)
    ]  # fmt: skip
    facts = {
        id_: FilmFacts(id=id_, n_bytes=1, sha256="", width_px=SIDE, height_px=SIDE) for id_ in ids
    }
    positive = np.r_[np.where(found, 0.9, 0.1), np.full(n, 0.2)]
    predictions = Predictions(
        ids=ids, labels=np.r_[np.ones(n, dtype=np.int64), np.zeros(n, dtype=np.int64)],
        scores=np.stack([1 - positive, positive], axis=1), groups=ids,
        classes=("normal", "fractured"), part="test",
    )  # fmt: skip
    manifest = Manifest(
        root=Path(), source="", recognised_by="", classes=("normal", "fractured"),
        radiographs=tuple(films),
    )  # fmt: skip
    return predictions, manifest, facts


def planted(seed: int, half: float = 0.01, n: int = 300) -> FractureSizes:
    rng = np.random.default_rng(seed)
    shares = 10 ** rng.uniform(-4, -0.5, size=n)
    chance = 1 / (1 + np.exp(-4 * (np.log10(shares) - np.log10(half))))
    sizes = fracture_sizes(*made(shares, rng.random(n) < chance), point=HALF, n_resamples=200)
    assert sizes is not None
    return sizes


def test_the_size_at_which_half_are_found_is_found_again() -> None:
    for seed in range(3):
        sizes = planted(seed)
        half = sizes.half_found_at
        assert half is not None
        assert half.low is not None
        assert half.high is not None
        assert half.low < 0.01 < half.high
        assert "Small fractures are missed more often" in sizes.told
        assert f"{100 * (half.value or 0):.2g} %" in sizes.told
        found = [band.found.value or 0 for band in sizes.bands]
        assert found == sorted(found)
        assert [point.value for point in sizes.curve] == sorted(p.value for p in sizes.curve)


def test_an_interval_beyond_the_film_is_told_in_plain_percent() -> None:
    rng = np.random.default_rng(8)
    shares = 10 ** rng.uniform(-4, -0.01, size=200)
    found = rng.random(200) < 1 / (1 + np.exp(-0.5 * (np.log10(shares) + 0.3)))
    sizes = fracture_sizes(*made(shares, found), point=HALF, n_resamples=200)
    assert sizes is not None
    assert sizes.half_found_at is not None
    assert (sizes.half_found_at.high or 0) > 1
    assert "to over 100 %)" in sizes.told
    assert "e+" not in sizes.told
    assert [in_percent(share) for share in (0.00042, 0.042, 0.42, 0.999, 1.0)] == [
        "0.042", "4.2", "42", "100", "100",
    ]  # fmt: skip


def test_one_patient_shows_nothing_of_sizes() -> None:
    rng = np.random.default_rng(0)
    shares = 10 ** rng.uniform(-4, -0.5, size=60)
    predictions, manifest, facts = made(shares, shares > 0.01)
    alone = replace(predictions, groups=("one",) * 120)
    sizes = fracture_sizes(alone, manifest, facts, point=HALF, n_resamples=50)
    assert sizes is not None
    assert sizes.slope is not None
    assert (sizes.slope.low, sizes.half_found_at) == (None, None)
    assert "not shown" in sizes.told


def test_where_size_does_not_matter_none_is_told() -> None:
    rng = np.random.default_rng(0)
    shares = 10 ** rng.uniform(-4, -0.5, size=200)
    sizes = fracture_sizes(*made(shares, rng.random(200) < 0.7), point=HALF, n_resamples=200)
    assert sizes is not None
    assert sizes.half_found_at is None
    assert "not shown" in sizes.told


def test_the_curve_equals_scikit_learns() -> None:
    rng = np.random.default_rng(1)
    shares = 10 ** rng.uniform(-3, -1, size=100)
    found = (rng.random(100) < 1 / (1 + np.exp(-2 * (np.log10(shares) + 2)))).astype(float)
    weights = rng.integers(0, 4, size=(5, 100)).astype(float)
    x = np.log10(shares)[:, None]
    for mine, weight in zip(fitted(shares, found, weights), weights, strict=True):
        model = LogisticRegression(C=1e3, tol=1e-10, max_iter=10_000)  # the ridge of RIDGE
        model.fit(x - x.mean(), found, sample_weight=weight)
        slope = model.coef_[0, 0]
        np.testing.assert_allclose(mine, [model.intercept_[0] - slope * x.mean(), slope], rtol=1e-4)


def test_sizes_that_part_found_from_missed_whole_do_not_break_it() -> None:
    shares = np.geomspace(1e-4, 1e-1, 60)
    sizes = fracture_sizes(*made(shares, shares > 3e-3), point=HALF, n_resamples=100)
    assert sizes is not None
    assert sizes.half_found_at is not None
    assert sizes.half_found_at.value == pytest.approx(3e-3, rel=0.1)


def test_sides_are_those_of_the_largest_box() -> None:
    shares = np.full(60, 0.01)  # boxes of 100 x 100 px
    data = made(shares, np.arange(60) % 2 == 0, spacing_mm=(0.2, 0.1))
    sizes = fracture_sizes(*data, point=HALF, rules=PixelRules(size_px=250), n_resamples=20)
    assert sizes is not None
    assert sizes.bands[0].median_side_px == pytest.approx(25)
    assert sizes.bands[0].median_side_mm == pytest.approx(20)  # 100 rows of 0.2 mm


def test_films_without_a_box_are_counted() -> None:
    predictions, manifest, facts = made(np.full(40, 0.01), np.arange(40) % 2 == 0)
    bare = Radiograph(id="f0", path=Path("f0"), label=1)
    without = Manifest(
        root=Path(), source="", recognised_by="", classes=manifest.classes,
        radiographs=(bare, *manifest.radiographs[1:]),
    )  # fmt: skip
    sizes = fracture_sizes(predictions, without, facts, point=HALF, n_resamples=20)
    assert sizes is not None
    assert (sizes.n_fractured, sizes.n_without_box) == (40, 1)
    assert sum(band.found.n for band in sizes.bands) == 39


def test_few_films_have_no_bands_and_none_no_answer() -> None:
    sizes = fracture_sizes(*made(np.full(10, 0.01), np.ones(10, dtype=bool)), point=HALF)
    assert sizes is not None
    assert sizes.bands == ()
    assert "too few" in sizes.told
    predictions, manifest, facts = made(np.full(3, 0.1), np.ones(3, dtype=bool))
    assert fracture_sizes(predictions, manifest, {}, point=HALF) is None
    assert facts


def test_all_found_is_said() -> None:
    data = made(np.geomspace(1e-3, 1e-1, 40), np.ones(40, dtype=bool))
    sizes = fracture_sizes(*data, point=HALF, n_resamples=20)
    assert sizes is not None
    assert sizes.told == "All of the 40 are found."
    assert sizes.curve == ()


def test_a_point_needs_two_classes() -> None:
    predictions, manifest, facts = made(np.full(3, 0.1), np.ones(3, dtype=bool))
    three = Predictions(
        ids=predictions.ids, labels=predictions.labels, scores=np.full((6, 3), 1 / 3),
        groups=predictions.groups, classes=("a", "b", "c"), part="test",
    )  # fmt: skip
    with pytest.raises(UsageError, match="two classes"):
        fracture_sizes(three, manifest, facts, point=HALF)
    assert fracture_sizes(three, manifest, facts) is not None


def test_they_come_back_from_their_file(tmp_path: Path) -> None:
    sizes = planted(0, n=60)
    assert read_value(FractureSizes, write_value(tmp_path / "s.json", sizes)) == sizes

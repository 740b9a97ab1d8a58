"""The shifts do what their units say: Poisson's variance, Beer's law, an angle, an area."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import scipy.ndimage as ndimage
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from osteon.errors import UnknownName
from osteon.shifts import SHIFTS, Film, chance, frame_of, shifted
from osteon.shifts.beam import (
    QUANTA_PER_MM2,
    SIDE_MM,
    SPAN,
    from_signal,
    patient,
    px_per_mm,
    transmitted,
)
from osteon.shifts.blur import line_kernel
from osteon.shifts.exposure import grainy
from osteon.shifts.field import opening
from osteon.shifts.geometry import moved
from osteon.shifts.implants import per_mm, shell
from osteon.testing.shifts import a_film, check_shift


def apply(name: str, film: Film, strength: float, film_id: str = "a") -> Film:
    return SHIFTS[name].apply(film, strength, chance(0, film_id, name))


@pytest.mark.parametrize("name", list(SHIFTS))
def test_the_contract_holds(name: str) -> None:
    check_shift(SHIFTS[name])


def test_there_are_enough_and_each_is_named_once() -> None:
    assert len(SHIFTS) >= 14
    assert len({shift.title for _, shift in SHIFTS.items()}) == len(SHIFTS)
    with pytest.raises(UnknownName, match="Did you mean 'rotation'"):
        SHIFTS["rotaton"]


NEUTRAL = {
    "exposure": 1.0, "mottle": 1e9, "gamma": 1.0, "kilovolts": 55.0, "window": 1.0, "bits": 65536.0,
    "inversion": 0.0, "blur": 0.0, "motion": 0.0, "jpeg": 100.0, "downscale": 1.0, "rotation": 0.0,
    "enlarged": 1.0, "reduced": 1.0, "off_centre": 0.0, "mirror": 0.0, "collimation": 0.0,
    "scatter": 0.0, "marker": 0.0, "writing": 0.0, "metal": 0.0, "cast": 0.0,
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(set(SHIFTS) - {"marker", "metal"}))
def test_no_strength_changes_nothing(name: str) -> None:
    """A letter or a plate has a least size; all else fades to the film itself."""
    film = a_film()
    assert np.abs(apply(name, film, NEUTRAL[name]) - film).max() < 0.012


GROWING = ("exposure", "mottle", "gamma", "kilovolts", "bits", "blur", "motion", "jpeg",
           "downscale", "rotation", "off_centre", "collimation", "scatter", "marker", "writing",
           "metal", "cast")  # fmt: skip


@pytest.mark.parametrize("name", GROWING)
def test_a_greater_strength_does_more(name: str) -> None:
    """The mean error over several films grows; zooming out is no farther from the film at last."""
    films = [(f"{at}", a_film(150, 120)) for at in range(6)]
    errors = [
        float(np.mean([np.mean((apply(name, film, s, id_) - film) ** 2) for id_, film in films]))
        for s in SHIFTS[name].strengths
    ]
    assert errors[0] > 0
    assert errors == sorted(errors)


# --- noise ----------------------------------------------------------------------------------------


@given(quanta=st.floats(2e3, 1e5), gray=st.floats(0.15, 0.6))
@settings(max_examples=20, deadline=None)
def test_noise_has_poissons_variance(quanta: float, gray: float) -> None:
    """Of ln N the variance is 1/N: in gray 1 / (SPAN^2 N)."""
    film = np.full((128, 128), gray, np.float32)
    noisy = grainy(film, quanta, np.random.default_rng(3))
    expected = 1 / (SPAN**2 * quanta * math.exp(-SPAN * gray))
    assert noisy.var() == pytest.approx(expected, rel=0.08)
    assert noisy.mean() == pytest.approx(gray, abs=4 * math.sqrt(expected) / 128 + expected * SPAN)


@pytest.mark.parametrize("dose", [1 / 4, 1 / 10])
def test_a_share_of_the_dose_adds_what_is_missing(dose: float) -> None:
    """Noise at full dose and what is added make the noise of the lower dose: 1/sqrt(dose)."""
    gray, side = 0.3, 256
    film = np.full((side, side), gray, np.float32)
    a_pixel = QUANTA_PER_MM2 * (SIDE_MM / side) ** 2 * math.exp(-SPAN * gray)
    added = apply("exposure", film, dose).var()
    assert added + 1 / (SPAN**2 * a_pixel) == pytest.approx(
        1 / (SPAN**2 * dose * a_pixel), rel=0.05
    )


def test_dense_parts_are_noisier_and_mottle_is_coarse() -> None:
    film = np.full((200, 200), 0.15, np.float32)
    film[:, 100:] = 0.7
    noisy = apply("exposure", film, 1 / 60) - film
    ratio = noisy[:, 100:].var() / noisy[:, :100].var()
    assert ratio == pytest.approx(math.exp(SPAN * 0.55), rel=0.1)
    coarse = (apply("mottle", film, 100) - film)[:, :100]
    fine = (apply("exposure", film, 1 / 60) - film)[:, :100]
    assert np.corrcoef(coarse[:, :-1].ravel(), coarse[:, 1:].ravel())[0, 1] > 0.08
    assert abs(np.corrcoef(fine[:, :-1].ravel(), fine[:, 1:].ravel())[0, 1]) < 0.03


# --- the beam -------------------------------------------------------------------------------------


@given(gray=st.floats(0, 1))
def test_gray_and_signal_are_each_others_inverse(gray: float) -> None:
    film = np.full((2, 2), gray, np.float32)
    assert from_signal(transmitted(film)) == pytest.approx(film, abs=1e-5)


def test_metal_adds_by_beers_law() -> None:
    film = np.full((300, 300), 0.1, np.float32)  # 1 px is 1 mm
    added = (apply("metal", film, 110) - film).max() * SPAN
    assert added == pytest.approx(min(12 * per_mm("metal"), SPAN * 0.9), rel=0.1)


def test_a_shell_is_thickest_at_its_rim() -> None:
    y, x = np.mgrid[:200, :200].astype(np.float32)
    limb = (np.abs(x - 100) <= 40).astype(np.float32)
    way = shell(limb, 6)
    middle = way[100, 100]
    assert middle == pytest.approx(12, rel=0.15)  # two walls
    assert way[100].max() > 2.5 * middle
    assert not way[100, :50].any()
    assert y.shape == way.shape


def test_scatter_takes_contrast_by_the_ratio() -> None:
    """In the limb a small difference falls to about 1 / (1 + S/P) of what it was."""
    film = np.full((300, 300), 0.03, np.float32)
    film[:, 60:240] = 0.4
    film[150:153, 150:153] += 0.02
    hazy = apply("scatter", film, 1.0)
    left = (hazy[151, 151] - hazy[151, 160]) / 0.02
    assert left == pytest.approx(0.5, abs=0.08)
    assert np.median(hazy[:, 100:200]) == pytest.approx(0.4, abs=0.03)


def test_a_harder_beam_flattens_bone_more_than_flesh() -> None:
    film = np.full((200, 200), 0.02, np.float32)
    film[:, 40:160] = 0.3
    film[:, 95:105] = 0.8
    hard = apply("kilovolts", film, 90)
    assert hard[100, 60] == pytest.approx(0.3, abs=0.01)
    assert hard[100, 100] - hard[100, 60] < 0.8 * 0.5
    assert hard[100, 5] < 0.03


def test_the_limb_is_found_and_a_table_edge_is_not() -> None:
    film = np.full((300, 240), 0.2, np.float32)
    film[:250, 80:160] = 0.5
    film[290:] = 0.95
    limb = patient(film)
    assert limb[100, 120] == 1
    assert limb[100, 20] == 0
    assert not limb[294:].any()


# --- unsharpness, storage -------------------------------------------------------------------------


def test_blur_is_scipys_gaussian() -> None:
    film = a_film(300, 240)
    ours = apply("blur", film, 2.7)
    theirs = ndimage.gaussian_filter(film, 2.7 * px_per_mm(film), mode="nearest", truncate=6)
    assert np.abs(ours - theirs).max() < 2e-3


@given(length=st.floats(0, 30), angle=st.floats(0, math.pi))
@settings(max_examples=30, deadline=None)
def test_a_motion_kernel_has_its_length_and_direction(length: float, angle: float) -> None:
    kernel = line_kernel(length, angle)
    assert kernel.sum() == pytest.approx(1, abs=1e-5)
    y, x = np.mgrid[: len(kernel), : len(kernel)] - len(kernel) // 2
    along = x * math.cos(angle) + y * math.sin(angle)
    across = -x * math.sin(angle) + y * math.cos(angle)
    assert (kernel * along).sum() == pytest.approx(0, abs=1e-3)
    assert (kernel * along**2).sum() == pytest.approx(length**2 / 12, abs=0.3)
    assert (kernel * across**2).sum() < 0.3


def test_jpeg_is_pillows_at_that_quality() -> None:
    import io

    film = a_film(128, 128)
    file = io.BytesIO()
    level = Image.fromarray(np.rint(film * 255).astype(np.uint8))
    level.save(file, "JPEG", quality=15)
    theirs = np.asarray(Image.open(file), np.float32) / 255
    assert np.abs(apply("jpeg", film, 15) - theirs).mean() < 0.002


def test_few_grays_are_few() -> None:
    assert len(np.unique(apply("bits", a_film(), 8))) <= 8


# --- position -------------------------------------------------------------------------------------


@pytest.mark.parametrize("degrees", [-30.0, 5.0, 20.0])
def test_rotation_is_scipys(degrees: float) -> None:
    film = ndimage.gaussian_filter(a_film(101, 101), 1)
    theirs = ndimage.rotate(film, degrees, reshape=False, order=1, cval=0)
    ours = moved(film, degrees=degrees)
    inside = np.s_[20:-20, 20:-20]
    assert np.abs(ours[inside] - theirs[inside]).max() < 0.01


def test_scales_and_shifts_move_points_where_they_say() -> None:
    film = np.zeros((201, 201), np.float32)
    film[100, 140] = 1
    for made, place in (
        (moved(film, scale=1.5), (100, 160)),
        (moved(film, across=-30, down=7), (107, 110)),
    ):
        assert divmod(int(made.argmax()), 201) == place
    centre = ndimage.center_of_mass(apply("reduced", film, 0.5))
    assert centre == pytest.approx((100, 120), abs=0.5)
    way = np.subtract(ndimage.center_of_mass(apply("off_centre", film, 0.1)), (100, 140))
    assert np.hypot(*way) == pytest.approx(20.1, abs=0.6)


def test_mirror_and_inversion_undo_themselves() -> None:
    film = a_film()
    for name in ("mirror", "inversion"):
        assert apply(name, apply(name, film, 1), 1) == pytest.approx(film, abs=1e-6)
        assert np.abs(apply(name, film, 1) - film).max() > 0.1


@given(share=st.floats(0, 0.9), seed=st.integers(0, 99))
def test_shutters_take_that_share_of_the_area(share: float, seed: int) -> None:
    left, top, right, bottom = opening(share, np.random.default_rng(seed))
    assert (right - left) * (bottom - top) == pytest.approx(1 - share)
    assert 0 <= left <= right <= 1 + 1e-9
    assert 0 <= top <= bottom <= 1 + 1e-9


def test_collimation_blackens_the_outside_alone() -> None:
    film = np.full((200, 160), 0.5, np.float32)
    shut = apply("collimation", film, 0.4)
    assert (shut < 0.25).mean() == pytest.approx(0.4, abs=0.02)


def test_markers_and_writing_are_as_large_as_they_say() -> None:
    film = np.full((400, 400), 0.1, np.float32)
    for share in SHIFTS["marker"].strengths:
        rows = np.flatnonzero((apply("marker", film, share) > 0.5).any(1))
        assert rows[-1] - rows[0] + 1 == pytest.approx(share * 400, rel=0.25, abs=3)
    written = [(apply("writing", film, n) > 0.5).sum() for n in SHIFTS["writing"].strengths]
    assert written == sorted(written)
    assert written[-1] > 3 * written[0] > 0


# --- on prepared films ----------------------------------------------------------------------------


def test_chance_follows_seed_film_and_shift_and_not_the_strength() -> None:
    draws = {chance(*key).random() for key in ((0, "a", "x"), (1, "a", "x"), (0, "b", "x"),
                                               (0, "a", "y"))}  # fmt: skip
    assert len(draws) == 4
    film = np.zeros((101, 101), np.float32)
    film[50, 50] = 1
    ways = [np.subtract(ndimage.center_of_mass(apply("off_centre", film, s)), 50)
            for s in (0.1, 0.2)]  # fmt: skip
    assert 2 * ways[0] == pytest.approx(ways[1], abs=0.3)


@given(top=st.integers(0, 9), left=st.integers(0, 9), seed=st.integers(0, 9))
def test_a_frame_is_what_is_not_black(top: int, left: int, seed: int) -> None:
    pixels = np.zeros((40, 40), np.uint8)
    pixels[top:30, left:35] = np.random.default_rng(seed).integers(1, 256, (30 - top, 35 - left))
    rows, columns = frame_of(pixels)
    assert (rows.start, rows.stop, columns.start, columns.stop) == (top, 30, left, 35)


def test_a_film_without_a_strength_comes_back_to_the_gray() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (50, 50), dtype=np.uint8)
    same = shifted(pixels, SHIFTS["mirror"], 0, chance(0, "a", "mirror"))
    assert np.array_equal(same, pixels)


def test_the_docs_name_each_with_unit_and_source() -> None:
    text = (Path(__file__).resolve().parents[1] / "docs" / "shift.md").read_text(encoding="utf-8")
    rows = {line.split("`")[1]: line for line in text.splitlines() if line.startswith("| `")}
    assert set(rows) == set(SHIFTS)
    for name, how in SHIFTS.items():
        told = ", ".join(f"{strength:.3g}" for strength in how.strengths)
        wanted = (how.title, how.quantity, how.unit, how.source)
        assert all(words in rows[name] for words in wanted)
        assert told in rows[name] or len(how.strengths) == 1

"""Solids, projections and the imaging chain against what can be computed by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from osteon.phantom.film import SCANNERS, Exposure, collimated, develop, expose, finished
from osteon.phantom.materials import ATTENUATION_PER_MM, MATERIALS, spectrum, transmission
from osteon.phantom.projection import (
    Flesh,
    Screen,
    Wire,
    project_bone,
    project_flesh,
    project_wire,
)
from osteon.phantom.solids import IDENTITY, Bone, Rigid, ellipsoid, rotation, tube, turn_about

SCREEN = Screen(width_px=160, height_px=160, mm_per_px=0.5, centre=(80, 80), source_mm=1e9)
angles = st.floats(-180, 180)


def total_mm3(bone: Bone, screen: Screen = SCREEN) -> float:
    shell, sponge = project_bone(bone, screen)
    return float((shell + sponge).sum()) * screen.mm_per_px**2


def dense_ball(radius: float = 20.0) -> Bone:
    return Bone(name="ball", tubes=(ellipsoid((0, 0, 0), (radius,) * 3, cortex=99.0),))


def test_attenuation_is_that_of_the_tables() -> None:
    # ICRU-44 cortical bone at 60 keV: 0.3148 cm2/g x 1.92 g/cm3.
    assert ATTENUATION_PER_MM["bone"][3] == pytest.approx(0.0604, abs=1e-4)
    for name in MATERIALS:
        assert list(ATTENUATION_PER_MM[name]) == sorted(ATTENUATION_PER_MM[name], reverse=True)


@given(st.floats(50, 90))
def test_spectrum_is_a_distribution_that_hardens_with_the_voltage(kvp: float) -> None:
    assert sum(spectrum(kvp)) == pytest.approx(1.0)
    assert spectrum(kvp)[0] >= spectrum(kvp + 5)[0]


@given(st.floats(0, 80), st.floats(0, 80))
def test_beam_hardens_so_that_two_layers_let_more_through_than_each_after_the_other(
    first: float, second: float
) -> None:
    def through(depth: float) -> float:
        return float(transmission({"bone": np.full((1, 1), depth, np.float32)}, 60)[0, 0])

    assert through(0) == pytest.approx(1.0, abs=1e-5)
    assert through(first + second) >= through(first) * through(second) * (1 - 1e-4)


def test_transmission_needs_a_material() -> None:
    with pytest.raises(ValueError, match="material"):
        transmission({}, 60)


def test_chord_of_a_ball_is_exact_within_a_sample() -> None:
    shell, sponge = project_bone(dense_ball(), SCREEN)
    across = (np.arange(160) - 80) * 0.5
    true = 2 * np.sqrt(np.maximum(400 - across**2, 0))
    inside = np.abs(across) < 18
    assert np.abs(shell[80] - true)[inside].max() < 1.2
    assert sponge.max() < 0.1


def test_ball_has_its_volume() -> None:
    assert total_mm3(dense_ball()) == pytest.approx(4 / 3 * np.pi * 20**3, rel=0.02)


@settings(max_examples=12, deadline=None)
@given(angles, angles)
def test_a_bone_has_the_same_mass_from_every_direction(first: float, second: float) -> None:
    shaft = tube((0, -25, 0), (4, 25, 3), [(0, 9, 7, 2.5, 0.2), (0.5, 6, 5, 2.5, 0.1, 2, 1),
                                          (1, 10, 8, 2, 0.2)])  # fmt: skip
    bone = Bone(name="bone", tubes=(shaft, ellipsoid((6, 20, 0), (8, 8, 8))))
    turn = rotation(np.array([0, 1.0, 0]), first) @ rotation(np.array([0, 0, 1.0]), second)
    turned = bone.moved(Rigid(turn=turn, shift=np.zeros(3)))
    assert total_mm3(turned) == pytest.approx(total_mm3(bone), rel=0.04)


def test_cortex_is_brighter_than_marrow() -> None:
    shaft = tube((0, -40, 0), (0, 40, 0), [(0, 10, 10, 3, 0.05), (1, 10, 10, 3, 0.05)])
    shell, sponge = project_bone(Bone(name="shaft", tubes=(shaft,)), SCREEN)
    line = (shell + sponge)[80]
    assert line[80 - 16] > 1.4 * line[80]  # 8 mm off the axis, in the wall


def test_cone_beam_magnifies_what_is_nearer_the_source() -> None:
    near = Screen(width_px=160, height_px=160, mm_per_px=0.5, centre=(80, 80), source_mm=400)
    towards = Bone(name="b", tubes=(ellipsoid((0, 0, -100), (10, 10, 10), cortex=99.0),))
    width_px = int((project_bone(towards, near)[0][80] > 1).sum())
    assert width_px * 0.5 == pytest.approx(20 * 400 / 300, rel=0.06)
    assert near.px(np.array([10.0, 0, -100]))[0] == pytest.approx(80 + 20 * 400 / 300)


@given(angles, angles, st.integers(0, 2**31))
def test_rigid_motions_compose_and_invert(first: float, second: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    point, axis = rng.normal(size=3), rng.normal(size=3)
    a, b = turn_about(point, axis, first), turn_about(-point, axis[::-1] + 0.1, second)
    points = rng.normal(size=(5, 3))
    assert np.allclose(a.after(b)(points), a(b(points)))
    assert np.allclose(a.inverse()(a(points)), points)
    assert np.allclose(a(point), point)
    assert np.allclose(IDENTITY(points), points)


def test_wire_is_hollow_and_exact() -> None:
    straight = Wire(points=np.array([[-30.0, 0, 0], [0, 0, 0], [30, 0, 0]]), radius=6, bore=4)
    chord = project_wire(straight, SCREEN)
    assert chord[80, 80] == pytest.approx(2 * (6 - 4), abs=1e-3)
    assert chord[80 + 10, 80] == pytest.approx(2 * np.sqrt(36 - 25), abs=1e-3)
    assert chord[80 + 14, 80] == 0


def test_flesh_is_muscle_within_fat() -> None:
    limb = Flesh(
        points=np.array([[0.0, -60, 0], [0, 60, 0]]), half=np.array([[30.0, 20], [30, 20]]), fat=5
    )
    muscle, fat = project_flesh([limb], SCREEN)
    assert (muscle + fat)[80, 80] == pytest.approx(40, rel=0.03)
    assert fat[80, 80] == pytest.approx(10, rel=0.15)
    assert (muscle + fat)[80, 80 + 70] == 0
    assert muscle[80, 80 + 54] < 0.2 * fat[80, 80 + 54]  # near the skin it is fat alone


def _exposed(dose: float, seed: int = 0) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    flat = np.full((128, 128), 60.0, np.float32)
    zero = np.zeros_like(flat)
    parts = {"bone": zero, "muscle": flat, "fat": zero, "metal": zero, "plaster": zero}
    exposure = Exposure(kvp=60, dose=dose, brightness=0, contrast=1, window=1, grid=True)
    beam = np.ones_like(flat)
    signal, open_beam = expose(parts, SCANNERS[1], exposure, beam, np.random.default_rng(seed))
    return np.asarray(signal / open_beam)


def test_more_dose_is_less_noise_as_the_square_root() -> None:
    little, much = _exposed(1.0)[16:-16, 16:-16], _exposed(4.0)[16:-16, 16:-16]
    assert np.mean(little) == pytest.approx(float(np.mean(much)), rel=0.01)
    assert np.std(little) / np.std(much) == pytest.approx(2.0, rel=0.12)


def test_bone_is_white_and_the_borders_are_the_scanners() -> None:
    shape = (200, 160)
    zero = np.zeros(shape, np.float32)
    bone = zero.copy()
    bone[90:110, 60:100] = 15
    parts = {"bone": bone, "muscle": zero + 40, "fat": zero, "metal": zero, "plaster": zero}
    beam = collimated(shape, (20, 20, 20, 20), 0.0)
    exposure = Exposure(kvp=60, dose=2, brightness=0, contrast=1, window=1, grid=False)
    for scanner in SCANNERS:
        rng = np.random.default_rng(1)
        signal, open_beam = expose(parts, scanner, exposure, beam, rng)
        gray = develop(signal, open_beam, scanner, exposure, beam, rng)
        film = finished(gray, beam, scanner)
        assert film.dtype == np.float32
        assert 0 <= film.min() <= film.max() <= 1
        assert film[95:105, 70:90].mean() > film[40:60, 40:120].mean() + 0.15
        corner = float(film[:8, :8].mean())
        assert corner < 0.05 if scanner.borders == "shutter" else corner > 0.9

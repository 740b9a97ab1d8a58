"""Every class of fracture is what its definition says, and its box is where the bone is broken."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from osteon.phantom.anatomy import Site, make_person
from osteon.phantom.arm import arm
from osteon.phantom.fracture import Fracture, break_bone
from osteon.phantom.hip import hip
from osteon.phantom.leg import leg
from osteon.phantom.plan import FRACTURES, PhantomPlan, make_case
from osteon.phantom.projection import Screen, project_bone
from osteon.phantom.scene import make_film
from osteon.phantom.shoulder import shoulder
from osteon.phantom.solids import IDENTITY, Bone, ellipsoid, tube

SHAFT = Bone(
    name="shaft",
    tubes=(
        tube((0, -60, 0), (0, 60, 0), [(0, 10, 10, 3, 0.1), (1, 10, 10, 3, 0.1)], caps=(0, 0)),
        ellipsoid((14, 50, 0), (8, 8, 8), cortex=1.5),
    ),
)
SCREEN = Screen(width_px=200, height_px=320, mm_per_px=0.5, centre=(100, 160), source_mm=1e9)
seeds = st.integers(0, 2**31)


def broken(name: str, seed: int, displacement: float = 1.0) -> Fracture:
    site = Site(
        bone="shaft", tube=int(name == "avulsion"), places=(0.5, 0.5), classes=(name,), give=1.0
    )
    return break_bone(SHAFT, site, name, np.random.default_rng(seed), displacement)


def mass(fracture: Fracture) -> list[float]:
    parts = []
    for fragment in fracture.fragments:
        moved = SHAFT.moved(fracture.placed(fragment))
        shell, sponge = project_bone(moved, SCREEN, fracture.cut(fragment, IDENTITY))
        parts.append(float(shell.sum() + sponge.sum()))
    return parts


def whole() -> float:
    return float(sum(part.sum() for part in project_bone(SHAFT, SCREEN)))


def slope_deg(fracture: Fracture) -> float:
    """Of the plane through the first broken surface, against the perpendicular of the bone."""
    marks = fracture.fragments[0].marks
    flat = np.column_stack([marks[:, 1:], np.ones(len(marks))])
    (a, b, _), *_ = np.linalg.lstsq(flat, marks[:, 0], rcond=None)
    return float(np.degrees(np.arctan(np.hypot(a, b))))


@settings(max_examples=25, deadline=None)
@given(seeds)
def test_transverse_and_oblique_are_told_apart_at_30_degrees(seed: int) -> None:
    assert slope_deg(broken("transverse", seed)) < 30
    assert slope_deg(broken("oblique", seed)) >= 30


@settings(max_examples=25, deadline=None)
@given(seeds)
def test_spiral_winds_once_around_the_bone(seed: int) -> None:
    marks = broken("spiral", seed).fragments[0].marks
    rim = marks[np.hypot(marks[:, 1], marks[:, 2]) > 9]
    angle = np.arctan2(rim[:, 2], rim[:, 1])
    order = np.argsort(angle)[1:-1]
    rise = np.abs(np.corrcoef(angle[order], rim[order, 0])[0, 1])
    assert rise > 0.95
    assert np.ptp(rim[:, 0]) > 2.5 * 10  # the pitch is long against the radius


@settings(max_examples=15, deadline=None)
@given(seeds)
def test_only_comminuted_has_more_than_two_fragments(seed: int) -> None:
    for name in FRACTURES:
        parts = len(broken(name, seed).fragments)
        assert (parts > 2) == (name == "comminuted")


@pytest.mark.parametrize("name", FRACTURES)
def test_fragments_make_up_the_bone_but_for_the_gap(name: str) -> None:
    parts = mass(broken(name, 4))
    assert min(parts) > 0
    assert 0.9 < sum(parts) / whole() < 1.03


@settings(max_examples=25, deadline=None)
@given(seeds)
def test_impacted_is_driven_in_and_hairline_is_not_displaced(seed: int) -> None:
    assert broken("impacted", seed).fragments[1].motion(np.zeros(3))[0] < -1.0
    (hairline,) = broken("hairline", seed).fragments
    assert hairline.motion == IDENTITY


@settings(max_examples=15, deadline=None)
@given(seeds)
def test_greenstick_opens_on_one_side_alone(seed: int) -> None:
    far = broken("greenstick", seed).fragments[1].motion
    tension, bending = far(np.array([0.0, 10, 0])), far(np.array([0.0, -10, 0]))
    assert tension[0] > 0.5  # opens
    assert bending[0] < 0.5  # stays closed, or is squeezed


@settings(max_examples=15, deadline=None)
@given(seeds)
def test_avulsion_pulls_a_small_chip_outwards(seed: int) -> None:
    fracture = broken("avulsion", seed)
    rest, chip = mass(fracture)
    assert chip < 0.2 * rest
    assert fracture.fragments[1].motion(np.array([4.0, 0, 0]))[0] > 4.5


def test_same_generator_same_break() -> None:
    first, second = broken("comminuted", 9), broken("comminuted", 9)
    assert np.array_equal(first.marks(), second.marks())
    assert not np.array_equal(first.marks(), broken("comminuted", 10).marks())


@pytest.mark.parametrize("build", [arm, leg, hip, shoulder])
def test_sites_name_bones_and_classes_that_exist(build) -> None:  # type: ignore[no-untyped-def]
    anatomy = build(make_person(0, 0))
    names = {bone.name: bone for bone in anatomy.bones}
    assert len(names) == len(anatomy.bones)
    for site in anatomy.sites:
        assert site.tube < len(names[site.bone].tubes)
        assert set(site.classes) <= set(FRACTURES)
        assert set(site.carries) <= set(names)


@pytest.mark.parametrize("region", ["hand", "forearm", "shoulder", "hip", "leg"])
def test_every_class_can_be_shown_in_every_region(region: str) -> None:
    plan = PhantomPlan(regions=(region,), size_px=96, prevalence=1.0)
    for name in FRACTURES:
        film = make_film(replace(make_case(plan, 0), injury=name, broken=True), plan)
        (box,) = film.boxes
        height, width = film.gray.shape
        assert box.label == name
        assert 0 <= box.left_px < box.left_px + box.width_px <= width
        assert 0 <= box.top_px < box.top_px + box.height_px <= height
        assert film.broken_bone


def test_box_holds_all_that_an_undisplaced_crack_changes() -> None:
    plan = PhantomPlan(
        regions=("forearm", "leg"), prevalence=1.0, writing=0, markers=0, size_px=256, seed=2
    )
    for index in range(0, 24, 4):
        case = replace(make_case(plan, index), injury="hairline", broken=True)
        broken_film = make_film(case, plan)
        site_free = make_film(replace(case, broken=False), plan)
        gone = np.abs(broken_film.gray - site_free.gray)
        (box,) = broken_film.boxes
        rows = slice(int(box.top_px), int(box.top_px + box.height_px) + 1)
        columns = slice(int(box.left_px), int(box.left_px + box.width_px) + 1)
        inside = gone[rows, columns].max()
        gone[rows, columns] = 0
        assert inside > 1.5 * np.percentile(gone, 99.9)


def test_box_lies_on_the_broken_bone_and_is_small() -> None:
    plan = PhantomPlan(prevalence=1.0, size_px=192, seed=3)
    shares = []
    for index in range(0, 40, 2):
        film = make_film(make_case(plan, index), plan)
        (box,) = film.boxes
        shares.append(box.width_px * box.height_px / film.gray.size)
    assert max(shares) < 0.12
    assert 0.001 < float(np.median(shares)) < 0.03  # FracAtlas: 0.004


@settings(max_examples=15, deadline=None)
@given(seeds)
def test_displacement_moves_fragments_farther(seed: int) -> None:
    near, far = (broken("transverse", seed, displacement=times) for times in (1.0, 3.0))
    moved = [fracture.fragments[1].motion.shift for fracture in (near, far)]
    np.testing.assert_allclose(moved[1], 3 * moved[0])
    assert broken("hairline", seed, displacement=3.0).fragments[0].motion == IDENTITY

"""What a plan accepts, and how it spreads classes, patients and defects."""

from __future__ import annotations

import dataclasses
import inspect
from collections import Counter, defaultdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from osteon.errors import UnknownName, UsageError
from osteon.phantom import PhantomPlan, Plants, make_case
from osteon.phantom import fracture as fractures
from osteon.phantom.film import SCANNERS
from osteon.phantom.plan import FRACTURES, REGIONS
from osteon.phantom.plant import ADDED, ALTERED, plan_files


def test_every_class_has_its_maker() -> None:
    for name in FRACTURES:
        assert inspect.isfunction(getattr(fractures, f"_{name}"))
    assert set(ALTERED) | set(ADDED) | {"marker_shortcut"} == {
        field.name for field in dataclasses.fields(Plants)
    }


@pytest.mark.parametrize(
    ("settings_", "part"),
    [
        ({"films": 0}, "at least one film"),
        ({"prevalence": 1.5}, "prevalence is 1.5"),
        ({"size_px": 8}, "size_px is 8"),
        ({"regions": ()}, "at least one region"),
        ({"plants": Plants(leaks=2)}, "shipped_split"),
    ],
)
def test_a_wrong_plan_is_refused_with_the_reason(settings_: dict[str, object], part: str) -> None:
    with pytest.raises(UsageError, match=part):
        PhantomPlan(**settings_)  # type: ignore[arg-type]


def test_an_unknown_region_comes_with_the_nearest() -> None:
    with pytest.raises(UnknownName, match="Did you mean 'shoulder'"):
        PhantomPlan(regions=("sholder",))


@pytest.mark.parametrize(
    ("plants", "part"),
    [
        (Plants(truncated=11), "11 films are to carry"),
        (Plants(copies=2.5), "whole number"),
        (Plants(copies=-1), "plants.copies is -1"),
        (Plants(copies=99), "10 films can be copied"),
        (Plants(marker_shortcut=2), "marker_shortcut is 2"),
    ],
)
def test_plants_that_cannot_be_are_refused(plants: Plants, part: str) -> None:
    with pytest.raises(UsageError, match=part):
        plan_files(PhantomPlan(films=10, plants=plants))


@given(st.integers(0, 10**6), st.integers(1, 500), st.integers(0, 400))
def test_a_case_does_not_depend_on_the_number_of_films(seed: int, films: int, index: int) -> None:
    few, many = PhantomPlan(films=films, seed=seed), PhantomPlan(films=9999, seed=seed)
    assert make_case(few, index) == make_case(many, index)


@settings(max_examples=30)
@given(st.integers(0, 10**6), st.floats(0.1, 0.9))
def test_any_first_films_are_near_the_prevalence(seed: int, prevalence: float) -> None:
    plan = PhantomPlan(seed=seed, prevalence=prevalence)
    broken = [make_case(plan, index).fracture is not None for index in range(0, 240, 2)]
    assert np.mean(broken) == pytest.approx(prevalence, abs=0.05)


def test_two_views_of_a_study_show_one_thing() -> None:
    plan = PhantomPlan(films=80)
    studies = defaultdict(list)
    for index in range(80):
        case = make_case(plan, index)
        studies[case.study_id].append(case)
    assert len({case.patient_id for cases in studies.values() for case in cases}) == 20
    for cases in studies.values():
        assert [case.view for case in cases] == ["frontal", "lateral"]
        assert len({(c.fracture, c.region, c.side, c.scanner) for c in cases}) == 1


def test_classes_are_spread_over_regions_and_scanners() -> None:
    plan = PhantomPlan(prevalence=0.5)
    cases = [make_case(plan, index) for index in range(0, 4000, 2)]
    assert {case.fracture for case in cases} == {None, *FRACTURES}
    assert {case.scanner for case in cases} == set(range(len(SCANNERS)))
    for key in ("region", "scanner"):
        groups = defaultdict(list)
        for case in cases:
            groups[getattr(case, key)].append(case.fracture is not None)
        for broken in groups.values():
            assert np.mean(broken) == pytest.approx(0.5, abs=0.1)
    assert {case.region for case in cases} == set(REGIONS)


def test_plants_are_as_many_as_asked_and_meet_in_no_film() -> None:
    plants = Plants(
        copies=0.05, pixel_copies=3, leaks=4, conflicts=2, wrong_labels=0.1, truncated=3, empty=1,
        wrong_extension=2, inverted=2, exif_rotated=2, sixteen_bit=1, animated=1,
    )  # fmt: skip
    plan = PhantomPlan(films=100, plants=plants, shipped_split=True, size_px=64)
    specs = plan_files(plan)
    counts = Counter(spec.planted for spec in specs)
    assert counts == {
        "": 78, "copies": 5, "pixel_copies": 3, "leaks": 4, "conflicts": 2, "wrong_labels": 10,
        "truncated": 3, "empty": 1, "wrong_extension": 2, "inverted": 2, "exif_rotated": 2,
        "sixteen_bit": 1, "animated": 1,
    }  # fmt: skip
    by_id = {spec.id: spec for spec in specs}
    assert len(by_id) == len(specs) == 114
    for spec in specs:
        assert (spec.class_name != spec.true_class) == (
            spec.planted in ("wrong_labels", "conflicts")
        )
        if spec.copy_of is not None:
            assert by_id[spec.copy_of].planted == ""
        if spec.planted == "leaks":
            assert spec.copy_of is not None
            assert by_id[spec.copy_of].split == "train"
            assert spec.split in ("val", "test")


def test_shipped_split_is_by_patient() -> None:
    specs = plan_files(PhantomPlan(films=200, shipped_split=True, size_px=64))
    parts = defaultdict(set)
    for spec in specs:
        parts[spec.case.patient].add(spec.split)
    assert all(len(names) == 1 for names in parts.values())
    share = Counter(spec.split for spec in specs)
    assert share["train"] == pytest.approx(140, abs=12)
    assert min(share["val"], share["test"]) >= 16


def test_classes_by_type() -> None:
    plan = PhantomPlan(films=60, classes="types")
    assert plan.class_names == ("normal", *FRACTURES)
    for spec in plan_files(plan):
        assert spec.true_class == (spec.case.fracture or "normal")
    assert PhantomPlan().class_names == ("normal", "fractured")

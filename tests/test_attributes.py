"""The columns by which films fall into subgroups, and what may be quoted of them."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from osteon.attributes import age_band, attributes_of, column, thirds
from osteon.types import Artefact, FilmFacts, Manifest, Radiograph


def manifest(*films: Radiograph) -> Manifest:
    return Manifest(
        root=Path(), source="table", recognised_by="", classes=("normal", "broken"),
        radiographs=films,
    )  # fmt: skip


def film(number: int, **more: object) -> Radiograph:
    return Radiograph(id=f"{number}.png", path=Path(f"{number}.png"), **more)  # type: ignore[arg-type]


def test_what_the_manifest_knows_becomes_columns() -> None:
    made = attributes_of(
        manifest(
            film(1, regions=frozenset({"hand", "leg"}), laterality="L", study_id="s"),
            film(2, regions=frozenset({"leg"}), laterality="R", study_id="s",
                 views=frozenset({"frontal", "lateral"}), extra={"hardware": "1"}),
            film(3, study_id="t", views=frozenset({"frontal"}), extra={"hardware": "0"}),
        )
    )  # fmt: skip
    assert made["region"] == {"1.png": ("hand", "leg"), "2.png": ("leg",)}
    assert made["side"] == {"1.png": ("left",), "2.png": ("right",)}
    assert made["views on the film"] == {"2.png": ("2",), "3.png": ("1",)}
    assert made["films in the study"] == {"1.png": ("2",), "2.png": ("2",), "3.png": ("1",)}
    assert made["metal, by the source"] == {"2.png": ("yes",), "3.png": ("no",)}


def test_columns_in_which_films_do_not_differ_are_left_out() -> None:
    films = [film(n, laterality="L", extra={"scanner": "one"}) for n in range(5)]
    assert attributes_of(manifest(*films)) == {}


def test_facts_give_artefacts_and_the_size_of_the_film() -> None:
    facts = {
        f"{n}.png": FilmFacts(
            id=f"{n}.png", n_bytes=1, sha256="", width_px=100 * n, height_px=100,
            artefacts=(Artefact(kind="coloured_mark"),) if n == 1 else (),
        )
        for n in range(1, 7)
    }  # fmt: skip
    facts["9.png"] = FilmFacts(id="9.png", n_bytes=1, sha256="", fault="torn")
    made = attributes_of(manifest(*(film(n) for n in range(1, 7))), facts)
    assert made["artefact: coloured mark"]["1.png"] == ("yes",)
    assert made["artefact: coloured mark"]["2.png"] == ("no",)
    assert "9.png" not in made["artefact: coloured mark"] | made["film size"]
    sizes = [value[0].split(" ")[0] for value in made["film size"].values()]
    assert sizes == ["smallest"] * 2 + ["middle"] * 2 + ["largest"] * 2


@pytest.mark.parametrize(
    ("cell", "band"),
    [("045Y", "40 to 64"), ("018M", "0 to 17"), ("001W", "0 to 17"), ("65", "65 and over"),
     ("17.9", "0 to 17"), ("", None), ("90s", None), ("200", None), ("-3", None)],
)  # fmt: skip
def test_ages_become_bands(cell: str, band: str | None) -> None:
    assert age_band(cell) == band


@given(st.integers(0, 129))
def test_every_age_in_years_has_one_band(years: int) -> None:
    band = age_band(str(years))
    assert band is not None
    assert band == age_band(f"{years:03d}Y")


def test_cells_of_unknown_columns_are_not_quoted() -> None:
    """They may name a patient; a column of many values tells films and is no subgroup."""
    names = {str(n): "Anna" if n % 3 else "Bertha" for n in range(30)}
    told = column("patient_name", names, quoted=False)
    assert {value for own in told.values() for value in own} == {
        "value no. 1 by frequency", "value no. 2 by frequency",
    }  # fmt: skip
    assert column("phone", {str(n): f"555-{n}" for n in range(30)}, quoted=False) == {}
    assert column("birth", {str(n): str(1950 + n) for n in range(30)}, quoted=False) == {}
    films = [film(n, extra={"patient_name": names[str(n)], "PatientAge": f"{n:03}Y"})
             for n in range(30)]  # fmt: skip
    assert "Anna" not in repr(attributes_of(manifest(*films)))


def test_flags_sexes_and_quantities() -> None:
    assert column("portable", {"a": "1", "b": "0"}, quoted=False) == {"a": ("yes",), "b": ("no",)}
    assert column("PatientSex", {"a": "M", "b": "f", "c": "?"}, quoted=True) == {
        "a": ("male",), "b": ("female",),
    }  # fmt: skip
    many = column("kvp", {str(n): str(50 + n) for n in range(30)}, quoted=True)
    assert [own[0].split(" ")[0] for own in many.values()] == (
        ["smallest"] * 10 + ["middle"] * 10 + ["largest"] * 10
    )


@pytest.mark.parametrize(
    ("numbers", "parts"),
    [
        ([0.5] * 90 + [2.0] * 8 + [3.0] * 2, {"smaller (0.5 MP)": 90, "larger (2 to 3 MP)": 10}),
        ([0.5] * 10 + [2.0] * 90, {"smaller (0.5 MP)": 10, "larger (2 MP)": 90}),
        ([1.0, 1.1] * 20 + [2.0] * 39 + [2.5] * 20,
         {"smallest (1 to 1.1 MP)": 40, "middle (2 MP)": 39, "largest (2.5 MP)": 20}),
        ([0.1694, 0.1695, 0.1696],
         {"smallest (0.1694 MP)": 1, "middle (0.1695 MP)": 1, "largest (0.1696 MP)": 1}),
        ([2019.0, 45000.0], {"smaller (2019 MP)": 1, "larger (45000 MP)": 1}),
        ([0.5] * 100, {}),
    ],
)  # fmt: skip
def test_where_films_tie_parts_are_merged_and_named_by_what_they_hold(
    numbers: list[float], parts: dict[str, int]
) -> None:
    made = thirds({str(at): number for at, number in enumerate(numbers)}, "MP")
    assert Counter(own[0] for own in made.values()) == parts


@given(st.dictionaries(st.text(min_size=1), st.integers(0, 6).map(float), min_size=1))
def test_no_part_is_empty_and_none_overlaps_another(numbers: dict[str, float]) -> None:
    made = thirds(numbers, "px")
    held: dict[str, list[float]] = {}
    for id_, (name,) in made.items():
        held.setdefault(name, []).append(numbers[id_])
    n_distinct = len({*numbers.values()})
    assert min(n_distinct, 2) <= max(len(held), 1) <= min(n_distinct, 3)
    parts = sorted(held.values(), key=min)
    assert all(max(one) < min(other) for one, other in pairwise(parts))
    for name, inside in held.items():
        low, high = f"{min(inside):g}", f"{max(inside):g}"
        assert name.endswith(f"({low} px)" if low == high else f"({low} to {high} px)")


@given(st.dictionaries(st.text(min_size=1), st.floats(-1e6, 1e6), min_size=1))
def test_films_of_one_number_are_in_one_third(numbers: dict[str, float]) -> None:
    made = thirds(numbers, "px")
    assert set(made) in (set(), set(numbers))
    for one in made:
        for other in made:
            if numbers[one] == numbers[other]:
                assert made[one] == made[other]

"""The order and the spelling of classes, on names as they occur."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from osteon.classes import (
    merged_spellings,
    order_classes,
    same_class,
    sounds_negative,
    told_merges,
)

PAIRS = [
    ("not fractured", "fractured"),
    ("Non_fractured", "Fractured"),
    ("non-fractured", "fractured"),
    ("NonFractured", "Fractured"),
    ("unfractured", "fractured"),
    ("un-fractured", "fractured"),
    ("no fracture", "fracture"),
    ("NoFracture", "Fracture"),
    ("nofracture", "withfracture"),
    ("Without Fracture", "With Fracture"),
    ("w/o fx", "fx"),
    ("normal", "abnormal"),
    ("Normal", "not normal"),
    ("Normal", "Fracture"),
    ("NORMAL", "non-union"),
    ("normal", "benign"),
    ("benign", "malignant"),
    ("healthy", "broken"),
    ("not broken", "broken"),
    ("unbroken", "broken"),
    ("intact", "broken"),
    ("negative", "positive"),
    ("wrist_negative", "wrist_positive"),
    ("neg", "pos"),
    ("none", "fracture"),
    ("fracture_absent", "fracture_present"),
    ("fracture free", "fracture"),
    ("no", "yes"),
    ("False", "True"),
    ("0", "1"),
    ("class0", "class1"),
    ("0_healthy_bone", "1_fractured_bone"),
    ("control", "case"),
    ("uninjured", "injured"),
    ("undisplaced", "displaced"),
]


@pytest.mark.parametrize(("negative", "positive"), PAIRS)
def test_of_two_the_negative_comes_first(negative: str, positive: str) -> None:
    assert order_classes([positive, negative]) == (negative, positive)
    assert order_classes([negative, positive]) == (negative, positive)
    assert sounds_negative(negative)


@pytest.mark.parametrize("positive", [positive for _, positive in PAIRS if positive != "benign"])
def test_the_positive_one_does_not_sound_negative(positive: str) -> None:
    assert not sounds_negative(positive)


def test_neutral_names_are_alphabetical() -> None:
    assert order_classes(["wrist", "hand"]) == ("hand", "wrist")
    assert order_classes(["normal", "b", "a"]) == ("a", "b", "normal")
    assert order_classes(["Spiral", "avulsion", "Oblique"]) == ("avulsion", "Oblique", "Spiral")


@pytest.mark.parametrize(
    "name",
    ["nodular", "united", "notched", "nonunion", "Oblique fracture", "unstable", "Normandy", "10"],
)
def test_words_that_merely_begin_so_are_not_negative(name: str) -> None:
    assert not sounds_negative(name)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Hairline Fracture", "hairline_fracture"),
        ("Intra-articular", "intra articular"),
        ("HairlineFracture", "hairline fracture"),
        (" normal ", "Normal"),
        ("fractur\u00e9", "fracture\u0301"),  # one letter, or letter and accent as macOS writes it
    ],
)
def test_spellings_that_are_one_class(one: str, other: str) -> None:
    assert same_class(one) == same_class(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("grade 1-2", "grade 12"), ("type 1.2", "type 12"), ("fracture", "fractured"), ("a", "b")],
)
def test_spellings_that_are_two_classes(one: str, other: str) -> None:
    assert same_class(one) != same_class(other)


def test_spellings_of_one_class_are_one_and_it_is_said() -> None:
    chosen = merged_spellings(["Hairline Fracture"] * 3 + ["hairline_fracture", "Spiral"])
    assert set(chosen.values()) == {"Hairline Fracture", "Spiral"}
    assert told_merges(chosen) == [
        "'Hairline Fracture' and 'hairline_fracture' are one class, 'Hairline Fracture'"
    ]


@given(names=st.lists(st.text("aA _-nom1", min_size=1), min_size=1, max_size=6))
def test_every_spelling_stands_for_one_of_the_same_class(names: list[str]) -> None:
    chosen = merged_spellings(names)
    assert chosen.keys() == set(names)
    assert all(same_class(name) == same_class(best) for name, best in chosen.items())
    assert len(set(chosen.values())) == len({same_class(name) for name in names})


@given(names=st.sets(st.text(min_size=1), max_size=5))
def test_the_order_does_not_depend_on_the_order_given(names: set[str]) -> None:
    assert order_classes(sorted(names)) == order_classes(sorted(names, reverse=True))
    assert set(order_classes(names)) == names

"""The order and the spelling of classes, on names as they occur."""

from __future__ import annotations

import pytest

from osteon.classes import merged_spellings, order_classes, sounds_negative, told_merges


@pytest.mark.parametrize(
    ("negative", "positive"),
    [
        ("not fractured", "fractured"),
        ("Non_fractured", "Fractured"),
        ("normal", "abnormal"),
        ("Normal", "Fracture"),
        ("no fracture", "fracture"),
        ("NoFracture", "Fracture"),
        ("unfractured", "fractured"),
        ("0", "1"),
        ("benign", "malignant"),
        ("healthy", "broken"),
        ("negative", "positive"),
        ("False", "True"),
        ("without fracture", "with fracture"),
        ("non-fractured", "fractured"),
    ],
)
def test_of_two_the_negative_comes_first(negative: str, positive: str) -> None:
    assert order_classes([positive, negative]) == (negative, positive)
    assert order_classes([negative, positive]) == (negative, positive)
    assert sounds_negative(negative)
    assert not sounds_negative(positive)


def test_neutral_names_are_alphabetical() -> None:
    assert order_classes(["wrist", "hand"]) == ("hand", "wrist")
    assert order_classes(["normal", "b", "a"]) == ("a", "b", "normal")


@pytest.mark.parametrize("name", ["nodular", "united", "notched", "nonunion", "Oblique fracture"])
def test_words_that_merely_begin_so_are_not_negative(name: str) -> None:
    assert not sounds_negative(name)


def test_spellings_of_one_class_are_one_and_it_is_said() -> None:
    chosen = merged_spellings(["Hairline Fracture"] * 3 + ["hairline_fracture", "Spiral"])
    assert set(chosen.values()) == {"Hairline Fracture", "Spiral"}
    assert told_merges(chosen) == [
        "'Hairline Fracture' and 'hairline_fracture' are one class, 'Hairline Fracture'"
    ]

"""What the shipped split leaks and lacks."""

from __future__ import annotations

import pytest

from osteon.audit import verdict
from osteon.errors import LeakError, UsageError
from osteon.plan import SplitPlan, make_split
from osteon.progress import shown
from osteon.split import group_films, shipped
from osteon.types import PARTS, Finding, Manifest, Part, Radiograph
from tests.evidence import audited, facts_of, film, findings_of, manifest_of


def parts(**more: object) -> list[Radiograph]:
    """Ten films of each class in each part: train/a0.png is broken, train/a1.png normal, ..."""
    return [film(f"{part}/a{n}.png", n % 2, split=part, **more) for part in PARTS
            for n in range(20)]  # fmt: skip


def leaks(manifest: Manifest, **same: dict[str, str]) -> list[Finding]:
    return findings_of("leakage", manifest, facts_of(manifest, **same))


def test_a_clean_split_is_said_to_be_clean_and_of_what() -> None:
    (note,) = leaks(manifest_of(*parts()))
    assert note.severity == "note"
    assert note.message == (
        "No exact copy is in two of the shipped parts (train, val, test). The data name no "
        "patients: theirs cannot be told."
    )


def test_patients_are_only_spoken_of_where_they_are_named() -> None:
    films = [film(f"{n}.png", n % 2, split=PARTS[n % 3], patient_id=f"P{n}") for n in range(9)]
    (note,) = leaks(manifest_of(*films))
    assert note.message.startswith("No exact copy, patient or study is in two of the shipped parts")


def test_each_pair_of_parts_is_reported() -> None:
    same = {f"{part}/a0.png": "one" for part in PARTS}
    messages = [finding.message for finding in leaks(manifest_of(*parts()), bytes_=same)]
    assert messages == [
        "1 of 20 test films (5.0 %) lie byte for byte in train.",
        "1 of 20 val films (5.0 %) lie byte for byte in train.",
        "1 of 20 test films (5.0 %) lie byte for byte in val.",
    ]


def test_pixels_are_reported_beside_bytes_and_count_both() -> None:
    by_bytes, by_pixels = leaks(
        manifest_of(*parts()),
        bytes_={"train/a0.png": "one", "test/a0.png": "one"},
        pixels={"train/a2.png": "two", "test/a2.png": "two"},
    )
    assert by_bytes.pairs == (("test/a0.png", "train/a0.png"),)
    assert by_pixels.message == "2 of 20 test films (10.0 %) lie pixel for pixel in train."
    assert by_pixels.pairs[1] == ("test/a2.png", "train/a2.png")


def test_pixels_are_reported_beside_truncated_copies() -> None:
    """A truncated film has no pixels to compare: it must not hide those that have."""
    found = leaks(
        manifest_of(*parts()),
        bytes_={"train/a0.png": "half", "test/a0.png": "half"},
        pixels={"train/a2.png": "two", "test/a2.png": "two"},
        faults={"train/a0.png": "truncated: ...", "test/a0.png": "truncated: ..."},
    )
    assert [finding.severity for finding in found] == ["error", "warning"]
    assert "2 of 20 test films (10.0 %) lie pixel for pixel" in found[0].message


def test_copies_that_are_set_aside_do_not_forbid_the_split() -> None:
    manifest = manifest_of(*parts())
    halves = ("train/a0.png", "test/a0.png")
    facts = facts_of(manifest, bytes_=dict.fromkeys(halves, "half"),
                     faults=dict.fromkeys(halves, "truncated: ..."))  # fmt: skip
    result = audited(manifest, facts)
    (finding,) = (f for f in result.findings if f.check == "leakage")
    assert finding.severity == "warning"
    assert finding.message.endswith("None of them is used: they are unreadable, or have no label.")
    assert verdict(result, manifest).startswith("The shipped split shows no exact copy")
    made = shipped(manifest, groups=group_films(manifest, result.clusters), audit=result)
    assert "test/a0.png" not in made.test


def test_a_used_copy_is_found_behind_one_that_is_set_aside() -> None:
    films = [*parts(), film("train/0.png", None, split="train", patient_id="P"),
             film("train/1.png", 0, split="train", patient_id="P"),
             film("test/1.png", 0, split="test", patient_id="P")]  # fmt: skip
    (leak,) = leaks(manifest_of(*films))
    assert leak.severity == "error"
    assert leak.pairs == (("test/1.png", "train/1.png"),)
    assert leak.message == "1 of 21 test films (4.8 %) are of patients that are also in train."


@pytest.mark.parametrize(("key", "what"), [("patient_id", "patients"), ("study_id", "studies")])
def test_patients_and_studies_leak_without_their_names(key: str, what: str) -> None:
    films = [film(f"{n}.png", n % 2, split="train" if n < 8 else "test", **{key: f"XY{n % 8}"})
             for n in range(10)]  # fmt: skip
    (leak,) = leaks(manifest_of(*films))
    assert leak.message == f"2 of 2 test films (100.0 %) are of {what} that are also in train."
    assert "XY" not in leak.message + leak.remedy


def test_studies_are_told_beside_the_patients_that_are_named_in_part() -> None:
    films = [
        film("train/a.png", 0, split="train", patient_id="PX", study_id="S0"),
        film("test/a.png", 0, split="test", patient_id="PX", study_id="S0"),
        *(film(f"{part}/{n}.png", n % 2, split=part, study_id=f"S{n}")
          for part in ("train", "test") for n in range(1, 4)),
    ]  # fmt: skip
    messages = [finding.message for finding in leaks(manifest_of(*films))]
    assert messages == [
        "1 of 4 test films (25.0 %) are of patients that are also in train.",
        "3 of 4 test films (75.0 %) are of studies that are also in train.",
    ]


def test_what_the_audit_calls_a_leak_is_what_the_split_refuses() -> None:
    manifest = manifest_of(*parts())
    result = audited(manifest, facts_of(manifest, pixels={"val/a0.png": "x", "test/a0.png": "x"}))
    assert verdict(result, manifest) == (
        "Do not use the shipped split: 1 of 20 test films (5.0 %) lie pixel for pixel in val."
    )
    groups = group_films(manifest, result.clusters)
    with pytest.raises(LeakError, match="lie pixel for pixel in val"):
        shipped(manifest, groups=groups, audit=result)
    insisted = shipped(manifest, groups=groups, audit=result, despite_leaks=True)
    assert verdict(result, manifest, insisted).startswith(
        "The shipped split was used although it leaks: 1 of 20 test films"
    )


def test_nothing_is_claimed_that_was_not_looked_for() -> None:
    manifest = manifest_of(*parts())
    unasked = audited(manifest, facts_of(manifest), "imbalance")
    assert verdict(unasked, manifest) == "The shipped split was not checked for leaks."


# --- parts ----------------------------------------------------------------------------------------


def lacks(*films: Radiograph) -> list[str]:
    manifest = manifest_of(*films)
    return [f"{f.severity}: {f.message}" for f in findings_of("parts", manifest,
                                                              facts_of(manifest))]  # fmt: skip


def only(*wanted: Part) -> list[Radiograph]:
    return [one for one in parts() if one.split in wanted]


def test_a_whole_split_and_no_split_need_no_words() -> None:
    assert lacks(*parts()) == []
    assert lacks(film("a.png"), film("b.png", 1)) == []


@pytest.mark.parametrize(
    ("there", "words"),
    [
        (("train", "test"), "no validation part: it is carved from train"),
        (("train", "val"), "no test part: its validation part is the test"),
        (("train",), "a training part only: osteon makes a grouped one"),
        (("val", "test"), "no training part, only val and test"),
    ],
)
def test_missing_parts_are_said(there: tuple[Part, ...], words: str) -> None:
    (said,) = lacks(*only(*there))
    assert said.startswith("note: ")
    assert words in said


@pytest.mark.parametrize("held_out", [(), (film("test/x.png", 1, split="test"),)])
def test_a_training_part_alone_is_no_split(
    held_out: tuple[Radiograph, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    """Nor is one whose test films cannot be read."""
    manifest = manifest_of(*only("train"), *held_out)
    faults = dict.fromkeys((one.id for one in held_out), "torn")
    result = audited(manifest, facts_of(manifest, faults=faults), "parts")
    with shown():
        made = make_split(manifest, result, SplitPlan())
    assert made.origin == "grouped"
    assert min(len(made.part(part)) for part in PARTS) > 1
    assert "training part only: all films are divided anew" in capsys.readouterr().err
    told = "The data ship a training part only; osteon makes a grouped split of all films."
    assert verdict(result, manifest, made) == told
    with pytest.raises(UsageError, match=r"has no test film\. Use --split grouped"):
        make_split(manifest, result, SplitPlan(choice="shipped"))


def test_without_a_training_part_it_is_said_what_to_type() -> None:
    manifest = manifest_of(*only("val", "test"))
    with pytest.raises(UsageError, match=r"has no train film\. Use --split grouped"):
        make_split(manifest, audited(manifest, facts_of(manifest)), SplitPlan())


def test_films_outside_of_the_parts_are_named() -> None:
    manifest = manifest_of(*parts(), film("z.png"), film("unlabelled.png", None))
    (finding,) = findings_of("parts", manifest, facts_of(manifest))
    assert finding.ids == ("z.png",)
    assert finding.severity == "warning"


def test_a_class_that_is_missing_from_a_part_is_named() -> None:
    films = [one for one in parts() if one.label == 0 or one.split == "val"]
    assert lacks(*films) == [
        "error: The shipped train part has no readable film of 'broken'.",
        "warning: The shipped test part has no readable film of 'broken'.",
    ]

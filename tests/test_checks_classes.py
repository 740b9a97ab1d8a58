"""Classes, groups, unreadable and unlabelled films, on films made by hand."""

from __future__ import annotations

from dataclasses import replace

from osteon.types import Finding
from tests.evidence import facts_of, film, findings_of, manifest_of


def test_the_majority_is_counted_on_what_is_used() -> None:
    films = [film(f"{n}.png", int(n < 3)) for n in range(10)]
    manifest = manifest_of(*films, film("x.png", None), film("y.png", 1))
    facts = facts_of(manifest, faults={"y.png": "empty: the file has no bytes"})
    (note,) = findings_of("imbalance", manifest, facts)
    assert note.message == (
        "Always answering 'normal' is right for 70.0 % (7 of 10 readable films). normal: 7, "
        "broken: 3."
    )


def test_kinds_of_faults_are_counted() -> None:
    manifest = manifest_of(*(film(f"{n}.png", n % 2) for n in range(20)))
    faults = {f"{n}.png": f"truncated: the file ends after {n} bytes" for n in range(3)}
    faults["3.png"] = "a ZIP archive named .png"
    (finding,) = findings_of("unreadable", manifest, facts_of(manifest, faults=faults))
    assert finding.message == (
        "4 of 20 films cannot be read whole: truncated (3), a ZIP archive named .png (1)."
    )
    assert finding.severity == "warning"


def test_many_kinds_of_faults_are_summed_up() -> None:
    manifest = manifest_of(*(film(f"{n}.png", n % 2) for n in range(20)))
    faults = {f"{n}.png": f"fault {n}" for n in range(6)}
    (finding,) = findings_of("unreadable", manifest, facts_of(manifest, faults=faults))
    assert finding.message.endswith("fault 3 (1), other faults (2).")


def test_a_class_without_a_readable_film_is_an_error() -> None:
    manifest = manifest_of(*(film(f"{n}.png", int(n == 0)) for n in range(20)))
    (finding,) = findings_of("unreadable", manifest, facts_of(manifest, faults={"0.png": "empty"}))
    assert finding.severity == "error"
    assert finding.message.endswith("Nothing is left of class 'broken'.")


def test_patients_count_once_in_a_small_class() -> None:
    films = [film(f"{n}.png", 0) for n in range(40)]
    films += [film(f"p{n}.png", 1, patient_id=f"P{n % 2}") for n in range(40)]
    manifest = manifest_of(*films)
    (finding,) = findings_of("small_classes", manifest, facts_of(manifest))
    assert finding.message.startswith("Class 'broken' has 2 independent films: too few")


def test_small_classes_are_told_together() -> None:
    manifest = manifest_of(*(film(f"{n}.png", int(n < 5)) for n in range(12)))
    (finding,) = findings_of("small_classes", manifest, facts_of(manifest))
    assert finding.message == (
        "Fewer than 30 independent films are of 'normal' (7), 'broken' (5): figures of so few "
        "have wide intervals."
    )


def test_a_class_is_called_small_or_unreadable_but_not_both() -> None:
    gone = manifest_of(*(film(f"{n}.png", int(n == 0)) for n in range(40)))
    assert not findings_of("small_classes", gone, facts_of(gone, faults={"0.png": "empty"}))
    never = manifest_of(*(film(f"{n}.png", 0) for n in range(40)))
    (finding,) = findings_of("small_classes", never, facts_of(never))
    assert "'broken' has 0 independent films" in finding.message


def test_unlabelled_films_are_named_once() -> None:
    manifest = manifest_of(film("a.png"), film("b.png", None))
    (note,) = findings_of("unlabelled", manifest, facts_of(manifest))
    assert note.ids == ("b.png",)
    assert note.message.startswith("1 film without a label")
    said = Finding(check="annotations", severity="warning", message="m.", ids=("b.png",))
    assert findings_of("unlabelled", replace(manifest, remarks=(said,)), facts_of(manifest)) == []


# --- groups ---------------------------------------------------------------------------------------


def test_groups_of_usual_size_need_no_words() -> None:
    manifest = manifest_of(*(film(f"{n}.png", n % 2, patient_id=f"P{n // 4}") for n in range(40)))
    assert findings_of("groups", manifest, facts_of(manifest)) == []
    single = manifest_of(film("a.png"), film("b.png", 1))
    assert findings_of("groups", single, facts_of(single)) == []
    assert findings_of("groups", manifest_of(), {}) == []


def test_a_placeholder_for_patients_is_seen_and_not_printed() -> None:
    films = [film(f"{n:02d}.png", n % 2, patient_id="ANON" if n < 10 else f"P{n}")
             for n in range(40)]  # fmt: skip
    manifest = manifest_of(*films)
    (finding,) = findings_of("groups", manifest, facts_of(manifest))
    assert finding.message == (
        "10 of 40 films (25.0 %) belong together, and no split may separate them: all have the "
        "same patient_id."
    )
    assert finding.ids == tuple(f"{n:02d}.png" for n in range(10))
    assert finding.severity == "warning"


def test_studies_numbered_per_patient_are_seen() -> None:
    films = [film(f"{n}.png", n % 2, patient_id=f"P{n // 2}", study_id=f"study{n % 2}")
             for n in range(40)]  # fmt: skip
    manifest = manifest_of(*films)
    (finding,) = findings_of("groups", manifest, facts_of(manifest))
    assert "the same study_id stands under several patients" in finding.message
    assert finding.severity == "error"
    assert "leave the column out" in finding.remedy


def test_chains_of_copies_are_seen() -> None:
    manifest = manifest_of(*(film(f"{n:02d}.png", n % 2) for n in range(40)))
    same = {f"{n:02d}.png": "one" for n in range(8)}
    (finding,) = findings_of("groups", manifest, facts_of(manifest, bytes_=same))
    assert "a chain of patients, studies and copies" in finding.message
    assert "(20.0 %)" in finding.message

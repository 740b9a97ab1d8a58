"""Films, patients and studies on both sides of the split that the data ship."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass

from osteon.checks import CHECKS, Evidence, percent
from osteon.types import PARTS, Finding, Part, Radiograph

SIDES: tuple[tuple[Part, Part], ...] = (("train", "test"), ("train", "val"), ("val", "test"))
REMEDY = "Split anew, so that what belongs together stays together."
COMMAND = "osteon run DATA --split grouped"
REMADE = "lie, turned, mirrored, cropped or re-made copies counted, in"
SET_ASIDE = " None of them is used: they are unreadable, or have no label."
Key = Callable[[Radiograph], Hashable | None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Side:
    """Two parts of the shipped split: the films of ``held_out`` should be new to ``seen``."""

    evidence: Evidence
    seen: Part
    held_out: Part

    def films(self, part: Part) -> list[Radiograph]:
        films = self.evidence.manifest.radiographs
        return [film for film in films if film.split == part and film.id in self.evidence.facts]


@CHECKS.register("leakage")
def leakage(evidence: Evidence) -> Iterator[Finding]:
    """An error for each pair of parts that share a film, a patient or a study; a warning where
    none of the films concerned is used; a note where there is nothing."""

    def bytes_of(film: Radiograph) -> str | None:
        return evidence.facts[film.id].sha256 or None

    def pixels_of(film: Radiograph) -> str | None:
        return evidence.facts[film.id].pixel_digest or bytes_of(film)

    def copy_of(film: Radiograph) -> str | None:
        return evidence.clusters.get(film.id) or bytes_of(film)

    shipped = {film.split for film in evidence.manifest.radiographs} - {None}
    found = 0
    for seen, held_out in SIDES:
        side = Side(evidence=evidence, seen=seen, held_out=held_out)
        by_bytes = _shared(side, bytes_of)
        by_pixels = _shared(side, pixels_of)
        pairs = {"lie byte for byte in": by_bytes}
        if len(by_pixels) > len(by_bytes):
            pairs["lie pixel for pixel in"] = by_pixels
        by_copy = _shared(side, copy_of)
        if len(by_copy) > max(len(by_bytes), len(by_pixels)):
            pairs[REMADE] = by_copy
        by_patient = _shared(side, lambda film: film.patient_id)  # its value is never printed
        said = {film for film, _ in by_patient}  # a study is of one patient: said once
        by_study = _shared(side, lambda film: film.study_id)
        pairs["are of patients that are also in"] = by_patient
        pairs["are of studies that are also in"] = [p for p in by_study if p[0] not in said]
        findings = [_finding(side, how, of) for how, of in pairs.items() if of]
        found += len(findings)
        yield from findings
    if shipped and not found:
        named = any(film.patient_id or film.study_id for film in evidence.manifest.radiographs)
        copy = "exact copy" if evidence.copies is None else "copy"
        what = f"{copy}, patient or study" if named else copy
        told = ", ".join(part for part in PARTS if part in shipped)
        yield Finding(
            check="leakage",
            severity="note",
            message=f"No {what} is in two of the shipped parts ({told})."
            + ("" if named else " The data name no patients: theirs cannot be told."),
        )


def _shared(side: Side, key: Key) -> list[tuple[str, str]]:
    """(held-out film, a film of the same key among those seen) for each that has one; of the
    films seen, one that is used comes before one that is set aside."""
    counts = side.evidence.counts
    first: dict[Hashable, str] = {}
    for film in sorted(side.films(side.seen), key=lambda film: not counts(film)):
        if (value := key(film)) is not None:
            first.setdefault(value, film.id)
    held_out = side.films(side.held_out)
    return [(film.id, first[value]) for film in held_out if (value := key(film)) in first]


def _finding(side: Side, how: str, pairs: list[tuple[str, str]]) -> Finding:
    n = len(side.films(side.held_out))
    used = {film.id for film in side.evidence.manifest.radiographs if side.evidence.counts(film)}
    harmful = any(one in used and other in used for one, other in pairs)
    return Finding(
        check="leakage",
        severity="error" if harmful else "warning",
        message=f"{len(pairs):,} of {n:,} {side.held_out} films "
        f"({percent(len(pairs), n)}) {how} {side.seen}." + ("" if harmful else SET_ASIDE),
        remedy=REMEDY if harmful else "Nothing needs to be done.",
        command=COMMAND if harmful else "",
        ids=tuple(one for one, _ in pairs),
        pairs=tuple(pairs),
    )

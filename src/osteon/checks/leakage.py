"""Films, patients and studies on both sides of the split that the data ship."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator

from osteon.checks import CHECKS, Evidence
from osteon.types import PARTS, Finding, Part, Radiograph

REMEDY = "Split anew: osteon run DATA --split grouped"
Key = Callable[[Radiograph], Hashable | None]


@CHECKS.register("leakage")
def leakage(evidence: Evidence) -> Iterator[Finding]:
    """An error for each pair of parts that share a film, a patient or a study."""
    parts = _parts(evidence)

    def bytes_of(film: Radiograph) -> str | None:
        return evidence.facts[film.id].sha256 or None

    def pixels_of(film: Radiograph) -> str | None:
        return evidence.clusters.get(film.id)

    for seen, held_out in (("train", "test"), ("train", "val"), ("val", "test")):
        inside, outside = parts[_part(seen)], parts[_part(held_out)]
        if not inside or not outside:
            continue
        by_bytes = _shared(inside, outside, bytes_of)
        by_pixels = _shared(inside, outside, pixels_of)
        yield from _copies(seen, held_out, len(outside), by_bytes, "byte for byte")
        if len(by_pixels) > len(by_bytes):
            yield from _copies(seen, held_out, len(outside), by_pixels, "pixel for pixel")
        yield from _people(seen, held_out, inside, outside)


def _parts(evidence: Evidence) -> dict[Part, list[Radiograph]]:
    parts: dict[Part, list[Radiograph]] = {part: [] for part in PARTS}
    for film in evidence.manifest.radiographs:
        if film.split is not None and film.id in evidence.facts:
            parts[film.split].append(film)
    return parts


def _part(name: str) -> Part:
    return next(part for part in PARTS if part == name)


def _shared(inside: list[Radiograph], outside: list[Radiograph], key: Key) -> list[tuple[str, str]]:
    """(held-out film, a film inside of the same key) for each held-out film that has one."""
    first: dict[Hashable, str] = {}
    for film in inside:
        if (value := key(film)) is not None:
            first.setdefault(value, film.id)
    return [(film.id, first[value]) for film in outside if (value := key(film)) in first]


def _copies(
    seen: str, held_out: str, n: int, pairs: list[tuple[str, str]], how: str
) -> Iterator[Finding]:
    if pairs:
        yield Finding(
            check="leakage",
            severity="error",
            message=f"{len(pairs):,} of {n:,} {held_out} films ({len(pairs) / n:.1%}) lie {how} "
            f"in {seen}.".replace("%)", " %)"),
            remedy=REMEDY,
            ids=tuple(a for a, _ in pairs),
            pairs=tuple(pairs),
        )


def _people(
    seen: str, held_out: str, inside: list[Radiograph], outside: list[Radiograph]
) -> Iterator[Finding]:
    """Identifiers are not printed: films are."""
    keys: tuple[tuple[str, Key], ...] = (
        ("patients", lambda film: film.patient_id),
        ("studies", lambda film: film.study_id),
    )
    for what, key in keys:
        pairs = _shared(inside, outside, key)
        if pairs:
            yield Finding(
                check="leakage",
                severity="error",
                message=f"{len(pairs):,} of {len(outside):,} {held_out} films are of {what} that "
                f"are in {seen} too.",
                remedy=REMEDY,
                ids=tuple(a for a, _ in pairs),
                pairs=tuple(pairs),
            )
            return  # films of one study are films of one patient: said once

"""Films and what opening them told, made by hand: for checks that need no file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from osteon.audit import audit
from osteon.types import Audit, FilmFacts, Finding, Manifest, Radiograph


def film(id_: str, label: int | None = 0, **more: object) -> Radiograph:
    return Radiograph(id=id_, path=Path(id_), label=label, **more)  # type: ignore[arg-type]


def manifest_of(*films: Radiograph, classes: tuple[str, ...] = ("normal", "broken")) -> Manifest:
    return Manifest(
        root=Path("data"), source="s", recognised_by="r", classes=classes, radiographs=films
    )


def facts_of(
    manifest: Manifest,
    *,
    bytes_: dict[str, str] | None = None,
    pixels: dict[str, str] | None = None,
    faults: dict[str, str] | None = None,
) -> dict[str, FilmFacts]:
    """Each film is like no other, but for those of one name in ``bytes_`` or ``pixels``."""
    bytes_, pixels, faults = bytes_ or {}, pixels or {}, faults or {}
    facts = {}
    for one in manifest.radiographs:
        sha256 = bytes_.get(one.id, f"bytes of {one.id}")
        whole = FilmFacts(
            id=one.id,
            n_bytes=9,
            sha256=sha256,
            format="PNG",
            pixel_digest=pixels.get(one.id, f"pixels of {sha256}"),
        )
        fault = faults.get(one.id)
        facts[one.id] = replace(whole, fault=fault, pixel_digest=None) if fault else whole
    return facts


def findings_of(check: str, manifest: Manifest, facts: dict[str, FilmFacts]) -> list[Finding]:
    return list(audited(manifest, facts, check).findings)


def audited(manifest: Manifest, facts: dict[str, FilmFacts], *checks: str) -> Audit:
    return audit(manifest, facts=facts, checks=checks or None)

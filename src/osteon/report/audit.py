"""The page of an audit: the verdict first, then each finding with its films side by side."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from osteon.audit import scope, verdict
from osteon.checks.copies import changes
from osteon.files import write_text
from osteon.report.gallery import Thumbnail, thumbnail
from osteon.report.rendering import rendered
from osteon.types import Audit, Finding, Manifest, count_classes

T = TypeVar("T")
PAIRS_SHOWN = 12
FILMS_SHOWN = 12
WITH_FILMS = ("artefacts", "annotations", "suspects")  # checks whose films are worth a look


@dataclass(frozen=True, kw_only=True, slots=True)
class Shown:
    """A finding with its pictures."""

    finding: Finding
    pairs: tuple[tuple[Thumbnail, Thumbnail, str], ...]  # and how the other was re-made
    films: tuple[Thumbnail, ...]
    faults: tuple[tuple[str, str], ...]  # film and why it cannot be read


def write_audit_report(manifest: Manifest, audit: Audit, path: Path) -> Path:
    """Write one self-contained HTML file; its parts of films are thumbnails. Returns ``path``."""
    findings = [_shown(finding, manifest, audit) for finding in audit.findings]
    readable = [id_ for id_, film in audit.facts.items() if film.fault is None]
    alone = sum(id_ not in audit.clusters for id_ in readable)
    page = rendered(
        "audit.html.jinja",
        name=manifest.root.name,
        verdict=verdict(audit, manifest),
        scope=scope(audit, manifest),
        recognised_by=manifest.recognised_by,
        classes=count_classes(manifest),
        n_films=len(manifest.radiographs),
        n_distinct=alone + len(set(audit.clusters.values())),
        findings=findings,
        boxes=any(film.boxes for shown in findings for film in shown.films),
        digest=audit.manifest_digest,
    )
    return write_text(path, page)


def _shown(finding: Finding, manifest: Manifest, audit: Audit) -> Shown:
    pairs = tuple(_pairs(finding, manifest, audit))
    films = tuple(_films(finding, manifest, audit)) if not finding.pairs else ()
    faults = [(id_, audit.facts[id_].fault) for id_ in finding.ids if id_ in audit.facts]
    named = [(id_, fault) for id_, fault in faults if fault][: 5 * FILMS_SHOWN]
    return Shown(finding=finding, pairs=pairs, films=films, faults=tuple(named))


def _pairs(
    finding: Finding, manifest: Manifest, audit: Audit
) -> Iterator[tuple[Thumbnail, Thumbnail, str]]:
    known = (*audit.copies.same, *audit.copies.similar) if audit.copies else ()
    how_of = {frozenset((copy.one, copy.other)): copy.how for copy in known}
    label_of = {film.id: manifest.class_name(film) or "no label" for film in manifest.radiographs}
    for one, other in _spread(finding.pairs, PAIRS_SHOWN):
        first = thumbnail(one, manifest, caption=label_of[one])
        second = thumbnail(other, manifest, caption=label_of[other])
        how = how_of.get(frozenset((one, other)))
        if first and second:
            bare = replace(first, boxes=()), replace(second, boxes=())
            told = [f"correlation {how.correlation:.2f}", *changes(how)] if how else []
            yield *bare, ", ".join(told)


def _films(finding: Finding, manifest: Manifest, audit: Audit) -> Iterator[Thumbnail]:
    if finding.check not in WITH_FILMS:
        return
    there = tuple(id_ for id_ in finding.ids if id_ in audit.facts)  # others are no films
    for id_ in _spread(there, FILMS_SHOWN):
        film = thumbnail(id_, manifest)
        if film is None:
            continue
        seen = audit.facts[id_]
        scale = film.width_px / (seen.width_px or film.width_px)
        boxes = tuple(
            box.scaled(scale, scale)
            for artefact in seen.artefacts
            if artefact.kind == finding.artefact
            for box in artefact.boxes
        )
        yield replace(film, boxes=boxes)


def _spread(items: tuple[T, ...], most: int) -> tuple[T, ...]:
    """Of many, some from all over the list."""
    step = max(1, len(items) // most)
    return items[::step][:most]

"""Collages cut into their panels: each its own film, of the same group and the same label."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from osteon.types import Artefact, Audit, Box, FilmFacts, Finding, Manifest, Radiograph

CUT = 0.99  # share of a box's area that a panel must hold


def panel_windows(artefacts: Iterable[Artefact]) -> tuple[Box, ...]:
    """The panels of a film, in whole px of it; none for a single film."""
    for artefact in artefacts:
        if artefact.kind == "collage":
            return tuple(_whole_px(box) for box in artefact.boxes)
    return ()


def _whole_px(box: Box) -> Box:
    left, top = round(box.left_px), round(box.top_px)
    return Box(
        left_px=left,
        top_px=top,
        width_px=max(1, round(box.left_px + box.width_px) - left),
        height_px=max(1, round(box.top_px + box.height_px) - top),
    )


def cut_panels(manifest: Manifest, audit: Audit) -> tuple[Manifest, Audit]:
    """The manifest with a film for each panel instead of each collage, and the audit of those.

    A panel's id is that of its file and its number, as in ``knee.jpg#2``. All panels of a file are
    in one cluster of copies, so that no split separates them. A remark says how many there are, and
    which annotated boxes a cut goes through.
    """
    films: list[Radiograph] = []
    facts: dict[str, FilmFacts] = {}
    clusters = dict(audit.clusters)
    cut_ids: list[str] = []
    torn: list[str] = []
    for film in manifest.radiographs:
        seen = audit.facts.get(film.id)
        windows = panel_windows(seen.artefacts) if seen and not seen.fault else ()
        if not windows:
            films.append(film)
            if seen:
                facts[film.id] = seen
            continue
        assert seen is not None
        cut_ids.append(film.id)
        cluster = clusters.pop(film.id, film.id)
        held = 0
        for number, window in enumerate(windows, 1):
            id_ = f"{film.id}#{number}"
            boxes = tuple(_within(box, window) for box in film.boxes if _share(box, window) > 0.5)
            held += sum(_share(box, window) > CUT for box in film.boxes)
            films.append(replace(film, id=id_, window=window, boxes=boxes))
            facts[id_] = replace(
                seen,
                id=id_,
                width_px=int(window.width_px),
                height_px=int(window.height_px),
                artefacts=(),
            )
            clusters[id_] = cluster
        if held < len(film.boxes):
            torn.append(film.id)
    if not cut_ids:
        return manifest, audit
    cut = replace(
        manifest,
        radiographs=tuple(films),
        remarks=(*manifest.remarks, *_remarks(cut_ids, len(films), manifest, torn)),
    )
    return cut, replace(audit, manifest_digest=cut.digest, facts=facts, clusters=clusters)


def _remarks(ids: list[str], n_films: int, manifest: Manifest, torn: list[str]) -> list[Finding]:
    panels = n_films - len(manifest.radiographs) + len(ids)
    said = [
        Finding(
            check="panels",
            severity="note",
            message=f"{len(ids):,} collages were cut into {panels:,} panels, each with the label "
            "of its file.",
        )
    ]
    if torn:
        said.append(
            Finding(
                check="panels",
                severity="warning",
                message=f"In {len(torn):,} collages a cut goes through an annotated box.",
                remedy="Look at them: " + ", ".join(torn[:5]) + ".",
            )
        )
    return said


def _share(box: Box, window: Box) -> float:
    """The share of a box's area that lies in the window."""
    area = box.width_px * box.height_px
    inside = _overlap(box.left_px, box.width_px, window.left_px, window.width_px)
    inside *= _overlap(box.top_px, box.height_px, window.top_px, window.height_px)
    return inside / area if area else 0.0


def _overlap(start: float, length: float, other: float, other_length: float) -> float:
    return max(0.0, min(start + length, other + other_length) - max(start, other))


def _within(box: Box, window: Box) -> Box:
    return replace(box, left_px=box.left_px - window.left_px, top_px=box.top_px - window.top_px)

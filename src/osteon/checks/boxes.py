"""Boxes that do not lie on their films."""

from __future__ import annotations

from collections.abc import Iterator

from osteon.checks import CHECKS, Evidence
from osteon.types import Box, Finding
from osteon.words import counted

ROUNDING_PX = 1.0  # beyond the edge: annotators round


@CHECKS.register("boxes")
def boxes(evidence: Evidence) -> Iterator[Finding]:
    """One finding with the readable films whose boxes reach beyond them, or lie beside them."""
    beyond: list[str] = []
    n_beyond = n_beside = 0
    for film in evidence.manifest.radiographs:
        seen = evidence.facts.get(film.id)
        if seen is None or seen.width_px is None or seen.height_px is None:
            continue
        out = [box for box in film.boxes if _reaches_beyond(box, seen.width_px, seen.height_px)]
        n_beyond += len(out)
        n_beside += sum(_lies_beside(box, seen.width_px, seen.height_px) for box in out)
        beyond += [film.id] * bool(out)
    if beyond:
        count = "1 box reaches" if n_beyond == 1 else f"{n_beyond:,} boxes reach"
        wholly = f", {n_beside:,} wholly" if n_beside else ""
        yield Finding(
            check="boxes",
            severity="warning",
            message=f"{count} beyond the edge of {counted(len(beyond), 'film')}{wholly}.",
            remedy="Boxes are left, top, width and height in px of the upright film. Look whether "
            "these were drawn on a film of another size, or before it was turned, or hold corners.",
            ids=tuple(beyond),
        )


def _reaches_beyond(box: Box, width_px: int, height_px: int) -> bool:
    first = min(box.left_px, box.top_px)
    across, down = box.left_px + box.width_px - width_px, box.top_px + box.height_px - height_px
    return max(-first, across, down) > ROUNDING_PX


def _lies_beside(box: Box, width_px: int, height_px: int) -> bool:
    across, down = box.left_px + box.width_px, box.top_px + box.height_px
    return across <= 0 or down <= 0 or box.left_px >= width_px or box.top_px >= height_px

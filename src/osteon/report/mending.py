"""The page of a preparation: films before and after each step of mending."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from osteon.errors import UnreadableFilm
from osteon.files import write_text
from osteon.mending import ORDER, mend
from osteon.pixels import decode_bytes, read_film
from osteon.placement import StepLoss
from osteon.report.gallery import Thumbnail, thumbnail_of
from osteon.report.rendering import rendered
from osteon.types import Manifest, MendStep, Radiograph

if TYPE_CHECKING:
    from osteon.prepare import Prepared

FILMS_SHOWN = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class ShownStep:
    """A step, what it cost in annotated boxes, and some films that it changed."""

    name: str
    n_films: int
    loss: StepLoss | None
    pairs: tuple[tuple[Thumbnail, Thumbnail], ...]


def write_preview(manifest: Manifest, prepared: Prepared, path: Path) -> Path:
    """Write one self-contained HTML file with films spread over those changed; returns ``path``."""
    losses = {loss.step: loss for loss in prepared.crop_loss.steps}
    steps = [
        _shown(step, manifest, prepared, losses.get(step))
        for step in ORDER
        if step in prepared.rules.mend
    ]
    page = rendered(
        "mending.html.jinja",
        name=manifest.root.name,
        rules=prepared.rules,
        steps=steps,
        loss=prepared.crop_loss,
        n_films=len(prepared.row_of),
        panels=sum(film.window is not None for film in manifest.radiographs),
    )
    return write_text(path, page)


def _shown(
    step: MendStep, manifest: Manifest, prepared: Prepared, loss: StepLoss | None
) -> ShownStep:
    changed = [
        film
        for film in manifest.radiographs
        if (trace := prepared.traces.get(film.id)) and step in trace.steps
    ]
    some = changed[:: max(1, len(changed) // FILMS_SHOWN)][:FILMS_SHOWN]
    pairs = tuple(pair for film in some for pair in _before_and_after(film, step))
    return ShownStep(name=step, n_films=len(changed), loss=loss, pairs=pairs)


def _before_and_after(film: Radiograph, step: MendStep) -> Iterator[tuple[Thumbnail, Thumbnail]]:
    try:
        data = read_film(film.path)
        decoded = decode_bytes(data)
    except UnreadableFilm:
        return  # gone since it was prepared
    before = mend(data, decoded, (), film.window)
    after = mend(data, decoded, (step,), film.window)
    first = thumbnail_of(film.id, before.gray, film.boxes)
    yield first, replace(thumbnail_of(film.id, after.gray), caption="after")

"""Films of one kind, to be held out of training altogether: does a network hold on them?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from osteon.types import FilmFacts, Manifest, Radiograph

FEWEST = 15  # films of each class that a slice needs to be judged


@dataclass(frozen=True, kw_only=True, slots=True)
class Slice:
    """``ids`` are kept out of training; where they are fractures alone, they are judged beside the
    normal films of the test part."""

    name: str
    title: str
    ids: frozenset[str]
    positives_alone: bool = False


Slicer = Callable[[Manifest, Mapping[str, FilmFacts]], "Slice | None"]


def _known(manifest: Manifest, facts: Mapping[str, FilmFacts]) -> list[Radiograph]:
    return [
        film
        for film in manifest.radiographs
        if film.label is not None and film.id in facts and facts[film.id].fault is None
    ]


def _enough(manifest: Manifest, films: Sequence[Radiograph]) -> bool:
    """Whether every class has films enough to be judged."""
    labels = Counter(film.label for film in films)
    return len(labels) == len(manifest.classes) and min(labels.values()) >= FEWEST


def exposure(manifest: Manifest, facts: Mapping[str, FilmFacts]) -> Slice | None:
    """The brightest fifth of the films."""
    means = {film.id: facts[film.id].mean or 0.0 for film in _known(manifest, facts)}
    if not means:
        return None
    least = float(np.quantile(list(means.values()), 0.8))
    ids = frozenset(id_ for id_, mean in means.items() if mean > least)
    if not _enough(manifest, [film for film in _known(manifest, facts) if film.id in ids]):
        return None
    return Slice(name="exposure", title="exposure: the brightest fifth of the films", ids=ids)


def positioning(manifest: Manifest, facts: Mapping[str, FilmFacts]) -> Slice | None:
    """The films of the rarest view that has enough of every class."""
    films = _known(manifest, facts)
    counts = Counter(view for film in films for view in film.views)
    for view, _ in reversed(counts.most_common()):
        there = [film for film in films if view in film.views]
        if _enough(manifest, there):
            ids = frozenset(film.id for film in there)
            return Slice(name="positioning", title=f"positioning: {view} films", ids=ids)
    return None


def machine(manifest: Manifest, facts: Mapping[str, FilmFacts]) -> Slice | None:
    """The films of the second commonest size that has enough of every class: machines crop and
    scan to sizes of their own."""
    films = _known(manifest, facts)
    size_of = {film.id: (facts[film.id].width_px, facts[film.id].height_px) for film in films}
    for size, _ in Counter(size_of.values()).most_common()[1:]:
        there = [film for film in films if size_of[film.id] == size]
        if _enough(manifest, there):
            ids = frozenset(film.id for film in there)
            title = f"machine: films of {size[0]} x {size[1]} px"
            return Slice(name="machine", title=title, ids=ids)
    return None


def kind(manifest: Manifest, facts: Mapping[str, FilmFacts]) -> Slice | None:
    """The fractures whose largest box is below the median share of the film: another kind than
    the large ones that are left in training."""
    if len(manifest.classes) != 2:  # the normal films are the other class
        return None
    shares = {}
    for film in _known(manifest, facts):
        area = (facts[film.id].width_px or 0) * (facts[film.id].height_px or 0)
        if film.boxes and area:
            largest = max(box.width_px * box.height_px for box in film.boxes)
            shares[film.id] = largest / area
    if len(shares) < 2 * FEWEST:
        return None
    middle = float(np.median(list(shares.values())))
    return Slice(
        name="kind",
        title=f"kind of fracture: boxes below {100 * middle:.2f} % of the film",
        ids=frozenset(id_ for id_, share in shares.items() if share < middle),
        positives_alone=True,
    )


SLICERS: Mapping[str, Slicer] = {
    "exposure": exposure,
    "positioning": positioning,
    "machine": machine,
    "kind": kind,
}

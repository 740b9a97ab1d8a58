"""The films on which maps are judged, drawn at random, with their boxes in the prepared square."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from osteon.explain.scores import box_mask, extent
from osteon.placement import boxes_in_square

if TYPE_CHECKING:
    from osteon.explain.scores import Mask
    from osteon.prepare import Prepared
    from osteon.types import FilmFacts, Floats, Manifest, Radiograph


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Sample:
    """Films of one part; without boxes, ``masks`` are all false and ``areas`` 0."""

    part: str
    ids: tuple[str, ...]
    groups: tuple[str, ...]
    targets: tuple[int, ...]  # the class explained
    extents: tuple[tuple[slice, slice], ...]  # what is film, and not the bars beside it
    masks: tuple[Mask, ...]  # within the extents
    areas: Floats  # (n,) share of the extent that the boxes cover
    boxed: bool

    def between(self, first: int, last: int) -> Sample:
        return Sample(
            part=self.part,
            ids=self.ids[first:last],
            groups=self.groups[first:last],
            targets=self.targets[first:last],
            extents=self.extents[first:last],
            masks=self.masks[first:last],
            areas=self.areas[first:last],
            boxed=self.boxed,
        )

    def first(self, n: int) -> Sample:
        return self.between(0, n)


def draw(
    part: str,
    ids: Sequence[str],
    classes: Sequence[str],
    prepared: Prepared,
    manifest: Manifest,
    facts: Mapping[str, FilmFacts],
    groups: Mapping[str, str],
    *,
    n_films: int,
    seed: int,
    boxed: bool,
) -> Sample:
    """Up to ``n_films`` films of ``ids``, drawn at random: of two classes positive ones, of more
    any with a label; ``boxed``: only those of whose boxes the square shows something."""
    film_of = {film.id: film for film in manifest.radiographs}
    wanted = [
        id_
        for id_ in ids
        if id_ in prepared.row_of
        and (film_of[id_].label == 1 if len(classes) == 2 else film_of[id_].label is not None)
        and (film_of[id_].boxes or not boxed)
    ]
    order = np.random.default_rng(seed).permutation(len(wanted))
    kept: list[Radiograph] = []
    extents: list[tuple[slice, slice]] = []
    masks: list[Mask] = []
    for at in order:
        if len(kept) == n_films:
            break
        film = film_of[wanted[at]]
        where = extent(prepared.batch([film.id])[0])
        boxes = boxes_in_square(
            film, facts[film.id], prepared.rules, prepared.traces.get(film.id)
        )  # fmt: skip
        mask = box_mask(boxes, prepared.rules.size_px)[where]
        if mask.any() or not boxed:
            kept.append(film)
            extents.append(where)
            masks.append(mask)
    return Sample(
        part=part,
        ids=tuple(film.id for film in kept),
        groups=tuple(groups[film.id] for film in kept),
        targets=tuple(int(film.label or 0) for film in kept),
        extents=tuple(extents),
        masks=tuple(masks),
        areas=np.array([mask.mean() for mask in masks], np.float64),
        boxed=boxed,
    )

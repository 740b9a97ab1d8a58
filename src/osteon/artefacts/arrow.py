"""Arrows and arrowheads, bright, dark or coloured: a head that is far broader than its shaft, or a
triangle."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from osteon.artefacts import DETECTORS
from osteon.artefacts.coloured_mark import coloured_parts
from osteon.artefacts.picture import Picture
from osteon.artefacts.strokes import Stroke
from osteon.artefacts.writing import rows_of_letters
from osteon.types import Artefact

if TYPE_CHECKING:
    from numpy.typing import NDArray

LEAST_PX = 12  # long
LEAST_SHARE = 0.025  # of the film's side
LARGEST = 0.25
LARGEST_DARK = 0.12  # of the side: dark wedges between bones are larger
BINS = 10  # along the stroke


@DETECTORS.register("arrow")
def arrow(picture: Picture) -> Iterator[Artefact]:
    if found := arrows(picture):
        yield Artefact(kind="arrow", boxes=tuple(part.box(picture.gray) for part in found))


def arrows(picture: Picture) -> list[Stroke]:
    least = max(LEAST_PX, LEAST_SHARE * max(picture.gray.shape))
    _, rest = rows_of_letters(picture)
    drawn = [part for part in rest if _free(part, picture)]
    return [part for part in (*drawn, *coloured_parts(picture)) if is_arrow(part, least)]


def _free(stroke: Stroke, picture: Picture) -> bool:
    """Pure in tone, small, and not cut by the film's border."""
    height, width = picture.gray.shape
    pure = stroke.level >= 150 if stroke.bright else stroke.level <= 90
    inside = 0 < stroke.left < width - stroke.width and 0 < stroke.top < height - stroke.height
    largest = (LARGEST if stroke.bright else LARGEST_DARK) * max(height, width)
    return pure and inside and max(stroke.width, stroke.height) <= largest


def is_arrow(stroke: Stroke, least_px: float) -> bool:
    rows, columns = np.nonzero(stroke.mask)
    if len(rows) < BINS:
        return False
    points = np.stack([columns, rows], 1).astype(np.float64)
    points -= points.mean(0)
    values, vectors = np.linalg.eigh(np.cov(points.T))
    along, across = points @ vectors[:, 1], points @ vectors[:, 0]
    length = float(np.ptp(along)) + 1
    if values[0] <= 0 or length < least_px:
        return False
    place = np.minimum((BINS * (along - along.min()) / length).astype(int), BINS - 1)
    if len(np.unique(place)) < BINS:
        return False
    low = np.array([across[place == each].min() for each in range(BINS)])
    high = np.array([across[place == each].max() for each in range(BINS)])
    full = len(points) / ((high - low + 1).mean() * length)  # of its outline: letters have holes
    return any(
        _head_and_shaft(one, other, length) or (full > 0.8 and _triangle(other - one + 1, length))
        for one, other in ((low, high), (low[::-1], high[::-1]))
    )


def _head_and_shaft(low: NDArray[np.float64], high: NDArray[np.float64], length: float) -> bool:
    """From the tip on: broadest within the first half, then a shaft of one width, with as much of
    the head on one side of it as on the other."""
    width = high - low + 1
    broad = int(width[:5].argmax())
    widest = float(width[broad])
    shaft = width[-5:-1]
    axis = float(np.median((low + high)[-5:-1])) / 2
    sides = high[broad] - axis, axis - low[broad]
    return bool(
        4 <= widest <= 0.7 * length
        and width[0] <= 0.9 * widest
        and shaft.max() <= 0.62 * widest
        and np.ptp(shaft) <= max(1.5, 0.25 * widest)
        and min(sides) >= 0.3 * widest
        and np.abs((low + high)[-5:-1] / 2 - axis).max() <= 0.2 * widest
    )


def _triangle(width: NDArray[np.float64], length: float) -> bool:
    """From the tip on: ever broader, evenly."""
    widest = float(width.max())
    even = np.linspace(0, widest, BINS + 1)[1:]
    return bool(
        widest >= 5
        and 0.35 * length <= widest <= 1.3 * length
        and np.abs(width - even).mean() <= 0.13 * widest
    )

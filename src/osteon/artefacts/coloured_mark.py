"""Coloured arrows, circles, spots and logos on a film, whatever the film's own tint."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from osteon.artefacts import DETECTORS
from osteon.artefacts.picture import Picture
from osteon.artefacts.strokes import Stroke
from osteon.types import Artefact

if TYPE_CHECKING:
    from numpy.typing import NDArray

FAR = 28.0  # from the film's own colour at that brightness, in CIELAB units of OpenCV
LEAST_AREA = 3e-4  # of the film
LEAST_AREA_TINTED = 2e-3  # a tinted film's own colour varies
TINTED = 6  # CIELAB units from gray
LEVELS = 16


@DETECTORS.register("coloured_mark")
def coloured_mark(picture: Picture) -> Iterator[Artefact]:
    found = coloured_parts(picture)
    if found:
        yield Artefact(kind="coloured_mark", boxes=tuple(part.box(picture.gray) for part in found))


def coloured_parts(picture: Picture) -> list[Stroke]:
    """The connected parts of another colour than the film's own."""
    import cv2

    if picture.colours is None:
        return []
    mask, tinted = _strange(picture.colours)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    least = (LEAST_AREA_TINTED if tinted else LEAST_AREA) * mask.size
    return [
        Stroke(
            left=int(left),
            top=int(top),
            width=int(width),
            height=int(height),
            bright=True,
            level=255.0,
            mask=(labels[top : top + height, left : left + width] == label).astype(np.uint8),
        )
        for label in range(1, count)
        for left, top, width, height, area in [stats[label]]
        if area >= least
    ]


def _strange(colours: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], bool]:
    """1 where the colour is not the film's own at that brightness; and whether that is a tint."""
    import cv2

    lab = cv2.cvtColor(colours, cv2.COLOR_RGB2LAB)
    level = lab[..., 0].astype(np.int32) * LEVELS // 256
    hue = lab[..., 1:].astype(np.float32)
    own = np.tile(np.median(hue.reshape(-1, 2), axis=0), (LEVELS, 1))
    for each in range(LEVELS):
        if np.count_nonzero(there := level == each) > 200:
            own[each] = np.median(hue[there], axis=0)
    far = np.hypot(*np.moveaxis(hue - own[level], 2, 0)) > FAR
    return far.astype(np.uint8), bool(np.abs(own - 128).max() > TINTED)

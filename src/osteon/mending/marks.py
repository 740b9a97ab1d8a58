"""Paints over writing, letters, arrows and coloured marks from what is round about them.

Only the strokes and two px about them change; every other pixel stays as it was.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from osteon.artefacts.arrow import arrows
from osteon.artefacts.coloured_mark import coloured_parts
from osteon.artefacts.picture import Picture
from osteon.artefacts.strokes import Stroke
from osteon.artefacts.writing import letters, rows_of_letters
from osteon.mending import STEPS, Change

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from osteon.formats import Gray

ROUND_PX = 2  # of the picture: the soft edge of a stroke
REACH_PX = 3  # of the film: how far the painting looks


@STEPS.register("marks")
def painted_over(gray: Gray, picture: Picture) -> Change | None:
    import cv2

    strokes = marks(picture)
    if not strokes:
        return None
    mask = np.zeros(picture.gray.shape, np.uint8)
    for stroke in strokes:
        window = mask[
            stroke.top : stroke.top + stroke.height, stroke.left : stroke.left + stroke.width
        ]
        window |= stroke.mask
    mask = cv2.dilate(mask, np.ones((2 * ROUND_PX + 1, 2 * ROUND_PX + 1), np.uint8))
    height, width = gray.shape
    mask = cv2.resize(mask, (width, height), interpolation=cv2.INTER_NEAREST)
    boxes = tuple(stroke.box(picture.gray).scaled(width, height) for stroke in strokes)
    return Change(gray=_painted(gray, mask), painted=boxes)


def marks(picture: Picture) -> list[Stroke]:
    """All that somebody drew or wrote on the film, as far as it is seen."""
    rows, _ = rows_of_letters(picture)
    written = [stroke for row in rows for stroke in row]
    return [*written, *letters(picture), *arrows(picture), *coloured_parts(picture)]


def _painted(gray: Gray, mask: NDArray[np.uint8]) -> Gray:
    import cv2

    new: Gray = cv2.inpaint(gray, mask, REACH_PX, cv2.INPAINT_TELEA)
    return np.where(mask > 0, new, gray)

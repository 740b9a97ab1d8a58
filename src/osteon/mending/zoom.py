"""Cuts the film down to the body: rows and columns in which there is nothing but air go."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from osteon.artefacts.picture import Picture
from osteon.mending import STEPS, Change, cropped
from osteon.types import Box

if TYPE_CHECKING:
    from osteon.formats import Gray

BODY = 0.16  # of the way from air to the brightest bone, above which there is flesh
LEAST_SHARE = 0.02  # of a line: less is a marker, or noise
MARGIN = 0.03  # of the side, left of the air
LEAST_GAIN = 0.06  # of the area: below that the film stays as it is


@STEPS.register("zoom")
def to_the_body(gray: Gray, picture: Picture) -> Change | None:
    import cv2

    film = cv2.GaussianBlur(picture.gray, (0, 0), max(picture.gray.shape) / 120)
    low, high = np.percentile(film, (1, 99))
    body = film > low + BODY * (high - low)
    height, width = gray.shape
    top, bottom = _span(body.mean(axis=1), height)
    left, right = _span(body.mean(axis=0), width)
    if (bottom - top) * (right - left) > (1 - LEAST_GAIN) * height * width:
        return None
    window = Box(left_px=left, top_px=top, width_px=right - left, height_px=bottom - top)
    return Change(gray=cropped(gray, window), window=window)


def _span(share: np.ndarray[tuple[int], np.dtype[np.float64]], side_px: int) -> tuple[int, int]:
    """First and last px, with the margin, of the lines that show flesh."""
    there = np.flatnonzero(share > LEAST_SHARE)
    if not len(there):
        return 0, side_px
    scale = side_px / len(share)
    first, last = there[0] * scale - MARGIN * side_px, (there[-1] + 1) * scale + MARGIN * side_px
    return max(0, int(first)), min(side_px, int(np.ceil(last)))

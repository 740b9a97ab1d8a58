"""Thin things with sharp edges: letters, arrows, lines. Bone is never that sharp.

The film's fine bright (or dark) structures are those that a top-hat keeps. Of what somebody drew,
the edge rises over one or two px; of anatomy, focal spot and motion make it rise over many more.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from osteon.types import Box

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Bytes = NDArray[np.uint8]

WIDEST = 0.06  # of the film's side: what is broader is no stroke
CONTRASTS = (50, 110)  # gray levels above what is round about: an arrow on bone needs the higher
LEAST_SHARPNESS = 0.75  # mean slope of the edge, in contrasts a px: 1 is a step
DRAWN_CONTRAST = 75
LARGEST = 0.35  # of the film's side
SMALLEST_PX = 5


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Stroke:
    """A connected stroke in px of the picture."""

    left: int
    top: int
    width: int
    height: int
    bright: bool
    level: float  # its mean gray
    mask: Bytes  # (height, width), 1 on the stroke

    @property
    def middle(self) -> tuple[float, float]:
        return self.left + self.width / 2, self.top + self.height / 2

    def box(self, gray: Bytes) -> Box:
        """As shares of the picture's sides."""
        height, width = gray.shape
        return Box(
            left_px=self.left / width,
            top_px=self.top / height,
            width_px=self.width / width,
            height_px=self.height / height,
        )


def drawn_strokes(gray: Bytes) -> tuple[Stroke, ...]:
    """The strokes of a picture (H, W), bright ones first."""
    import cv2

    if min(gray.shape) < 4 * SMALLEST_PX:
        return ()
    across = cv2.Sobel(gray, cv2.CV_16S, 1, 0)
    down = cv2.Sobel(gray, cv2.CV_16S, 0, 1)
    return (*_of(gray, across, down, bright=True), *_of(gray, across, down, bright=False))


def _of(
    gray: Bytes, across: NDArray[Any], down: NDArray[Any], *, bright: bool
) -> tuple[Stroke, ...]:
    import cv2

    side = max(gray.shape)
    kernel = max(9, int(side * WIDEST)) | 1
    rim = cv2.copyMakeBorder(gray, kernel, kernel, kernel, kernel, cv2.BORDER_REPLICATE)
    kind = cv2.MORPH_TOPHAT if bright else cv2.MORPH_BLACKHAT
    square = cv2.getStructuringElement(cv2.MORPH_RECT, (kernel, kernel))
    above = cv2.morphologyEx(rim, kind, square)[kernel:-kernel, kernel:-kernel]
    found: list[Stroke] = []
    for least in CONTRASTS:
        for stroke in _sharp_parts(gray, above, least, across, down, bright=bright):
            if not any(_overlap(stroke, known) for known in found):
                found.append(stroke)
    return tuple(found)


def _overlap(one: Stroke, other: Stroke) -> bool:
    return (
        one.left < other.left + other.width
        and other.left < one.left + one.width
        and one.top < other.top + other.height
        and other.top < one.top + one.height
    )


def _sharp_parts(
    gray: Bytes,
    above: Bytes,
    least: int,
    across: NDArray[Any],
    down: NDArray[Any],
    *,
    bright: bool,
) -> Iterator[Stroke]:
    import cv2

    side = max(gray.shape)
    fine = (above >= least).astype(np.uint8)
    n, labels, stats, _ = cv2.connectedComponentsWithStats(fine, connectivity=8)
    if n < 2:
        return
    at = np.flatnonzero(fine)  # all that follows looks at these pixels alone
    of = labels.ravel()[at]
    count = np.bincount(of, minlength=n).clip(1)
    contrast = np.bincount(of, above.ravel()[at], n) / count
    level = np.bincount(of, gray.ravel()[at], n) / count
    inner = cv2.erode(fine, np.ones((3, 3), np.uint8)).ravel()[at]
    edge, whose = at[inner == 0], of[inner == 0]
    slope = np.hypot(across.ravel()[edge].astype(float), down.ravel()[edge].astype(float)) / 8
    steep = np.bincount(whose, slope, n) / np.bincount(whose, minlength=n).clip(1)
    sharpness = 2 * steep / contrast.clip(1)
    size = stats[:, 2:4].max(1)
    wanted = (
        (sharpness >= LEAST_SHARPNESS)
        & (contrast >= DRAWN_CONTRAST)
        & (size >= SMALLEST_PX)
        & (size <= LARGEST * side)
        & (stats[:, 4] >= 8)
    )
    wanted[0] = False
    for label in np.flatnonzero(wanted):
        left, top, width, height = (int(value) for value in stats[label, :4])
        yield Stroke(
            left=left,
            top=top,
            width=width,
            height=height,
            bright=bright,
            level=float(level[label]),
            mask=(labels[top : top + height, left : left + width] == label).astype(np.uint8),
        )

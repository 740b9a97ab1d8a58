"""Metal in the body: long, bright, and sharper than bone. It finds plates and nails that stand out
from their bone, about a third of them; what it finds among normal films is often a marker."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from osteon.artefacts import DETECTORS
from osteon.artefacts.picture import Picture
from osteon.artefacts.strokes import Stroke
from osteon.types import Artefact

WIDEST = 0.10  # of the side
CONTRAST = 70  # gray levels above what is round about
MEAN_CONTRAST = 80
LEVEL = 160
LONGEST = 0.12  # of the side, at least
LEAST_AREA = 8e-4
SHARPNESS = 0.5  # mean slope of the edge, in contrasts a px


@DETECTORS.register("metal")
def metal(picture: Picture) -> Iterator[Artefact]:
    import cv2

    gray = picture.gray
    side = max(gray.shape)
    kernel = int(WIDEST * side) | 1
    square = cv2.getStructuringElement(cv2.MORPH_RECT, (kernel, kernel))
    above = cv2.morphologyEx(gray, cv2.MORPH_TOPHAT, square)
    count, labels, stats, _ = cv2.connectedComponentsWithStats((above >= CONTRAST).astype(np.uint8))
    boxes = []
    for label in range(1, count):
        left, top, width, height, area = (int(value) for value in stats[label])
        right, bottom = left + width, top + height
        if (
            max(width, height) < LONGEST * side
            or area < LEAST_AREA * gray.size
            or any(_within(stroke, left, top, right, bottom) for stroke in picture.strokes)
            or min(left, top, gray.shape[1] - right, gray.shape[0] - bottom) == 0
        ):
            continue
        window = np.s_[top:bottom, left:right]
        there = labels[window] == label
        contrast, level = above[window][there].mean(), gray[window][there].mean()
        bright = contrast >= MEAN_CONTRAST and level >= LEVEL
        if bright and _sharpness(gray[window], there, contrast) >= SHARPNESS:
            boxes.append(picture.box(left, top, right, bottom))
    if boxes:
        yield Artefact(kind="metal", boxes=tuple(boxes))


def _within(stroke: Stroke, left: int, top: int, right: int, bottom: int) -> bool:
    """Whether what was drawn is most of it: an arrow is no plate."""
    x, y = stroke.middle
    larger = max(stroke.width, stroke.height) > 0.5 * max(right - left, bottom - top)
    return larger and left <= x <= right and top <= y <= bottom


def _sharpness(gray: np.ndarray, there: np.ndarray, contrast: float) -> float:
    import cv2

    slope = np.hypot(cv2.Sobel(gray, cv2.CV_32F, 1, 0), cv2.Sobel(gray, cv2.CV_32F, 0, 1)) / 8
    inner = cv2.erode(there.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    edge = there & ~inner
    return 2 * float(slope[edge].mean()) / contrast if edge.any() else 0.0

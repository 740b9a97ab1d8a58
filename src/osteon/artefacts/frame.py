"""Even bands along the film's sides that end with a jump: scanned borders, letterbox bars,
captions' white ground, straight collimator edges. Air that fades into flesh has no jump."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from osteon.artefacts import DETECTORS
from osteon.artefacts.picture import Picture
from osteon.types import Artefact

EVEN = 12  # gray levels between the 5th and the 95th percentile of a line: writing may stand on it
WIDEST = 0.45  # of the side
JUMP = 14  # gray levels, from the band to what lies two px further in
FURTHER_PX = 8
SHARP = 0.6  # of the step within 8 px, within two: flesh that ends at a bone is softer
JUMPING = 0.4  # share of the line where it jumps
JUMPING_THIN = 0.8  # at a band of one px


@DETECTORS.register("frame")
def frame(picture: Picture) -> Iterator[Artefact]:
    height, width = picture.gray.shape
    top, bottom, left, right = frame_px(picture.gray)
    boxes = []
    if top:
        boxes.append(picture.box(0, 0, width, top))
    if bottom:
        boxes.append(picture.box(0, height - bottom, width, height))
    if left:
        boxes.append(picture.box(0, 0, left, height))
    if right:
        boxes.append(picture.box(width - right, 0, width, height))
    if boxes:
        yield Artefact(kind="frame", boxes=tuple(boxes))


def frame_px(gray: NDArray[np.uint8]) -> tuple[int, int, int, int]:
    """Width of the frame at the top, bottom, left and right side; 0 for none.

    Looked for a second time within what the first look left: a black line in a white border.
    """
    top = bottom = left = right = 0
    for _ in range(2):
        inner = gray[top : gray.shape[0] - bottom, left : gray.shape[1] - right]
        if min(inner.shape) < 32:
            break
        more = (_band(inner), _band(inner[::-1]), _band(inner.T), _band(inner.T[::-1]))
        if not any(more):
            break
        top, bottom, left, right = top + more[0], bottom + more[1], left + more[2], right + more[3]
    return top, bottom, left, right


def _band(lines: NDArray[np.uint8]) -> int:
    """The lines from the first on that are one even band, if it ends with a jump."""
    most = int(len(lines) * WIDEST)
    low, high = np.percentile(lines[: most + 3, ::2], (5, 95), axis=1)
    even = high - low <= EVEN
    if not even[0]:
        return 0
    level = float(np.median(lines[0]))
    same = even & (np.abs((low + high) / 2 - level) <= EVEN)
    width = int(np.argmin(same)) if not same.all() else len(same)
    if width > most:
        return 0
    step, later = (np.abs(lines[min(width + px, len(lines) - 1)] - level) for px in (2, FURTHER_PX))
    jumps = (step > JUMP) & (step >= SHARP * later)
    return width if jumps.mean() >= (JUMPING if width > 1 else JUMPING_THIN) else 0

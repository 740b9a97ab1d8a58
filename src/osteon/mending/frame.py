"""Cuts off even bands along the sides: scanned borders, letterbox bars, straight collimators."""

from __future__ import annotations

from typing import TYPE_CHECKING

from osteon.artefacts.frame import frame_px
from osteon.artefacts.picture import Picture
from osteon.mending import STEPS, Change, cropped
from osteon.types import Box

if TYPE_CHECKING:
    from osteon.formats import Gray


@STEPS.register("frame")
def without_frame(gray: Gray, picture: Picture) -> Change | None:
    top, bottom, left, right = frame_px(picture.gray)
    if not top + bottom + left + right:
        return None
    height, width = gray.shape
    across, down = width / picture.gray.shape[1], height / picture.gray.shape[0]
    # Outwards to the film's own px: half a px of frame is better than a px of bone lost.
    first = int(left * across), int(top * down)
    last = width - int(right * across), height - int(bottom * down)
    window = Box(
        left_px=first[0], top_px=first[1], width_px=last[0] - first[0], height_px=last[1] - first[1]
    )
    return Change(gray=cropped(gray, window), window=window)

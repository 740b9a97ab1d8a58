"""Films and their maps as small PNG files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from osteon.explain.scores import extent
from osteon.files import atomic_writer
from osteon.types import Box

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from osteon.explain.scores import Map

LARGE_PX, SMALL_PX = 240, 120
BOX = (255, 213, 0)  # yellow, as everywhere in the report
OPAQUE = 0.65  # of a map where it is highest


def write_picture(
    path: Path,
    film: NDArray[np.uint8],
    *,
    map_: Map | None = None,
    boxes: Sequence[Box] = (),
    long_side_px: int = LARGE_PX,
) -> Path:
    """Write a prepared film (S, S) without its black bars, its map over it (S, S), boxes in px of
    the square as frames."""
    import cv2

    rows, columns = extent(film)
    picture = cv2.cvtColor(film[rows, columns], cv2.COLOR_GRAY2RGB)
    height, width = picture.shape[:2]
    scale = long_side_px / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    picture = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    if map_ is not None:
        picture = _laid_over(picture, np.ascontiguousarray(map_[rows, columns]), size)
    for box in boxes:
        left, top = box.left_px - columns.start, box.top_px - rows.start
        ends = ((left, top), (left + box.width_px, top + box.height_px))
        one, other = ((round(x * scale), round(y * scale)) for x, y in ends)
        cv2.rectangle(picture, one, other, BOX, 1)
    _, packed = cv2.imencode(".png", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
    with atomic_writer(path, "wb") as file:
        file.write(packed.tobytes())
    return path


def _laid_over(picture: NDArray[np.uint8], map_: Map, size: tuple[int, int]) -> NDArray[np.uint8]:
    """Dark violet to bright yellow-green, more opaque where the map is higher."""
    import cv2

    small = cv2.resize(map_, size, interpolation=cv2.INTER_AREA)
    share = small / max(float(small.max()), 1e-12)
    levels = (share * 255).round().astype(np.uint8)
    colour = cv2.cvtColor(cv2.applyColorMap(levels, cv2.COLORMAP_INFERNO), cv2.COLOR_BGR2RGB)
    opaque = (OPAQUE * share)[..., None]
    mixed: NDArray[np.uint8] = (picture * (1 - opaque) + colour * opaque).round().astype(np.uint8)
    return mixed

"""A film as the detectors look at it: small, in 8 bits, with its colours where it has any."""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from osteon.artefacts.looks import looks
from osteon.artefacts.strokes import Stroke, drawn_strokes
from osteon.formats import Decoded
from osteon.types import Box

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Bytes = NDArray[np.uint8]

SIDE_PX = 512  # writing of 1 % of the side is still 5 px high
MOST_COLOURED_PX = (
    20_000_000  # of larger films, which are hardly coloured, three planes are too much
)


@dataclass(frozen=True, kw_only=True)
class Picture:
    """``gray`` (H, W) and ``colours`` (H, W, 3; red first) with a long side of at most 512 px."""

    gray: Bytes
    colours: Bytes | None  # None for a film without colours
    size_px: tuple[int, int]  # of the film: width, height

    @cached_property
    def strokes(self) -> tuple[Stroke, ...]:
        """What was drawn on the film, by sharp edges that no bone has."""
        return drawn_strokes(self.gray)

    @cached_property
    def looks(self) -> NDArray[np.float32]:
        """(F,) how it looks as a whole; the forests' numbers."""
        return looks(self.gray, self.colours, self.strokes)

    def box(self, left: float, top: float, right: float, bottom: float) -> Box:
        """A box given in px of the picture, as shares of its sides."""
        height, width = self.gray.shape
        return Box(
            left_px=left / width,
            top_px=top / height,
            width_px=(right - left) / width,
            height_px=(bottom - top) / height,
        )


def picture_of(gray: NDArray[Any], colours: Bytes | None, share: Box | None = None) -> Picture:
    """The picture of a film (H, W). ``colours`` may be of another size, or of the whole film of
    which ``gray`` is the part ``share``, a box in shares of the sides."""
    height, width = gray.shape
    scale = min(1.0, SIDE_PX / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    if colours is not None and share is not None:
        down, across = colours.shape[:2]
        top, left = int(share.top_px * down), int(share.left_px * across)
        bottom = max(top + 1, int((share.top_px + share.height_px) * down))
        right = max(left + 1, int((share.left_px + share.width_px) * across))
        colours = colours[top:bottom, left:right]
    return Picture(
        gray=_eight_bits(_scaled(gray, size)),
        colours=None if colours is None else _scaled(colours, size),
        size_px=(width, height),
    )


def _scaled(pixels: NDArray[Any], size: tuple[int, int]) -> NDArray[Any]:
    import cv2

    if (pixels.shape[1], pixels.shape[0]) == size:
        return pixels
    scaled: NDArray[Any] = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    return scaled


def _eight_bits(gray: NDArray[Any]) -> Bytes:
    return np.ascontiguousarray(gray if gray.dtype == np.uint8 else gray >> 8).astype(np.uint8)


def colours_of(data: bytes, film: Decoded) -> Bytes | None:
    """The film of a file in colour (h, w, 3), upright, perhaps smaller; None where all is gray,
    and for films of more than 20 million px."""
    from osteon.pixels import upright

    if film.n_channels < 3 or film.format == "DICOM" or film.gray.size > MOST_COLOURED_PX:
        return None
    if film.format == "JPEG" and film.n_channels == 3:
        import simplejpeg

        stored = simplejpeg.decode_jpeg(data, "RGB", min_height=SIDE_PX, min_width=SIDE_PX)
    else:
        from PIL import Image

        with Image.open(io.BytesIO(data)) as image:
            stored = np.asarray(image.convert("RGB"))
    pixels: NDArray[Any] = np.asarray(stored)
    if int(np.ptp(pixels, axis=2).max()) < 8:
        return None
    planes = [upright(np.ascontiguousarray(pixels[..., c]), film.orientation) for c in range(3)]
    return np.stack(planes, axis=2)

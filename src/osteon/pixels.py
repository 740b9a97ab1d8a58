"""The one decoder: training, evaluation, prediction and DICOM read their pixels here.

JPEG, PNG, GIF, WEBP, BMP, TIFF and DICOM, told apart by content. A file gives its whole film or
raises UnreadableFilm with one sentence; no film is half-read in silence.
Legend of shapes: H height and W width in px.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from osteon.errors import ResourceError, UnreadableFilm
from osteon.formats import SUFFIXES, ForeignFile, sniff
from osteon.formats import Decoded as Decoded
from osteon.types import Box

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from osteon.formats import Gray

MAX_PIXELS = 120_000_000  # a stitched film of a whole spine or leg has about 50 million
DECODER = 4  # to be raised whenever any file would decode to other pixels: caches are keyed by it


def decoder_version() -> str:
    """What decoded pixels depend on besides the file: this decoder and the libraries under it."""
    from importlib.metadata import version

    libraries = ("simplejpeg", "pillow", "pydicom", "python-gdcm", "opencv-python-headless")
    return "/".join([f"osteon {DECODER}", *(f"{name} {version(name)}" for name in libraries)])


def decode(source: Path | bytes, *, max_pixels: int = MAX_PIXELS) -> Decoded:
    """Decode a film whole, turn it upright and make it gray.

    EXIF orientation is applied; what is transparent is laid on black; colour becomes Rec. 601
    luma; of several frames the first is read; DICOM goes through its modality and VOI
    transformations, and MONOCHROME1 is inverted.

    Raises UnreadableFilm, saying in one sentence what the file is, when it is empty, truncated,
    damaged, no picture, or has more than ``max_pixels`` pixels, or takes more than six bytes of
    memory for each of these (both looked up before decoding).
    """
    if isinstance(source, bytes):
        return decode_bytes(source, max_pixels=max_pixels)
    try:
        return decode_bytes(read_film(source), max_pixels=max_pixels)
    except UnreadableFilm as error:
        fault = fault_of(error, source)
        raise UnreadableFilm(f"{source} cannot be read: {fault}.") from None


def read_film(path: Path) -> bytes:
    """The bytes of a file. Raises UnreadableFilm when it is gone, a folder, or not permitted."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise UnreadableFilm(f"the file cannot be opened ({error.strerror})") from None


def fault_of(error: UnreadableFilm, path: Path) -> str:
    """The one sentence about a film that stands in the audit: "a ZIP archive named .jpg"."""
    if isinstance(error, ForeignFile):
        claim = f" named {path.suffix}" if path.suffix.lower() in SUFFIXES else ""
        return f"not a film: {error}{claim}"
    return str(error)


def decode_bytes(data: bytes, *, max_pixels: int = MAX_PIXELS) -> Decoded:
    """As ``decode``; the error's message does not name the file."""
    name = sniff(data)
    try:
        if name == "JPEG":
            from osteon.jpeg import decode_jpeg

            stored = decode_jpeg(data, max_pixels=max_pixels)
        elif name == "DICOM":
            from osteon.dicom import decode_dicom

            stored = decode_dicom(data, max_pixels=max_pixels)
        else:
            from osteon.raster import decode_raster

            stored = decode_raster(data, name, max_pixels=max_pixels)
    except MemoryError:
        raise ResourceError(
            f"Not enough memory to decode a {name} file of {len(data):,} bytes. Use fewer workers "
            "or a machine with more memory."
        ) from None
    return replace(stored, gray=upright(stored.gray, stored.orientation))


def upright(gray: Gray, orientation: int) -> Gray:
    """Turn stored pixels (H, W) as EXIF ``orientation`` 1..8 says (EXIF 2.32 section 4.6.4)."""
    rows, columns = _REVERSED[orientation]
    pixels: NDArray[Any] = gray.T if orientation >= 5 else gray  # mirrored about the diagonal first
    return np.ascontiguousarray(pixels[::rows, ::columns])


_REVERSED = {  # after the transposition: step along rows, along columns
    1: (1, 1), 2: (1, -1), 3: (-1, -1), 4: (-1, 1),
    5: (1, 1), 6: (1, -1), 7: (-1, -1), 8: (-1, 1),
}  # fmt: skip


def upright_box(box: Box, orientation: int, width_px: int, height_px: int) -> Box:
    """Turn a box drawn on the stored film of ``width_px`` x ``height_px`` with its film."""
    left, top, width, height = box.left_px, box.top_px, box.width_px, box.height_px
    if orientation >= 5:
        left, top, width, height = top, left, height, width
        width_px, height_px = height_px, width_px
    rows, columns = _REVERSED[orientation]
    return replace(
        box,
        left_px=left if columns > 0 else width_px - left - width,
        top_px=top if rows > 0 else height_px - top - height,
        width_px=width,
        height_px=height,
    )

"""JPEG to gray by libjpeg-turbo: the luma alone is decoded, three times as fast as Pillow's RGB."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from osteon.errors import UnreadableFilm
from osteon.formats import Decoded, check_memory, check_pixel_count, damaged, truncated

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_ALONE = frozenset((0x01, *range(0xD0, 0xD9)))  # markers without a length
_FRAMES = frozenset((*range(0xC0, 0xD0), 0xF7)) - {0xC4, 0xC8, 0xCC}  # SOF0 to SOF15, JPEG-LS


@dataclass(frozen=True, kw_only=True, slots=True)
class JpegHeader:
    """What stands before the pixels. ``orientation`` is EXIF's, 1 where there is none."""

    width_px: int
    height_px: int
    bit_depth: int
    n_channels: int
    orientation: int


def read_jpeg_header(data: bytes) -> JpegHeader:
    """Walk the markers up to the frame header (ITU-T T.81 annex B.2).

    Raises UnreadableFilm when there is no whole frame header.
    """
    at, orientation = 2, 1
    while at + 4 <= len(data):
        if data[at] != 0xFF:
            raise damaged(f"no JPEG marker at byte {at:,}")
        marker = data[at + 1]
        if marker == 0xFF or marker in _ALONE:  # fill byte, or a marker without content
            at += 1 if marker == 0xFF else 2
            continue
        if marker in (0xD9, 0xDA):  # end, or pixels without a frame header
            raise damaged("it holds no JPEG frame header")
        length = int.from_bytes(data[at + 2 : at + 4], "big")
        segment = data[at + 4 : at + 2 + length]
        if marker in _FRAMES and len(segment) >= 6:
            depth, height, width, channels = struct.unpack(">BHHB", segment[:6])
            return JpegHeader(
                width_px=width,
                height_px=height,
                bit_depth=depth,
                n_channels=channels,
                orientation=orientation,
            )
        if marker == 0xE1 and segment.startswith(b"Exif\0\0") and orientation == 1:
            orientation = exif_orientation(segment[6:])
        at += 2 + max(length, 2)
    raise truncated(len(data))


def stream_size(stream: bytes) -> tuple[int, int] | None:
    """Width and height that a JPEG, JPEG-LS or JPEG 2000 codestream says; None where it does not.

    JPEG 2000: the SIZ segment after the first marker (ITU-T T.800 annex A.5.1).
    """
    if stream.startswith(b"\xff\x4f\xff\x51") and len(stream) >= 24:
        right, bottom, left, top = struct.unpack(">IIII", stream[8:24])
        return right - left, bottom - top
    try:
        header = read_jpeg_header(stream)
    except UnreadableFilm:
        return None
    return (header.width_px, header.height_px) if header.height_px else None  # 0: told later on


def exif_orientation(tiff: bytes) -> int:
    """Tag 0x0112 of the first directory (EXIF 2.32 section 4.6.4), or 1 if absent or not 1..8."""
    order: str | None = {b"II": "<", b"MM": ">"}.get(tiff[:2])
    if order is None or len(tiff) < 8:
        return 1
    (at,) = struct.unpack(order + "I", tiff[4:8])
    if at + 2 > len(tiff):
        return 1
    (count,) = struct.unpack(order + "H", tiff[at : at + 2])
    for entry in range(at + 2, min(at + 2 + 12 * count, len(tiff) - 11), 12):
        tag, kind, _, value = struct.unpack(order + "HHIH", tiff[entry : entry + 10])
        if tag == 0x0112 and kind == 3:
            return value if 1 <= value <= 8 else 1
    return 1


def decode_jpeg(data: bytes, *, max_pixels: int) -> Decoded:
    """The stored film, not yet turned upright. Raises UnreadableFilm.

    CMYK, which libjpeg cannot turn to gray, is converted by Pillow, once libjpeg found it whole.
    """
    header = read_jpeg_header(data)
    check_pixel_count(header.width_px, header.height_px, max_pixels)
    if header.bit_depth != 8:
        raise UnreadableFilm(f"a JPEG of {header.bit_depth} bits: only those of 8 bits are read")
    # Progressive ones are held as coefficients of 16 bits, of every channel, until their end.
    n_px = header.width_px * header.height_px
    check_memory(n_px * (1 + 2 * header.n_channels), max_pixels)
    if header.n_channels == 4:
        from osteon.raster import decode_raster

        _decoded(data, "CMYK")
        return decode_raster(data, "JPEG", max_pixels=max_pixels)
    gray = _decoded(data, "GRAY")
    return Decoded(
        gray=gray[:, :, 0],
        format="JPEG",
        bit_depth=header.bit_depth,
        n_channels=header.n_channels,
        orientation=header.orientation,
    )


def _decoded(data: bytes, colours: str) -> NDArray[np.uint8]:
    """(H, W, 1 or 4), or UnreadableFilm if libjpeg has any doubt about the pixels."""
    import simplejpeg

    try:
        pixels: NDArray[np.uint8] = simplejpeg.decode_jpeg(data, colours)
    except ValueError as error:
        raise _fault(str(error), data) from None
    return pixels


def _fault(said: str, data: bytes) -> UnreadableFilm:
    ends = data.rfind(b"\xff\xd9") >= 0  # the marker EOI
    return damaged(said) if ends and "remature end" not in said else truncated(len(data))

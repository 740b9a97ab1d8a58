"""What a file is, told by its first bytes and never by its name; and what a decoded film is.

Also whether a PNG, GIF, WEBP or BMP is all there: Pillow alone lets some cut files pass.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from osteon.errors import UnreadableFilm

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Gray = NDArray[np.uint8] | NDArray[np.uint16]

SUFFIXES = {
    **dict.fromkeys((".jpg", ".jpeg", ".jpe", ".jfif"), "JPEG"),
    ".png": "PNG",
    ".gif": "GIF",
    ".webp": "WEBP",
    **dict.fromkeys((".bmp", ".dib"), "BMP"),
    **dict.fromkeys((".tif", ".tiff"), "TIFF"),
    **dict.fromkeys((".dcm", ".dicom", ".ima"), "DICOM"),
}  # what a file's name claims

MEMORY_PER_PX = 6  # bytes that decoding may hold for each pixel allowed
ALWAYS_ALLOWED = 64_000_000  # bytes, however few pixels are allowed
MOST_SAID = 160  # characters of what a library says about a fault

_MAGIC = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"BM", "BMP"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"II+\0", "TIFF"),  # BigTIFF
    (b"MM\0+", "TIFF"),
)
_FOREIGN = (
    (b"PK\x03\x04", "a ZIP archive"),
    (b"PK\x05\x06", "an empty ZIP archive"),
    (b"%PDF", "a PDF document"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!", "a RAR archive"),
    (b"\0\0\0\x0cjP  ", "a JPEG 2000 picture"),
    (b"\xff\x4f\xff\x51", "a JPEG 2000 picture"),
    (b"\x93NUMPY", "a NumPy array"),
    (b"\x5c\x01\0\0", "a NIfTI volume"),
    (b"\xd0\xcf\x11\xe0", "an old Office document"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a Windows program"),
    (b"ID3", "a sound file"),
    (b"version https://git-lfs", "a Git LFS pointer; fetch the film with `git lfs pull`"),
)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Decoded:
    """A film as it is to be seen: upright, gray, bright bone on black (MONOCHROME2).

    ``gray`` is (H, W) and uses the full scale of its dtype: 0 is black, 255 or 65,535 is white.
    The other fields say what the file held before that.
    """

    gray: Gray
    format: str
    bit_depth: int
    n_channels: int
    n_frames: int = 1
    orientation: int = 1  # EXIF 1..8 as stored; ``gray`` has been turned accordingly
    spacing_mm: tuple[float, float] | None = None  # between rows, between columns


class TooLarge(UnreadableFilm):
    """Its header asks for more pixels, or more memory, than was allowed; nothing was decoded."""


class ForeignFile(UnreadableFilm):
    """The content is something else than a film: ``str()`` of it is "a ZIP archive"."""


def sniff(data: bytes) -> str:
    """The format of ``data``: JPEG, PNG, GIF, WEBP, BMP, TIFF or DICOM.

    Raises UnreadableFilm for an empty file and ForeignFile, naming what it is, for any other.
    """
    if not data:
        raise UnreadableFilm("empty: the file has no bytes")
    for magic, name in _MAGIC:
        if data.startswith(magic):
            return name
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    if starts_dicom(data):
        return "DICOM"
    raise ForeignFile(_foreign_name(data))


def starts_dicom(data: bytes) -> bool:
    """Whether the first 132 bytes are of DICOM: a preamble (PS3.10 section 7.1) or, without one, an
    element of group 2 or 8 (PS3.5 section 7.1)."""
    if data[128:132] == b"DICM":
        return True
    if data[:2] not in (b"\x02\0", b"\x08\0") or len(data) < 12:
        return False
    explicit = data[4:6] in (b"UL", b"OB", b"UI", b"CS", b"DA", b"TM", b"SH", b"LO")
    implicit = data[2:4] in (b"\0\0", b"\x05\0", b"\x08\0", b"\x16\0") and data[6:8] == b"\0\0"
    return explicit or implicit


def _foreign_name(data: bytes) -> str:
    for magic, name in _FOREIGN:
        if data.startswith(magic):
            return name
    if data[4:8] == b"ftyp":
        return "an AVIF, HEIC or video file"
    start = data[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith((b"<!doctype html", b"<html")):
        return "a web page"
    if start.startswith((b"<?xml", b"<svg")):
        return "an XML or SVG document"
    if not any(data):
        return "nothing but zero bytes"
    if all(byte in b"\t\r\n\f\x1b" or byte >= 32 for byte in data[:512]) and b"\0" not in data:
        return "a text file"
    return "of no known picture format"


def check_pixel_count(width_px: int, height_px: int, max_pixels: int) -> None:
    """Raise UnreadableFilm when a film that is yet to be decoded has too many pixels, or none."""
    if width_px < 1 or height_px < 1:
        raise UnreadableFilm(f"damaged: its header says {width_px} x {height_px} px")
    if width_px * height_px > max_pixels:
        raise TooLarge(
            f"too large: {width_px} x {height_px} px, more than the {max_pixels:,} px allowed"
        )


def check_memory(n_bytes: int, max_pixels: int) -> None:
    """Raise TooLarge when decoding takes more than MEMORY_PER_PX for each pixel allowed.

    ``n_bytes`` is what the library that decodes, and we, hold at once.
    """
    allowed = max(MEMORY_PER_PX * max_pixels, ALWAYS_ALLOWED)
    if n_bytes > allowed:
        raise TooLarge(
            f"too large: decoding it takes {n_bytes / 1e6:,.0f} MB of memory, more than the "
            f"{allowed / 1e6:,.0f} MB allowed"
        )


def truncated(n_bytes: int) -> UnreadableFilm:
    return UnreadableFilm(f"truncated: the file ends after {n_bytes:,} bytes, before its film does")


def damaged(why: str) -> UnreadableFilm:
    """``why`` may be what a library said, of which the first sentence is kept."""
    return UnreadableFilm(f"damaged: {quoted(why).split('. ')[0].rstrip('.')}")


def quoted(said: str) -> str:
    """What a file or a library says, on one short line: it may hold bytes of the file."""
    line = " ".join("".join(sign if sign.isprintable() else " " for sign in said).split())
    return line if len(line) <= MOST_SAID else line[:MOST_SAID] + "…"


def check_whole_png(data: bytes) -> None:
    """Raise UnreadableFilm unless every critical chunk up to IEND is there with its right CRC.

    Pillow leaves the CRC of IDAT unread. PNG (third edition) section 5.3.
    """
    at, first_frame_read = 8, False
    while at + 12 <= len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        kind = data[at + 4 : at + 8]
        end = at + 8 + length
        if end + 4 > len(data):
            break
        critical = not kind[0] & 0x20
        if critical and zlib.crc32(data[at + 4 : end]) != int.from_bytes(data[end : end + 4]):
            raise damaged(f"the checksum of its {kind.decode('latin-1')} chunk is wrong")
        if kind == b"IEND":
            if not first_frame_read:
                raise damaged("it holds no pixels")
            return
        first_frame_read |= kind == b"IDAT"
        at = end + 4
    raise truncated(len(data))


def check_whole_gif(data: bytes) -> None:
    """Raise UnreadableFilm unless the first frame's data blocks end in a terminator.

    GIF89a sections 15, 18, 20 and 22. Later frames may be cut: they are not read.
    """
    at = 13
    if len(data) > 10 and data[10] & 0x80:
        at += 3 << ((data[10] & 7) + 1)
    while at < len(data):
        if data[at] == 0x21:  # extension: introducer, label, blocks
            at = _skip_blocks(data, at + 2)
        elif data[at] == 0x2C:  # image: descriptor of 10 bytes, palette, code size, blocks
            packed = data[at + 9] if at + 9 < len(data) else 0
            palette = 3 << ((packed & 7) + 1) if packed & 0x80 else 0
            _skip_blocks(data, at + 11 + palette)
            return
        elif data[at] == 0x3B:
            raise damaged("it holds no frame")
        else:
            raise damaged(f"an unknown block at byte {at:,}")
    raise truncated(len(data))


def _skip_blocks(data: bytes, at: int) -> int:
    while at < len(data) and data[at]:
        at += 1 + data[at]
    if at >= len(data):
        raise truncated(len(data))
    return at + 1


def webp_size(data: bytes) -> tuple[int, int]:
    """Width and height as its first chunk says (RFC 9649 sections 2.5 to 2.7; RFC 6386 9.1).

    Pillow makes room for the whole canvas while it opens the file. Raises UnreadableFilm.
    """
    if len(data) < 30:
        raise truncated(len(data))
    if data[12:16] == b"VP8X":
        return 1 + int.from_bytes(data[24:27], "little"), 1 + int.from_bytes(data[27:30], "little")
    if data[12:16] == b"VP8L":
        sizes = int.from_bytes(data[21:25], "little")
        return 1 + (sizes & 0x3FFF), 1 + (sizes >> 14 & 0x3FFF)
    width, height = struct.unpack("<HH", data[26:30])
    return width & 0x3FFF, height & 0x3FFF


def check_whole_webp(data: bytes) -> None:
    """Raise UnreadableFilm when the file is shorter than its RIFF header says."""
    if len(data) < 8 + int.from_bytes(data[4:8], "little"):
        raise truncated(len(data))


def check_whole_bmp(data: bytes) -> None:
    """Raise UnreadableFilm when rows are missing, or of run-length coded ones the stated size."""
    if len(data) < 34 or int.from_bytes(data[14:18], "little") < 40:  # OS/2: only the stated size
        needed = int.from_bytes(data[2:6], "little")
    else:
        start = int.from_bytes(data[10:14], "little")
        width, height = struct.unpack("<ii", data[18:26])
        bits, coding = struct.unpack("<HI", data[28:34])
        stride = (width * bits + 31) // 32 * 4
        coded = coding in (1, 2)  # BI_RLE8, BI_RLE4
        stated = int.from_bytes(data[2:6], "little")
        needed = stated if coded else start + stride * abs(height)
        if width < 1 or height == 0 or coding > 6:
            raise damaged("its BMP header makes no sense")
    if len(data) < needed or len(data) < 26:
        raise truncated(len(data))

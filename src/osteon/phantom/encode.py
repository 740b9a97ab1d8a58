"""A film as the bytes of a file."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray

from osteon.phantom.dicom import dicom_bytes
from osteon.phantom.film import to_gray8, to_gray16
from osteon.phantom.plant import FileSpec
from osteon.phantom.scene import Film

_QUALITY = 92
_STORED_TURNS = {6: 1, 3: 2, 8: 3}  # EXIF orientation -> quarter turns to the left when stored


def film_bytes(film: Film, spec: FileSpec) -> bytes:
    """Encode the film as its spec asks, with the defect that is planted in the file itself."""
    if spec.planted == "empty":
        return b""
    gray = 1.0 - film.gray if spec.planted == "inverted" else film.gray
    data = _encoded(film, gray, spec)
    if spec.planted == "truncated":
        share = np.random.default_rng([spec.case.seed, 61, spec.number]).uniform(0.35, 0.75)
        return data[: int(len(data) * share)]
    return data


def _encoded(film: Film, gray: NDArray[np.float32], spec: FileSpec) -> bytes:
    if spec.format == "dicom":
        return dicom_bytes(film, gray)
    if spec.planted == "sixteen_bit":
        return _saved(to_gray16(gray), "PNG")
    pixels = to_gray8(gray)
    if spec.planted == "exif_rotated":
        return _on_its_side(pixels, spec)
    if spec.planted == "animated":
        return _two_frames(pixels)
    return _saved(pixels, "PNG") if spec.format == "png" else _saved(pixels, "JPEG")


def _saved(pixels: NDArray[np.uint8] | NDArray[np.uint16], kind: str) -> bytes:
    from PIL import Image

    out = io.BytesIO()
    if kind == "JPEG":
        Image.fromarray(pixels).save(out, kind, quality=_QUALITY)
    else:
        Image.fromarray(pixels).save(out, kind, compress_level=4)
    return out.getvalue()


def _on_its_side(pixels: NDArray[np.uint8], spec: FileSpec) -> bytes:
    """Stored turned, with the orientation (EXIF 2.32, tag 0x0112) that turns it back."""
    from PIL import Image

    orientation = (6, 8, 3)[spec.number % 3]
    stored = np.ascontiguousarray(np.rot90(pixels, _STORED_TURNS[orientation]))
    exif = Image.Exif()
    exif[0x0112] = orientation
    out = io.BytesIO()
    Image.fromarray(stored).save(out, "JPEG", quality=_QUALITY, exif=exif)
    return out.getvalue()


def _two_frames(pixels: NDArray[np.uint8]) -> bytes:
    from PIL import Image

    out = io.BytesIO()
    Image.fromarray(pixels).save(
        out,
        "GIF",
        save_all=True,
        append_images=[Image.fromarray(pixels // 2)],
        duration=500,
        loop=0,
    )
    return out.getvalue()


def saved_again(data: bytes) -> bytes:
    """The same pixels without loss in other bytes: a PNG."""
    from PIL import Image

    with Image.open(io.BytesIO(data)) as image:
        out = io.BytesIO()
        image.save(out, "PNG", compress_level=1)
    return out.getvalue()

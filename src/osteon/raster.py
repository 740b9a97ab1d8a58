"""PNG, GIF, WEBP, BMP and TIFF to gray by Pillow; and CMYK JPEG.

What is transparent is laid on black: black is the background of a film and of the letterbox.
Colour becomes Rec. 601 luma, which is also the Y of JPEG.
"""

from __future__ import annotations

import io
import struct
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from osteon.formats import (
    Decoded,
    TooLarge,
    check_memory,
    check_pixel_count,
    check_whole_bmp,
    check_whole_gif,
    check_whole_png,
    check_whole_webp,
    damaged,
    truncated,
    webp_size,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL import Image
    from PIL.ImageFile import ImageFile

    from osteon.formats import Gray

DETECTOR_BITS = (10, 12, 14, 16)
_WHOLE: dict[str, Callable[[bytes], None]] = {
    "PNG": check_whole_png, "GIF": check_whole_gif, "WEBP": check_whole_webp,
    "BMP": check_whole_bmp, "TIFF": lambda _: None, "JPEG": lambda _: None,
}  # fmt: skip
_FAULTS = (
    ArithmeticError, AttributeError, EOFError, LookupError, OSError, RuntimeError, SyntaxError,
    TypeError, ValueError, struct.error,
)  # fmt: skip  # what Pillow is seen to raise on damaged files
_BAND_PX = 4_000_000  # turned into gray at once
_WEBP_PER_PX = 16  # bytes: two canvases of the decoder, what it gives and what Pillow keeps
_WHITE_IS_ZERO = 0  # TIFF 6.0 PhotometricInterpretation


class _Quiet:
    """Silences the warnings of Pillow and pydicom while any thread is inside.

    ``warnings.catch_warnings`` is not safe among threads (before Python 3.14): two that overlap
    may restore each other's filters. So the first to come sets them and the last to go restores
    them. Only those two libraries are silenced: faults are found by our own checks, not by theirs.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._saved: warnings.catch_warnings[Any] | None = None

    @contextmanager
    def __call__(self) -> Iterator[None]:
        with self._lock:
            if self._inside == 0:
                self._saved = warnings.catch_warnings()
                self._saved.__enter__()
                warnings.filterwarnings("ignore", module=r"(PIL|pydicom)\.")
            self._inside += 1
        try:
            yield
        finally:
            with self._lock:
                self._inside -= 1
                if self._inside == 0 and self._saved is not None:
                    self._saved.__exit__(None, None, None)


quiet = _Quiet()


def decode_raster(data: bytes, name: str, *, max_pixels: int) -> Decoded:
    """The stored film of format ``name``, first frame, not yet turned upright.

    Raises UnreadableFilm when it cannot be decoded whole.
    """
    from PIL.Image import DecompressionBombError

    if name == "WEBP":
        width, height = webp_size(data)
        check_pixel_count(width, height, max_pixels)
        check_memory(width * height * _WEBP_PER_PX, max_pixels)
    try:
        with quiet(), _opened(data, name) as image:
            check_pixel_count(*image.size, max_pixels)
            depth, channels = _depth_and_channels(data, name, image)
            deep = depth == 16 and channels > 1 and name in ("PNG", "TIFF")
            held = image.width * image.height * (2 * channels + 2) if deep else _memory(image, name)
            check_memory(held, max_pixels)
            _WHOLE[name](data)
            if name == "TIFF":
                _check_whole_tiff(image, len(data))
            orientation = image.getexif().get(0x0112, 1)
            gray = _of_deep_colour(data) if deep else None
            image.load()
            if image.getexif().get(0x0112, 1) != orientation:
                orientation = 1  # libtiff's films are turned by Pillow while it loads them
            if gray is None:
                gray = _to_gray(image, white_is_zero=_is_white_zero(image, name))
            n_frames = _count_frames(image)  # last: it leaves the first frame
    except DecompressionBombError:  # of the WEBP and TIFF plugins, beyond any cap of ours
        raise TooLarge("too large: more pixels than Pillow's own limit allows") from None
    except _FAULTS as error:
        _WHOLE[name](data)  # says more than Pillow: how long the file is, or which part is wrong
        said = str(error) or type(error).__name__
        raise (truncated(len(data)) if "truncated" in said.lower() else damaged(said)) from None
    return Decoded(
        gray=gray,
        format=name,
        bit_depth=depth,
        n_channels=channels,
        n_frames=n_frames,
        orientation=orientation if orientation in range(1, 9) else 1,
    )


def _opened(data: bytes, name: str) -> ImageFile:
    """The plugin of one format, called directly: ``Image.open`` would try all of them, and judge
    the size by Pillow's global limit instead of ours."""
    from PIL import (
        BmpImagePlugin,
        GifImagePlugin,
        JpegImagePlugin,
        PngImagePlugin,
        TiffImagePlugin,
        WebPImagePlugin,
    )

    plugins: dict[str, type[ImageFile]] = {
        "PNG": PngImagePlugin.PngImageFile,
        "GIF": GifImagePlugin.GifImageFile,
        "WEBP": WebPImagePlugin.WebPImageFile,
        "BMP": BmpImagePlugin.BmpImageFile,
        "TIFF": TiffImagePlugin.TiffImageFile,
        "JPEG": JpegImagePlugin.JpegImageFile,
    }
    return plugins[name](io.BytesIO(data))


def _memory(image: ImageFile, name: str) -> int:
    """Bytes that Pillow and ``_to_gray`` hold at once, at most."""
    held = {"1": 1, "L": 1, "P": 1, "I;16": 2, "I;16B": 2, "I;16L": 2}.get(image.mode, 4)
    besides = 2 if held == 2 or image.mode in "IF" else 1  # the gray film
    if name == "TIFF":  # libtiff's buffer: a strip, which may be all of the film
        tags = image.tag_v2  # type: ignore[attr-defined]
        bits = tags.get(258, 1)
        deepest = max(bits) if isinstance(bits, tuple) else bits
        besides = max(besides, -(-deepest * tags.get(277, 1) // 8))
    elif name == "JPEG":  # CMYK: libjpeg's coefficients of progressive ones
        besides = 8
    return image.width * image.height * (held + besides)


def _count_frames(image: ImageFile) -> int:
    """At least 2 is said of an animation whose later frames are cut."""
    try:
        return int(getattr(image, "n_frames", 1))
    except (OSError, EOFError, ValueError, SyntaxError, IndexError, struct.error):
        return 2


def _depth_and_channels(data: bytes, name: str, image: ImageFile) -> tuple[int, int]:
    channels = {"P": 3, "CMYK": 4}.get(image.mode, len(image.getbands()))
    if image.mode == "P" and "transparency" in image.info:
        channels = 4
    if name == "PNG":
        return data[24], channels  # PNG section 11.2.2: the bit depth in IHDR
    if name == "TIFF":
        stored = image.tag_v2.get(258, (1,))  # type: ignore[attr-defined]
        return int(stored[0] if isinstance(stored, tuple) else stored), channels
    return (1 if image.mode == "1" else 8), channels


def _is_white_zero(image: ImageFile, name: str) -> bool:
    """Whether 0 is white in what Pillow gives: it inverts such TIFFs of up to 8 bits by itself."""
    if name != "TIFF" or not (image.mode in "IF" or image.mode.startswith("I;16")):
        return False
    return bool(image.tag_v2.get(262) == _WHITE_IS_ZERO)  # type: ignore[attr-defined]


def _check_whole_tiff(image: ImageFile, n_bytes: int) -> None:
    """Raise UnreadableFilm when a strip or tile ends after the file: libtiff pads some of them."""
    tags = image.tag_v2  # type: ignore[attr-defined]
    for offsets, lengths in ((273, 279), (324, 325)):  # strips, tiles
        ends = zip(tags.get(offsets, ()), tags.get(lengths, ()), strict=False)
        if any(offset + length > n_bytes for offset, length in ends):
            raise truncated(n_bytes)


def _to_gray(image: Image.Image, *, white_is_zero: bool) -> Gray:
    if image.mode.startswith("I;16"):
        deep = np.empty((image.height, image.width), np.uint16)
        for rows, band in _bands(image):
            deep[rows] = np.asarray(band)
        full_scale(deep)
        gray: Gray = deep
    elif image.mode in ("I", "F"):
        gray = _of_numbers(image)
    else:
        gray = np.empty((image.height, image.width), np.uint8)
        for rows, band in _bands(image):
            gray[rows] = _composited(band)
    return np.invert(gray, out=gray) if white_is_zero else gray


def _bands(image: Image.Image) -> Iterator[tuple[slice, Image.Image]]:
    """The image in portions of whole rows: of a large film, what is between would fill the memory.

    Small ones are given as they are.
    """
    height = max(1, _BAND_PX // image.width)
    if height >= image.height:
        yield slice(None), image
        return
    for top in range(0, image.height, height):
        bottom = min(top + height, image.height)
        yield slice(top, bottom), image.crop((0, top, image.width, bottom))


def _of_deep_colour(data: bytes) -> Gray | None:
    """Colour of 16 bits, of which Pillow keeps the upper eight: a 12-bit film would have 16 grays.
    None for what OpenCV does not know."""
    import cv2

    flags = cv2.IMREAD_UNCHANGED | cv2.IMREAD_IGNORE_ORIENTATION
    deep = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    if deep is None or deep.dtype != np.uint16 or deep.ndim != 3:
        return None
    gray: NDArray[np.uint16] = cv2.cvtColor(deep[..., :3], cv2.COLOR_BGR2GRAY).astype(np.uint16)
    if deep.shape[2] == 4:
        for row, alpha in zip(gray, deep[..., 3], strict=True):
            row[:] = (row.astype(np.uint32) * alpha + 32_767) // 65_535
    full_scale(gray)
    return gray


def _composited(image: Image.Image) -> NDArray[np.uint8]:
    """Any mode of up to 8 bits as luma on black."""
    if not image.has_transparency_data:
        if image.mode == "CMYK":
            image = image.convert("RGB")
        return np.asarray(image.convert("L"))
    layered = image.convert("RGBA")
    luma = np.asarray(layered.convert("RGB").convert("L")).astype(np.uint16)
    alpha = np.asarray(layered.getchannel("A")).astype(np.uint16)
    return ((luma * alpha + 127) // 255).astype(np.uint8)


def full_scale(deep: NDArray[np.uint16]) -> None:
    """16-bit pixels of a 10, 12, 14 or 16-bit detector, spread over all 16 bits, in place.

    Such files rarely say how many bits are in use; taken as 16, a 12-bit film would be black.
    The fewest bits that hold the brightest pixel are taken.
    """
    brightest = int(deep.max())
    bits = next(bits for bits in DETECTOR_BITS if brightest < 1 << bits)
    if bits == 16:
        return
    scale = np.arange(1 << bits, dtype=np.uint32) * 65_535 // ((1 << bits) - 1)
    table = scale.astype(np.uint16)
    for row in deep:
        row[:] = table[row]


def _of_numbers(image: Image.Image) -> Gray:
    """Films of 32 bits. Whole numbers of up to 16 bits are a detector's; others have no scale of
    their own and go from their least (black) to their greatest (white), but floats within [0, 1]
    are taken as they are. Raises UnreadableFilm for NaN or infinity.
    """
    extremes = [
        (float(pixels.min()), float(pixels.max()))
        for pixels in (np.asarray(band) for _, band in _bands(image))
    ]
    if not np.isfinite(extremes).all():
        raise damaged("it holds pixels that are not numbers")
    low, high = min(low for low, _ in extremes), max(high for _, high in extremes)
    gray = np.empty((image.height, image.width), np.uint16)
    as_stored = image.mode == "I" and low >= 0 and high <= 65_535
    if image.mode == "F" and low >= 0.0 and high <= 1.0:
        low, high = 0.0, 1.0
    for rows, band in _bands(image):
        values = np.asarray(band).astype(np.float64)
        gray[rows] = values if as_stored else np.rint((values - low) / (high - low or 1.0) * 65_535)
    if as_stored:
        full_scale(gray)
    return gray

"""What a DICOM object stores: its first frame, the bits of it that count, and where it is padded.
Sections are of the DICOM standard, 2024e.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from osteon.formats import damaged
from osteon.isolated import decode_frame

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pydicom import Dataset

_DEFLATED = "1.2.840.10008.1.2.1.99"
_BAND_PX = 4_000_000  # shifted, or turned into gray, at once
_JPEG_BASELINE = "1.2.840.10008.1.2.4.50"


def bits_stored(dataset: Dataset) -> int:
    return int(dataset.get("BitsStored") or dataset.BitsAllocated)


def bands(shape: tuple[int, ...]) -> Iterator[slice]:
    """Portions of rows: floats of all of a large film would fill the memory."""
    height = max(1, _BAND_PX // shape[1])
    return (slice(top, top + height) for top in range(0, shape[0], height))


def stored_values(dataset: Dataset, data: bytes, max_pixels: int) -> NDArray[Any]:
    if dataset.file_meta.TransferSyntaxUID == _JPEG_BASELINE and bits_stored(dataset) == 8:
        return _baseline_frame(dataset, max_pixels)
    stored = first_frame(dataset, data, correct_unused_bits=False)
    if stored.dtype.kind == "f":
        return stored
    bits = 8 * stored.dtype.itemsize
    unused = bits - bits_stored(dataset)
    if unused <= 0:
        return stored
    above = _bits_above(dataset, bits, unused)
    overlaid = has_embedded_overlay(dataset)
    values = np.empty_like(stored)
    for rows in bands(stored.shape):
        # As the type is signed for signed pixels, shifting out and back extends the sign.
        kept = (stored[rows] << above) >> above
        if not overlaid:
            lost = stored[rows].astype(f"u{bits // 8}") >> (bits - above) != 0
            lost &= kept != stored[rows]
            _check_lost(dataset, stored[rows][lost])
            kept[lost] = stored[rows][lost]
        values[rows] = kept >> (unused - above)
    return values


def _check_lost(dataset: Dataset, lost: NDArray[Any]) -> None:
    """Bits beyond those that are stored are an overlay's, which says so, or the padding's."""
    padding = _padding_range(dataset)
    if lost.size and not (padding and ((lost >= padding[0]) & (lost <= padding[1])).all()):
        raise damaged(
            f"its pixels need more than the {bits_stored(dataset)} bits that it says are stored: "
            "its Bits Stored (0028,0101) is wrong"
        )


def _bits_above(dataset: Dataset, bits: int, unused: int) -> int:
    """How many bits lie above the high bit: all that are unused, but where old films are stored in
    the upper bits."""
    high = dataset.get("HighBit")
    if high is None or dataset.file_meta.TransferSyntaxUID.is_compressed:
        return unused
    return min(unused, max(0, bits - 1 - int(high)))


def has_embedded_overlay(dataset: Dataset) -> bool:
    """Old scanners keep overlays in bits that no pixel uses (PS3.5 8.1.2)."""
    return any(
        dataset.get((group, 0x0102)) is not None  # its bit position
        and int(dataset[group, 0x0102].value or 0) > 0
        and (group, 0x3000) not in dataset  # data of its own
        for group in range(0x6000, 0x6020, 2)
    )


def first_frame(dataset: Dataset, data: bytes, **options: Any) -> NDArray[Any]:
    """As pydicom gives it, told ``options``; what needs GDCM is decoded apart, as it may crash."""
    from pydicom.encaps import get_frame
    from pydicom.pixels.utils import pixel_array
    from pydicom.uid import RLELossless

    from osteon.jpeg import stream_size

    syntax = dataset.file_meta.TransferSyntaxUID
    if syntax.is_compressed and syntax != RLELossless and syntax != _DEFLATED:
        size = stream_size(get_frame(dataset.PixelData, 0, number_of_frames=n_frames(dataset)))
        if size not in (None, (dataset.Columns, dataset.Rows)):  # GDCM believes the stream
            raise damaged("the picture inside is of another size than the header says")
        return decode_frame(data)
    frame: NDArray[Any] = pixel_array(dataset, index=0, **options)
    return frame


def _baseline_frame(dataset: Dataset, max_pixels: int) -> NDArray[np.uint8]:
    """By our own JPEG decoder, which refuses cut streams; gdcm does not."""
    from pydicom.encaps import get_frame

    from osteon.jpeg import decode_jpeg

    frame = get_frame(dataset.PixelData, 0, number_of_frames=n_frames(dataset))
    gray = decode_jpeg(frame, max_pixels=max_pixels).gray
    if gray.shape != (dataset.Rows, dataset.Columns):
        raise damaged("the JPEG inside is of another size than the header says")
    return gray.astype(np.uint8, copy=False)


def n_frames(dataset: Dataset) -> int:
    return int(dataset.get("NumberOfFrames") or 1)


def padding_of(dataset: Dataset, stored: NDArray[Any]) -> NDArray[np.bool_] | None:
    """Where there is no film: PS3.3 C.7.5.1.1.2; None where nothing is padded."""
    between = _padding_range(dataset)
    if between is None:
        return None
    mask: NDArray[np.bool_] = (stored >= between[0]) & (stored <= between[1])
    return mask if mask.any() and not mask.all() else None


def _padding_range(dataset: Dataset) -> tuple[int, int] | None:
    value, limit = dataset.get("PixelPaddingValue"), dataset.get("PixelPaddingRangeLimit")
    if value is None:
        return None
    ends = [_as_stored(dataset, value), _as_stored(dataset, value if limit is None else limit)]
    return min(ends), max(ends)


def _as_stored(dataset: Dataset, value: int) -> int:
    """Padding values are often written unsigned though the pixels are signed."""
    bits = int(dataset.BitsAllocated)
    signed = dataset.get("PixelRepresentation") == 1
    return int(value) - (1 << bits) if signed and int(value) >= 1 << (bits - 1) else int(value)

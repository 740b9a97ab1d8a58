"""DICOM to gray as PS3.3 C.7.6.3, C.11.1 and C.11.2 say: stored values, padding, modality LUT,
VOI LUT or window, MONOCHROME1 inverted. Sections are of the DICOM standard, 2024e.
"""

from __future__ import annotations

import io
import struct
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np

from osteon.errors import UnreadableFilm
from osteon.formats import (
    Decoded,
    TooLarge,
    check_memory,
    check_pixel_count,
    damaged,
    quoted,
    truncated,
)
from osteon.raster import quiet
from osteon.stored_values import (
    bands,
    bits_stored,
    first_frame,
    n_frames,
    padding_of,
    stored_values,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pydicom import Dataset

    from osteon.formats import Gray

_DEFLATED = b"1.2.840.10008.1.2.1.99"
_HEADER = 1_000_000  # bytes of a data set besides its pixels, generously
FAULTS = (
    ArithmeticError, AttributeError, EOFError, LookupError, NotImplementedError, OSError,
    RuntimeError, TypeError, ValueError, struct.error, zlib.error,
)  # fmt: skip  # what pydicom and gdcm are seen to raise on damaged files


def decode_dicom(data: bytes, *, max_pixels: int) -> Decoded:
    """The first frame of a DICOM object as it is to be seen. Raises UnreadableFilm.

    Without a window the film is stretched between its least and greatest pixel, as viewers do;
    films of up to 8 bits without one are taken as they are.
    """
    from pydicom.errors import BytesLengthException, InvalidDicomError

    with quiet():
        try:
            dataset = read_dataset(data, max_pixels)
            _check_header(dataset, len(data), max_pixels)
            gray = _presented(dataset, data, max_pixels)
            return Decoded(
                gray=gray,
                format="DICOM",
                bit_depth=bits_stored(dataset),
                n_channels=3 if _is_palette(dataset) else int(dataset.SamplesPerPixel),
                n_frames=max(1, n_frames(dataset)),
                spacing_mm=spacing_mm(dataset),
            )
        except RecursionError:  # how deep is too deep hangs on who calls: no number is told
            raise damaged("its sequences are nested too deeply") from None
        except (*FAULTS, BytesLengthException, InvalidDicomError) as error:
            raise _fault(error, len(data)) from None


def _fault(error: Exception, n_bytes: int) -> UnreadableFilm:
    said = " ".join(str(error).split()) or type(error).__name__
    said = said.rpartition("available plugins: ")[2]  # pydicom's preface, of all its decoders
    cut = isinstance(error, struct.error | EOFError) or "less than expected" in said
    return truncated(n_bytes) if cut or "truncated stream" in said else damaged(said)


def read_dataset(data: bytes, max_pixels: int) -> Dataset:
    """The whole object, also where the Part 10 header is missing."""
    import pydicom
    from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

    _check_inflated_size(data, max_pixels)
    dataset = pydicom.dcmread(io.BytesIO(data), force=True)
    if "TransferSyntaxUID" not in dataset.file_meta:  # no Part 10 header: told by the encoding
        implicit, _ = dataset.original_encoding
        syntax = ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian
        dataset.file_meta.TransferSyntaxUID = syntax
    return dataset


def _check_inflated_size(data: bytes, max_pixels: int) -> None:
    """Refuse a deflated data set that would fill the memory before its header can be read."""
    at = 144 + int.from_bytes(data[140:144], "little")  # preamble 128, DICM 4, group length 12
    if data[128:132] != b"DICM" or _DEFLATED not in data[144:at]:
        return
    body = data[at:]
    limit = 2 * max_pixels + _HEADER  # 16 bits for a pixel
    inflater, size = zlib.decompressobj(-zlib.MAX_WBITS), 0
    while not inflater.eof and body:
        size += len(inflater.decompress(body, 1 << 24))
        body = inflater.unconsumed_tail
        if size > limit:
            raise TooLarge(f"too large: it inflates to more than {limit:,} bytes")


def _check_header(dataset: Dataset, n_bytes: int, max_pixels: int) -> None:
    if "Rows" not in dataset or "Columns" not in dataset:
        if "SOPClassUID" in dataset and n_bytes > 0:
            kind = quoted(dataset.SOPClassUID.name)
            raise UnreadableFilm(f"a DICOM object without pixels ({kind})")
        raise truncated(n_bytes)
    check_pixel_count(int(dataset.Columns), int(dataset.Rows), max_pixels)
    if not any(name in dataset for name in ("PixelData", "FloatPixelData", "DoubleFloatPixelData")):
        raise truncated(n_bytes)
    if "PixelData" in dataset and not dataset.PixelData:
        raise damaged("it holds no pixels")
    # Pixels in the file, as an array, and gray; of compressed ones also those of the helper.
    times = 6 if dataset.file_meta.TransferSyntaxUID.is_compressed else 4
    width = -(-int(dataset.BitsAllocated) // 8) * int(dataset.SamplesPerPixel)
    check_memory(int(dataset.Columns) * int(dataset.Rows) * width * times, max_pixels)


def _is_palette(dataset: Dataset) -> bool:
    return bool(dataset.get("PhotometricInterpretation") == "PALETTE COLOR")


def _presented(dataset: Dataset, data: bytes, max_pixels: int) -> Gray:
    """(H, W) gray: uint8 of films that were 8-bit all along, else uint16."""
    if dataset.SamplesPerPixel != 1 or _is_palette(dataset):
        return _luma(*_colours(dataset, data))
    stored = stored_values(dataset, data, max_pixels)
    padding = padding_of(dataset, stored)
    extremes = _extremes(dataset, stored, padding) if _is_stretched(dataset, stored) else None
    shallow = bits_stored(dataset) <= 8 and not _is_transformed(dataset)
    gray: Gray = np.empty(stored.shape, np.uint8 if shallow else np.uint16)
    for rows in bands(stored.shape):
        share = _to_unit(dataset, stored[rows], extremes)
        if dataset.PhotometricInterpretation == "MONOCHROME1":
            share = 1.0 - share
        if padding is not None:
            share[padding[rows]] = 0.0
        gray[rows] = np.rint(share * (255.0 if shallow else 65_535.0))
    return gray


# --- from stored values to [0, 1] -----------------------------------------------------------------


def _is_transformed(dataset: Dataset) -> bool:
    return (
        bool(dataset.get("ModalityLUTSequence"))
        or bool(dataset.get("VOILUTSequence"))
        or _window(dataset) is not None
        or _rescale(dataset) != (1.0, 0.0)
    )


def _rescale(dataset: Dataset) -> tuple[float, float]:
    """Slope and intercept; an empty one says nothing."""
    slope, intercept = (_first(dataset.get(f"Rescale{name}")) for name in ("Slope", "Intercept"))
    return 1.0 if slope is None else slope, 0.0 if intercept is None else intercept


def _modality_values(dataset: Dataset, stored: NDArray[Any]) -> NDArray[Any]:
    """PS3.3 C.11.1: by the table, where there is one, else by slope and intercept."""
    from pydicom.pixels.processing import apply_modality_lut

    if dataset.get("ModalityLUTSequence"):
        return apply_modality_lut(stored, dataset)
    slope, intercept = _rescale(dataset)
    if (slope, intercept) == (1.0, 0.0):
        return stored
    if not np.isfinite((slope, intercept)).all():
        raise damaged("its rescale slope or intercept is no number")
    with np.errstate(over="ignore"):  # to infinity, which is said or lies beyond any window
        values: NDArray[Any] = stored.astype(np.float64) * slope + intercept
    return values


def _is_stretched(dataset: Dataset, stored: NDArray[Any]) -> bool:
    """Whether nothing says what is black and what is white."""
    if dataset.get("VOILUTSequence") or _window(dataset) is not None:
        return False
    plain = bits_stored(dataset) <= 8 and not _is_transformed(dataset)
    return not (plain and stored.dtype.kind == "u")


def _extremes(
    dataset: Dataset, stored: NDArray[Any], padding: NDArray[np.bool_] | None
) -> tuple[float, float]:
    """The least and the greatest value after the modality transformation, where there is film."""
    found = []
    for rows in bands(stored.shape):
        values = _modality_values(dataset, stored[rows])
        film = values[~padding[rows]] if padding is not None else values
        if film.size:
            found.append((float(film.min()), float(film.max())))
    if not np.isfinite(found).all():
        raise damaged("it holds pixels that are not numbers")
    return min(low for low, _ in found), max(high for _, high in found)


def _to_unit(
    dataset: Dataset, stored: NDArray[Any], extremes: tuple[float, float] | None
) -> NDArray[np.float64]:
    """Modality and VOI transformation to (H, W) floats, 0 black and 1 white in MONOCHROME2 sense.

    A VOI LUT goes before a window where both are given, as it is made for the film; ``extremes``
    are given where there is neither.
    """
    from pydicom.pixels.processing import apply_voi

    values = _modality_values(dataset, stored)
    if extremes is not None:
        low, high = extremes
        return np.clip((values.astype(np.float64) - low) / (high - low or 1.0), 0.0, 1.0)
    if dataset.get("VOILUTSequence"):
        table = dataset.VOILUTSequence[0]
        looked_up = apply_voi(values.astype(np.int64), dataset).astype(np.float64)
        return np.clip(looked_up / ((1 << int(table.LUTDescriptor[2])) - 1), 0.0, 1.0)
    if (window := _window(dataset)) is not None:
        function = str(dataset.get("VOILUTFunction") or "LINEAR").upper()
        return windowed(values.astype(np.float64), *window, function=function)
    return values.astype(np.float64) / ((1 << bits_stored(dataset)) - 1)


def _window(dataset: Dataset) -> tuple[float, float] | None:
    """Centre and width of the first window that can be used; PS3.3 C.11.2.1.2 limits widths."""
    centre, width = (_first(dataset.get(name)) for name in ("WindowCenter", "WindowWidth"))
    if centre is None or width is None:
        return None
    function = str(dataset.get("VOILUTFunction") or "LINEAR").upper()
    usable = width >= 1 if function == "LINEAR" else width > 0
    return (centre, width) if usable else None


def _first(value: Any) -> float | None:
    if value is None or value == "":
        return None
    many = not isinstance(value, str) and hasattr(value, "__len__")
    if many and len(value) == 0:
        return None
    return float(value[0] if many else value)


def windowed(
    values: NDArray[np.float64], centre: float, width: float, *, function: str
) -> NDArray[np.float64]:
    """Values to [0, 1] by LINEAR, LINEAR_EXACT or SIGMOID: PS3.3 C.11.2.1.2 and C.11.2.1.3."""
    if function == "SIGMOID":
        # Beyond 60 the exponential is 0 or without bound; cut there, so that it cannot overflow.
        slope = np.clip(-4.0 * (values - centre) / width, -60.0, 60.0)
        return np.asarray(1.0 / (1.0 + np.exp(slope)))
    if function == "LINEAR_EXACT":
        return np.clip((values - centre) / width + 0.5, 0.0, 1.0)
    if width <= 1.0:  # a threshold: the formula's denominator is 0
        return (values > centre - 0.5).astype(np.float64)
    return np.clip((values - (centre - 0.5)) / (width - 1.0) + 0.5, 0.0, 1.0)


# --- colour ---------------------------------------------------------------------------------------


def _colours(dataset: Dataset, data: bytes) -> tuple[NDArray[Any], int]:
    """(H, W, 3) RGB of the stored depth, and the value of white."""
    from pydicom.pixels.processing import apply_color_lut

    pixels = first_frame(dataset, data)  # YBR becomes RGB
    if _is_palette(dataset):
        looked_up = apply_color_lut(pixels, dataset)[..., :3]
        return looked_up, int(np.iinfo(looked_up.dtype).max)
    return pixels, (1 << bits_stored(dataset)) - 1


def _luma(colours: NDArray[Any], white: int) -> Gray:
    """Rec. 601 luma, rounded, over the whole range of the dtype of the colours."""
    deep = colours.dtype.itemsize > 1
    luma: Gray = np.empty(colours.shape[:2], np.uint16 if deep else np.uint8)
    most = np.iinfo(luma.dtype).max
    weights = np.array([0.299, 0.587, 0.114]) * (most / white)
    for rows in bands(colours.shape):
        luma[rows] = np.rint(np.minimum(colours[rows].astype(np.float64) @ weights, most))
    return luma


def spacing_mm(dataset: Dataset) -> tuple[float, float] | None:
    """Between rows, between columns: Pixel Spacing (0028,0030), calibrated to the patient, else
    at the detector (0018,1164), else at the scanner (0018,2010). One that is no two distances is
    passed over: a film is not worse for it."""
    for name in ("PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing"):
        try:
            between_rows, between_columns = map(float, dataset.get(name) or ())
        except FAULTS:
            continue
        if 0 < between_rows < 1e3 and 0 < between_columns < 1e3:
            return between_rows, between_columns
    return None

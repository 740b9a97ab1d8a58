"""DICOM: each step of the pipeline against pydicom's own, and each transfer syntax at hand."""

from __future__ import annotations

import io
import signal
from typing import Any

import numpy as np
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate, generate_frames
from pydicom.pixels.processing import apply_windowing
from pydicom.sequence import Sequence
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    JPEGBaseline8Bit,
    RLELossless,
)

import osteon.isolated
from osteon.dicom import windowed
from osteon.errors import ResourceError, UnreadableFilm
from osteon.parallel import in_order
from osteon.pixels import decode
from osteon.testing.films import dicom, dicom_bytes, dicom_dataset, jpeg, picture

GRAY = picture()
DEEP = (GRAY.astype(np.uint16) << 4) + 3  # 12 bits
FULL = 65_535


def table(values: list[int], *, first: int, bits: int) -> Dataset:
    item = Dataset()
    item.LUTDescriptor = [len(values), first, bits]
    item.LUTData = values
    item["LUTDescriptor"].VR = "US"
    item["LUTData"].VR = "US"
    item.ModalityLUTType = "US"
    return item


def test_without_a_window_the_film_is_stretched_between_its_extremes() -> None:
    film = decode(dicom(DEEP))
    wanted = (DEEP - float(DEEP.min())) / float(DEEP.max() - DEEP.min())
    assert film.gray.dtype == np.uint16
    assert np.abs(film.gray / FULL - wanted).max() < 1e-4


def test_8_bits_without_a_window_are_as_they_are() -> None:
    assert np.array_equal(decode(dicom(GRAY, bits=8)).gray, GRAY)


@pytest.mark.parametrize("rescale", [(1, 0), (None, None), (1, None)])
def test_a_rescale_that_changes_nothing_changes_nothing(rescale: tuple[int, int]) -> None:
    slope, intercept = rescale
    dim = GRAY // 2
    film = decode(dicom(dim, bits=8, RescaleSlope=slope, RescaleIntercept=intercept))
    assert film.gray.dtype == np.uint8
    assert np.array_equal(film.gray, dim)
    deep = dicom(DEEP, RescaleSlope=slope, RescaleIntercept=intercept)
    assert np.array_equal(decode(deep).gray, decode(dicom(DEEP)).gray)


def test_monochrome1_is_inverted() -> None:
    film = decode(dicom(GRAY, bits=8, PhotometricInterpretation="MONOCHROME1"))
    assert np.array_equal(film.gray, 255 - GRAY)


@pytest.mark.parametrize("function", ["LINEAR", "LINEAR_EXACT", "SIGMOID"])
@settings(max_examples=60, deadline=None)
@given(centre=st.integers(-500, 4500), width=st.integers(2, 5000))
def test_windows_agree_with_pydicom(function: str, centre: int, width: int) -> None:
    """pydicom maps to the stored range, 0 to 4095; we to [0, 1]."""
    dataset = dicom_dataset(DEEP, WindowCenter=centre, WindowWidth=width, VOILUTFunction=function)
    with np.errstate(over="ignore"):  # pydicom's own exponential overflows, harmlessly
        theirs = apply_windowing(DEEP, dataset) / 4095.0
    ours = windowed(DEEP.astype(np.float64), centre, width, function=function)
    assert np.abs(ours - theirs).max() < 1e-9
    assert np.abs(decode(dicom_bytes(dataset)).gray / FULL - ours).max() < 1e-4


def test_a_window_of_width_1_is_a_threshold() -> None:
    film = decode(dicom(DEEP, WindowCenter=2000, WindowWidth=1))
    assert np.array_equal(film.gray, np.where(DEEP > 1999.5, FULL, 0))


def test_an_impossible_window_is_passed_over() -> None:
    film = decode(dicom(DEEP, WindowCenter=2000, WindowWidth=0))
    assert np.array_equal(film.gray, decode(dicom(DEEP)).gray)


def test_the_first_of_several_windows_is_used() -> None:
    two = decode(dicom(DEEP, WindowCenter=[1500, 3000], WindowWidth=[1000, 10]))
    one = decode(dicom(DEEP, WindowCenter=1500, WindowWidth=1000))
    assert np.array_equal(two.gray, one.gray)


def test_rescale_goes_before_the_window() -> None:
    film = decode(
        dicom(DEEP, RescaleSlope=2, RescaleIntercept=-1000, WindowCenter=3000, WindowWidth=2000)
    )
    wanted = windowed(DEEP.astype(np.float64) * 2 - 1000, 3000, 2000, function="LINEAR")
    assert np.abs(film.gray / FULL - wanted).max() < 1e-4


def test_modality_table_goes_before_the_window() -> None:
    values = [4 * n for n in range(256)]
    film = decode(
        dicom(
            GRAY.astype(np.uint16), bits=8, WindowCenter=500, WindowWidth=1000,
            ModalityLUTSequence=Sequence([table(values, first=0, bits=16)]),
        )
    )  # fmt: skip
    wanted = windowed(GRAY.astype(np.float64) * 4, 500, 1000, function="LINEAR")
    assert np.abs(film.gray / FULL - wanted).max() < 1e-4


def test_voi_table_goes_before_a_window() -> None:
    values = [1023 - n for n in range(1024)]  # of 10 bits, mapped from 1000 upwards
    film = decode(
        dicom(
            DEEP, WindowCenter=1, WindowWidth=10,
            VOILUTSequence=Sequence([table(values, first=1000, bits=10)]),
        )
    )  # fmt: skip
    wanted = (1023 - (DEEP.astype(int) - 1000).clip(0, 1023)) / 1023
    assert np.abs(film.gray / FULL - wanted).max() < 1e-4


def test_signed_pixels() -> None:
    signed = DEEP.astype(np.int16) - 2048
    film = decode(dicom(signed, WindowCenter=0, WindowWidth=4096))
    wanted = windowed(signed.astype(np.float64), 0, 4096, function="LINEAR")
    assert np.abs(film.gray / FULL - wanted).max() < 1e-4


@pytest.mark.parametrize("signed", [False, True])
def test_what_lies_in_unused_bits_is_dropped(signed: bool) -> None:
    clean = DEEP.astype(np.int16) - 2048 if signed else DEEP
    overlaid = (clean.view(np.uint16) & 0x0FFF) | (np.uint16(0xA000) * (GRAY > 100))
    dataset = dicom_dataset(overlaid.astype(np.uint16).view(clean.dtype))
    dataset.add_new((0x6000, 0x0102), "US", 13)  # an overlay in bit 13 of the pixels
    assert np.array_equal(decode(dicom_bytes(dataset)).gray, decode(dicom(clean)).gray)


def test_big_endian_pixels_are_those_of_little_endian() -> None:
    """Explicit VR Big Endian (PS3.5 A.3, retired) is met in archives still."""
    dataset = dicom_dataset(DEEP)
    dataset.file_meta.TransferSyntaxUID = ExplicitVRBigEndian
    dataset.PixelData = DEEP.byteswap().tobytes()
    assert np.array_equal(decode(dicom_bytes(dataset)).gray, decode(dicom(DEEP)).gray)


@pytest.mark.parametrize("signed", [False, True])
def test_a_sign_may_be_extended_or_not(signed: bool) -> None:
    clean = DEEP.astype(np.int16) - 2048 * signed
    cut = (clean.view(np.uint16) & 0x0FFF).view(np.int16)
    one, other = (dicom(stored, PixelRepresentation=int(signed)) for stored in (clean, cut))
    assert np.array_equal(decode(one).gray, decode(other).gray)


def test_pixels_in_the_upper_bits_of_old_films() -> None:
    """High Bit 15 of 12 bits stored, as was allowed until 2014."""
    assert np.array_equal(
        decode(dicom(DEEP << 4, HighBit=15)).gray, decode(dicom(DEEP, HighBit=11)).gray
    )


def test_pixels_beyond_the_bits_that_are_said_to_be_stored_are_not_cut_to_noise() -> None:
    with pytest.raises(UnreadableFilm, match="need more than the 12 bits"):
        decode(dicom(DEEP * 16))
    padded = DEEP.copy()
    padded[:, :5] = 65_535
    film = decode(dicom(padded, PixelPaddingValue=65_535))
    assert not film.gray[:, :5].any()
    assert film.gray[:, 5:].max() == FULL


def test_an_empty_limit_of_the_padding_is_none() -> None:
    padded = DEEP.copy()
    padded[:, :5] = 4095
    film = decode(dicom(padded, PixelPaddingValue=4095, PixelPaddingRangeLimit=None))
    assert not film.gray[:, :5].any()


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_padding_is_black_and_outside_the_stretch(photometric: str) -> None:
    padded = DEEP.copy()
    padded[:, :5] = 4090
    padded[:, 5:8] = 4093
    film = decode(
        dicom(
            padded, PhotometricInterpretation=photometric,
            PixelPaddingValue=4095, PixelPaddingRangeLimit=4090,
        )
    )  # fmt: skip
    assert not film.gray[:, :8].any()
    assert film.gray[:, 8:].max() == FULL
    inner = decode(dicom(DEEP[:, 8:].copy(), PhotometricInterpretation=photometric))
    assert np.array_equal(film.gray[:, 8:], inner.gray)


def test_padding_of_signed_pixels_written_unsigned() -> None:
    signed = DEEP.astype(np.int16) - 2048
    signed[0, 0] = -32_768
    dataset = dicom_dataset(signed, bits=16)
    dataset.add_new("PixelPaddingValue", "US", 32_768)
    gray = decode(dicom_bytes(dataset)).gray
    assert gray[0, 0] == 0
    assert 0 < gray[1:].mean() / FULL < 0.9
    assert gray.min() == 0
    assert np.unique(gray).size > 50


def test_colour_becomes_luma() -> None:
    colours = np.stack([GRAY, GRAY // 2, 255 - GRAY], axis=-1)
    film = decode(
        dicom(colours, bits=8, SamplesPerPixel=3, PhotometricInterpretation="RGB",
              PlanarConfiguration=0)
    )  # fmt: skip
    wanted = colours @ np.array([0.299, 0.587, 0.114])
    assert np.abs(film.gray - wanted).max() <= 0.5 + 1e-9
    assert film.n_channels == 3


@pytest.mark.parametrize("bits", [10, 12, 16])
def test_colour_of_any_depth_keeps_its_brightness(bits: int) -> None:
    """White is the greatest value of the bits stored, not of those allocated: PS3.5 8.1.1."""
    share = GRAY[..., None] / 255 * np.ones(3)
    stored = np.rint(share * ((1 << bits) - 1)).astype(np.uint16)
    film = decode(
        dicom(stored, bits=bits, SamplesPerPixel=3, PhotometricInterpretation="RGB",
              PlanarConfiguration=0)
    )  # fmt: skip
    assert film.gray.dtype == np.uint16
    assert np.abs(film.gray / FULL - GRAY / 255).max() < 1 / (1 << bits)


def test_ybr_is_converted_first() -> None:
    gray = np.stack([GRAY, np.full_like(GRAY, 128), np.full_like(GRAY, 128)], axis=-1)
    film = decode(
        dicom(gray, bits=8, SamplesPerPixel=3, PhotometricInterpretation="YBR_FULL",
              PlanarConfiguration=0)
    )  # fmt: skip
    assert np.abs(film.gray.astype(int) - GRAY).max() <= 1


def test_palette_colour() -> None:
    ramp = (np.arange(256, dtype=np.uint16) * 257).tobytes()
    tags = {f"{colour}PaletteColorLookupTable{part}": value
            for colour in ("Red", "Green", "Blue")
            for part, value in (("Descriptor", [256, 0, 16]), ("Data", ramp))}  # fmt: skip
    film = decode(dicom(GRAY, bits=8, PhotometricInterpretation="PALETTE COLOR", **tags))
    assert np.abs(film.gray / FULL - GRAY / 255).max() < 1e-4


def test_first_of_several_frames() -> None:
    frames = np.stack([DEEP, DEEP[::-1], DEEP[:, ::-1]])
    dataset = dicom_dataset(frames, NumberOfFrames=3)
    dataset.Rows, dataset.Columns = DEEP.shape
    film = decode(dicom_bytes(dataset))
    assert film.n_frames == 3
    assert np.array_equal(film.gray, decode(dicom(DEEP)).gray)


@pytest.mark.parametrize(
    ("tags", "wanted"),
    [
        ({"PixelSpacing": [0.2, 0.3]}, (0.2, 0.3)),
        ({"ImagerPixelSpacing": [0.14, 0.15]}, (0.14, 0.15)),
        ({"PixelSpacing": [0.2, 0.3], "ImagerPixelSpacing": [0.14, 0.15]}, (0.2, 0.3)),
        ({"PixelSpacing": [0, 0]}, None),
        ({"PixelSpacing": 0.2, "ImagerPixelSpacing": [0.14, 0.15]}, (0.14, 0.15)),
        ({}, None),
    ],
)
def test_spacing(tags: dict[str, Any], wanted: tuple[float, float] | None) -> None:
    assert decode(dicom(DEEP, **tags)).spacing_mm == wanted


def test_a_spacing_with_decimal_commas_does_not_cost_the_film() -> None:
    data = dicom(DEEP, PixelSpacing=["0.143", "0.143"]).replace(b"0.143\\0.143", b"0,143\\0,143")
    assert b"0,143" in data
    film = decode(data)
    assert film.spacing_mm is None
    assert np.array_equal(film.gray, decode(dicom(DEEP)).gray)


# --- transfer syntaxes ----------------------------------------------------------------------------


def encapsulated(frame: bytes, syntax: UID, stored: NDArray[Any]) -> bytes:
    dataset = dicom_dataset(stored, bits=8 if stored.dtype == np.uint8 else 12)
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.PixelData = encapsulate([frame])
    dataset["PixelData"].is_undefined_length = True
    return dicom_bytes(dataset)


def by_gdcm(stored: NDArray[Any], syntax: str) -> bytes:
    """Recompressed by GDCM, an encoder that shares nothing with ours."""
    import tempfile
    from pathlib import Path

    import gdcm

    with tempfile.TemporaryDirectory() as folder:
        plain, packed = Path(folder) / "a.dcm", Path(folder) / "b.dcm"
        plain.write_bytes(dicom(stored))
        reader = gdcm.ImageReader()
        reader.SetFileName(str(plain))
        assert reader.Read()
        change = gdcm.ImageChangeTransferSyntax()
        change.SetTransferSyntax(gdcm.TransferSyntax(getattr(gdcm.TransferSyntax, syntax)))
        change.SetInput(reader.GetImage())
        assert change.Change()
        writer = gdcm.ImageWriter()
        writer.SetFile(reader.GetFile())
        writer.SetImage(
            change.PyGetOutput() if hasattr(change, "PyGetOutput") else change.GetOutput()
        )
        writer.SetFileName(str(packed))
        assert writer.Write()
        return packed.read_bytes()


LOSSLESS = [
    "JPEGLosslessProcess14_1",
    "JPEGLosslessProcess14",
    "JPEGLSLossless",
    "JPEG2000Lossless",
]


@pytest.mark.parametrize("syntax", LOSSLESS)
def test_compressed_losslessly(syntax: str) -> None:
    data = by_gdcm(DEEP, syntax)
    assert pydicom.dcmread(io.BytesIO(data)).file_meta.TransferSyntaxUID.is_compressed
    assert np.array_equal(decode(data).gray, decode(dicom(DEEP)).gray)


def test_run_length_and_deflate_and_implicit() -> None:
    plain = decode(dicom(DEEP)).gray
    packed = dicom_dataset(DEEP)
    packed.compress(RLELossless)
    assert np.array_equal(decode(dicom_bytes(packed)).gray, plain)
    for syntax in (DeflatedExplicitVRLittleEndian, ImplicitVRLittleEndian):
        dataset = dicom_dataset(DEEP)
        dataset.file_meta.TransferSyntaxUID = syntax
        assert np.array_equal(decode(dicom_bytes(dataset)).gray, plain)


def test_jpeg_baseline_is_decoded_as_the_jpeg_itself() -> None:
    frame = jpeg(GRAY)
    assert np.array_equal(
        decode(encapsulated(frame, JPEGBaseline8Bit, GRAY)).gray, decode(frame).gray
    )


def test_a_cut_stream_within_a_whole_file_is_refused() -> None:
    frame = jpeg(GRAY)
    with pytest.raises(UnreadableFilm, match="truncated"):
        decode(encapsulated(frame[: len(frame) // 2], JPEGBaseline8Bit, GRAY))


def test_without_preamble() -> None:
    for syntax in (ImplicitVRLittleEndian, None):
        dataset = dicom_dataset(DEEP)
        if syntax:
            dataset.file_meta.TransferSyntaxUID = syntax
        file = io.BytesIO()
        del dataset.file_meta
        pydicom.dcmwrite(file, dataset, implicit_vr=syntax is not None, little_endian=True)
        assert np.array_equal(decode(file.getvalue()).gray, decode(dicom(DEEP)).gray)


# --- what is no film ------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["native", "rle", "lossless", "ls", "deflated"])
def test_every_cut_is_refused_or_whole(kind: str) -> None:
    dataset = dicom_dataset(DEEP)
    if kind == "rle":
        dataset.compress(RLELossless)
    elif kind == "deflated":
        dataset.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    data = {
        "lossless": lambda: by_gdcm(DEEP, "JPEGLosslessProcess14_1"),
        "ls": lambda: by_gdcm(DEEP, "JPEGLSLossless"),
    }.get(kind, lambda: dicom_bytes(dataset))()
    whole = decode(data).gray
    for length in range(0, len(data), 7):
        try:
            gray = decode(data[:length]).gray
        except UnreadableFilm:
            continue
        assert np.array_equal(gray, whole)
    with pytest.raises(UnreadableFilm, match="truncated"):
        decode(data[: len(data) - 200])


def test_an_object_without_pixels_is_named() -> None:
    dataset = dicom_dataset(DEEP)
    for name in ("PixelData", "Rows", "Columns"):
        delattr(dataset, name)
    dataset.SOPClassUID = UID("1.2.840.10008.5.1.4.1.1.88.11")
    with pytest.raises(UnreadableFilm, match=r"without pixels \(Basic Text SR"):
        decode(dicom_bytes(dataset))


def test_a_kind_of_object_that_is_no_words_is_told_on_one_line() -> None:
    dataset = dicom_dataset(DEEP)
    for name in ("PixelData", "Rows", "Columns"):
        delattr(dataset, name)
    data = dicom_bytes(dataset).replace(b"1.2.840.10008.5.1.4.1.1.1.1\0", b"1.2\x01\n" + b"9" * 23)
    with pytest.raises(UnreadableFilm, match=r"without pixels \(1\.2 9999") as caught:
        decode(data)
    assert str(caught.value).isprintable()


def test_a_deflated_bomb_is_refused_before_it_fills_the_memory() -> None:
    dataset = dicom_dataset(np.zeros((3000, 3000), np.uint16))
    dataset.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    data = dicom_bytes(dataset)
    assert len(data) < 100_000
    with pytest.raises(UnreadableFilm, match="inflates to more than"):
        decode(data, max_pixels=1_000_000)


# --- the helper process ---------------------------------------------------------------------------


def kill_the_helper_with(number: signal.Signals, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the next question meet a helper that the system ends before it can answer."""
    real = osteon.isolated._send

    def send(stream: Any, kind: bytes, message: bytes) -> None:
        monkeypatch.undo()
        helper = next(h for h in started if h.stdin is stream)
        helper.send_signal(signal.SIGSTOP)
        real(stream, kind, message)
        helper.send_signal(number)
        helper.send_signal(signal.SIGCONT)

    started: list[osteon.isolated.Helper] = []
    take = osteon.isolated._take

    def taken() -> osteon.isolated.Helper:
        started.append(take())
        return started[-1]

    monkeypatch.setattr(osteon.isolated, "_take", taken)
    monkeypatch.setattr(osteon.isolated, "_send", send)


def test_what_is_said_of_a_film_without_pixels_is_about_the_film() -> None:
    dataset = pydicom.dcmread(io.BytesIO(by_gdcm(DEEP, "JPEGLSLossless")))
    (frame,) = generate_frames(dataset.PixelData, number_of_frames=1)
    dataset.PixelData = encapsulate([frame[: len(frame) // 2]])
    with pytest.raises(UnreadableFilm, match=r"no pixels came out$"):
        decode(dicom_bytes(dataset))
    empty = dicom_dataset(DEEP)
    empty.PixelData = b""
    with pytest.raises(UnreadableFilm, match="damaged: it holds no pixels"):
        decode(dicom_bytes(empty))


def test_a_crash_of_the_decoder_costs_one_film(monkeypatch: pytest.MonkeyPatch) -> None:
    data = by_gdcm(DEEP, "JPEGLSLossless")
    whole = decode(data).gray
    kill_the_helper_with(signal.SIGSEGV, monkeypatch)
    with pytest.raises(UnreadableFilm, match="crashed on it"):
        decode(data)
    assert np.array_equal(decode(data).gray, whole)


def test_a_decoder_killed_by_the_system_is_a_resource_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data = by_gdcm(DEEP, "JPEGLSLossless")
    kill_the_helper_with(signal.SIGKILL, monkeypatch)
    with pytest.raises(ResourceError, match="memory ran out"):
        decode(data)
    assert decode(data).gray.shape == DEEP.shape


def test_many_threads_have_a_helper_each() -> None:
    films = [DEEP + np.uint16(n) for n in range(12)]
    packed = [by_gdcm(film, "JPEGLosslessProcess14_1") for film in films]
    decoded = in_order(lambda data: decode(data).gray, packed, workers=4, chunk=1)
    for gray, film in zip(decoded, films, strict=True):
        assert np.array_equal(gray, decode(dicom(film)).gray)


def test_a_size_that_its_frame_does_not_have_is_no_crash() -> None:
    """GDCM aborts its process on this one."""
    data = by_gdcm(DEEP, "JPEGLSLossless")
    rows = b"\x28\0\x10\0US\x02\0"
    assert data.count(rows + b"\x1e\0") == 1
    with pytest.raises(UnreadableFilm):
        decode(data.replace(rows + b"\x1e\0", rows + b"\x5e\0"))


@pytest.mark.parametrize("syntax", LOSSLESS)
def test_a_stream_of_another_size_than_its_header_is_not_handed_on(
    syntax: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GDCM makes room for what the stream says, which may be any size."""

    def handed_on(_: bytes) -> None:
        raise AssertionError("GDCM was asked")

    from tests.mutations import with_stream_size

    data = by_gdcm(DEEP, syntax)
    monkeypatch.setattr("osteon.stored_values.decode_frame", handed_on)
    with pytest.raises(UnreadableFilm, match="another size than the header"):
        decode(with_stream_size(data, 60_000))


def test_nested_too_deeply_is_said_in_the_same_words_wherever() -> None:
    from tests.mutations import endlessly_nested

    data = endlessly_nested(dicom(DEEP), 50_000)

    def said(depth: int) -> str:
        if depth:
            return said(depth - 1)
        with pytest.raises(UnreadableFilm) as caught:
            decode(data)
        return str(caught.value)

    assert said(0) == said(50) == "damaged: its sequences are nested too deeply"

"""Films spoilt on purpose: of every format, mutated by chance; and bombs, made by hand."""

from __future__ import annotations

import io
import random
import struct
import zlib
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    JPEGBaseline8Bit,
    RLELossless,
)

from osteon.formats import SUFFIXES
from osteon.testing.films import (
    dicom,
    dicom_bytes,
    dicom_dataset,
    jpeg,
    one_of_each,
    picture,
    saved,
)
from tests.test_dicom import LOSSLESS, by_gdcm, encapsulated

Draw = random.Random
HUGE = 60_000  # px of a side that no film has
WITHIN_CAP = 10_900  # px of a side, just within osteon.pixels.MAX_PIXELS
STITCHED = 7_000  # px of a side: about what the largest radiographs have
EXTREMES = (0, 1, 0x7F, 0x80, 0xFF, HUGE, 0x7FFF, 0xFFFF, 0x7FFF_FFFF, 0xFFFF_FFFF)


def whole_films(seed: int = 0) -> dict[str, bytes]:
    """File name -> bytes: each format that is read, and each transfer syntax at hand."""
    gray = picture(seed=seed)
    deep = gray.astype(np.uint16) * np.uint16(16) + np.uint16(3)  # 12 bits
    run_length = dicom_dataset(deep)
    run_length.compress(RLELossless)
    films = one_of_each(seed) | {
        "run-length.dcm": dicom_bytes(run_length),
        "baseline.dcm": encapsulated(jpeg(gray), JPEGBaseline8Bit, gray),
        "nested.dcm": dicom(deep, RequestAttributesSequence=nested(3)),
        "frames.dcm": of_three_frames(deep),
        "colour.dcm": dicom(
            np.stack([gray, gray // 2, 255 - gray], axis=-1), bits=8, SamplesPerPixel=3,
            PhotometricInterpretation="RGB", PlanarConfiguration=0,
        ),
    }  # fmt: skip
    for syntax in (
        ImplicitVRLittleEndian,
        DeflatedExplicitVRLittleEndian,
        ExplicitVRBigEndian,
    ):
        dataset = dicom_dataset(deep)
        dataset.file_meta.TransferSyntaxUID = syntax
        if syntax == ExplicitVRBigEndian:
            dataset.PixelData = deep.byteswap().tobytes()
        films[f"{syntax.keyword}.dcm"] = dicom_bytes(dataset)
    return films | {f"{syntax}.dcm": by_gdcm(deep, syntax) for syntax in LOSSLESS}


def nested(depth: int) -> Sequence:
    """A sequence within a sequence within ..."""
    item = Dataset()
    item.StudyDescription = "innermost"
    for _ in range(depth):
        outer = Dataset()
        outer.RequestAttributesSequence = Sequence([item])
        item = outer
    return Sequence([item])


def of_three_frames(deep: NDArray[np.uint16]) -> bytes:
    dataset = dicom_dataset(np.stack([deep, deep[::-1], deep]), NumberOfFrames=3)
    dataset.Rows, dataset.Columns = deep.shape
    return dicom_bytes(dataset)


# --- by chance ------------------------------------------------------------------------------------


def truncated(film: bytes, draw: Draw) -> bytes:
    return film[: draw.randrange(len(film))]


def bits_flipped(film: bytes, draw: Draw) -> bytes:
    spoilt = bytearray(film)
    for _ in range(draw.choice([1, 1, 3, 10, 60])):
        spoilt[draw.randrange(len(film))] ^= 1 << draw.randrange(8)
    return bytes(spoilt)


def header_flipped(film: bytes, draw: Draw) -> bytes:
    """As above, where the header is: DICOM's begins with a preamble of 132 bytes."""
    spoilt, start = bytearray(film), 132 if film[128:132] == b"DICM" else 0
    for _ in range(draw.choice([1, 2, 5])):
        at = draw.randrange(start, min(len(film), start + 600))
        spoilt[at] = draw.randrange(256)
    return bytes(spoilt)


def number_replaced(film: bytes, draw: Draw) -> bytes:
    """A number of 2 or 4 bytes somewhere is an extreme one: sizes, counts and offsets lie."""
    spoilt = bytearray(film)
    for _ in range(draw.choice([1, 1, 2])):
        size = draw.choice([2, 4])
        number = draw.choice(EXTREMES) & ((1 << 8 * size) - 1)
        at = draw.randrange(0, max(1, min(len(film), 1500) - size))
        spoilt[at : at + size] = number.to_bytes(size, draw.choice(["big", "little"]))
    return bytes(spoilt)


def stretch(film: bytes, draw: Draw) -> tuple[int, int]:
    start = draw.randrange(len(film))
    return start, min(len(film), start + draw.choice([1, 4, 16, 100, 1000]))


def zeroed(film: bytes, draw: Draw) -> bytes:
    start, end = stretch(film, draw)
    return film[:start] + bytes(end - start) + film[end:]


def removed(film: bytes, draw: Draw) -> bytes:
    start, end = stretch(film, draw)
    return film[:start] + film[end:]


def duplicated(film: bytes, draw: Draw) -> bytes:
    start, end = stretch(film, draw)
    return film[:end] + film[start:end] * draw.choice([1, 1, 5, 50]) + film[end:]


def shuffled(film: bytes, draw: Draw) -> bytes:
    start, end = stretch(film, draw)
    part = list(film[start:end])
    draw.shuffle(part)
    return film[:start] + bytes(part) + film[end:]


def overwritten(film: bytes, draw: Draw) -> bytes:
    start, end = stretch(film, draw)
    return film[:start] + draw.randbytes(end - start) + film[end:]


def lengthened(film: bytes, draw: Draw) -> bytes:
    return film + draw.choice([b"\0", b"\xff\xd9", draw.randbytes(500), film])


WAYS: tuple[Callable[[bytes, Draw], bytes], ...] = (
    truncated, bits_flipped, header_flipped, number_replaced, zeroed, removed, duplicated,
    shuffled, overwritten, lengthened,
)  # fmt: skip


def mutated_films(n: int, seed: int) -> Iterator[tuple[str, bytes]]:
    """``n`` file names and what to put there; every base film by every way in turn, then again."""
    draw = Draw(seed)
    bases = whole_films()
    for number in range(n):
        round_, place = divmod(number, len(bases))
        base = [*bases][place]
        way = WAYS[(round_ + place) % len(WAYS)]
        film = way(bases[base], draw)
        if draw.random() < 0.1:  # the head of one format on the tail of another
            other = bases[draw.choice([*bases])]
            film = film[: draw.randrange(1, 200)] + other[draw.randrange(len(other)) :]
        suffix = base[base.rindex(".") :]
        if draw.random() < 0.1:
            suffix = draw.choice([*SUFFIXES, ""])
        yield f"{number:05}-{way.__name__}-{base.rpartition('.')[0]}{suffix}", film


# --- by hand --------------------------------------------------------------------------------------


def png_of(
    width: int, height: int, depth: int, colour: int, idat: bytes, more: bytes = b""
) -> bytes:
    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    parts = chunk(b"IHDR", head), more, chunk(b"IDAT", idat), chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def chunk(kind: bytes, content: bytes) -> bytes:
    crc = zlib.crc32(kind + content).to_bytes(4)
    return len(content).to_bytes(4) + kind + content + crc


def zeros_deflated(n_bytes: int) -> bytes:
    packer, portion = zlib.compressobj(9), bytes(1 << 20)
    parts = [packer.compress(portion) for _ in range(n_bytes >> 20)]
    return b"".join([*parts, packer.compress(bytes(n_bytes % (1 << 20))), packer.flush()])


def tiff_of(
    width: int, height: int, bits: int, strip: bytes, *, compression: int = 1, samples: int = 1,
    sample_format: int = 1,
) -> bytes:  # fmt: skip
    """Little endian, one strip, one directory."""
    tags = {
        256: width, 257: height, 258: bits, 259: compression, 262: 2 if samples > 2 else 1,
        273: 8, 277: samples, 278: height, 279: len(strip), 339: sample_format,
    }  # fmt: skip
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    directory = struct.pack("<H", len(tags)) + entries + bytes(4)
    return b"II*\0" + (8 + len(strip)).to_bytes(4, "little") + strip + directory


def gif_of(screen: tuple[int, int], frame: tuple[int, int], n_frames: int = 1) -> bytes:
    head = b"GIF89a" + struct.pack("<HHBBB", *screen, 0x80, 0, 0) + bytes([0, 0, 0, 255, 255, 255])
    one = b"," + struct.pack("<HHHHB", 0, 0, *frame, 0) + b"\x02\x02\x44\x01\x00"
    return head + one * n_frames + b";"


def webp_of(width: int, height: int) -> bytes:
    """An extended file whose canvas is said to be that large."""
    canvas = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    small = io.BytesIO()
    Image.fromarray(picture()).convert("RGB").save(small, "WEBP", lossless=True)
    body = b"WEBPVP8X" + (10).to_bytes(4, "little") + bytes(4) + canvas + small.getvalue()[12:]
    return b"RIFF" + len(body).to_bytes(4, "little") + body


def jpeg_with_size(film: bytes, width: int, height: int) -> bytes:
    at = max(film.find(b"\xff\xc0"), film.find(b"\xff\xc2"))
    return film[: at + 5] + struct.pack(">HH", height, width) + film[at + 9 :]


def bombs() -> dict[str, bytes]:
    """Small files that claim, or inflate to, what would fill the memory."""
    films = whole_films()
    gray, deep = picture(), picture().astype(np.uint16)
    megabytes = zeros_deflated(300 << 20)
    text = chunk(b"zTXt", b"Comment\0\0" + megabytes)
    profile = chunk(b"iCCP", b"icc\0\0" + megabytes)
    small = zlib.compress(bytes(30 * 41))
    bmp = bytearray(films["gray.bmp"])
    bmp[18:26] = struct.pack("<ii", HUGE, HUGE)
    bombs = {
        "huge.png": png_of(HUGE, HUGE, 8, 0, small),
        "huge.bmp": bytes(bmp),
        "huge.gif": gif_of((HUGE, HUGE), (40, 30)),
        "huge-frame.gif": gif_of((40, 30), (HUGE, HUGE)),
        "many-frames.gif": gif_of((40, 30), (40, 30), n_frames=20_000),
        "huge.webp": webp_of(HUGE, HUGE),
        "huge.jpg": jpeg_with_size(films["gray.jpg"], HUGE, HUGE),
        "huge-progressive.jpg": jpeg_with_size(films["progressive.jpg"], HUGE, HUGE),
        "huge.tif": tiff_of(HUGE, HUGE, 8, bytes(1000)),
        "huge-deflated.tif": tiff_of(HUGE, HUGE, 8, small, compression=8),
        "long-directory.tif": films["gray.tif"][:4] + struct.pack("<IH", 8, 65_535) + bytes(9000),
        "circle.tif": circle_of_directories(films["gray.tif"]),
        "inflates.png": png_of(40, 30, 8, 0, megabytes),
        "inflates.tif": tiff_of(40, 30, 8, megabytes, compression=8),
        "text.png": png_of(40, 30, 8, 0, small, more=text),
        "profile.png": png_of(40, 30, 8, 0, small, more=profile),
        "thread.png": png_of(1, 100_000, 8, 0, zlib.compress(bytes(200_000))),
        "bar.png": png_of(100_000, 1, 8, 0, zlib.compress(bytes(100_001))),
        "dot.png": png_of(1, 1, 8, 0, zlib.compress(bytes(2))),
        "deep.dcm": dicom(deep, RequestAttributesSequence=nested(150)),
        "endless.dcm": endlessly_nested(dicom(deep), 200_000),
        "frames.dcm": dicom(deep, NumberOfFrames=2_000_000_000),
        "wide-bits.dcm": dicom(deep, BitsAllocated=64, BitsStored=64, HighBit=63),
        "no-bits.dcm": dicom(deep, BitsAllocated=0, BitsStored=0),
        "odd-bits.dcm": dicom(deep, BitsAllocated=7, BitsStored=13),
        "samples.dcm": dicom(deep, SamplesPerPixel=60_000),
        "window.dcm": dicom(deep, WindowCenter="1e300", WindowWidth="1e-300"),
        "slope.dcm": dicom(deep, RescaleSlope="1e308", RescaleIntercept="-1e308"),
        "header-only.dcm": dicom(np.zeros((1, 1), np.uint16), Rows=10_000, Columns=10_000),
    }  # fmt: skip
    for name in [name for name in films if name.endswith(".dcm")]:
        bombs[f"rows-{name}"] = with_rows(films[name], HUGE, HUGE)
        bombs[f"more-rows-{name}"] = with_rows(films[name], WITHIN_CAP, WITHIN_CAP)
    for syntax in LOSSLESS:  # what GDCM is told by the codestream, not by the header
        for side in (HUGE, WITHIN_CAP):
            bombs[f"stream-{side}-{syntax}.dcm"] = with_stream_size(films[f"{syntax}.dcm"], side)
    inner = jpeg_with_size(jpeg(gray), HUGE, HUGE)
    return bombs | {"stream-baseline.dcm": encapsulated(inner, JPEGBaseline8Bit, gray)}


def circle_of_directories(film: bytes) -> bytes:
    """The next directory is the first one again."""
    (at,) = struct.unpack("<I", film[4:8])
    (n,) = struct.unpack("<H", film[at : at + 2])
    end = at + 2 + 12 * n
    return film[:end] + struct.pack("<I", at) + film[end + 4 :]


def endlessly_nested(film: bytes, depth: int) -> bytes:
    """Sequences of undefined length that open and never close."""
    opened = b"\x40\0\x75\x02SQ\0\0\xff\xff\xff\xff" + b"\xfe\xff\0\xe0\xff\xff\xff\xff"
    at = film.index(b"\xe0\x7f\x10\x00")  # before the pixels
    return film[:at] + opened * depth + film[at:]


def with_rows(film: bytes, rows: int, columns: int) -> bytes:
    """Rows and Columns of an uncompressed header are others; of a deflated one nothing is."""
    for order in ("<", ">"):
        for tag, value in ((0x10, rows), (0x11, columns)):
            group = struct.pack(order + "HH", 0x28, tag)
            at = film.find(group)
            if at >= 0:
                film = film[: at + 8] + struct.pack(order + "H", value) + film[at + 10 :]
    return film


def with_stream_size(film: bytes, side: int) -> bytes:
    """The size within the JPEG, JPEG-LS or JPEG 2000 codestream is another."""
    for frame in (b"\xff\xc3", b"\xff\xf7"):  # SOF3, SOF55
        at = film.find(frame)
        if at >= 0:
            return film[: at + 5] + struct.pack(">HH", side, side) + film[at + 9 :]
    at = film.index(b"\xff\x51")  # SIZ
    return film[: at + 6] + struct.pack(">II", side, side) + film[at + 14 :]


def large_films() -> Iterator[tuple[str, bytes]]:
    """Files of some 100 kB that are whole, and as large as films may be, 119 million px; and some
    that only claim to be, whose decoders would take more memory than that."""
    n = WITHIN_CAP**2
    for name, depth, colour, n_bytes in (
        ("gray", 8, 0, 1), ("deep", 16, 0, 2), ("alpha", 8, 4, 2), ("colour", 8, 2, 3),
        ("see-through", 8, 6, 4), ("deep-colour", 16, 2, 6), ("deep-see-through", 16, 6, 8),
    ):  # fmt: skip
        rows = zeros_deflated(n * n_bytes + WITHIN_CAP)
        yield f"{name}.png", png_of(WITHIN_CAP, WITHIN_CAP, depth, colour, rows)
    for name, bits, samples, sample_format in (
        ("gray", 8, 1, 1), ("deep", 16, 1, 1), ("whole", 32, 1, 1), ("float", 32, 1, 3),
        ("colour", 8, 3, 1),
    ):  # fmt: skip
        strip = zeros_deflated(n * bits // 8 * samples)
        yield f"{name}.tif", tiff_of(
            WITHIN_CAP, WITHIN_CAP, bits, strip,
            compression=8, samples=samples, sample_format=sample_format,
        )  # fmt: skip
    progressive = saved(Image.fromarray(picture()).convert("RGB"), "JPEG", progressive=True)
    yield "colour-progressive.jpg", jpeg_with_size(progressive, WITHIN_CAP, WITHIN_CAP)
    yield "large.webp", webp_of(WITHIN_CAP, WITHIN_CAP)
    yield "stitched.dcm", by_gdcm(np.zeros((STITCHED, STITCHED), np.uint16), "JPEGLSLossless")

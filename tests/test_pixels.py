"""The one decoder, on files made here: every format, every oddity, every way to be cut."""

from __future__ import annotations

import io
import warnings
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFile, ImageOps

from osteon.errors import UnreadableFilm
from osteon.formats import TooLarge, damaged
from osteon.loading import load_pixels, load_square
from osteon.pixels import MAX_PIXELS, decode, upright, upright_box
from osteon.testing.films import jpeg, one_of_each, picture, saved, with_orientation
from osteon.types import Box, PixelRules

GRAY = picture()
IMAGE = Image.fromarray(GRAY)
FILMS = one_of_each()
LOSSLESS = ("gray.png", "gray.gif", "moving.gif", "gray.webp", "gray.bmp", "gray.tif", "packed.tif")


@pytest.mark.parametrize("name", LOSSLESS)
def test_lossless_formats_give_back_the_film(name: str) -> None:
    film = decode(FILMS[name])
    assert np.array_equal(film.gray, GRAY)
    assert (film.bit_depth, film.orientation) == (8, 1)


@pytest.mark.parametrize("name", FILMS)
def test_format_is_told_by_content(name: str, tmp_path: Path) -> None:
    wanted = {"jpg": "JPEG", "tif": "TIFF", "dcm": "DICOM"}
    suffix = name.rpartition(".")[2]
    path = tmp_path / "a.xyz"
    path.write_bytes(FILMS[name])
    assert decode(path).format == wanted.get(suffix, suffix.upper())


@pytest.mark.parametrize("name", ["gray.jpg", "progressive.jpg", "colour.jpg", "cmyk.jpg"])
def test_jpeg_agrees_with_pillow(name: str) -> None:
    pillow = np.asarray(Image.open(io.BytesIO(FILMS[name])).convert("RGB").convert("L"), np.int16)
    assert np.abs(decode(FILMS[name]).gray - pillow).max() <= 2  # roundings of luma


def test_jpeg_stored_as_rgb_becomes_luma() -> None:
    colours = np.stack([GRAY, GRAY // 2, 255 - GRAY], axis=-1)
    data = saved(Image.fromarray(colours), "JPEG", quality=100, subsampling=0, keep_rgb=True)
    luma = np.asarray(Image.fromarray(colours).convert("L"), np.int16)
    assert np.abs(decode(data).gray - luma).max() <= 4


@pytest.mark.parametrize(
    ("name", "depth", "channels", "frames"),
    [
        ("gray.jpg", 8, 1, 1), ("colour.jpg", 8, 3, 1), ("cmyk.jpg", 8, 4, 1),
        ("deep.png", 16, 1, 1), ("bits.png", 1, 1, 1), ("alpha.png", 8, 2, 1),
        ("moving.gif", 8, 3, 3), ("deep.tif", 16, 1, 1), ("film.dcm", 12, 1, 1),
        ("palette.png", 8, 3, 1),
    ],
)  # fmt: skip
def test_what_the_file_held(name: str, depth: int, channels: int, frames: int) -> None:
    film = decode(FILMS[name])
    assert (film.bit_depth, film.n_channels, film.n_frames) == (depth, channels, frames)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("JPEG", {"quality": 95}), ("PNG", {}), ("WEBP", {"lossless": True}),
        ("TIFF", {}), ("TIFF", {"compression": "tiff_lzw"}),
    ],
)  # fmt: skip
def test_every_orientation_is_turned_upright(
    orientation: int, name: str, options: dict[str, object]
) -> None:
    data = saved(IMAGE, name, exif=with_orientation(orientation), **options)
    plain = saved(IMAGE, name, **options)
    tagged = Image.fromarray(decode(plain).gray)
    tagged.getexif()[0x0112] = orientation
    wanted = np.asarray(ImageOps.exif_transpose(tagged))
    assert np.array_equal(decode(data).gray, wanted)


def test_orientation_out_of_range_or_unreadable_is_none() -> None:
    plain = decode(saved(IMAGE, "JPEG")).gray
    for tiff in (b"II*\0\x08\0\0\0", b"MM", b"XX*\0\x08\0\0\0", b"II*\0\xff\xff\0\0"):
        data = saved(IMAGE, "JPEG", exif=b"Exif\0\0" + tiff)
        assert np.array_equal(decode(data).gray, plain)
    assert decode(saved(IMAGE, "JPEG", exif=with_orientation(9))).orientation == 1


@given(
    st.integers(1, 8), st.integers(0, 19), st.integers(0, 29), st.integers(1, 10), st.integers(1, 9)
)
def test_boxes_turn_with_their_film(
    orientation: int, left: int, top: int, width: int, height: int
) -> None:
    stored = np.zeros((40, 30), np.uint8)
    stored[top : top + height, left : left + width] = 255
    box = Box(left_px=left, top_px=top, width_px=width, height_px=height)
    turned = upright_box(box, orientation, 30, 40)
    rows, columns = np.nonzero(upright(stored, orientation))
    assert (turned.left_px, turned.top_px) == (columns.min(), rows.min())
    assert turned.left_px + turned.width_px == columns.max() + 1
    assert turned.top_px + turned.height_px == rows.max() + 1


@pytest.mark.parametrize("mode", ["LA", "RGBA"])
def test_transparency_is_laid_on_black(mode: str) -> None:
    alpha = np.zeros_like(GRAY)
    alpha[:, 20:], alpha[10:, :20] = 255, 128
    image = IMAGE.convert(mode)
    image.putalpha(Image.fromarray(alpha))
    gray = decode(saved(image, "PNG")).gray
    assert not gray[:10, :20].any()
    assert np.array_equal(gray[:, 20:], GRAY[:, 20:])
    assert np.abs(gray[10:, :20] - GRAY[10:, :20] * (128 / 255)).max() <= 0.51


def test_transparent_palette_entry_is_black() -> None:
    indices = Image.fromarray((GRAY > 120).astype(np.uint8), "L").convert("P")
    indices.putpalette([255, 255, 255, 200, 200, 200])
    gray = decode(saved(indices, "PNG", transparency=0)).gray
    assert set(np.unique(gray[GRAY <= 120])) == {0}
    assert set(np.unique(gray[GRAY > 120])) == {200}


def test_16_bits_stay_16_bits() -> None:
    deep = (GRAY.astype(np.uint16) << 8) + 7
    for name in ("PNG", "TIFF"):
        film = decode(saved(Image.fromarray(deep), name))
        assert film.gray.dtype == np.uint16
        assert np.array_equal(film.gray, deep)


@pytest.mark.parametrize("bits", [10, 12, 14])
def test_fewer_bits_in_16_are_spread_to_full_scale(bits: int) -> None:
    deep = np.linspace(0, (1 << bits) - 1, 1200).astype(np.uint16).reshape(30, 40)
    film = decode(saved(Image.fromarray(deep), "PNG"))
    assert (film.gray.min(), film.gray.max()) == (0, 65_535)
    assert np.abs(film.gray / 65_535 - deep / ((1 << bits) - 1)).max() < 1e-4


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("channels", [3, 4])
def test_colour_of_16_bits_keeps_the_grays_of_the_detector(suffix: str, channels: int) -> None:
    film = np.linspace(0, 4095, 1200).astype(np.uint16).reshape(30, 40)
    colours = np.stack([film] * 3 + [np.full_like(film, 65_535)] * (channels - 3), axis=2)
    written, data = cv2.imencode(suffix, colours)
    assert written
    decoded = decode(data.tobytes())
    assert (decoded.bit_depth, decoded.n_channels) == (16, channels)
    assert np.abs(decoded.gray.astype(int) - film.astype(int) * 65_535 // 4095).max() <= 16


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_white_is_zero_tiff_is_inverted(dtype: type) -> None:
    full = np.iinfo(dtype).max
    pixels = GRAY.astype(dtype) * dtype(full // 255)
    data = saved(Image.fromarray(pixels), "TIFF")
    photometric = (262).to_bytes(2, "little") + b"\x03\0\x01\0\0\0"
    assert data.count(photometric + b"\x01") == 1
    inverted = data.replace(photometric + b"\x01", photometric + b"\x00")
    assert np.array_equal(decode(inverted).gray, full - decode(data).gray)


def test_float_and_32_bit_films() -> None:
    share = (GRAY / 255).astype(np.float32)
    film = decode(saved(Image.fromarray(share), "TIFF"))
    assert np.abs(film.gray / 65_535 - share).max() < 1e-4
    wide = GRAY.astype(np.float32) * 1000 - 5
    film = decode(saved(Image.fromarray(wide), "TIFF"))
    assert (film.gray.min(), film.gray.max()) == (0, 65_535)
    share[0, 0] = np.nan
    with pytest.raises(UnreadableFilm, match="not numbers"):
        decode(saved(Image.fromarray(share), "TIFF"))
    ints = GRAY.astype(np.int32) * 100_000
    assert decode(saved(Image.fromarray(ints), "TIFF")).gray.max() == 65_535


def test_pixels_decoded_are_writable_and_contiguous() -> None:
    for data in FILMS.values():
        assert decode(data).gray.flags.c_contiguous


# --- files that are not whole films ---------------------------------------------------------------


@pytest.mark.parametrize("name", FILMS)
def test_a_cut_file_is_refused_or_whole(name: str) -> None:
    """The law: no prefix of a file decodes to anything but the whole film."""
    data, whole = FILMS[name], decode(FILMS[name]).gray
    refused = 0
    lengths = sorted(
        {*range(0, len(data), max(1, len(data) // 150)), *range(len(data) - 9, len(data))}
    )
    for length in sorted(lengths):
        try:
            gray = decode(data[:length]).gray
        except UnreadableFilm:
            refused += 1
        else:
            assert np.array_equal(gray, whole), f"half-read at {length} of {len(data)} bytes"
    assert refused > 0.3 * len(lengths)


@pytest.mark.parametrize("name", [*FILMS])
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_damage_anywhere_is_an_unreadable_film_at_worst(name: str, data: st.DataObject) -> None:
    film = bytearray(FILMS[name])
    for _ in range(data.draw(st.integers(1, 4))):
        film[data.draw(st.integers(0, len(film) - 1))] = data.draw(st.integers(0, 255))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            gray = decode(bytes(film), max_pixels=1_000_000).gray
        except UnreadableFilm:
            return
        assert gray.ndim == 2


def test_truncated_says_after_how_many_bytes() -> None:
    data = FILMS["gray.jpg"]
    with pytest.raises(UnreadableFilm, match=r"truncated: the file ends after 400 bytes"):
        decode(data[:400])


def test_damaged_png_is_found_by_its_checksum() -> None:
    data = bytearray(saved(IMAGE, "PNG", compress_level=0))
    data[len(data) // 2] ^= 0x10
    with pytest.raises(UnreadableFilm, match="checksum of its IDAT"):
        decode(bytes(data))


def test_foreign_files_are_named(tmp_path: Path) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a.txt", "film")
    told = {
        packed.getvalue(): "a ZIP archive named .jpg",
        b"": "empty",
        b"%PDF-1.7 ...": "a PDF document",
        b"\n<!DOCTYPE html><p>404": "a web page",
        b"hello world": "a text file",
        bytes(50): "nothing but zero bytes",
        bytes(range(1, 250)) + bytes(9): "no known picture format",
        b"\0\0\0\x20ftypavif": "AVIF",
    }
    for data, what in told.items():
        path = tmp_path / "a.jpg"
        path.write_bytes(data)
        with pytest.raises(UnreadableFilm, match=what) as caught:
            decode(path)
        assert str(caught.value).startswith(f"{path} cannot be read: ")


def test_missing_file_and_folder(tmp_path: Path) -> None:
    for path in (tmp_path / "gone.jpg", tmp_path):
        with pytest.raises(UnreadableFilm, match="cannot be opened"):
            decode(path)


@pytest.mark.parametrize("name", FILMS)
def test_pixel_cap_is_checked(name: str) -> None:
    with pytest.raises(UnreadableFilm, match=r"too large: \d+ x \d+ px"):
        decode(FILMS[name], max_pixels=40 * 30 - 1)
    assert decode(FILMS[name], max_pixels=40 * 30).gray.size == 1200


@pytest.mark.parametrize("name", ["JPEG", "PNG", "BMP", "GIF"])
def test_pixel_cap_comes_before_decoding(name: str) -> None:
    """A header of 60,000 x 60,000 px over a few bytes is refused for its size, not for its end."""
    data = bytearray(saved(IMAGE, name))
    big = 60_000
    if name == "PNG":
        import zlib

        data[16:24] = big.to_bytes(4) * 2
        data[29:33] = zlib.crc32(data[12:29]).to_bytes(4)
    elif name == "BMP":
        data[18:26] = big.to_bytes(4, "little") * 2
    elif name == "GIF":
        data[6:10] = big.to_bytes(2, "little") * 2
    else:
        at = data.index(b"\xff\xc0")
        data[at + 5 : at + 9] = big.to_bytes(2) * 2
    assert big**2 > MAX_PIXELS
    with pytest.raises(UnreadableFilm, match="too large: 60000 x 60000 px"):
        decode(bytes(data))


def is_refused(data: bytes) -> bool:
    try:
        decode(data)
    except UnreadableFilm:
        return True
    return False


def test_pillow_s_switches_neither_matter_nor_change(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 700)  # warns above it, raises above 1,400
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    for name, data in FILMS.items():
        assert decode(data).gray.size == 1200
        assert is_refused(data[: len(data) // 4]), name
    assert Image.MAX_IMAGE_PIXELS == 700
    assert ImageFile.LOAD_TRUNCATED_IMAGES is True


def test_filters_of_warnings_are_as_before() -> None:
    before = list(warnings.filters)
    for data in FILMS.values():
        decode(data)
    assert warnings.filters == before


# --- what the networks see ------------------------------------------------------------------------


@pytest.mark.parametrize("name", FILMS)
@pytest.mark.parametrize("fit", ["letterbox", "centre_crop", "resize_crop"])
def test_load_pixels_is_the_square_in_unit_range(name: str, fit: str) -> None:
    rules = PixelRules(size_px=24, fit=fit, resize_px=28)  # type: ignore[arg-type]
    film = load_pixels(FILMS[name], rules)
    assert film.shape == (1, 24, 24)
    assert film.dtype == torch.float32
    assert torch.equal(film[0], torch.from_numpy(load_square(FILMS[name], rules)).float() / 255)
    assert 0.1 < float(film.max()) <= 1.0


def test_path_and_bytes_are_the_same(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(jpeg(GRAY))
    assert torch.equal(
        load_pixels(path, PixelRules()), load_pixels(path.read_bytes(), PixelRules())
    )


# --- large films ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [*FILMS, "whole.tif", "float.tif", "white-is-zero.tif"])
def test_in_bands_as_at_once(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    deep = GRAY.astype(np.int32) * 100_000
    files = FILMS | {
        "whole.tif": saved(Image.fromarray(deep), "TIFF"),
        "float.tif": saved(Image.fromarray(deep.astype(np.float32) - 7), "TIFF"),
        "white-is-zero.tif": saved(
            Image.fromarray(GRAY.astype(np.uint16)), "TIFF", tiffinfo={262: 0}
        ),
    }
    at_once = decode(files[name]).gray
    for stage in ("raster", "stored_values"):
        monkeypatch.setattr(f"osteon.{stage}._BAND_PX", 7 * GRAY.shape[1])
    assert np.array_equal(decode(files[name]).gray, at_once)


def test_what_takes_too_much_memory_is_refused_by_its_header(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("osteon.formats.ALWAYS_ALLOWED", 0)
    for name in ("gray.webp", "cmyk.jpg", "colour.jpg", "film.dcm"):
        with pytest.raises(TooLarge, match="decoding it takes"):
            decode(FILMS[name], max_pixels=1200)
        assert decode(FILMS[name], max_pixels=1200 * 3).gray.size == 1200
    assert decode(FILMS["gray.jpg"], max_pixels=1200).gray.size == 1200


@pytest.mark.parametrize("options", [{"lossless": True}, {"quality": 50}])
def test_a_webp_is_refused_before_room_is_made_for_it(
    options: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    def opened(*_: object) -> None:
        raise AssertionError("the file was opened")

    see_through = IMAGE.convert("RGBA")
    see_through.putalpha(100)
    plain = saved(IMAGE.convert("RGB"), "WEBP", **options)
    extended = saved(see_through, "WEBP", **options)
    monkeypatch.setattr("osteon.raster._opened", opened)
    for data in (plain, extended):
        with pytest.raises(TooLarge, match="40 x 30 px"):
            decode(data, max_pixels=1199)


def test_what_a_library_says_becomes_one_plain_sentence() -> None:
    said = str(damaged("bad chunk b'\x00\n\x07'. See the manual. " + "x" * 900))
    assert said == "damaged: bad chunk b' '"
    assert len(str(damaged("y" * 900))) < 200

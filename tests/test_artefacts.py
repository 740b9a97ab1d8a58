"""Detectors see what is drawn, and do not see it where it is not."""

from __future__ import annotations

import io
from collections.abc import Callable

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from osteon.artefacts import DETECTORS, detect
from osteon.artefacts.collage import panels
from osteon.artefacts.frame import frame_px
from osteon.pixels import decode_bytes
from osteon.testing.artefacts import check_detector
from osteon.types import Artefact

Film = NDArray[np.uint8]
DRAWN = {
    "arrow", "writing", "letter", "coloured_mark", "collage", "metal", "blank", "tint", "cast",
    "screenshot", "ct_or_mri",
}  # fmt: skip


def limb(seed: int = 0, height: int = 360, width: int = 280) -> Film:
    """A bone in flesh on air, with the noise and the softness of a film."""
    rng = np.random.default_rng(seed)
    across = np.abs(np.arange(width) - width * (0.45 + 0.1 * rng.random()))[None, :]
    bend = 6 * np.sin(np.arange(height) / 60 + seed)[:, None]
    flesh = 95 / (1 + np.exp((across + bend - width * 0.33) / 3))
    bone = 90 / (1 + np.exp((across + bend - width * 0.09) / 2))
    marrow = 35 / (1 + np.exp((across + bend - width * 0.05) / 2))
    muscle = cv2.GaussianBlur(rng.normal(0, 160, (height, width)), (0, 0), 7)
    film = 12 + (flesh + bone - marrow) * (1 + muscle / 60) + rng.normal(0, 3, (height, width))
    return np.asarray(cv2.GaussianBlur(film, (0, 0), 1.2).clip(0, 255), np.uint8)


def told(film: Film | Image.Image) -> set[str]:
    return {artefact.kind for artefact in found_on(film)}


def found_on(film: Film | Image.Image) -> tuple[Artefact, ...]:
    file = io.BytesIO()
    (film if isinstance(film, Image.Image) else Image.fromarray(film)).save(file, "PNG")
    return detect(file.getvalue(), decode_bytes(file.getvalue()))


@pytest.mark.parametrize("seed", range(6))
def test_nothing_drawn_nothing_seen(seed: int) -> None:
    assert not told(limb(seed)) & DRAWN


def with_arrow(film: Film) -> Film:
    cv2.arrowedLine(film, (230, 60), (190, 110), 255, 2, cv2.LINE_AA, tipLength=0.3)
    return film


def with_writing(film: Film) -> Film:
    cv2.putText(film, "SUPINE 4711", (10, 30), cv2.FONT_HERSHEY_SIMPLEX, 0.6, 250, 2, cv2.LINE_AA)
    return film


def with_letter(film: Film) -> Film:
    cv2.putText(film, "R", (235, 60), cv2.FONT_HERSHEY_SIMPLEX, 0.9, 255, 2, cv2.LINE_AA)
    return film


def beside_another(film: Film) -> Film:
    return np.hstack([film, np.full((len(film), 8), 255, np.uint8), limb(9)])


def inverted(film: Film) -> Film:
    return 255 - film


def framed(film: Film) -> Film:
    return np.asarray(cv2.copyMakeBorder(film, 12, 20, 0, 9, cv2.BORDER_CONSTANT, value=255))


def black(film: Film) -> Film:
    return np.asarray(film // 32, np.uint8)


def tiny(film: Film) -> Film:
    return np.asarray(cv2.resize(film, (70, 90), interpolation=cv2.INTER_AREA))


def on_a_slide(film: Film) -> Film:
    """A heading, the film, and lines of text beside it on a white sheet."""
    slide = np.full((480, 640), 255, np.uint8)
    small = cv2.resize(film, (220, 300), interpolation=cv2.INTER_AREA)
    slide[130:430, 400:620] = small
    font = cv2.FONT_HERSHEY_SIMPLEX
    cv2.putText(slide, "Greenstick fracture", (90, 70), font, 1.3, 0, 2, cv2.LINE_AA)
    for at, line in enumerate(
        ("An incomplete break", "of a bone in a child", "that bends and", "")
    ):
        cv2.putText(slide, line, (30, 180 + 50 * at), font, 0.8, 30, 2, cv2.LINE_AA)
    return slide


def spine_by_mri(film: Film) -> Film:
    """Vertebrae, discs and the cord in bright fat, cut sagittally."""
    rng = np.random.default_rng(int(film.sum()) % 1000)
    slice_ = np.full((420, 300), 8, np.float32)
    cv2.ellipse(slice_, (150, 210), (135, 260), 0, 0, 360, 55, -1)
    cv2.ellipse(slice_, (255, 210), (40, 250), 0, 0, 360, 190, -1)
    for level in range(8):
        y, x = 20 + 52 * level, int(140 + 14 * np.sin(level / 2))
        cv2.rectangle(slice_, (x - 30, y), (x + 30, y + 38), 105, -1)
        cv2.ellipse(slice_, (x, y + 45), (32, 5), 0, 0, 360, 30, -1)
        cv2.ellipse(slice_, (x + 70, y + 20), (16, 10), 30, 0, 360, 90, -1)
    cv2.line(slice_, (185, 0), (190, 420), 215, 9)
    cv2.line(slice_, (187, 0), (192, 420), 80, 4)
    grain = cv2.GaussianBlur(rng.normal(0, 22, slice_.shape), (0, 0), 0.9)
    soft = cv2.GaussianBlur(slice_, (0, 0), 0.8) + grain * (slice_ > 20)
    return np.asarray(soft.clip(0, 255), np.uint8)


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        (on_a_slide, "screenshot"),
        (spine_by_mri, "ct_or_mri"),
        (with_arrow, "arrow"),
        (with_writing, "writing"),
        (with_letter, "letter"),
        (beside_another, "collage"),
        (inverted, "inverted"),
        (framed, "frame"),
        (black, "blank"),
        (tiny, "thumbnail"),
    ],
)
@pytest.mark.parametrize("seed", [0, 4])
def test_what_is_there_is_seen(change: Callable[[Film], Film], kind: str, seed: int) -> None:
    assert kind in told(change(limb(seed)))
    assert kind not in told(limb(seed))


def test_colours() -> None:
    film = Image.fromarray(limb())
    print_of_it = Image.merge("RGB", [film.point(lambda v: v // 3), film, film])
    assert "tint" in told(print_of_it)
    assert "coloured_mark" not in told(print_of_it)
    marked = film.convert("RGB")
    marked.paste((220, 30, 30), (40, 80, 70, 95))
    seen = next(each for each in found_on(marked) if each.kind == "coloured_mark")
    (box,) = seen.boxes
    assert (box.left_px, box.top_px) == pytest.approx((40, 80), abs=2)
    assert (box.width_px, box.height_px) == pytest.approx((30, 15), abs=3)
    assert "tint" not in told(marked)


def test_drawings_and_photographs_are_no_radiographs() -> None:
    sheet = Image.new("RGB", (300, 260), (255, 255, 255))
    sheet.paste((230, 190, 150), (120, 40, 170, 220))
    assert "not_radiograph" in told(sheet)
    rng = np.random.default_rng(1)
    patches = rng.integers(0, 256, (6, 8, 3), dtype=np.uint8)
    photograph = Image.fromarray(patches).resize((320, 240), Image.Resampling.BILINEAR)
    assert "not_radiograph" in told(photograph)
    film = Image.fromarray(limb())
    print_of_it = Image.merge("RGB", [film.point(lambda v: v // 3), film, film])
    assert "not_radiograph" not in told(print_of_it)
    assert "not_radiograph" not in told(film)


@settings(deadline=None, max_examples=25)
@given(widths=st.tuples(*[st.sampled_from([0, 3, 9, 25])] * 4), level=st.sampled_from([0, 255]))
def test_a_frame_is_as_wide_as_it_was_drawn(widths: tuple[int, int, int, int], level: int) -> None:
    top, bottom, left, right = widths
    film = np.clip(limb(2)[40:-40, 60:-60], 40, 200)  # flesh from side to side
    framed = cv2.copyMakeBorder(film, top, bottom, left, right, cv2.BORDER_CONSTANT, value=level)
    assert frame_px(np.asarray(framed)) == widths


@settings(deadline=None, max_examples=20)
@given(
    rows=st.integers(1, 2),
    columns=st.integers(1, 3),
    gutter=st.sampled_from([3, 8, 16]),
    level=st.sampled_from([0, 255]),
)
def test_panels_are_where_they_were_put(rows: int, columns: int, gutter: int, level: int) -> None:
    height, width = 150, 130
    page = np.full(
        (rows * height + (rows - 1) * gutter, columns * width + (columns - 1) * gutter), level,
        np.uint8,
    )  # fmt: skip
    wanted = []
    for row in range(rows):
        for column in range(columns):
            top, left = row * (height + gutter), column * (width + gutter)
            film = limb(3 * row + column)[60 : 60 + height, 75 : 75 + width]
            page[top : top + height, left : left + width] = film.clip(45, 210)
            wanted.append((left, top, left + width, top + height))
    assert len(panels(page)) == len(wanted)
    for found, put in zip(panels(page), wanted, strict=True):
        assert found == pytest.approx(put, abs=2)


@pytest.mark.parametrize("name", list(DETECTORS))
@pytest.mark.parametrize(
    "film",
    [limb(), np.zeros((60, 60), np.uint8), np.full((31, 500), 255, np.uint8),
     np.random.default_rng(0).integers(0, 256, (64, 97), np.uint8),
     np.tile(np.arange(200, dtype=np.uint8), (50, 1)), with_writing(limb(3))],
    ids=["limb", "black", "white strip", "noise", "ramp", "writing"],
)  # fmt: skip
def test_contract(name: str, film: Film) -> None:
    check_detector(name, film)


@pytest.mark.parametrize("shape", [(1, 1), (1, 9000), (9000, 3), (23, 23)])
def test_films_that_are_hardly_there(shape: tuple[int, int]) -> None:
    assert told(np.full(shape, 90, np.uint8)) <= {"thumbnail"}

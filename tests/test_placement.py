"""The square that a film becomes, and where its boxes go: laws over films and boxes of any size."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from osteon.errors import UsageError
from osteon.placement import crop_loss, placed, placed_box, placement, share_cut
from osteon.testing.films import picture
from osteon.types import Box, FilmFacts, PixelRules, Radiograph

SIDES = st.integers(1, 300)
RULES = st.one_of(
    st.builds(PixelRules, size_px=st.integers(1, 200), fit=st.just("letterbox")),
    st.builds(PixelRules, size_px=st.integers(1, 200), fit=st.just("centre_crop")),
    st.builds(
        PixelRules, size_px=st.integers(1, 200), fit=st.just("resize_crop"),
        resize_px=st.integers(200, 260),
    ),
)  # fmt: skip


@given(SIDES, SIDES, RULES)
def test_a_placement_lies_within_film_and_square(
    width: int, height: int, rules: PixelRules
) -> None:
    where = placement(width, height, rules)
    assert 0 <= where.from_left <= where.from_left + where.from_width <= width
    assert 0 <= where.from_top <= where.from_top + where.from_height <= height
    assert 0 <= where.to_left <= where.to_left + where.to_width <= rules.size_px
    assert 0 <= where.to_top <= where.to_top + where.to_height <= rules.size_px
    assert min(where.from_width, where.from_height, where.to_width, where.to_height) >= 1


@given(SIDES, SIDES, st.integers(1, 200))
def test_letterbox_shows_the_whole_film(width: int, height: int, size: int) -> None:
    where = placement(width, height, PixelRules(size_px=size))
    assert (where.from_width, where.from_height) == (width, height)
    assert max(where.to_width, where.to_height) == size
    assert abs(2 * where.to_left + where.to_width - size) <= 1  # centred


@given(SIDES, SIDES, RULES, st.sampled_from([np.uint8, np.uint16]))
def test_a_constant_film_stays_constant(
    width: int, height: int, rules: PixelRules, dtype: type
) -> None:
    gray: NDArray[Any] = np.full((height, width), np.iinfo(dtype).max, dtype)
    square = placed(gray, rules)
    where = placement(width, height, rules)
    assert square.shape == (rules.size_px, rules.size_px)
    assert square.dtype == np.uint8
    assert (square == 255).sum() == where.to_width * where.to_height
    assert (square[where.to_top : where.to_top + where.to_height] == 255).any(axis=0).sum() == (
        where.to_width
    )


def test_downscaling_is_the_mean_of_the_area() -> None:
    gray = picture(64, 64)
    means = gray.reshape(16, 4, 16, 4).mean(axis=(1, 3))
    assert np.abs(placed(gray, PixelRules(size_px=16)) - means).max() <= 0.51


def test_same_size_is_the_same_film() -> None:
    gray = picture(48, 48)
    for fit in ("letterbox", "centre_crop"):
        assert np.array_equal(placed(gray, PixelRules(size_px=48, fit=fit)), gray)
    assert np.array_equal(placed(gray.astype(np.uint16) * 257, PixelRules(size_px=48)), gray)


def test_crops_by_hand() -> None:
    gray = picture(80, 40)
    assert np.array_equal(placed(gray, PixelRules(size_px=40, fit="centre_crop")), gray[:, 20:60])
    inner = placed(gray, PixelRules(size_px=30, fit="resize_crop", resize_px=40))
    assert np.array_equal(inner, gray[5:35, 25:55])


def test_a_very_long_film() -> None:
    for shape in ((1, 70_000), (70_000, 1)):
        for fit in ("letterbox", "centre_crop", "resize_crop"):
            rules = PixelRules(size_px=224, fit=fit)
            assert placed(np.full(shape, 255, np.uint8), rules).max() == 255


@pytest.mark.parametrize(
    "rules",
    [
        PixelRules(size_px=0), PixelRules(size_px=224, fit="resize_crop", resize_px=200),
        PixelRules(size_px=-3, fit="centre_crop"),
    ],
)  # fmt: skip
def test_rules_that_cannot_be(rules: PixelRules) -> None:
    with pytest.raises(UsageError, match="px"):
        placement(10, 10, rules)


@given(st.integers(20, 200), st.integers(20, 200), RULES, st.data())
def test_boxes_follow_their_pixels(
    width: int, height: int, rules: PixelRules, data: st.DataObject
) -> None:
    left, top = data.draw(st.integers(0, width - 1)), data.draw(st.integers(0, height - 1))
    box_width = data.draw(st.integers(1, width - left))
    box_height = data.draw(st.integers(1, height - top))
    gray = np.zeros((height, width), np.uint8)
    gray[top : top + box_height, left : left + box_width] = 255
    box = Box(left_px=left, top_px=top, width_px=box_width, height_px=box_height, label="a")
    moved = placed_box(box, width, height, rules)
    where = placement(width, height, rules)
    rows, columns = np.nonzero(placed(gray, rules))
    slack = 1.0 + max(where.to_width / where.from_width, where.to_height / where.from_height)
    if rows.size:
        assert abs(columns.min() - moved.left_px) <= slack
        assert abs(columns.max() + 1 - moved.left_px - moved.width_px) <= slack
        assert abs(rows.min() - moved.top_px) <= slack
        assert abs(rows.max() + 1 - moved.top_px - moved.height_px) <= slack
    kept = moved.width_px * moved.height_px
    scale = where.to_width * where.to_height / (where.from_width * where.from_height)
    wanted = 1.0 - kept / (box_width * box_height * scale)
    assert share_cut(box, width, height, rules) == pytest.approx(wanted, abs=1e-9)
    assert moved.label == "a"


@given(st.integers(1, 200), st.integers(1, 200), st.integers(1, 99))
def test_letterbox_cuts_nothing(width: int, height: int, size: int) -> None:
    box = Box(left_px=0, top_px=0, width_px=width, height_px=height)
    assert share_cut(box, width, height, PixelRules(size_px=size)) == 0.0


def film_of(id_: str, *boxes: Box) -> Radiograph:
    return Radiograph(id=id_, path=Path(id_), boxes=boxes)


def facts_of(id_: str, width: int, height: int, fault: str | None = None) -> FilmFacts:
    return FilmFacts(id=id_, n_bytes=1, sha256=id_, fault=fault, width_px=width, height_px=height)


def box_at(left: float, width: float) -> Box:
    return Box(left_px=left, top_px=10, width_px=width, height_px=20)


def test_crop_loss_counts_boxes() -> None:
    films = [
        film_of("kept", box_at(60, 10)),
        film_of("half", box_at(45, 10), box_at(70, 10)),
        film_of("gone", box_at(0, 20)),
        film_of("beside", box_at(900, 20)),
        film_of("unreadable", box_at(0, 20)),
        film_of("plain"),
    ]
    facts = {film.id: facts_of(film.id, 200, 100) for film in films}
    facts["unreadable"] = facts_of("unreadable", 200, 100, fault="empty")
    loss = crop_loss(films, facts, PixelRules(size_px=50, fit="centre_crop"))
    assert (loss.n_boxes, loss.n_cut, loss.n_lost) == (5, 2, 1)
    assert loss.share_cut == pytest.approx(2 / 5)
    assert loss.mean_area_cut == pytest.approx((0 + 0.5 + 0 + 1 + 0) / 5)
    assert loss.ids == ("half", "gone")


def test_crop_loss_without_boxes_is_unknown() -> None:
    loss = crop_loss([film_of("a")], {"a": facts_of("a", 9, 9)}, PixelRules())
    assert (loss.n_boxes, loss.share_cut, loss.mean_area_cut) == (0, None, None)

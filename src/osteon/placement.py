"""How a film of any size becomes a square of S px, and where its boxes go.

A placement is a window of the film (all of it, or its centre) and the part of the square that the
window fills; what is left of the square is black.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from osteon.errors import UsageError
from osteon.types import Box, FilmFacts, PixelRules, Radiograph

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from osteon.formats import Gray

CUT = 0.01  # a box counts as cut when more than this share of its area is: rounding is less


@dataclass(frozen=True, kw_only=True, slots=True)
class Placement:
    """Window of the film in px of the film; where it goes in px of the square."""

    from_left: int
    from_top: int
    from_width: int
    from_height: int
    to_left: int
    to_top: int
    to_width: int
    to_height: int


@dataclass(frozen=True, kw_only=True, slots=True)
class CropLoss:
    """What the pixel rules cut off annotated boxes. ``share_cut`` is None without any box."""

    n_boxes: int
    n_cut: int  # boxes that lose more than 1 % of their area
    n_lost: int  # boxes of which nothing is left
    share_cut: float | None  # n_cut / n_boxes
    mean_area_cut: float | None  # over all boxes, the share of a box's area that is cut
    ids: tuple[str, ...]  # films with a cut box


def placement(width_px: int, height_px: int, rules: PixelRules) -> Placement:
    """Where a film of this size goes. Raises UsageError for rules that cannot be."""
    check_rules(rules)
    if rules.fit == "letterbox":
        return _letterbox(width_px, height_px, rules.size_px)
    short = min(width_px, height_px)
    # Cropped before it is scaled: a strip of 1 x 10,000 px would else become a giant.
    kept = 1.0 if rules.fit == "centre_crop" else rules.size_px / rules.resize_px
    side = max(1, round(short * kept))
    return Placement(
        from_left=(width_px - side) // 2,
        from_top=(height_px - side) // 2,
        from_width=side,
        from_height=side,
        to_left=0,
        to_top=0,
        to_width=rules.size_px,
        to_height=rules.size_px,
    )


def check_rules(rules: PixelRules) -> None:
    """Raise UsageError for a size below 1 px, or a crop that is larger than what it is cut from."""
    if rules.size_px < 1:
        raise UsageError(f"pixels.size_px is {rules.size_px}; it must be at least 1.")
    if rules.fit == "resize_crop" and rules.resize_px < rules.size_px:
        raise UsageError(
            f"pixels.resize_px is {rules.resize_px}, less than pixels.size_px {rules.size_px}: "
            "a square cannot be cut from a smaller film. Raise resize_px, or use fit=letterbox."
        )


def _letterbox(width_px: int, height_px: int, size_px: int) -> Placement:
    scale = size_px / max(width_px, height_px)
    to_width, to_height = (max(1, round(side * scale)) for side in (width_px, height_px))
    return Placement(
        from_left=0,
        from_top=0,
        from_width=width_px,
        from_height=height_px,
        to_left=(size_px - to_width) // 2,
        to_top=(size_px - to_height) // 2,
        to_width=to_width,
        to_height=to_height,
    )


def placed(gray: Gray, rules: PixelRules) -> NDArray[np.uint8]:
    """A decoded film (H, W) as the square (S, S): area mean down, bilinear up, then 8 bits."""
    import cv2
    import numpy as np

    where = placement(gray.shape[1], gray.shape[0], rules)
    window = gray[
        where.from_top : where.from_top + where.from_height,
        where.from_left : where.from_left + where.from_width,
    ]
    larger = where.to_width > where.from_width or where.to_height > where.from_height
    way = cv2.INTER_LINEAR if larger else cv2.INTER_AREA
    scaled = cv2.resize(
        np.ascontiguousarray(window), (where.to_width, where.to_height), interpolation=way
    )
    if scaled.dtype == np.uint16:
        scaled = ((scaled.astype(np.uint32) + 128) // 257).astype(np.uint8)
    square = np.zeros((rules.size_px, rules.size_px), np.uint8)
    square[
        where.to_top : where.to_top + where.to_height,
        where.to_left : where.to_left + where.to_width,
    ] = scaled
    return square


def placed_box(box: Box, width_px: int, height_px: int, rules: PixelRules) -> Box:
    """A box of the upright film in px of the square, clipped to what the square shows of the film.

    A box that is wholly cut off has no width or no height left.
    """
    where = placement(width_px, height_px, rules)
    left, right = _moved(
        box.left_px, box.width_px, where.from_left, where.from_width, where.to_left, where.to_width
    )
    top, bottom = _moved(
        box.top_px, box.height_px, where.from_top, where.from_height, where.to_top, where.to_height
    )
    return replace(box, left_px=left, top_px=top, width_px=right - left, height_px=bottom - top)


def _moved(
    start: float, length: float, from_start: int, from_length: int, to_start: int, to_length: int
) -> tuple[float, float]:
    """One side of a box through the placement: its two ends, within the window's image."""
    scale = to_length / from_length
    ends = (
        to_start + (min(max(end - from_start, 0.0), from_length)) * scale
        for end in (start, start + length)
    )
    first, second = ends
    return first, second


def share_cut(box: Box, width_px: int, height_px: int, rules: PixelRules) -> float:
    """The share of a box's area, as far as it lies on the film, that the rules cut off: 0 to 1."""
    where = placement(width_px, height_px, rules)
    across = _overlap(box.left_px, box.width_px, 0, width_px)
    down = _overlap(box.top_px, box.height_px, 0, height_px)
    if across * down == 0.0:
        return 0.0  # beside the film, or without area: there is nothing to cut
    kept = _overlap(box.left_px, box.width_px, where.from_left, where.from_width) * _overlap(
        box.top_px, box.height_px, where.from_top, where.from_height
    )
    return 1.0 - kept / (across * down)


def _overlap(start: float, length: float, other_start: float, other_length: float) -> float:
    return max(0.0, min(start + length, other_start + other_length) - max(start, other_start))


def crop_loss(
    films: Iterable[Radiograph], facts: Mapping[str, FilmFacts], rules: PixelRules
) -> CropLoss:
    """What the rules cut off the annotated boxes of all readable films."""
    shares: list[float] = []
    ids: list[str] = []
    for film in films:
        seen = facts.get(film.id)
        if seen is None or seen.fault or seen.width_px is None or seen.height_px is None:
            continue
        of_film = [share_cut(box, seen.width_px, seen.height_px, rules) for box in film.boxes]
        shares += of_film
        if any(share > CUT for share in of_film):
            ids.append(film.id)
    n_cut = sum(share > CUT for share in shares)
    return CropLoss(
        n_boxes=len(shares),
        n_cut=n_cut,
        n_lost=sum(share >= 1.0 for share in shares),
        share_cut=n_cut / len(shares) if shares else None,
        mean_area_cut=sum(shares) / len(shares) if shares else None,
        ids=tuple(ids),
    )

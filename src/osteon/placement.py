"""How a film of any size becomes a square of S px, and where its boxes go.

A placement is a window of the film (all of it, or its centre) and the part of the square that the
window fills; what is left of the square is black.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
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
class Trace:
    """What mending did to a film: step -> the window that it left, in px of the decoded film, and
    step -> the boxes in which it painted."""

    windows: Mapping[str, Box] = field(default_factory=dict)
    painted: Mapping[str, tuple[Box, ...]] = field(default_factory=dict)
    inverted: bool = False

    @property
    def steps(self) -> tuple[str, ...]:
        """Those that changed the film."""
        return (*self.windows, *self.painted, *(["invert"] if self.inverted else []))

    @property
    def window(self) -> Box | None:
        """What is left at last; None where nothing was cut."""
        return next(reversed(list(self.windows.values())), None)


@dataclass(frozen=True, kw_only=True, slots=True)
class StepLoss:
    """Annotated boxes of which one step of mending cut or painted over more than 1 %."""

    step: str
    n_films: int  # that the step changed
    n_cut: int
    ids: tuple[str, ...]  # films with such a box


@dataclass(frozen=True, kw_only=True, slots=True)
class CropLoss:
    """What the pixel rules cut off annotated boxes. ``share_cut`` is None without any box."""

    n_boxes: int
    n_cut: int  # boxes that lose more than 1 % of their area
    n_lost: int  # boxes of which nothing is left
    share_cut: float | None  # n_cut / n_boxes
    mean_area_cut: float | None  # over all boxes, the share of a box's area that is cut
    ids: tuple[str, ...]  # films with a cut box
    steps: tuple[StepLoss, ...] = ()  # of mending


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


def boxes_in_square(
    film: Radiograph, seen: FilmFacts, rules: PixelRules, trace: Trace | None = None
) -> tuple[Box, ...]:
    """A film's boxes in px of its prepared square, after mending, of which ``trace`` tells; one
    that is wholly cut off has no width or no height left. None for a film of unknown size."""
    if seen.width_px is None or seen.height_px is None:
        return ()
    left = _of_film(trace or Trace(), film.window).window
    if left is None:
        left = Box(left_px=0, top_px=0, width_px=seen.width_px, height_px=seen.height_px)
    size = int(left.width_px), int(left.height_px)
    moved = (
        replace(box, left_px=box.left_px - left.left_px, top_px=box.top_px - left.top_px)
        for box in film.boxes
    )
    return tuple(placed_box(box, *size, rules) for box in moved)


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


def share_cut(
    box: Box, width_px: int, height_px: int, rules: PixelRules, window: Box | None = None
) -> float:
    """The share of a box's area, as far as it lies on the film, that is cut off: 0 to 1; by the
    rules alone, or by mending, which left ``window`` of the film, and then by the rules."""
    left = window or Box(left_px=0, top_px=0, width_px=width_px, height_px=height_px)
    where = placement(int(left.width_px), int(left.height_px), rules)
    kept = Box(
        left_px=left.left_px + where.from_left,
        top_px=left.top_px + where.from_top,
        width_px=where.from_width,
        height_px=where.from_height,
    )
    return share_outside(box, width_px, height_px, kept)


def share_outside(box: Box, width_px: int, height_px: int, window: Box) -> float:
    """The share of a box's area, as far as it lies on the film, that a window leaves out."""
    across = _overlap(box.left_px, box.width_px, 0, width_px)
    down = _overlap(box.top_px, box.height_px, 0, height_px)
    if across * down == 0.0:
        return 0.0  # beside the film, or without area: there is nothing to cut
    kept = _overlap(box.left_px, box.width_px, window.left_px, window.width_px) * _overlap(
        box.top_px, box.height_px, window.top_px, window.height_px
    )
    return 1.0 - kept / (across * down)


def _overlap(start: float, length: float, other_start: float, other_length: float) -> float:
    return max(0.0, min(start + length, other_start + other_length) - max(start, other_start))


def crop_loss(
    films: Iterable[Radiograph],
    facts: Mapping[str, FilmFacts],
    rules: PixelRules,
    traces: Mapping[str, Trace] | None = None,
) -> CropLoss:
    """What is cut off the annotated boxes of all readable films: by mending, of which ``traces``
    tells film by film, and by the rules."""
    shares: list[float] = []
    ids: list[str] = []
    changed: Counter[str] = Counter()
    by_step: dict[str, list[str]] = {}  # a film stands once for each box
    for film in films:
        seen = facts.get(film.id)
        if seen is None or seen.fault or seen.width_px is None or seen.height_px is None:
            continue
        trace = _of_film((traces or {}).get(film.id, Trace()), film.window)
        size = seen.width_px, seen.height_px
        of_film = [share_cut(box, *size, rules, trace.window) for box in film.boxes]
        shares += of_film
        if any(share > CUT for share in of_film):
            ids.append(film.id)
        changed.update(set(trace.steps))
        for step, share in _lost_by_step(film.boxes, size, trace):
            if share > CUT:
                by_step.setdefault(step, []).append(film.id)
    n_cut = sum(share > CUT for share in shares)
    return CropLoss(
        n_boxes=len(shares),
        n_cut=n_cut,
        n_lost=sum(share >= 1.0 for share in shares),
        share_cut=n_cut / len(shares) if shares else None,
        mean_area_cut=sum(shares) / len(shares) if shares else None,
        ids=tuple(ids),
        steps=tuple(
            StepLoss(
                step=step,
                n_films=n,
                n_cut=len(by_step.get(step, ())),
                ids=tuple(dict.fromkeys(by_step.get(step, ()))),
            )
            for step, n in changed.items()
        ),
    )


def _of_film(trace: Trace, panel: Box | None) -> Trace:
    """The trace in px of the film, where that is a panel of its file."""
    if panel is None:
        return trace

    def moved(box: Box) -> Box:
        left, top = box.left_px - panel.left_px, box.top_px - panel.top_px
        return replace(box, left_px=left, top_px=top)

    return Trace(
        windows={step: moved(box) for step, box in trace.windows.items()},
        painted={step: tuple(map(moved, boxes)) for step, boxes in trace.painted.items()},
        inverted=trace.inverted,
    )


def _lost_by_step(
    boxes: Iterable[Box], size: tuple[int, int], trace: Trace
) -> Iterator[tuple[str, float]]:
    """For each box and step: the share of the box that this step cut or painted over."""
    for box in boxes:
        before = 0.0
        for step, window in trace.windows.items():
            after = share_outside(box, *size, window)
            yield step, after - before
            before = after
        for step, painted in trace.painted.items():
            yield step, max(1.0 - share_outside(box, *size, each) for each in painted)

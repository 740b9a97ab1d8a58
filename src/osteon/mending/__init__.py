"""Steps that mend a film before it is placed: one a file, each optional, told and reversible.

The file is never changed. A step gives new pixels and says what it did: the window that it left of
the decoded film, and the boxes that it painted over. ``pixels.mend`` of a recipe names the steps;
``panels`` is one more, which makes several films of one file (``osteon.panels``).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, get_args

from osteon.artefacts import LEAST_PX
from osteon.artefacts.picture import Picture, colours_of, picture_of
from osteon.formats import Decoded
from osteon.placement import Trace
from osteon.registry import Registry
from osteon.types import Box, MendStep

if TYPE_CHECKING:
    from osteon.formats import Gray

VERSION = 1  # to be raised whenever a step would make other pixels: caches are keyed by it


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Mended:
    """A film after some steps."""

    gray: Gray
    window: Box  # of the decoded film, what ``gray`` shows
    trace: Trace


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Change:
    """What one step made of a film: pixels, and what is left or painted of it, in its px."""

    gray: Gray
    window: Box | None = None
    painted: tuple[Box, ...] = ()


Step = Callable[["Gray", Picture], Change | None]  # None: nothing to mend
STEPS: Registry[Step] = Registry("mending step", package="osteon.mending")
ORDER: tuple[MendStep, ...] = tuple(step for step in get_args(MendStep) if step != "panels")


def mend(data: bytes, film: Decoded, steps: tuple[MendStep, ...], window: Box | None) -> Mended:
    """The film of a file, or its part ``window`` (a panel), after the steps, in their own order."""
    height, width = film.gray.shape
    inside = window or Box(left_px=0, top_px=0, width_px=width, height_px=height)
    made = Mended(gray=cropped(film.gray, inside), window=inside, trace=Trace())
    colours = colours_of(data, film) if "marks" in steps else None
    for step in ORDER:
        if step in steps and min(made.gray.shape) >= LEAST_PX:
            picture = picture_of(made.gray, colours, made.window.scaled(1 / width, 1 / height))
            change = STEPS[step](made.gray, picture)
            made = _after(made, step, change) if change else made
    return made


def _after(made: Mended, step: str, change: Change) -> Mended:
    window, windows, painted = made.window, dict(made.trace.windows), dict(made.trace.painted)
    if change.window:
        window = windows[step] = _moved(change.window, made.window)
    if change.painted:
        painted[step] = tuple(_moved(box, made.window) for box in change.painted)
    inverted = made.trace.inverted or not (change.window or change.painted)
    trace = Trace(windows=windows, painted=painted, inverted=inverted)
    return Mended(gray=change.gray, window=window, trace=trace)


def _moved(box: Box, window: Box) -> Box:
    return Box(
        left_px=box.left_px + window.left_px,
        top_px=box.top_px + window.top_px,
        width_px=box.width_px,
        height_px=box.height_px,
    )


def cropped(gray: Gray, window: Box) -> Gray:
    """The part of a film that lies in a window of whole px."""
    left, top = int(window.left_px), int(window.top_px)
    return gray[top : top + int(window.height_px), left : left + int(window.width_px)]

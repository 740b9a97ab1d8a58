"""Several films in one file: the boxes are its panels.

A file is cut where an even gutter, or an edge of one px, runs through it from side to side; each
part is looked at again.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from osteon.artefacts import DETECTORS
from osteon.artefacts.frame import frame_px
from osteon.artefacts.picture import Picture
from osteon.types import Artefact

LEAST_SIDE = 0.12  # of the film's own side
LEAST_PX = 28
EVEN = 14  # gray levels along a gutter
WIDEST_GUTTER = 0.25  # of the part's side
JUMP = 14  # gray levels
FURTHER_PX = 8
SHARP_GUTTER = 0.5  # of the step within 8 px, within two
JUMPING = 0.4  # share of a gutter's length, on one of its sides
TOUCHING = 0.85  # share of an edge between panels that touch: a film cut by mistake is worse
SHARP = 0.75  # of the step within six px, within two
BLANK = 9.0  # standard deviation of what is no panel but a margin
DEEPEST = 4

Part = tuple[int, int, int, int]  # left, top, right, bottom


@DETECTORS.register("collage")
def collage(picture: Picture) -> Iterator[Artefact]:
    found = panels(picture.gray)
    if len(found) > 1:
        yield Artefact(kind="collage", boxes=tuple(picture.box(*part) for part in found))


def panels(gray: NDArray[np.uint8]) -> list[Part]:
    """The panels in reading order; a single film is one panel."""
    height, width = gray.shape
    parts = list(_parts(gray, (0, 0, width, height), DEEPEST))
    return sorted(parts, key=lambda part: (part[1], part[0]))


def _parts(gray: NDArray[np.uint8], part: Part, depth: int) -> Iterator[Part]:
    part = _without_frame(gray, part)
    left, top, right, bottom = part
    inner = gray[top:bottom, left:right]
    if inner.size == 0 or inner.std() < BLANK:
        return
    height, width = gray.shape
    cuts = [
        (across, *found)
        for across in (True, False)
        if depth
        and (
            found := _cut(
                inner.T if across else inner,
                max(LEAST_PX, round(LEAST_SIDE * (width if across else height))),
            )
        )
    ]
    if not cuts:
        yield part
        return
    across, start, end, _ = max(cuts, key=lambda cut: cut[3])
    first = (left, top, left + start, bottom) if across else (left, top, right, top + start)
    second = (left + end, top, right, bottom) if across else (left, top + end, right, bottom)
    both = [list(_parts(gray, each, depth - 1)) for each in (first, second)]
    if all(both):
        yield from both[0]
        yield from both[1]
    else:
        yield from both[0] or both[1]


def _without_frame(gray: NDArray[np.uint8], part: Part) -> Part:
    left, top, right, bottom = part
    off_top, off_bottom, off_left, off_right = frame_px(gray[top:bottom, left:right])
    return left + off_left, top + off_top, right - off_right, bottom - off_bottom


def _cut(lines: NDArray[np.uint8], least: int) -> tuple[int, int, float] | None:
    """The best place to cut between lines: first and last line of the gutter, and how sure."""
    n = len(lines)
    if n < 2 * least or lines.shape[1] < LEAST_PX:
        return None
    low, high = np.percentile(lines[:, ::2], (2, 98), axis=1)
    even = high - low <= EVEN
    values = lines.astype(np.int16)
    best: tuple[int, int, float] | None = None
    for start, end in _runs(even):
        if start < least or n - end < least or end - start > WIDEST_GUTTER * n:
            continue
        level = np.median(values[start:end])
        sides = [
            _jumps(values, level, start - 2, start - FURTHER_PX),
            _jumps(values, level, end + 1, end - 1 + FURTHER_PX),
        ]
        jumping = max(float(side.mean()) for side in sides)
        if jumping >= JUMPING and (best is None or jumping > best[2]):
            best = start, end, jumping
    return best or _edge(values, least)


def _jumps(
    lines: NDArray[np.int16], level: np.floating[Any], near: int, far: int
) -> NDArray[np.bool_]:
    """Where along a gutter the film begins at once: flesh that ends at a bone is softer."""
    last = len(lines) - 1
    step, later = (np.abs(lines[min(max(at, 0), last)] - level) for at in (near, far))
    jumps: NDArray[np.bool_] = (step > JUMP) & (step >= SHARP_GUTTER * later)
    return jumps


def _edge(lines: NDArray[np.int16], least: int) -> tuple[int, int, float] | None:
    """Two panels that touch: along most of the line, all of the step falls within two px."""
    n = len(lines)
    if n < 2 * least:
        return None
    near = lines[4:-2] - lines[2:-4]  # from one px before to one after lines 3 to n - 4
    far = lines[6:] - lines[:-6]
    sharp = (np.abs(near) > JUMP) & (np.abs(near) >= SHARP * np.abs(far))
    share = np.maximum((sharp & (near > 0)).mean(axis=1), (sharp & (near < 0)).mean(axis=1))
    share[: least - 3] = share[n - 3 - least :] = 0
    at = int(share.argmax())
    return (at + 3, at + 4, float(share[at])) if share[at] >= TOUCHING else None


def _runs(even: NDArray[np.bool_]) -> Iterator[tuple[int, int]]:
    change = np.flatnonzero(np.diff(np.concatenate([[False], even, [False]]).astype(np.int8)))
    yield from zip(change[::2].tolist(), change[1::2].tolist(), strict=True)

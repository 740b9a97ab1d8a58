"""Writing: three letters or more in a row. Letters: lone ones of a side marker's size."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from osteon.artefacts import DETECTORS
from osteon.artefacts.picture import Picture, picture_of
from osteon.artefacts.strokes import Stroke
from osteon.clusters import connected
from osteon.types import Artefact, Box

if TYPE_CHECKING:
    from numpy.typing import NDArray

LETTERS = 3  # that make writing
TALLEST = 0.09  # of the side, of a letter in a row
WIDEST = 0.15  # of the side: letters that touch
LIKE = 1.8  # times as high, at most, as its neighbour
NEAR = 1.6  # heights between neighbours
LEVEL = 0.4  # heights off the line
MARKER = (0.018, 0.12)  # height of a lone letter, share of the side
MARKER_ASPECT = (0.25, 1.8)
WORD = 1.8  # times as long as high: letters that touch
OFF_THE_LINE = 3.0  # heights of writing within which a stroke belongs to it


@DETECTORS.register("writing")
def writing(picture: Picture) -> Iterator[Artefact]:
    rows, _ = rows_of_letters(picture)
    if rows:
        yield Artefact(kind="writing", boxes=tuple(_around(row, picture) for row in rows))


def looks_written(gray: NDArray[Any]) -> bool:
    """Whether writing is seen on a decoded film (H, W); half of it is missed (docs/audit.md)."""
    return bool(rows_of_letters(picture_of(gray, None))[0])


@DETECTORS.register("letter")
def letter(picture: Picture) -> Iterator[Artefact]:
    if found := letters(picture):
        yield Artefact(kind="letter", boxes=tuple(one.box(picture.gray) for one in found))


def letters(picture: Picture) -> list[Stroke]:
    """Lone strokes of the size of a side marker."""
    from osteon.artefacts.arrow import is_arrow

    rows, rest = rows_of_letters(picture)
    side = max(picture.gray.shape)
    return [
        one
        for one in rest
        if MARKER[0] * side <= one.height <= MARKER[1] * side
        and MARKER_ASPECT[0] <= one.width / one.height <= MARKER_ASPECT[1]
        and not any(_belongs(one, row) for row in rows)
        and not is_arrow(one, 0)
    ]


def rows_of_letters(picture: Picture) -> tuple[list[list[Stroke]], list[Stroke]]:
    """Strokes that stand in a row as letters do, and all other strokes."""
    side = max(picture.gray.shape)
    small = [
        s
        for s in picture.strokes
        if min(s.height, s.width) <= TALLEST * side and max(s.width, s.height) <= WIDEST * side
    ]
    names = {f"{at:06d}": stroke for at, stroke in enumerate(small)}
    order = list(names)
    links = [
        [a, b]
        for at, a in enumerate(order)
        for b in order[at + 1 :]
        if _neighbours(names[a], names[b])
    ]
    rows: dict[str, list[Stroke]] = {}
    for name, row in connected(order, links).items():
        rows.setdefault(row, []).append(names[name])
    written = [row for row in rows.values() if len(row) >= LETTERS or any(map(_is_word, row))]
    in_rows = {id(stroke) for row in written for stroke in row}
    return written, [stroke for stroke in picture.strokes if id(stroke) not in in_rows]


def _is_word(stroke: Stroke) -> bool:
    """Letters that touch: much longer than high, and on every level many strokes up and down."""
    mask = stroke.mask if stroke.width > stroke.height else stroke.mask.T
    height, width = mask.shape
    if width < WORD * height or height < 5:
        return False
    begins = np.diff(mask.astype(np.int8), axis=1, prepend=0) == 1
    return bool(np.percentile(begins.sum(axis=1), 30) >= LETTERS + 1)


def _neighbours(one: Stroke, other: Stroke) -> bool:
    """Along a line of writing, or down one that is turned by a right angle."""
    if one.bright != other.bright or abs(one.level - other.level) > 60:
        return False
    return _in_line(
        (one.left, one.width, one.top, one.height),
        (other.left, other.width, other.top, other.height),
    ) or _in_line(
        (one.top, one.height, one.left, one.width),
        (other.top, other.height, other.left, other.width),
    )


def _in_line(a: tuple[int, int, int, int], b: tuple[int, int, int, int]) -> bool:
    """Each is start, length along the line, top, height across it."""
    tall, short = max(a[3], b[3]), min(a[3], b[3])
    gap = max(a[0], b[0]) - min(a[0] + a[1], b[0] + b[1])
    off = abs((a[2] + a[3] / 2) - (b[2] + b[3] / 2))
    return tall <= LIKE * short and gap <= NEAR * tall and off <= LEVEL * tall


def _belongs(one: Stroke, row: list[Stroke]) -> bool:
    height = float(np.median([stroke.height for stroke in row]))
    if one.height > LIKE * height:
        return False
    left, right = min(s.left for s in row), max(s.left + s.width for s in row)
    top, bottom = min(s.top for s in row), max(s.top + s.height for s in row)
    reach = OFF_THE_LINE * height
    x, y = one.middle
    return left - reach <= x <= right + reach and top - reach <= y <= bottom + reach


def _around(strokes: list[Stroke], picture: Picture) -> Box:
    return picture.box(
        min(s.left for s in strokes),
        min(s.top for s in strokes),
        max(s.left + s.width for s in strokes),
        max(s.top + s.height for s in strokes),
    )

"""A file to the squares that the networks see: decoded, mended, placed; in training and serving.

Legend of shapes: P panels of a file, S the side of a prepared film.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from osteon.errors import UnreadableFilm
from osteon.mending import mend
from osteon.pixels import decode_bytes, fault_of, read_film
from osteon.placement import Trace, placed
from osteon.types import Box, PixelRules

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Square:
    """A film as it is fed, and what was done to it."""

    pixels: NDArray[np.uint8]  # (S, S)
    trace: Trace


def square_of(data: bytes, rules: PixelRules, window: Box | None = None) -> Square:
    """The film in the bytes of a file, or its part ``window``. Raises UnreadableFilm."""
    made = mend(data, decode_bytes(data), rules.mend, window)
    return Square(pixels=placed(made.gray, rules), trace=made.trace)


def load_square(source: Path | bytes, rules: PixelRules) -> NDArray[np.uint8]:
    """A film decoded, mended and placed: (S, S) uint8, the row that ``prepare`` caches."""
    if isinstance(source, bytes):
        return square_of(source, rules).pixels
    try:
        return square_of(read_film(source), rules).pixels
    except UnreadableFilm as error:
        raise _named(error, source) from None


def load_pixels(source: Path | bytes, rules: PixelRules) -> Tensor:
    """A film as the networks see it: (1, S, S) float32 in [0, 1].

    Exactly a row of the prepared array / 255. Raises UnreadableFilm like ``decode``.
    """
    import torch

    square = torch.from_numpy(np.ascontiguousarray(load_square(source, rules)))
    return square.to(torch.float32).div(255.0).unsqueeze(0)


def load_panels(path: Path, rules: PixelRules) -> Tensor:
    """A file as the networks see it: (P, 1, S, S) float32 in [0, 1]. Raises UnreadableFilm."""
    import torch

    return torch.from_numpy(load_squares(path, rules)).to(torch.float32).div(255.0).unsqueeze(1)


def load_squares(path: Path, rules: PixelRules) -> NDArray[np.uint8]:
    """A file's panels, each a prepared film: (P, S, S); a file with one film, or without the step
    ``panels``, is one panel. Raises UnreadableFilm, naming the file."""
    from osteon.artefacts import detect
    from osteon.panels import panel_windows

    try:
        data = read_film(path)
        windows: tuple[Box | None, ...] = ()
        if "panels" in rules.mend:
            windows = panel_windows(detect(data, decode_bytes(data), only=["collage"]))
        squares = [square_of(data, rules, window).pixels for window in windows or (None,)]
    except UnreadableFilm as error:
        raise _named(error, path) from None
    return np.stack(squares)


def _named(error: UnreadableFilm, path: Path) -> UnreadableFilm:
    return UnreadableFilm(f"{path} cannot be read: {fault_of(error, path)}.")

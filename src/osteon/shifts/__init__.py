"""What may happen to a film between one hospital and the next, each in five strengths.

A shift is defined in physical terms and works on a prepared film. Two conventions stand for what a
picture does not tell: its longer side is a 300 mm cassette, and its gray is linear in the logarithm
of the detector's signal, white to black over ``SPAN`` nepers (see ``osteon.shifts.beam``).

Five strengths of each follow Hendrycks and Dietterich, ICLR 2019 (ImageNet-C). They are steps of a
figure with a unit and not tuned to any classifier.

Legend of shapes: H, W of the film itself; S the side of a prepared film.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from osteon.registry import Registry

Film = NDArray[np.float32]  # (H, W) in [0, 1], bone white
Apply = Callable[[Film, float, np.random.Generator], Film]
VERSION = 1  # of the shifts together: scores of another version are made anew


@dataclass(frozen=True, kw_only=True, slots=True)
class Shift:
    """``strengths`` grow in harm and are in ``unit``; a single one where there is only yes or no.

    ``apply`` takes a film (H, W) in [0, 1], a strength and a generator for what chance decides (a
    direction, a place, the quanta), and gives a film of the same frame.
    """

    name: str
    title: str
    quantity: str  # what a strength measures
    unit: str
    strengths: tuple[float, ...]
    source: str
    apply: Apply
    may_hide: bool = False  # the fracture itself may be gone, and no reader could see it
    spoken: str = ""  # a strength in a sentence, such as "at {0:g} of the dose"

    def told(self, strength: float) -> str:
        if self.spoken:
            return self.spoken.format(strength)
        return f"at {strength:g} {self.unit}".strip() if len(self.strengths) > 1 else ""


SHIFTS: Registry[Shift] = Registry("shift", package="osteon.shifts")


def shift(
    name: str,
    *,
    title: str,
    quantity: str,
    unit: str,
    strengths: tuple[float, ...],
    source: str,
    may_hide: bool = False,
    spoken: str = "",
) -> Callable[[Apply], Apply]:
    """Register the decorated function as the shift ``name``."""

    def keep(apply: Apply) -> Apply:
        made = Shift(
            name=name,
            title=title,
            quantity=quantity,
            unit=unit,
            strengths=strengths,
            source=source,
            apply=apply,
            may_hide=may_hide,
            spoken=spoken,
        )
        SHIFTS.register(name)(made)
        return apply

    return keep


def chance(seed: int, film_id: str, name: str) -> np.random.Generator:
    """What chance decides for one film under one shift, the same at every strength: so that a
    curve over the strengths shows the strength and not another throw of the dice."""
    said = hashlib.sha256(f"{seed}\0{film_id}\0{name}".encode()).digest()
    return np.random.default_rng(int.from_bytes(said[:16], "little"))


def shifted(
    pixels: NDArray[np.uint8], how: Shift, strength: float, rng: np.random.Generator
) -> NDArray[np.uint8]:
    """A prepared film (S, S) shifted: within the film's own frame, the letterbox's bars stay black.

    The result is rounded to whole grays, as every prepared film is.
    """
    inside = frame_of(pixels)
    film = np.ascontiguousarray(pixels[inside]).astype(np.float32) / np.float32(255)
    changed = how.apply(film, strength, rng)
    result = np.zeros_like(pixels)
    result[inside] = np.rint(np.clip(changed, 0, 1) * 255).astype(np.uint8)
    return result


def frame_of(pixels: NDArray[np.uint8]) -> tuple[slice, slice]:
    """Rows and columns of a prepared film without the black bars about it; of a black film all."""
    rows, columns = np.flatnonzero(pixels.any(1)), np.flatnonzero(pixels.any(0))
    if not len(rows):
        return slice(None), slice(None)
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)

"""The edge of the beam, and what comes in beside it."""

from __future__ import annotations

import numpy as np

from osteon.shifts import Film, shift
from osteon.shifts.beam import blurred, from_signal, patient, px_per_mm, transmitted

PENUMBRA_MM = 1.0


@shift(
    "collimation",
    title="Collimation",
    quantity="share of the film's area that the shutters blacken, unevenly from the four sides",
    unit="of the area",
    strengths=(0.1, 0.2, 0.3, 0.4, 0.5),
    spoken="at {0:.0%} of the area",
    may_hide=True,
    source="display shutter: DICOM PS3.3 C.7.6.11; beam limitation: IEC 60601-2-54",
)
def collimation(film: Film, share: float, rng: np.random.Generator) -> Film:
    height, width = film.shape
    left, top, right, bottom = opening(share, rng)
    inside = np.zeros_like(film)
    inside[
        round(top * height) : round(bottom * height), round(left * width) : round(right * width)
    ] = 1
    if share > 0:
        inside = blurred(inside, PENUMBRA_MM / 2 * px_per_mm(film))
    return film * inside


def opening(share: float, rng: np.random.Generator) -> tuple[float, float, float, float]:
    """Left, top, right, bottom of what stays open, as shares of the sides: 1 - share in area."""
    tilt, across, down = rng.uniform(0.3, 0.7, 3)
    width, height = (1 - share) ** tilt, (1 - share) ** (1 - tilt)
    left, top = across * (1 - width), down * (1 - height)
    return left, top, left + width, top + height


@shift(
    "scatter",
    title="Scatter",
    quantity="scattered over primary signal in the limb: no grid, a thick limb, veiling glare; "
    "the dose is lowered until the limb is as bright as before",
    unit="scatter/primary",
    strengths=(0.25, 0.5, 1.0, 2.0, 4.0),
    spoken="at {0:g} times as much scatter as primary",
    source="Boone and Seibert, Med Phys 15:713 (1988), a broad point spread; contrast falls as "
    "1/(1 + S/P): Bushberg et al., 3rd ed. (2012), ch. 7",
)
def scatter(film: Film, ratio: float, _: np.random.Generator) -> Film:
    """Scatter is made where quanta are taken from the beam and leave the limb again, and spreads
    over 30 mm; ``ratio`` is its share of the limb's median primary signal."""
    primary = transmitted(film)
    limb = patient(film) > 0
    if not limb.any():
        return film
    spread = blurred((1 - primary) * np.sqrt(primary), 30 * px_per_mm(film))
    usual = float(np.median(primary[limb])) / max(float(np.median(spread[limb])), 1e-6)
    total = primary + np.float32(ratio * usual) * spread
    return from_signal(np.asarray(total / np.float32(1 + ratio), np.float32))

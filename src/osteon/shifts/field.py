"""The edge of the beam, and what comes in beside it."""

from __future__ import annotations

import numpy as np

from osteon.shifts import Film, shift
from osteon.shifts.beam import blurred, from_signal, px_per_mm, transmitted

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
    quantity="scattered over primary signal behind the thickest part: no grid, a thick limb, glare",
    unit="scatter/primary",
    strengths=(0.25, 0.5, 1.0, 2.0, 4.0),
    spoken="at {0:g} times as much scatter as primary",
    source="Boone and Seibert, Med Phys 15:713 (1988), a broad point spread; contrast falls as "
    "1/(1 + S/P): Bushberg et al., 3rd ed. (2012), ch. 7",
)
def scatter(film: Film, ratio: float, rng: np.random.Generator) -> Film:
    """Where the most is attenuated scatter is so many times the primary; it is spread over 30 mm
    and comes of the limb itself, and the white end of the gray curve is put back."""
    primary = transmitted(film)
    darkest = float(np.quantile(primary, 0.02))
    made_in = 1 - primary  # quanta that were taken out of the beam
    spread = blurred(made_in * np.sqrt(primary), 30 * px_per_mm(film))
    peak = float(spread.max())
    hazy = primary + np.float32(ratio * darkest / peak if peak > 1e-6 else 0) * spread
    gray = from_signal(hazy)
    white, now = float(np.quantile(film, 0.98)), float(np.quantile(gray, 0.98))
    return np.clip(gray * np.float32(white / max(now, 1e-3)), 0, 1).astype(np.float32)

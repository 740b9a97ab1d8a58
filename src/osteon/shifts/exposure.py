"""Fewer quanta: the film is as bright as before, and grainier."""

from __future__ import annotations

import numpy as np

from osteon.shifts import Film, shift
from osteon.shifts.beam import QUANTA_PER_MM2, SPAN, blurred, px_per_mm, transmitted

MOTTLE_MM = 0.7  # of a thick phosphor screen or plate


@shift(
    "exposure",
    title="Under-exposure",
    quantity="dose at the detector; brightness is kept, as digital systems do",
    unit="of the usual dose",
    strengths=(1 / 4, 1 / 10, 1 / 25, 1 / 60, 1 / 150),
    spoken="at {0:.1%} of the usual dose",
    source="Poisson statistics, noise as 1/sqrt(dose): Bushberg et al., Essential Physics of "
    "Medical Imaging, 3rd ed. (2012), ch. 4; exposure index: IEC 62494-1:2008; Huda and Abrahams, "
    "AJR 204:W126 (2015)",
)
def exposure(film: Film, dose: float, rng: np.random.Generator) -> Film:
    """The noise that is there already is of the usual dose: what 1/dose adds to it is added."""
    if dose >= 1:
        return film
    a_pixel = QUANTA_PER_MM2 / px_per_mm(film) ** 2
    return grainy(film, a_pixel * dose / (1 - dose), rng)


@shift(
    "mottle",
    title="Quantum mottle",
    quantity="quanta detected in the open beam, blurred by the screen (coarse grain)",
    unit="quanta/mm²",
    strengths=(5_000, 2_000, 800, 300, 100),
    spoken="at {0:,.0f} quanta/mm²",
    source="Barnes, RadioGraphics 2:309 (1982), radiographic mottle; Poisson and screen blur: "
    "Bushberg et al., 3rd ed. (2012), ch. 4 and 7",
)
def mottle(film: Film, quanta: float, rng: np.random.Generator) -> Film:
    scale = px_per_mm(film)
    noise = grainy(film, quanta / scale**2, rng, whole=True) - film
    return np.asarray(np.clip(film + blurred(noise, MOTTLE_MM * scale), 0, 1), np.float32)


def grainy(film: Film, quanta: float, rng: np.random.Generator, *, whole: bool = False) -> Film:
    """The film counted by ``quanta`` a pixel of the open beam; ``whole``: not clipped yet."""
    expected = np.float32(quanta) * transmitted(film)
    counted = np.maximum(rng.poisson(expected), 0.5).astype(np.float32)
    noisy = film - np.log(counted / expected) / np.float32(SPAN)
    return np.asarray(noisy if whole else np.clip(noisy, 0, 1), np.float32)

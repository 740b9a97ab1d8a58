"""Another gray curve: kilovolts, processing, the window, the depth."""

from __future__ import annotations

import math

import numpy as np

from osteon.phantom.materials import ATTENUATION_PER_MM, spectrum
from osteon.shifts import Film, shift
from osteon.shifts.beam import USUAL_KVP, patient


@shift(
    "gamma",
    title="Gray curve",
    quantity="exponent of the gray curve, or its reciprocal (brighter) for half of the films",
    unit="gamma",
    strengths=(1.2, 1.5, 1.8, 2.2, 3.0),
    spoken="at a gamma of {0:g} or 1/{0:g}",
    source="gradation processing: AAPM report 93 (2006), ch. 4; display function: DICOM PS3.14",
)
def gamma(film: Film, exponent: float, rng: np.random.Generator) -> Film:
    power = exponent if rng.random() < 0.5 else 1 / exponent
    changed: Film = np.power(film, np.float32(power))
    return changed


@shift(
    "kilovolts",
    title="Harder beam",
    quantity="tube voltage (usual: 55 kVp); bone loses contrast, the mean gray is kept",
    unit="kVp",
    strengths=(60, 66, 73, 81, 90),
    source="attenuation of cortical bone less that of muscle: Hubbell and Seltzer, NISTIR 5632",
)
def kilovolts(film: Film, kvp: float, rng: np.random.Generator) -> Film:
    inside = patient(film) > 0
    middle = np.float32(film[inside].mean() if inside.any() else film.mean())
    share = np.float32(bone_contrast(kvp) / bone_contrast(USUAL_KVP))
    return np.clip(middle + share * (film - middle), 0, 1).astype(np.float32)


def bone_contrast(kvp: float) -> float:
    """Attenuation of bone less that of muscle, per mm."""
    parts = zip(
        spectrum(kvp), ATTENUATION_PER_MM["bone"], ATTENUATION_PER_MM["muscle"], strict=True
    )
    return sum(share * (bone - muscle) for share, bone, muscle in parts)


@shift(
    "window",
    title="Narrow window",
    quantity="width of the gray window that is shown; its centre is off by up to a fifth of what "
    "is cut away",
    unit="of the gray range",
    strengths=(0.9, 0.8, 0.7, 0.6, 0.5),
    spoken="at {0:.0%} of the gray range",
    source="VOI LUT, window centre and width: DICOM PS3.3 C.11.2",
)
def window(film: Film, width: float, rng: np.random.Generator) -> Film:
    low, high = float(film.min()), float(film.max())
    centre = (low + high) / 2 + rng.uniform(-0.2, 0.2) * (1 - width) * (high - low)
    shown = (film - np.float32(centre)) / np.float32(max(width * (high - low), 1e-3))
    return np.clip(shown * (high - low) + (low + high) / 2, 0, 1).astype(np.float32)


@shift(
    "bits",
    title="Few grays",
    quantity="grays that are left",
    unit="grays",
    strengths=(64, 32, 16, 8, 4),
    source="bits stored: DICOM PS3.3 C.7.6.3; quantisation noise of a step over sqrt(12): Bennett, "
    "Bell Syst Tech J 27:446 (1948)",
)
def bits(film: Film, grays: float, rng: np.random.Generator) -> Film:
    steps = np.float32(max(math.floor(grays), 2) - 1)
    return np.rint(film * steps) / steps


@shift(
    "inversion",
    title="Inverted",
    quantity="bone black instead of white",
    unit="",
    strengths=(1,),
    source="MONOCHROME1 shown as MONOCHROME2: DICOM PS3.3 C.7.6.3.1.2",
)
def inversion(film: Film, strength: float, rng: np.random.Generator) -> Film:
    return 1 - film if strength else film

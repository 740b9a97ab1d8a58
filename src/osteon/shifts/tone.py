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
    quantity="tube voltage (usual: 55 kVp): bone loses more of its gray than flesh, and the limb's "
    "median gray is put back",
    unit="kVp",
    strengths=(60, 66, 73, 81, 90),
    source="attenuation of cortical bone and muscle: Hubbell and Seltzer, NISTIR 5632",
)
def kilovolts(film: Film, kvp: float, _: np.random.Generator) -> Film:
    """What is brighter than the limb's flesh (its 30 % quantile) counts as bone over flesh."""
    limb = film[patient(film) > 0]
    if not len(limb):
        return film
    flesh = np.float32(np.quantile(limb, 0.3))

    def harder(gray: Film) -> Film:
        of_flesh = np.float32(share_left("muscle", kvp)) * np.minimum(gray, flesh)
        changed: Film = of_flesh + np.float32(share_left("bone", kvp)) * np.maximum(gray - flesh, 0)
        return changed

    before, after = (float(np.median(grays)) for grays in (limb, harder(limb)))
    again = np.float32(before / max(after, 1e-3))
    return np.asarray(np.clip(harder(film) * again, 0, 1), np.float32)


def share_left(material: str, kvp: float) -> float:
    """Of the attenuation that the material has at the usual voltage."""
    usual, now = (
        sum(
            share * value
            for share, value in zip(spectrum(at), ATTENUATION_PER_MM[material], strict=True)
        )
        for at in (USUAL_KVP, kvp)
    )
    return now / usual


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
    return np.asarray(np.clip(shown * (high - low) + (low + high) / 2, 0, 1), np.float32)


@shift(
    "bits",
    title="Few grays",
    quantity="grays that are left",
    unit="grays",
    strengths=(64, 32, 16, 8, 4),
    source="bits stored: DICOM PS3.3 C.7.6.3; quantisation noise of a step over sqrt(12): Bennett, "
    "Bell Syst Tech J 27:446 (1948)",
)
def bits(film: Film, grays: float, _: np.random.Generator) -> Film:
    steps = np.float32(max(math.floor(grays), 2) - 1)
    fewer: Film = np.rint(film * steps) / steps
    return fewer


@shift(
    "inversion",
    title="Inverted",
    quantity="bone black instead of white",
    unit="",
    strengths=(1,),
    source="MONOCHROME1 shown as MONOCHROME2: DICOM PS3.3 C.7.6.3.1.2",
)
def inversion(film: Film, strength: float, _: np.random.Generator) -> Film:
    return 1 - film if strength else film

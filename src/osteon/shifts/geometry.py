"""Another position on the cassette: the frame stays, what comes in from outside is black."""

from __future__ import annotations

import math

import cv2
import numpy as np

from osteon.shifts import Film, shift

POSITIONING = "positioning errors: Whitley et al., Clark's Positioning in Radiography, 13th ed."


@shift(
    "rotation",
    title="Rotation",
    quantity="angle about the middle of the film, to either side",
    unit="degrees",
    strengths=(5, 10, 20, 30, 45),
    source=POSITIONING,
)
def rotation(film: Film, degrees: float, rng: np.random.Generator) -> Film:
    side = 1 if rng.random() < 0.5 else -1
    return moved(film, degrees=side * degrees)


@shift(
    "enlarged",
    title="Zoom in",
    quantity="magnification about the middle; the rim is lost",
    unit="times",
    strengths=(1.1, 1.2, 1.35, 1.5, 1.75),
    may_hide=True,
    source="magnification SID/SOD: Bushberg et al., 3rd ed. (2012), ch. 7; tighter cropping",
)
def enlarged(film: Film, times: float, _: np.random.Generator) -> Film:
    return moved(film, scale=times)


@shift(
    "reduced",
    title="Zoom out",
    quantity="size of the limb on a larger cassette",
    unit="times",
    strengths=(0.9, 0.8, 0.7, 0.6, 0.5),
    source="cassette sizes: ISO 4090:2001",
)
def reduced(film: Film, times: float, _: np.random.Generator) -> Film:
    return moved(film, scale=times)


@shift(
    "off_centre",
    title="Off centre",
    quantity="way of the limb on the film, in any direction",
    unit="of the side",
    strengths=(0.05, 0.1, 0.15, 0.2, 0.3),
    spoken="by {0:.0%} of the side",
    may_hide=True,
    source=POSITIONING,
)
def off_centre(film: Film, share: float, rng: np.random.Generator) -> Film:
    angle = rng.uniform(0, 2 * math.pi)
    return moved(
        film,
        across=share * film.shape[1] * math.cos(angle),
        down=share * film.shape[0] * math.sin(angle),
    )


@shift(
    "mirror",
    title="Mirrored",
    quantity="left and right exchanged: the other side's limb, or a film laid upside down",
    unit="",
    strengths=(1,),
    source="patient orientation: DICOM PS3.3 C.7.6.1.1.1",
)
def mirror(film: Film, strength: float, _: np.random.Generator) -> Film:
    return np.ascontiguousarray(film[:, ::-1]) if strength else film


def moved(
    film: Film, *, degrees: float = 0.0, scale: float = 1.0, across: float = 0.0, down: float = 0.0
) -> Film:
    """Turned counter-clockwise and scaled about the middle, then moved by so many px; linear."""
    height, width = film.shape
    matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), degrees, scale)
    matrix[:, 2] += (across, down)
    smooth = film
    if scale < 1:  # what is made smaller is averaged first, or fine structures would flicker
        smooth = cv2.GaussianBlur(film, (0, 0), 0.5 * math.sqrt(1 / scale**2 - 1) + 1e-3)
    done = cv2.warpAffine(smooth, matrix, (width, height), flags=cv2.INTER_LINEAR)
    return np.asarray(done, np.float32)

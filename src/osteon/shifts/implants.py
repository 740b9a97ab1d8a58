"""What lies on or in the limb and is no bone: a plate with screws, a cast."""

from __future__ import annotations

import math

import cv2
import numpy as np

from osteon.phantom.materials import ATTENUATION_PER_MM, spectrum
from osteon.shifts import Film, shift
from osteon.shifts.beam import SPAN, USUAL_KVP, attenuated, blurred, cloud, patient, px_per_mm

PLATE_MM = (4.0, 12.0)  # seen from its side: width across the beam, way along it
SCREW_MM = (4.0, 22.0)  # diameter and length
NIST = "attenuation: Hubbell and Seltzer, NISTIR 5632"


def per_mm(material: str) -> float:
    """Nepers per mm at the usual voltage."""
    return sum(
        share * value
        for share, value in zip(spectrum(USUAL_KVP), ATTENUATION_PER_MM[material], strict=True)
    )


@shift(
    "metal",
    title="Metal",
    quantity="length of a titanium plate of 12 x 4 mm seen from its side, with screws, on the limb",
    unit="mm",
    strengths=(20, 40, 70, 110, 160),
    may_hide=True,
    source=f"plates and screws: ISO 5835, ISO 5836; {NIST}",
)
def metal(film: Film, length_mm: float, rng: np.random.Generator) -> Film:
    place = rng.uniform(0.3, 0.7, 2)
    lean = rng.normal(0, 0.25)
    mm = px_per_mm(film)
    centre, along = limb_axis(film, place, lean)
    across = np.array([-along[1], along[0]])
    depth = np.zeros_like(film)
    half = along * length_mm * mm / 2
    plate = _bar(film, centre - half, centre + half, PLATE_MM[0] * mm)
    depth += plate * np.float32(PLATE_MM[1])
    count = max(1, round(length_mm / 18))
    for at in (np.arange(count) + 0.5) / count - 0.5:
        head = centre + along * at * length_mm * mm
        tip = head + across * SCREW_MM[1] * mm
        depth += _bar(film, head, tip, SCREW_MM[0] * mm) * np.float32(SCREW_MM[0] * math.pi / 4)
    return attenuated(film, blurred(depth, 0.3 * mm) * np.float32(per_mm("metal")))


def limb_axis(
    film: Film, place: np.ndarray[tuple[int], np.dtype[np.float64]], lean: float
) -> tuple[np.ndarray[tuple[int], np.dtype[np.float64]], ...]:
    """A point (x, y) in the limb, and the limb's direction there about, leaning by so much."""
    rows, columns = np.nonzero(patient(film))
    if len(rows) < 10:
        height, width = film.shape
        return place * [width, height], np.array([0.0, 1.0])
    points = np.stack([columns, rows], axis=1).astype(np.float64)
    middle = points.mean(0)
    _, directions = np.linalg.eigh(np.cov((points - middle).T))
    angle = math.atan2(directions[1, 1], directions[0, 1]) + lean
    along = np.array([math.cos(angle), math.sin(angle)])
    reach = np.sqrt(np.var((points - middle) @ directions[:, 1]))
    return middle + directions[:, 1] * reach * (place[0] - 0.5) * 2.5, along


def _bar(
    film: Film,
    start: np.ndarray[tuple[int], np.dtype[np.float64]],
    end: np.ndarray[tuple[int], np.dtype[np.float64]],
    wide_px: float,
) -> Film:
    """A bar with round ends, 1 on 0, smooth at the edge."""
    fine = 8  # OpenCV takes fractions of a px as whole numbers
    drawn = np.zeros(film.shape, np.uint8)
    points = np.rint(np.stack([start, end]) * 2**fine).astype(np.int64)
    cv2.line(
        drawn,
        (int(points[0, 0]), int(points[0, 1])),
        (int(points[1, 0]), int(points[1, 1])),
        255,
        max(1, round(wide_px)),
        cv2.LINE_AA,
        fine,
    )
    return drawn.astype(np.float32) / np.float32(255)


@shift(
    "cast",
    title="Plaster cast",
    quantity="thickness of a circular plaster about the limb, with the weave of its bandage; the "
    "gray curve is put back to its white end",
    unit="mm",
    strengths=(2, 4, 6, 9, 12),
    source=f"apparent density of a plaster cast 0.55 g/cm3, as bone mineral; {NIST}",
)
def cast(film: Film, thick_mm: float, rng: np.random.Generator) -> Film:
    mm = px_per_mm(film)
    texture = weave(film.shape, mm, rng)
    path_mm = shell(patient(film), thick_mm * mm) / np.float32(mm) * texture
    gray = film + path_mm * np.float32(per_mm("plaster") / SPAN)
    white, now = float(np.quantile(film, 0.99)), float(np.quantile(gray, 0.99))
    return np.clip(gray * np.float32(white / max(now, white, 1e-3)), 0, 1).astype(np.float32)


def shell(limb: Film, thick_px: float) -> Film:
    """Way of the rays, px, through a hollow cylinder of that wall about the limb.

    At the depth d below the outline of a cylinder of radius R a ray passes 2 sqrt(2 R d - d^2).
    """
    if thick_px <= 0 or not limb.any():
        return np.zeros_like(limb)
    outside = cv2.distanceTransform((limb == 0).astype(np.uint8), cv2.DIST_L2, 5)
    wrapped = np.pad((outside <= thick_px).astype(np.uint8), 1, mode="edge")
    depth = cv2.distanceTransform(wrapped, cv2.DIST_L2, 5)[1:-1, 1:-1]
    depth = np.minimum(depth, np.float32(max(limb.shape)))  # no outline on the film: infinite
    radius = np.float32(max(float(depth.max()), thick_px))
    depth = np.minimum(depth, radius)
    outer = np.sqrt(np.maximum(2 * radius * depth - depth**2, 0))
    bore = radius - np.float32(thick_px)
    inner = np.sqrt(np.maximum(bore**2 - (radius - depth) ** 2, 0))
    way: Film = 2 * (outer - inner)
    return way


def weave(shape: tuple[int, ...], mm: float, rng: np.random.Generator) -> Film:
    """Of mean about 1: the layers of a bandage wound at a slant, and the lumps of plaster."""
    angle = rng.uniform(0.2, 0.6) * (1 if rng.random() < 0.5 else -1)
    phase = rng.uniform(0, 2 * math.pi)
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    turn = (y * math.cos(angle) + x * math.sin(angle)) / np.float32(25 * mm)
    layers = np.float32(0.07) * np.sin(2 * math.pi * turn + phase, dtype=np.float32)
    lumps = np.float32(0.06) * cloud(rng, (shape[0], shape[1]), 2.5 * mm)
    return np.asarray(np.maximum(1 + layers + lumps, 0), np.float32)

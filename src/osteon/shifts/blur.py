"""Unsharpness: of focal spot and detector, and of a patient who moves."""

from __future__ import annotations

import math

import cv2
import numpy as np

from osteon.shifts import Film, shift
from osteon.shifts.beam import blurred, px_per_mm


@shift(
    "blur",
    title="Unsharpness",
    quantity="focal spot, detector and digitiser together, standard deviation on the film",
    unit="mm",
    strengths=(0.5, 0.8, 1.2, 1.8, 2.7),
    source="penumbra f(m - 1): Bushberg et al., 3rd ed. (2012), ch. 7; focal spots: IEC 60336:2020",
)
def blur(film: Film, sigma_mm: float, _: np.random.Generator) -> Film:
    return blurred(film, sigma_mm * px_per_mm(film))


@shift(
    "motion",
    title="Motion",
    quantity="way of the patient during the exposure, a line in any direction",
    unit="mm",
    strengths=(2, 4, 6, 9, 13),
    source="motion blur as a line of length v t: Bushberg et al., 3rd ed. (2012), ch. 7",
)
def motion(film: Film, way_mm: float, rng: np.random.Generator) -> Film:
    angle = rng.uniform(0, math.pi)
    kernel = line_kernel(way_mm * px_per_mm(film), angle)
    moved: Film = cv2.filter2D(film, -1, kernel, borderType=cv2.BORDER_REPLICATE)
    return moved


def line_kernel(length_px: float, angle: float) -> Film:
    """A line of that length through the middle, its weights 1 in sum; of length 0 a point."""
    reach = max(1, math.ceil(length_px / 2))
    kernel = np.zeros((2 * reach + 1,) * 2, np.float32)
    steps = max(1, 8 * math.ceil(length_px))
    for along in (np.arange(steps) + 0.5) / steps - 0.5:
        x = reach + along * length_px * math.cos(angle)
        y = reach + along * length_px * math.sin(angle)
        left, top = math.floor(x), math.floor(y)
        for column, part in ((left, 1 - x + left), (left + 1, x - left)):
            for row, share in ((top, 1 - y + top), (top + 1, y - top)):
                if part * share > 0:
                    kernel[row, column] += part * share
    whole: Film = kernel / kernel.sum()
    return whole

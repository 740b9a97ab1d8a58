"""What storing and sending a film does to it."""

from __future__ import annotations

import cv2
import numpy as np

from osteon.shifts import Film, shift


@shift(
    "jpeg",
    title="JPEG",
    quantity="quality of a baseline JPEG (tables of the standard's annex K, scaled)",
    unit="quality",
    strengths=(50, 30, 15, 8, 4),
    spoken="at quality {0:g}",
    source="ITU-T T.81 (1992); ESR position paper on irreversible compression, Insights Imaging "
    "2:103 (2011)",
)
def jpeg(film: Film, quality: float, _: np.random.Generator) -> Film:
    level = np.rint(film * 255).astype(np.uint8)
    _written, packed = cv2.imencode(".jpg", level, [cv2.IMWRITE_JPEG_QUALITY, int(quality)])
    opened = cv2.imdecode(packed, cv2.IMREAD_GRAYSCALE)
    return np.asarray(opened, np.float32) / np.float32(255)


@shift(
    "downscale",
    title="Down-scaling",
    quantity="share of the side's pixels that are kept (mean of areas), enlarged again (cubic)",
    unit="of the side",
    strengths=(0.7, 0.5, 0.35, 0.25, 0.15),
    spoken="at {0:g} of the side",
    source="sampling theorem: Shannon, Proc IRE 37:10 (1949); cubic convolution: Keys, IEEE Trans "
    "Acoust Speech Signal Process 29:1153 (1981)",
)
def downscale(film: Film, share: float, _: np.random.Generator) -> Film:
    height, width = film.shape
    size = (max(1, round(width * share)), max(1, round(height * share)))
    small = cv2.resize(film, size, interpolation=cv2.INTER_AREA)
    back = cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.asarray(np.clip(back, 0, 1), np.float32)

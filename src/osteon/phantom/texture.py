"""Irregularity: what makes analytic solids look grown."""

from __future__ import annotations

import cv2
import numpy as np

from osteon.phantom.solids import F32


def cloud(
    rng: np.random.Generator,
    shape: tuple[int, int],
    grains_px: tuple[float, ...],
    stretch: float = 1.0,
) -> F32:
    """Gaussian noise of mean 0 and variance about 1 with features of the given sizes, (H, W).

    ``stretch`` makes the grains longer down the film than across.
    """
    total = np.zeros(shape, np.float32)
    for size in grains_px:
        small = (max(2, int(shape[0] / size / stretch) + 2), max(2, int(shape[1] / size) + 2))
        noise = rng.standard_normal(small, dtype=np.float32)
        total += cv2.resize(noise, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC)
    return total * np.float32(1.35 / np.sqrt(len(grains_px)))

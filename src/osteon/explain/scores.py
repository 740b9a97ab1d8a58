"""A map against the boxes of its film, film by film.

Legend: H, W height and width of what is scored; a map (H, W) is at least 0, a mask (H, W) is true
within the boxes. A map that is the same everywhere says nothing: every score is then chance, the
share of the film that the boxes cover.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np

from osteon.statistics import RESAMPLES, percentiles, resamples, wilson
from osteon.types import Box, Estimate

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from osteon.types import Floats

    Mask = NDArray[np.bool_]
    Map = NDArray[np.float32]

TOLERANCE = 0.05  # of the side, for the pointing game that forgives a near miss
LEVELS = 4096  # of a map, where its pixels are ranked
Figure = Literal["share", "difference", "mean"]


def box_mask(boxes: Sequence[Box], side_px: int) -> Mask:
    """(S, S), true where a pixel's centre lies in a box; a box thinner than that has one pixel."""
    mask = np.zeros((side_px, side_px), np.bool_)
    for box in boxes:
        if box.width_px <= 0 or box.height_px <= 0:
            continue  # cut off
        left, right = _pixels(box.left_px, box.width_px, side_px)
        top, bottom = _pixels(box.top_px, box.height_px, side_px)
        mask[top:bottom, left:right] = True
    return mask


def _pixels(start: float, length: float, side_px: int) -> tuple[int, int]:
    first, last = round(start), round(start + length)
    first = min(max(first, 0), side_px - 1)
    return first, max(min(last, side_px), first + 1)


def extent(film: NDArray[np.uint8]) -> tuple[slice, slice]:
    """Rows and columns of a prepared film (S, S) that are not black: the bars beside it would make
    chance look smaller than it is. A black film is kept whole."""
    rows, columns = np.flatnonzero(film.any(1)), np.flatnonzero(film.any(0))
    if not len(rows):
        return slice(0, film.shape[0]), slice(0, film.shape[1])
    return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)


def pointing_score(map_: Map, mask: Mask, tolerance_px: float = 0.0) -> float:
    """Does the highest place lie in a box, or at most ``tolerance_px`` from it: 0 or 1; of several
    highest places, the share that does. Zhang et al., Int J Comput Vis 126:1084 (2018)."""
    if tolerance_px > 0:
        import cv2

        outside = (~mask).astype(np.uint8)
        mask = cv2.distanceTransform(outside, cv2.DIST_L2, 5) <= tolerance_px
    return float(mask[map_ == map_.max()].mean())


def energy_score(map_: Map, mask: Mask) -> float:
    """The share of the map's sum that lies in the boxes: 0 to 1. Wang et al., CVPR Workshops
    (2020), the energy-based pointing game."""
    total = float(map_.sum(dtype=np.float64))
    return float(map_[mask].sum(dtype=np.float64)) / total if total > 0 else float(mask.mean())


def average_precision_score(map_: Map, mask: Mask) -> float:
    """Of the map as a classifier of pixels, thresholded at 4,096 levels between 0 and its maximum.

    As scikit-learn's, on the levels. Raises ValueError without a pixel in a box.
    """
    if not mask.any():
        raise ValueError("No pixel is in a box.")
    top = float(map_.max())
    level = np.zeros(map_.shape, np.int64) if top <= 0 else (map_ / top * (LEVELS - 1)).astype(int)
    found = np.bincount(level[mask], minlength=LEVELS)[::-1]
    all_ = np.bincount(level.ravel(), minlength=LEVELS)[::-1]
    precision = np.cumsum(found) / np.maximum(np.cumsum(all_), 1)
    return float((precision * found).sum() / found.sum())


def similarity_score(map_: Map, other: Map) -> float:
    """Spearman's rank correlation of two maps over a grid of at most 48 x 48 means: -1 to 1.

    NaN where one of them is empty, the same everywhere: nothing can be compared with it.
    """
    import cv2
    from scipy.stats import spearmanr

    size = (min(48, map_.shape[1]), min(48, map_.shape[0]))
    one, two = (
        cv2.resize(np.ascontiguousarray(each), size, interpolation=cv2.INTER_AREA)
        for each in (map_, other)
    )
    if np.ptp(one) == 0 or np.ptp(two) == 0:
        return math.nan
    return float(spearmanr(one.ravel(), two.ravel()).statistic)


def mean_estimate(
    values: Floats, groups: Sequence[str], *, seed: int = 0, of: Figure = "share"
) -> Estimate:
    """The mean of one figure a film, with the grouped bootstrap's 95 % interval.

    Where the bootstrap collapses, a ``share`` of 0 or 1 gets Wilson's interval on the groups, and
    the ``difference`` of two shares one that leaves the films that may be otherwise either sign;
    any other mean that is the same in all films gets none.
    """
    n_groups = len(set(groups))
    if not len(values):
        return Estimate(value=None, low=None, high=None, n=0, n_groups=0, method="no film")
    value = float(values.mean())
    drawn = [
        (weights @ values) / weights.sum(1) for weights in resamples(groups, seed=seed)
    ]  # fmt: skip
    low, high = percentiles(np.concatenate(drawn))
    method = f"grouped bootstrap, {RESAMPLES:,} resamples, percentile"
    if low is not None and high is not None and high - low < 1e-12:
        low, high, method = None, None, "no interval (the bootstrap collapsed)"
        if of == "share" and value in (0.0, 1.0):
            low, high = wilson(value * n_groups, n_groups)
        if of == "difference" and value in (-1.0, 0.0, 1.0):
            otherwise, _ = wilson(n_groups, n_groups)
            otherwise = (1 - otherwise) * (1 if value == 0 else 2)
            low, high = max(-1.0, value - otherwise), min(1.0, value + otherwise)
        if low is not None:
            method = f"Wilson on {n_groups:,} groups (the bootstrap collapsed)"
    return Estimate(
        value=value, low=low, high=high, n=len(values), n_groups=n_groups, method=method
    )

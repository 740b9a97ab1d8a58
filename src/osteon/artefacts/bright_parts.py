"""Bright parts that stand out from what is round about, measured: candidates for metal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from osteon.types import Box

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Bytes = NDArray[np.uint8]
    Floats = NDArray[np.float64]

SIDE_PX = 384
WIDEST = 0.10  # of the side
CONTRASTS = (35, 60, 90, 125)  # gray levels above what is round about
LEAST_AREA = 2e-4
LEAST_LENGTH = 0.03  # of the side
MEASURES = 25
LOOKED_AT = 5  # most telling parts, one by each of the rules in `most_telling`


def bright_parts(gray: Bytes) -> tuple[NDArray[np.float32], list[Box]]:
    """(n, MEASURES) of the parts of a picture (H, W), and their boxes in shares of its sides."""
    import cv2

    scale = min(1.0, SIDE_PX / max(gray.shape))
    if scale < 1:
        size = [max(1, round(side * scale)) for side in (gray.shape[1], gray.shape[0])]
        gray = cv2.resize(gray, size, interpolation=cv2.INTER_AREA)
    kernel = max(9, int(WIDEST * max(gray.shape))) | 1
    square = cv2.getStructuringElement(cv2.MORPH_RECT, (kernel, kernel))
    above = cv2.morphologyEx(gray, cv2.MORPH_TOPHAT, square)
    slope = cv2.magnitude(
        cv2.Sobel(gray, cv2.CV_32F, 1, 0, scale=1 / 8),
        cv2.Sobel(gray, cv2.CV_32F, 0, 1, scale=1 / 8),
    )
    levels = np.quantile(gray[::4, ::4], (0.5, 0.9, 0.99))
    rows: list[NDArray[np.float32]] = [np.zeros((0, MEASURES), np.float32)]
    boxes: list[Box] = []
    height, width = gray.shape
    for least in CONTRASTS:
        measured, places = _measured(gray, above, slope, levels, least)
        rows.append(measured)
        boxes += [
            Box(left_px=x / width, top_px=y / height, width_px=w / width, height_px=h / height)
            for x, y, w, h in places.tolist()
        ]
    return np.concatenate(rows), boxes


def _measured(
    gray: Bytes, above: Bytes, slope: NDArray[np.float32], levels: Floats, least: int
) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    import cv2

    side = max(gray.shape)
    fine = (above >= least).astype(np.uint8)
    n, labels, stats, _ = cv2.connectedComponentsWithStats(fine, connectivity=8)
    large = (stats[:, 4] >= LEAST_AREA * gray.size) & (stats[:, 2:4].max(1) >= LEAST_LENGTH * side)
    large[0] = False
    kept = np.flatnonzero(large)
    if not len(kept):
        return np.zeros((0, MEASURES), np.float32), stats[:0, :4]
    new = np.full(n, -1)
    new[kept] = np.arange(len(kept))
    at = np.flatnonzero(large[labels.ravel()])
    of = new[labels.ravel()[at]]
    area = stats[kept, 4].astype(np.float64)
    values = gray.ravel()[at].astype(np.float64)
    contrast = _mean(of, above.ravel()[at], area)
    level = _mean(of, values, area)
    edge = cv2.erode(fine, np.ones((3, 3), np.uint8)).ravel()[at] == 0
    steep = slope.ravel()[at]
    rim, inside = of[edge], of[~edge]
    n_rim = np.bincount(rim, minlength=len(kept)).clip(1)
    n_inside = np.bincount(inside, minlength=len(kept)).clip(1)
    sharp = _mean(rim, steep[edge], n_rim)
    inner = _mean(inside, values[~edge], n_inside)
    uneven = np.sqrt(np.maximum(_mean(inside, values[~edge] ** 2, n_inside) - inner**2, 0))
    length, across = _extent(at, of, area, gray.shape[1])
    half, ninety, highest = levels
    told = [
        np.full(len(kept), float(least)), length / side, across / side, np.log(length / across),
        area / (length * across), 100 * area / gray.size, contrast, level, level - contrast,
        level / max(highest, 1), (level - ninety) / 64, (level - contrast) / max(ninety, 1),
        _mean(of, values >= highest, area), _mean(of, values >= 250, area), sharp,
        2 * sharp / contrast, _mean(rim, steep[edge] >= 0.35 * contrast[rim], n_rim), uneven,
        _mean(inside, steep[~edge], n_inside), uneven / contrast, n_rim**2 / area,
        _cut(stats[kept], gray.shape), np.full(len(kept), half), np.full(len(kept), ninety),
        np.full(len(kept), highest),
    ]  # fmt: skip
    return np.stack(told, axis=1).astype(np.float32), stats[kept, :4]


def _mean(of: NDArray[np.intp], values: NDArray[np.generic], n: Floats) -> Floats:
    mean: Floats = np.bincount(of, values, len(n)) / n
    return mean


def _extent(
    at: NDArray[np.intp], of: NDArray[np.intp], area: Floats, width: int
) -> tuple[Floats, Floats]:
    """Length and breadth in px of the bars that have the parts' moments."""
    y, x = (value.astype(np.float64) for value in np.divmod(at, width))
    mean_x, mean_y = _mean(of, x, area), _mean(of, y, area)
    xx = _mean(of, x * x, area) - mean_x**2
    yy = _mean(of, y * y, area) - mean_y**2
    xy = _mean(of, x * y, area) - mean_x * mean_y
    middle, turn = (xx + yy) / 2, np.hypot((xx - yy) / 2, xy)
    return np.sqrt(12 * (middle + turn)) + 1, np.sqrt(12 * np.maximum(middle - turn, 0.08)) + 1


def _cut(stats: NDArray[np.int32], shape: tuple[int, ...]) -> Floats:
    """1 where the film's border cuts the part."""
    right, bottom = stats[:, 0] + stats[:, 2], stats[:, 1] + stats[:, 3]
    nearest = np.min([stats[:, 0], stats[:, 1], shape[1] - right, shape[0] - bottom], axis=0)
    cut: Floats = (nearest <= 1).astype(np.float64)
    return cut


def most_telling(parts: NDArray[np.float32]) -> tuple[NDArray[np.float32], list[int]]:
    """A film's numbers from those of its parts (n, MEASURES), and which parts they are of."""
    if not len(parts):
        return np.zeros(LOOKED_AT * (MEASURES + 1) + 1, np.float32), []
    length, slim, contrast, level = parts[:, 1], parts[:, 3], parts[:, 6], parts[:, 7]
    sharp, step, steep, whole = parts[:, 14], parts[:, 15], parts[:, 16], 1 - parts[:, 21]
    rules = (
        contrast * steep * np.minimum(length, 0.3),
        sharp * np.sqrt(length) * whole,
        contrast * np.minimum(step, 1) * whole,
        level * steep * np.sqrt(length) * whole,
        slim * steep * contrast * whole,
    )
    best = [int(rule.argmax()) for rule in rules]
    highest = [rule[at] for rule, at in zip(rules, best, strict=True)]
    numbers = np.concatenate([parts[best].ravel(), highest, [len(parts)]])
    return numbers.astype(np.float32), sorted(set(best))

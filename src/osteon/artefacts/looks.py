"""How a film looks as a whole, in numbers: tones, grain, edges, patterns, the air about the body,
and what was drawn on it. Forests tell casts, screenshots, slices and metal by them (forest.py)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from osteon.artefacts.strokes import Stroke

    Bytes = NDArray[np.uint8]
    Plane = NDArray[np.float32]

SIDE_PX = 176
LEAST_PX = 16
BANDS = 5  # of spatial frequency, an octave each
EDGE = 0.05  # of the film's range a px
STEEP = 0.15
LINE = 0.08
DARK = 0.18  # of the film's range
DEPTHS_PX = (0.5, 1.5, 2.5, 3.5, 5, 7, 10, 14, 20, 30)  # from the air into the body
FLAT = [1.0, 0.0, 0.0] * len(DEPTHS_PX) + [0.0]  # of a film without air


def looks(gray: Bytes, colours: Bytes | None, strokes: Sequence[Stroke]) -> NDArray[np.float32]:
    """(F,) numbers of a picture (H, W), always the same F."""
    import cv2

    scale = min(1.0, SIDE_PX / max(gray.shape))
    height, width = (max(LEAST_PX, round(side * scale)) for side in gray.shape)
    small = cv2.resize(gray, (width, height), interpolation=cv2.INTER_AREA)
    levels = np.quantile(small[::2, ::2], (0.02, 0.25, 0.5, 0.75, 0.98))
    film = ((small - levels[0]) / max(8.0, levels[4] - levels[0])).astype(np.float32)
    across = cv2.Sobel(film, cv2.CV_32F, 1, 0) / 8
    down = cv2.Sobel(film, cv2.CV_32F, 0, 1) / 8
    slope = cv2.magnitude(across, down)
    return np.array(
        [
            *_tones(small),
            *(levels / 255),
            *_bands(film),
            *_edges(small, across, down, slope),
            *_patterns(film, 1),
            *_patterns(cv2.GaussianBlur(film, (0, 0), 1.2), 2),
            *_air(film, slope),
            *_rims(film),
            *_drawn(colours, strokes),
            float(np.log(width / height)),
        ],
        np.float32,
    )


def _tones(small: Bytes) -> list[float]:
    share = np.bincount(small.ravel(), minlength=256) / small.size
    often = np.sort(share)
    coarse = np.sqrt(share.reshape(16, 16).sum(axis=1))
    return [*coarse, often[-1], often[-2], share[:5].sum(), share[250:].sum()]


def _bands(film: Plane) -> list[float]:
    """Strength, skew and tails of each octave, the finest first."""
    import cv2

    found: list[float] = []
    for _ in range(BANDS):
        if min(film.shape) < 6:
            found += [0.0, 0.0, 0.0]
            continue
        coarse = cv2.GaussianBlur(film, (0, 0), 1.0)
        band = film - coarse
        deviation = float(band.std()) + 1e-6
        square = (band / deviation) ** 2
        skew = float((square * band).mean()) / deviation
        found += [
            float(np.log(deviation + 1e-3)),
            min(6.0, max(-6.0, skew)),
            float(np.log1p((square * square).mean())),
        ]
        film = coarse[::2, ::2]
    return found


def _edges(small: Bytes, across: Plane, down: Plane, slope: Plane) -> list[float]:
    """How many, how many lie along the sides, how long the straight ones are; even lines."""
    there = slope > EDGE
    sides = np.minimum(np.abs(across), np.abs(down))[there] / slope[there]
    columns = np.sort((np.abs(across) > LINE).mean(axis=0))
    rows = np.sort((np.abs(down) > LINE).mean(axis=1))
    return [
        float(there.mean()),
        float((slope > STEEP).mean()),
        float((sides < 0.05).mean()) if len(sides) else 1.0,
        columns[-1], columns[-6:-2].mean(), rows[-1], rows[-6:-2].mean(),
        float((np.ptp(small, axis=1) < 16).mean()),
        float((np.ptp(small, axis=0) < 16).mean()),
    ]  # fmt: skip


def _uniform() -> NDArray[np.intp]:
    """Pattern of each byte: how many neighbours are brighter, 9 where they are not in one run."""
    bits = (np.arange(256)[:, None] >> np.arange(8)) & 1
    changes = (bits != np.roll(bits, 1, axis=1)).sum(axis=1)
    return np.where(changes <= 2, bits.sum(axis=1), 9)


def _patterns(film: Plane, radius: int) -> list[float]:
    """Uniform local binary patterns (Ojala et al., IEEE Trans PAMI 24:971, 2002), as roots."""
    height, width = film.shape
    centre = film[radius:-radius, radius:-radius] + np.float32(0.01)
    code = np.zeros(centre.shape, np.uint8)
    ring = ((-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1))
    for bit, (y, x) in enumerate(ring):
        top, left = radius * (1 + y), radius * (1 + x)
        near = film[top : height - 2 * radius + top, left : width - 2 * radius + left]
        code |= (near > centre).view(np.uint8) << bit
    counts = np.bincount(code.ravel(), minlength=256)
    return list(np.sqrt(np.bincount(_uniform(), counts, 10) / code.size))


def _air(film: Plane, slope: Plane) -> list[float]:
    """Share of air, of other dark parts; level, spread and slope by depth under the body's outline:
    a cast is bright where skin is faint; how long the outline is."""
    import cv2

    dark = (film < DARK).astype(np.uint8)
    rim = cv2.copyMakeBorder(dark, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=1)
    labels = cv2.connectedComponents(rim, connectivity=4)[1]
    air = (labels == labels[0, 0])[1:-1, 1:-1]
    share = float(air.mean())
    shares = [share, float(dark.mean()) - share]
    if not 0.02 < share < 0.97:
        return shares + FLAT
    depth = cv2.distanceTransform((~air).astype(np.uint8), cv2.DIST_L2, 3)
    depth[:3] = depth[-3:] = depth[:, :3] = depth[:, -3:] = 0
    at = np.digitize(depth, DEPTHS_PX).ravel()
    n = len(DEPTHS_PX) + 1
    n_there = np.bincount(at, minlength=n).clip(1)

    def by_depth(values: NDArray[Any]) -> NDArray[np.float64]:
        mean: NDArray[np.float64] = np.bincount(at, values.ravel(), n) / n_there
        return mean

    level = by_depth(film)
    spread = np.sqrt(np.maximum(by_depth(film * film) - level**2, 0))
    told = np.stack([level / (level[1:].mean() + 1e-3), spread, by_depth(slope)], axis=1)[1:]
    outline = np.count_nonzero(at == 1)
    return [*shares, *told.ravel(), float(np.log1p(outline / np.sqrt((~air).sum())))]


def _rims(film: Plane) -> list[float]:
    height, width = film.shape
    y, x = height // 12 + 1, width // 12 + 1
    rims = film[:y], film[-y:], film[:, :x], film[:, -x:]
    return [float(value) for rim in rims for value in (rim.mean(), rim.std())]


def _drawn(colours: Bytes | None, strokes: Sequence[Stroke]) -> list[float]:
    """Share of coloured pixels, their strength; how many bright and dark strokes."""
    bright = sum(stroke.bright for stroke in strokes)
    counts = [float(np.log1p(bright)), float(np.log1p(len(strokes) - bright))]
    if colours is None:
        return [0.0, 0.0, *counts]
    strength = np.ptp(colours[::2, ::2], axis=2)
    return [float((strength > 30).mean()), float(strength.mean()) / 64, *counts]

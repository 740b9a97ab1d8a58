"""What small films show besides the bone: their rim, and the air around the body.

Legend: S px is the side of the prepared square, (H, W) the film within it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from osteon.placement import placement
from osteon.types import FilmFacts, PixelRules

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from osteon.types import Floats

RULES = PixelRules(size_px=64)
RIM = 0.08  # of the film's shorter side: how deep the border is
CELLS = 8  # along each side of the film
LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)
DARK = 0.5  # of the way from the darkest to Otsu's threshold: all that is brighter may be the body
FAINT = 0.06  # gray above the middle of what Otsu's threshold calls dark: a faint limb, perhaps
BLACK = 0.3  # gray: what is brighter may be the body, whatever else the film shows
SMALL = 0.015  # of the film's area: what is bright, as small, and apart from the body is a mark
MARGIN_PX = 3  # around the body, of 64: soft tissue and the blur of shrinking
LEAST_AIR = 0.03  # of the film's area, to say anything of the background


def film_in(square: NDArray[np.uint8], facts: FilmFacts) -> Floats:
    """The film (H, W) in [0, 1] without the bars of the square; bone is bright, as far as the
    detector of inverted films sees it."""
    assert facts.width_px is not None
    assert facts.height_px is not None
    where = placement(facts.width_px, facts.height_px, RULES)
    rows = slice(where.to_top, where.to_top + where.to_height)
    columns = slice(where.to_left, where.to_left + where.to_width)
    film: Floats = square[rows, columns] / 255.0
    return 1 - film if facts.has("inverted") else film


def border(film: Floats) -> Floats:
    """Gray along the four sides, (4 * 8 + 4 * 3 + 5,): means of cells, the spread, darkest and
    brightest of each side, levels of all."""
    import cv2

    deep = _depth(film)
    sides = (film[:deep], film[-deep:], film[:, :deep].T, film[:, -deep:].T)
    cells = [cv2.resize(side, (CELLS, 1), interpolation=cv2.INTER_AREA)[0] for side in sides]
    spread = [(side.std(), side.min(), side.max()) for side in sides]
    rim = np.concatenate([side.ravel() for side in sides])
    return np.concatenate([*cells, np.ravel(spread), np.quantile(rim, LEVELS)])


def _depth(film: Floats) -> int:
    return max(1, round(RIM * float(min(film.shape))))


def background(film: Floats) -> Floats | None:
    """Gray, grain and marks of the air around the body but for the border, (5 + 3 + 4 * 2,); None
    where there is none.

    Neither the share nor the outline of the air is told, since they are the body's silhouette; what
    of it shows through where gray fades towards the skin cannot be helped.
    """
    deep = _depth(film)
    air = np.zeros(film.shape, np.bool_)
    air[deep:-deep, deep:-deep] = _air(film)[deep:-deep, deep:-deep]
    if air.mean() < LEAST_AIR:
        return None
    gray = film[air]
    middle = float(np.median(gray))
    grain = _grain(film)[air]
    pooled = [*np.quantile(gray, LEVELS), grain.std(), np.abs(grain).max(), (gray == 0).mean()]
    return np.array([*pooled, *_quarters(film, air, middle)])


def _air(film: Floats) -> NDArray[np.bool_]:
    """What is surely not the body: neither bright, nor near anything bright that is large."""
    import cv2

    gray = cv2.GaussianBlur((film * 255).astype(np.uint8), (3, 3), 0)
    otsu, _ = cv2.threshold(gray, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    darkest = float(np.quantile(gray, 0.02))
    faint = float(np.median(gray[gray <= max(otsu, gray.min())])) + FAINT * 255
    limit = min(darkest + DARK * (otsu - darkest), faint, BLACK * 255)
    bright = (gray > limit).astype(np.uint8)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(bright, connectivity=8)
    small = stats[:, cv2.CC_STAT_AREA] <= SMALL * film.size
    body = ((labels > 0) & ~small[labels]).astype(np.uint8)
    side = 2 * MARGIN_PX + 1
    return np.asarray(cv2.dilate(body, np.ones((side, side), np.uint8)) == 0)


def _grain(film: Floats) -> Floats:
    import cv2

    fine: Floats = film - cv2.GaussianBlur(film, (0, 0), 1.5)
    return fine


def _quarters(film: Floats, air: NDArray[np.bool_], middle: float) -> list[float]:
    """Of each quarter of the film the mean and the brightest of its air, against ``middle``; 0
    where it has none."""
    height, width = film.shape
    told = []
    for rows in (slice(0, height // 2), slice(height // 2, height)):
        for columns in (slice(0, width // 2), slice(width // 2, width)):
            gray = film[rows, columns][air[rows, columns]]
            told += [gray.mean() - middle, gray.max() - middle] if gray.size else [0.0, 0.0]
    return told

"""Lead letters in the beam, and writing burnt into the picture."""

from __future__ import annotations

import cv2
import numpy as np

from osteon.shifts import Film, shift
from osteon.shifts.beam import attenuated, blurred

LETTER_NEPERS = 4.0  # 2 mm of lead let nothing through
LINES = ("AP", "LATERAL", "ACC 482913", "ERECT", "PORTABLE 14:05", "55 KV 2.5 MAS", "ROOM 3", "DOB")


@shift(
    "marker",
    title="Side marker",
    quantity="height of a lead letter L or R near a corner",
    unit="of the side",
    strengths=(0.04, 0.06, 0.09, 0.13, 0.18),
    spoken="of {0:.0%} of the side",
    source="Whitley et al., Clark's Positioning in Radiography, 13th ed., ch. 1; models that read "
    "markers: Zech et al., PLoS Med 15:e1002683 (2018)",
)
def marker(film: Film, share: float, rng: np.random.Generator) -> Film:
    letter = "LR"[int(rng.integers(2))]
    right, low = rng.random(2) < 0.5
    away = rng.uniform(0.03, 0.10, 2)
    side = max(film.shape)
    stencil = written(
        film.shape, [letter], share * side, (away[0], away[1]), bool(right), bool(low)
    )
    return attenuated(film, blurred(stencil, side / 800) * np.float32(LETTER_NEPERS))


@shift(
    "writing",
    title="Writing",
    quantity="burnt-in lines of white text at the rim",
    unit="lines",
    strengths=(1, 2, 4, 6, 8),
    source="burned-in annotation: DICOM (0028,0301); shortcuts: Geirhos et al., Nat Mach Intell "
    "2:665 (2020)",
)
def writing(film: Film, lines: float, rng: np.random.Generator) -> Film:
    words = [LINES[at] for at in rng.permutation(len(LINES))]
    right, low = rng.random(2) < 0.5
    count, side = round(lines), max(film.shape)
    height = 0.025 * side
    first = written(
        film.shape, words[: min(count, 4)], height, (0.03, 0.03), bool(right), bool(low)
    )
    second = written(film.shape, words[4:count], height, (0.03, 0.03), not right, not low)
    burnt: Film = np.maximum(film, np.float32(0.95) * np.maximum(first, second))
    return burnt


def written(
    shape: tuple[int, ...],
    lines: list[str],
    height_px: float,
    away: tuple[float, float],
    right: bool,
    low: bool,
) -> Film:
    """Lines of text in a corner, 1 on 0, ``away`` from the rim in shares of width and height."""
    drawn = np.zeros(shape[:2], np.uint8)
    thick = max(1, round(height_px / 9))
    font = cv2.FONT_HERSHEY_SIMPLEX
    scale = cv2.getFontScaleFromHeight(font, max(2, round(height_px)), thick)
    step = 1.6 * height_px
    for number, line in enumerate(lines):
        (wide, _), _ = cv2.getTextSize(line, font, scale, thick)
        x = shape[1] * (1 - away[0]) - wide if right else shape[1] * away[0]
        below = len(lines) - 1 - number
        y = shape[0] * (1 - away[1]) - below * step
        if not low:
            y = shape[0] * away[1] + height_px + number * step
        cv2.putText(drawn, line, (round(x), round(y)), font, scale, 255, thick, cv2.LINE_AA)
    return drawn.astype(np.float32) / np.float32(255)

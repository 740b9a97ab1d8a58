"""What people put on a film: side markers of lead, arrows, and writing."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from osteon.phantom.plan import Case, PhantomPlan
from osteon.phantom.solids import F32
from osteon.types import Box

_FONTS = (cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_DUPLEX, cv2.FONT_HERSHEY_TRIPLEX)


def choose_marker(case: Case, plan: PhantomPlan, rng: np.random.Generator) -> str:
    """L or R or none. With the planted shortcut the marker depends on the class."""
    there = rng.random() < plan.markers
    if rng.random() < plan.plants.marker_shortcut:
        there = case.fracture is not None
    return case.side if there else ""


def add_lead_letter(metal: F32, letter: str, rng: np.random.Generator) -> None:
    """A lead letter on the cassette, in a corner of the beam: 4 mm of metal, in the beam's way."""
    height, width = metal.shape
    scale = max(metal.shape) / 512
    size = int(rng.uniform(13, 22) * scale)
    stencil = np.zeros((size * 2, size * 2), np.uint8)
    font = _FONTS[int(rng.integers(len(_FONTS)))]
    cv2.putText(
        stencil,
        letter,
        (size // 2, size * 3 // 2),
        font,
        size / 22,
        255,
        max(1, round(1.8 * scale)),
        cv2.LINE_AA,
    )
    if rng.random() < 0.3:  # the letter on its plate, as some departments have them
        cv2.rectangle(stencil, (size // 4, size // 4), (size * 7 // 4, size * 7 // 4), 255, 1)
    spin = cv2.getRotationMatrix2D((size, size), float(rng.normal(0, 8)), 1.0)
    stencil = cv2.warpAffine(stencil, spin, (size * 2, size * 2), flags=cv2.INTER_LINEAR)
    x = 0.05 + 0.1 * rng.random() if rng.random() < 0.5 else 0.82 - 0.1 * rng.random()
    y = 0.06 + 0.3 * rng.random() if rng.random() < 0.6 else 0.6 + 0.25 * rng.random()
    left, top = min(int(x * width), width - size * 2), min(int(y * height), height - size * 2)
    if left < 0 or top < 0:
        return
    window = metal[top : top + size * 2, left : left + size * 2]
    window += stencil * np.float32(5.0 / 255)


def written(
    gray: F32,
    case: Case,
    plan: PhantomPlan,
    boxes: tuple[Box, ...],
    rng: np.random.Generator,
) -> F32:
    """Burned-in writing and arrows, if the plan asks for them."""
    with_arrow = rng.random() < plan.arrows
    with_words = rng.random() < plan.writing
    if with_arrow:
        gray = _arrow(gray, boxes, rng)
    if with_words:
        gray = _words(gray, case, rng)
    return gray


def _arrow(gray: F32, boxes: tuple[Box, ...], rng: np.random.Generator) -> F32:
    height, width = gray.shape
    if boxes:
        box = boxes[0]
        aim = np.array([box.left_px + box.width_px / 2, box.top_px + box.height_px / 2])
    else:
        aim = np.array([width, height]) * rng.uniform(0.3, 0.7, 2)
    angle = rng.uniform(0, 2 * np.pi)
    way = np.array([np.cos(angle), np.sin(angle)]) * max(gray.shape) / 512
    tip, tail = aim + way * 14, aim + way * rng.uniform(45, 70)
    stencil = np.zeros(gray.shape, np.uint8)
    cv2.arrowedLine(
        stencil,
        (round(tail[0]), round(tail[1])),
        (round(tip[0]), round(tip[1])),
        int(rng.integers(230, 256)),
        2,
        cv2.LINE_AA,
        tipLength=0.3,
    )
    return _over(gray, stencil)


def _words(gray: F32, case: Case, rng: np.random.Generator) -> F32:
    view = {"frontal": "AP", "lateral": "LAT"}[case.view]
    lines = [f"{case.region.upper()} {view}", f"{10000 + int(rng.integers(89999))}"]
    stencil = np.zeros(gray.shape, np.uint8)
    scale = max(gray.shape) / 512
    y = 0.05 if rng.random() < 0.5 else 0.93
    for number, line in enumerate(lines):
        place = (int(0.03 * gray.shape[1]), int(y * gray.shape[0] + 14 * scale * number))
        font = cv2.FONT_HERSHEY_PLAIN
        cv2.putText(stencil, line, place, font, 0.8 * scale, 242, 1, cv2.LINE_AA)
    return _over(gray, stencil)


def _over(gray: F32, stencil: NDArray[np.uint8]) -> F32:
    result: F32 = np.maximum(gray, stencil * np.float32(1 / 255))
    return result

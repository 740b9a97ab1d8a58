"""From thickness to a film: beam, scatter, blur, noise, and what a vendor makes of the signal.

The order is that of the imaging chain: quanta are counted, the screen and the focal spot blur
them, the electronics add white noise, the log is windowed, equalised and turned into gray values.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from osteon.phantom.materials import transmission
from osteon.phantom.solids import F32


@dataclass(frozen=True, kw_only=True, slots=True)
class Scanner:
    """A make of detector with its processing; sizes at a film of 512 px."""

    name: str
    maker: str
    blur_px: float  # detector and focal spot, standard deviation
    quanta: float  # per px in the open beam
    electronic: float  # noise, in quanta
    edge: float  # strength of the vendor's edge enhancement
    equalise: float  # share of the large structures that is taken out
    gamma: float  # of the gray curve: above 1 is darker
    black: float  # gray of the open beam, [0, 1]
    streaks: float  # of the plate reader, in gray
    borders: str  # "shutter" is black, "plate" is as read, "white" is unmasked
    aspect: float  # of the plate: width to height


SCANNERS = (
    Scanner(name="cr-a", maker="Phantom CR 12", blur_px=0.75, quanta=1300, electronic=6, edge=0.25,
            equalise=0.15, gamma=1.25, black=0.11, streaks=0.003, borders="plate", aspect=0.82),
    Scanner(name="dr-b", maker="Phantom DR 700", blur_px=0.55, quanta=2600, electronic=4, edge=0.55,
            equalise=0.40, gamma=1.0, black=0.02, streaks=0.0, borders="shutter", aspect=0.84),
    Scanner(name="dr-c", maker="Phantom DR 5", blur_px=0.62, quanta=1700, electronic=5, edge=0.4,
            equalise=0.28, gamma=1.1, black=0.05, streaks=0.0, borders="shutter", aspect=1.0),
    Scanner(name="film-d", maker="Phantom Film", blur_px=0.95, quanta=1000, electronic=5, edge=0.0,
            equalise=0.0, gamma=0.9, black=0.03, streaks=0.0, borders="white", aspect=0.76),
)  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class Exposure:
    """The technique of one film; nothing in it depends on what is broken."""

    kvp: float
    dose: float  # times the scanner's usual
    brightness: float  # shift of the window, in its own widths
    contrast: float  # times the usual
    window: float  # times the width that just holds the densest part: above 1 the film is dim
    grid: bool


def choose_exposure(rng: np.random.Generator, kvp: tuple[float, float], *, grid: bool) -> Exposure:
    return Exposure(
        kvp=float(rng.uniform(*kvp)),
        dose=float(np.exp(rng.normal(0.0, 0.35))),
        brightness=float(rng.normal(0.0, 0.05)),
        contrast=float(np.exp(rng.normal(0.0, 0.12))),
        window=float(rng.uniform(0.95, 1.4)),
        grid=grid,
    )


def expose(
    thickness_mm: dict[str, F32],
    scanner: Scanner,
    exposure: Exposure,
    beam: F32,
    rng: np.random.Generator,
) -> tuple[F32, float]:
    """The detector's signal in quanta per px, (H, W), and that of the open beam.

    ``beam`` is the collimated field, 0 to 1. Automatic exposure: thicker parts get more, so that
    the middle of the film always receives at least 0.4 of the scanner's quanta.
    """
    primary = transmission(thickness_mm, exposure.kvp) * beam
    height, width = primary.shape
    behind = float(np.median(primary[height // 4 : -height // 4 : 4, width // 4 : -width // 4 : 4]))
    open_beam = scanner.quanta * exposure.dose * max(1.0, 0.4 / max(behind, 1e-3))
    scatter = _scatter(primary, thickness_mm["muscle"] + thickness_mm["fat"], grid=exposure.grid)
    quanta = np.maximum((primary + scatter) * np.float32(open_beam), 0.5)
    noise = rng.standard_normal(quanta.shape, dtype=np.float32)
    # Poisson counts of this size are normal within 1 % (skewness 1 / sqrt(N)).
    counted = quanta + np.sqrt(quanta) * noise
    scale = max(quanta.shape) / 512
    seen = cv2.GaussianBlur(counted, (0, 0), scanner.blur_px * scale)
    seen += np.float32(scanner.electronic) * rng.standard_normal(seen.shape, dtype=np.float32)
    return np.maximum(seen, 1.0), open_beam


def _scatter(primary: F32, tissue_mm: F32, *, grid: bool) -> F32:
    """Scattered quanta: share by thickness, spread over some 30 mm (Boone and Seibert 1988).

    The scatter-to-primary ratio of soft tissue rises about linearly to 1 at 100 mm for a limb's
    field; a grid takes three quarters of it away.
    """
    small = cv2.resize(primary, None, fx=1 / 16, fy=1 / 16, interpolation=cv2.INTER_AREA)
    thick = cv2.resize(tissue_mm, (small.shape[1], small.shape[0]), interpolation=cv2.INTER_AREA)
    ratio = thick * np.float32((0.25 if grid else 0.8) / 100.0)
    spread = cv2.GaussianBlur(small * ratio, (0, 0), 2.2, borderType=cv2.BORDER_REFLECT)
    result: F32 = cv2.resize(
        spread, (primary.shape[1], primary.shape[0]), interpolation=cv2.INTER_LINEAR
    )
    return result


def develop(
    signal: F32,
    open_beam: float,
    scanner: Scanner,
    exposure: Exposure,
    beam: F32,
    rng: np.random.Generator,
) -> F32:
    """Gray values in [0, 1], bone white: (H, W).

    The log signal is windowed between the open beam and the dense 0.5 % of the collimated field,
    as automatic ranging does; then equalised, edge-enhanced and bent by an S-shaped curve.
    """
    attenuation = -np.log(signal / np.float32(open_beam))
    inner = attenuation[::4, ::4][beam[::4, ::4] > 0.6]
    high = float(np.percentile(inner, 99.5))
    low = max(0.0, float(np.percentile(inner, 0.5)))
    span = max(high - low, 0.3) * exposure.window
    level = (attenuation - low) / np.float32(span)
    level = _processed(level, scanner, max(signal.shape) / 512)
    middle = np.float32(0.5 / exposure.window)
    level = (level - middle) * np.float32(exposure.contrast) + middle
    level += np.float32(exposure.brightness)
    level = _gray_curve(np.clip(level, 0.0, 1.35), scanner.gamma)
    if scanner.streaks:
        level += np.float32(scanner.streaks) * _streaks(level.shape[1], rng)[None, :]
        level += np.float32(scanner.streaks * 0.3) * _streaks(level.shape[0], rng)[:, None]
    black = np.float32(scanner.black)
    result: F32 = np.clip(black + (1 - black) * level, 0.0, 1.0)
    return result


def _streaks(count: int, rng: np.random.Generator) -> F32:
    noise = rng.standard_normal(count).astype(np.float32)
    result: F32 = np.convolve(noise, np.ones(3, np.float32), mode="same")
    return result


def _processed(level: F32, scanner: Scanner, scale: float) -> F32:
    if scanner.equalise:
        broad = cv2.GaussianBlur(level[::8, ::8], (0, 0), 5.0)
        broad = cv2.resize(broad, (level.shape[1], level.shape[0]), interpolation=cv2.INTER_LINEAR)
        level = level - np.float32(scanner.equalise) * (broad - np.float32(0.35))
    if scanner.edge:
        level = level + np.float32(scanner.edge) * (
            level - cv2.GaussianBlur(level, (0, 0), 3.0 * scale)
        )
    return level


def _gray_curve(level: F32, gamma: float) -> F32:
    """A film's curve: toe, nearly straight, shoulder (Hurter and Driffield)."""
    bent = np.maximum(level, 0.0) ** np.float32(gamma)
    result: F32 = 1.02 * bent**2 * (3 - 2 * np.minimum(bent, 1)) * np.float32(0.35) + bent * (
        np.float32(0.62)
    )
    return result


def collimated(
    shape: tuple[int, int], edges: tuple[float, float, float, float], tilt_deg: float
) -> F32:
    """The beam's field, 0 to 1, with a penumbra: left, top, right, bottom margins in px."""
    height, width = shape
    corners = np.array(
        [[edges[0], edges[1]], [width - edges[2], edges[1]],
         [width - edges[2], height - edges[3]], [edges[0], height - edges[3]]]
    )  # fmt: skip
    angle = np.deg2rad(tilt_deg)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    middle = np.array([width / 2, height / 2])
    placed = (corners - middle) @ turn.T + middle
    mask = np.zeros(shape, np.float32)
    cv2.fillConvexPoly(mask, np.round(placed * 16).astype(np.int32), 1.0, cv2.LINE_AA, 4)
    field: F32 = cv2.GaussianBlur(mask, (0, 0), 1.1)
    return field


def finished(gray: F32, beam: F32, scanner: Scanner) -> F32:
    """What lies outside the collimated field: a black shutter, the plate as read, or white."""
    match scanner.borders:
        case "shutter":
            return gray * beam
        case "white":
            seen = gray + (1 - beam)
        case _:
            seen = gray * beam + (1 - beam) * np.float32(0.93)
    result: F32 = np.clip(seen, 0.0, 1.0)
    return result


def to_gray8(gray: F32) -> NDArray[np.uint8]:
    rounded: NDArray[np.uint8] = np.clip(gray * 255.0 + 0.5, 0, 255).astype(np.uint8)
    return rounded


def to_gray16(gray: F32, bits: int = 16) -> NDArray[np.uint16]:
    top = 2**bits - 1
    rounded: NDArray[np.uint16] = np.clip(gray * np.float32(top) + 0.5, 0, top).astype(np.uint16)
    return rounded

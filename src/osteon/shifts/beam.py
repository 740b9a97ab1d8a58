"""From gray back to the beam: the conventions that all shifts share.

A digital radiograph shows the logarithm of the signal (ACR-AAPM-SIIM technical standard for digital
image data; Bushberg et al., The Essential Physics of Medical Imaging, 3rd ed., 2012, ch. 7). So
gray g stands for an attenuation of SPAN * g nepers below the open beam, and adding material adds
gray. What a vendor's processing did beyond that is not undone.
"""

from __future__ import annotations

import cv2
import numpy as np

from osteon.shifts import Film

SPAN = 3.0  # nepers: behind 10 cm of muscle and 2 cm of bone about 1/20 of the beam is left
SIDE_MM = 300.0  # of the longer side: a 24 x 30 cm cassette
# Detected in the open beam: 30,000 quanta per mm2 and microgray, 2.5 microgray, half of them seen.
QUANTA_PER_MM2 = 30_000 * 2.5 * 0.5
USUAL_KVP = 55.0
THINNEST = 0.08  # of the longer side: narrower parts are table edges, letters and rims


def px_per_mm(film: Film) -> float:
    return float(max(film.shape)) / SIDE_MM


def attenuated(film: Film, nepers: Film) -> Film:
    """The film with more material in the beam, the gray curve as it was: white is the end."""
    return np.clip(film + nepers / np.float32(SPAN), 0, 1).astype(np.float32)


def transmitted(film: Film) -> Film:
    """Signal as a share of the open beam's."""
    signal: Film = np.exp(-np.float32(SPAN) * film)
    return signal


def from_signal(signal: Film) -> Film:
    """What ``transmitted`` undoes."""
    gray = -np.log(np.maximum(signal, 1e-6)) / np.float32(SPAN)
    return np.clip(gray, 0, 1).astype(np.float32)


def blurred(film: Film, sigma_px: float) -> Film:
    """Gaussian, the edge repeated; at 0 the film itself."""
    if sigma_px <= 0:
        return film
    done: Film = cv2.GaussianBlur(film, (0, 0), sigma_px, borderType=cv2.BORDER_REPLICATE)
    return done


def patient(film: Film) -> Film:
    """Where the limb is: 1 inside and 0 in the open beam; bars at the rim are no limb.

    Otsu's threshold of a smooth film parts bone from flesh where there is much open beam: the limb
    begins half-way from the open beam's gray to it.
    """
    smooth = blurred(film, max(film.shape) / 100)
    level = np.rint(smooth * 255).astype(np.uint8)
    cut, _ = cv2.threshold(level, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    below = level[level <= cut]
    beam = float(np.median(below)) if len(below) else 0.0
    above = (level > beam + 0.5 * (cut - beam)).astype(np.uint8)
    _, parts, stats, _ = cv2.connectedComponentsWithStats(above)
    narrow = stats[:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]].min(1)
    kept = narrow >= THINNEST * max(film.shape)
    kept[0] = False  # the open beam
    inside: Film = kept[parts].astype(np.float32)
    return inside if inside.any() else above.astype(np.float32)


def cloud(rng: np.random.Generator, shape: tuple[int, int], sigma_px: float) -> Film:
    """Smooth noise of mean 0 and deviation 1."""
    noise = rng.standard_normal(shape, dtype=np.float32)
    smooth = blurred(noise, sigma_px)
    spread = float(smooth.std())
    even: Film = (smooth - smooth.mean()) / np.float32(spread or 1)
    return even

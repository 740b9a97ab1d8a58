"""What is kept of a film to know it again: a small picture, keypoints and a hash.

Keypoints are blobs: extremes of differences of Gaussians over place and scale (Lowe, IJCV 2004).
Around each, rings are sampled and Fourier-transformed along the angle. Magnitudes, and products of
neighbouring rings' coefficients, do not change when the film is turned by any angle, mirrored or
inverted (as Fourier-Mellin descriptors; Sheng and Arsenault, JOSA A 1986), so one description
serves for all of these. Its 64 strongest directions are kept as the signs of 256 random projections
(Charikar, STOC 2002): codes of equal patches differ in few bits.

Legend of shapes: H and W of the small picture, K keypoints.
"""

from __future__ import annotations

import functools
import struct
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from osteon.likeness.hashes import hash_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats32 = NDArray[np.float32]
    Bytes = NDArray[np.uint8]

VERSION = 2  # to be raised whenever any film would get another signature
SIDE_PX = 160  # of the long side of the small picture
MOST_KEYPOINTS = 96
MOST_BLOBS = 200  # that are looked at before the best are kept
STEP = 1.26  # between scales: a third of an octave
SIGMAS_PX = 1.8 * STEP ** np.arange(10)
SUPPORT = 6.0  # the outer ring's radius, in sigmas of the blob
RINGS, ANGLES, HARMONICS = 6, 32, 7
NEARLY = 0.9  # an extreme over scale need be no more than this share of its neighbours
FAINT = 0.3  # gray levels of a difference of Gaussians
FEWEST_INSIDE = 0.6  # share of a blob's rings that must lie on the film
DIRECTIONS, BITS = 64, 256
HEAD = "<HHHHHQ"
FLAT = 4.0  # gray levels; a row or column that varies less is a margin

_RADII = (np.arange(RINGS) + 0.6) / RINGS
_TURN = np.arange(ANGLES) * 2 * np.pi / ANGLES
_RING_X = (_RADII[:, None] * np.cos(_TURN)).astype(np.float32).ravel()
_RING_Y = (_RADII[:, None] * np.sin(_TURN)).astype(np.float32).ravel()
_WEIGHTS = np.sqrt(_RADII).astype(np.float32)[None, :, None]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Signature:
    """All that is kept of one film."""

    picture: Bytes  # (H, W), gray, margins trimmed, the long side SIDE_PX
    size_px: tuple[int, int]  # height and width that the picture was scaled down from
    points: Floats32  # (K, 3): x and y in px of the picture, sigma in px
    codes: Bytes  # (K, BITS / 8)
    hash: int  # 64 bits

    def to_bytes(self) -> bytes:
        height, width = self.picture.shape
        head = struct.pack(HEAD, height, width, *self.size_px, len(self.points), self.hash)
        points = self.points.astype("<f2").tobytes()
        return head + self.picture.tobytes() + points + self.codes.tobytes()

    @classmethod
    def from_bytes(cls, data: bytes) -> Signature:
        height, width, *size_px, n, hash_ = struct.unpack_from(HEAD, data)
        at = struct.calcsize(HEAD)
        picture = np.frombuffer(data, np.uint8, height * width, at).reshape(height, width)
        at += height * width
        points = np.frombuffer(data, "<f2", n * 3, at).reshape(n, 3).astype(np.float32)
        codes = np.frombuffer(data, np.uint8, n * BITS // 8, at + n * 6).reshape(n, BITS // 8)
        size = size_px[0], size_px[1]
        return cls(picture=picture, size_px=size, points=points, codes=codes, hash=hash_)


def signature(gray: NDArray[Any]) -> Signature:
    """The signature of a decoded film (height, width), 8 or 16 bits."""
    picture, size_px = small(gray)
    points, codes = keypoints(picture)
    return Signature(
        picture=picture, size_px=size_px, points=points, codes=codes, hash=hash_of(picture)
    )


def small(gray: NDArray[Any]) -> tuple[Bytes, tuple[int, int]]:
    """The film without its even margins, SIDE_PX long, 8 bits; and its size before."""
    import cv2

    height, width = gray.shape
    if max(height, width) > 4 * SIDE_PX:  # at once to where a row is still several px wide
        gray = _resized(gray, 4 * SIDE_PX)
    if gray.dtype != np.uint8:
        gray = cv2.convertScaleAbs(gray, alpha=255 / 65_535)
    film = _trimmed(gray)
    return _bytes(_resized(film, SIDE_PX)), (film.shape[0], film.shape[1])


def _bytes(values: NDArray[Any]) -> Bytes:
    return np.ascontiguousarray(values).astype(np.uint8, copy=False)


def _resized(gray: NDArray[Any], side_px: int) -> NDArray[Any]:
    import cv2

    height, width = gray.shape
    factor = side_px / max(height, width)
    size = max(16, round(width * factor)), max(16, round(height * factor))
    way = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
    resized: NDArray[Any] = cv2.resize(gray, size, interpolation=way)
    return resized


def _trimmed(gray: Bytes) -> Bytes:
    step = max(1, min(gray.shape) // 128)
    coarse = gray[::step, ::step].astype(np.float32)
    rows = np.flatnonzero(coarse.std(axis=1) > FLAT)
    columns = np.flatnonzero(coarse.std(axis=0) > FLAT)
    if len(rows) < 16 or len(columns) < 16:
        return gray
    down = slice(rows[0] * step, (rows[-1] + 1) * step)
    across = slice(columns[0] * step, (columns[-1] + 1) * step)
    return gray[down, across]


def inside(picture: Bytes) -> Floats32:
    """1 on the film, 0 where pure black or white reaches in from the border, as (H, W)."""
    import cv2

    outside = np.zeros(picture.shape, np.uint8)
    for pure in (picture == 0, picture == 255):
        if np.count_nonzero(pure) < 0.002 * pure.size:
            continue
        _, labels = cv2.connectedComponents(pure.astype(np.uint8), connectivity=4)
        rim = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
        reaching = np.unique(rim[rim > 0])
        if len(reaching):
            outside |= np.isin(labels, reaching).astype(np.uint8)
    film = 1 - cv2.dilate(outside, np.ones((3, 3), np.uint8)).astype(np.float32)
    return film if film.sum() >= 200 else np.ones_like(film)


def keypoints(picture: Bytes) -> tuple[Floats32, Bytes]:
    """Points (K, 3) and codes (K, BITS / 8) of a small picture."""
    points, patches = _described(picture)
    mean, directions = _basis()
    signs = (patches - mean) @ directions > 0
    return points, np.packbits(signs, axis=1)


def _described(picture: Bytes) -> tuple[Floats32, Floats32]:
    film = inside(picture)
    levels = _levels(picture.astype(np.float32) * film, film)
    blobs = _blobs(levels, film)
    if not len(blobs):
        return np.zeros((0, 3), np.float32), np.zeros((0, _n_invariants()), np.float32)
    rings, share = _rings(levels, film, blobs)
    spread = np.sqrt(np.square(rings).mean(axis=(1, 2)))
    clear = np.where(share < FEWEST_INSIDE, -1, blobs[:, 3] / (spread + 2) * share)
    best = np.argsort(-clear, kind="stable")[:MOST_KEYPOINTS]
    best = best[clear[best] > 0]
    return blobs[best, :3].astype(np.float32), _invariants(rings[best])


def _levels(film_px: Floats32, film: Floats32) -> list[Floats32]:
    """The picture blurred by each of SIGMAS_PX, as if there were nothing outside the film."""
    import cv2

    levels, before = [], 0.0
    share, whole = film, bool(film.all())
    for sigma in SIGMAS_PX:
        more = float(np.sqrt(sigma**2 - before**2))
        film_px = cv2.GaussianBlur(film_px, (0, 0), more, borderType=cv2.BORDER_REPLICATE)
        if whole:
            levels.append(film_px)
        else:
            share = cv2.GaussianBlur(share, (0, 0), more, borderType=cv2.BORDER_REPLICATE)
            levels.append(film_px / np.maximum(share, 0.02))
        before = sigma
    return levels


def _blobs(levels: list[Floats32], film: Floats32) -> NDArray[np.float64]:
    """(n, 5): x, y, sigma, strength in gray levels, index of the level; strongest first."""
    import cv2

    bands = [cv2.absdiff(after, before) for before, after in pairwise(levels)]
    around = np.ones((3, 3), np.uint8)
    peaks = [cv2.dilate(band, around) for band in bands]
    found = []
    for at in range(1, len(bands) - 1):
        band, finer, coarser = bands[at], peaks[at - 1], peaks[at + 1]
        is_peak = (band >= peaks[at]) & (band > FAINT) & (film > 0)
        is_peak &= (band > NEARLY * finer) & (band > NEARLY * coarser)
        y, x = np.nonzero(is_peak[2:-2, 2:-2])
        y, x = y + 2, x + 2
        low, here, high = finer[y, x], band[y, x], coarser[y, x]
        curvature = np.minimum(low - 2 * here + high, -1e-6)
        between = np.clip(0.5 * (low - high) / curvature, -0.5, 0.5)
        sigma = SIGMAS_PX[at] * STEP**between
        found.append(np.stack([x, y, sigma, here, np.full(len(x), at)], axis=1))
    blobs = np.concatenate(found)
    return blobs[np.argsort(-blobs[:, 3], kind="stable")[:MOST_BLOBS]]


def _rings(
    levels: list[Floats32], film: Floats32, blobs: NDArray[np.float64]
) -> tuple[Floats32, Floats32]:
    """What lies on rings around each blob, (n, RINGS, ANGLES), weighted by area and without its
    mean; and the share of the rings that lies on the film (n,)."""
    import cv2

    radius = (blobs[:, 2] * SUPPORT).astype(np.float32)[:, None]
    x = blobs[:, :1].astype(np.float32) + radius * _RING_X
    y = blobs[:, 1:2].astype(np.float32) + radius * _RING_Y
    flat = np.empty(x.shape, np.float32)
    level_of = np.maximum(blobs[:, 4].astype(int) - 2, 0)  # sampled finer than the blob itself
    for level in np.unique(level_of):
        these = np.flatnonzero(level_of == level)
        flat[these] = cv2.remap(
            levels[level], x[these], y[these], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT
        )
    on_film = cv2.remap(
        film, x, y, cv2.INTER_NEAREST, borderMode=cv2.BORDER_CONSTANT, borderValue=0
    )
    rings = flat.reshape(len(blobs), RINGS, ANGLES)
    area = _WEIGHTS**2
    rings -= (rings * area).mean(axis=(1, 2), keepdims=True) / area.mean()
    return rings * _WEIGHTS, on_film.mean(axis=1)


def _n_invariants() -> int:
    return HARMONICS * (RINGS + RINGS - 1 + RINGS - 2 + RINGS - 3)


def _invariants(rings: Floats32) -> Floats32:
    """(n, _n_invariants()): the same for a turned, mirrored, inverted or brightened patch."""
    waves = np.fft.rfft(rings, axis=2)[:, :, :HARMONICS]
    waves /= np.sqrt(np.square(np.abs(waves)).sum(axis=(1, 2), keepdims=True)) + 1e-9
    size = np.abs(waves)
    evened = waves / np.sqrt(size + 1e-6)
    parts = [np.sqrt(size)]
    parts += [(evened[:, :-lag] * evened[:, lag:].conj()).real for lag in (1, 2, 3)]
    flat = [part.reshape(len(part), part.shape[1] * part.shape[2]) for part in parts]
    return np.concatenate(flat, axis=1).astype(np.float32)  # also of no rings at all


@functools.cache
def _basis() -> tuple[Floats32, Floats32]:
    """Mean (n_invariants,) and projections (n_invariants, BITS), learnt from noise whose spectrum
    falls like that of films: they depend on no data set, so codes of all of them compare."""
    draw = np.random.default_rng(0)
    across, down = np.meshgrid(np.fft.fftfreq(SIDE_PX), np.fft.fftfreq(SIDE_PX))
    falling = np.maximum(np.hypot(across, down), 1 / SIDE_PX) ** -1.5
    seen = []
    for _ in range(24):
        waves = np.fft.fft2(draw.normal(size=(SIDE_PX, SIDE_PX))) * falling
        noise = np.fft.ifft2(waves).real
        noise = 2 + 250 * (noise - noise.min()) / np.ptp(noise)
        seen.append(_described(noise.astype(np.uint8))[1])
    patches = np.concatenate(seen).astype(np.float64)
    mean, spread = patches.mean(axis=0), patches.std(axis=0) + 1e-4
    variance, axes = np.linalg.eigh(np.cov(((patches - mean) / spread).T))
    largest = np.argsort(-variance)[:DIRECTIONS]
    # Half-whitened: weak directions count for more than by their variance, noise not in full.
    scaled = axes[:, largest] / np.maximum(variance[largest], 1e-3) ** 0.25
    projections = scaled @ draw.normal(size=(DIRECTIONS, BITS)) / spread[:, None]
    return mean.astype(np.float32), projections.astype(np.float32)

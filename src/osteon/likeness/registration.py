"""Lays one film over another and says how alike they are where they overlap.

Many films of different patients share the pose; what they do not share is the fine structure. So
pictures are compared after a band-pass that drops what a pose decides, evened by local contrast:
over all of the overlap, and window by window, where the median forgives an arrow or a label that
was added. What is fainter than the plate's own pattern does not count.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import numpy as np

from osteon.likeness.hashes import TURNS, turned_hashes
from osteon.likeness.signature import Signature, inside
from osteon.types import Likeness

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Matrix = NDArray[np.float64]  # (2, 3), from px of the other picture to px of the one

VERSION = 7  # to be raised whenever any pair would be judged differently
MOST_BITS = 84  # that the codes of two keypoints may differ in to be tried
MOST_MATCHES = 120
TRIES = 300
NEAR_PX, NEAR_LOG_SCALE = 4.0, 0.35  # of a match that follows the transform
MOST_SCALE, MOST_STRETCH = 4.0, 3.0
COARSE_PX, FINE_PX = (1.2, 7.0), (0.8, 2.5)  # sigmas of the band-passes
CONTRAST_PX = 9.0  # sigma of the local contrast
FAINT = 5.0, 2.5  # gray levels of either band; what varies less is not evened
SMALLEST_PX = 600  # of the overlap
WORTH_REFINING, WORTH_MORE, GOOD = 0.5, 0.6, 0.9  # copies' first correlations are nearly all above
STEPS = 30
WINDOW_PX = 21
HYPOTHESES = 3


class Look:
    """A film's signature, with what comparing needs of it."""

    def __init__(self, signature: Signature) -> None:
        self.signature = signature
        self.inside = inside(signature.picture)
        points = signature.points.astype(np.float64)
        self.place = points[:, 0] + 1j * points[:, 1]
        self.log_sigma = np.log(np.maximum(points[:, 2], 1e-3))

    @cached_property
    def turned_hashes(self) -> NDArray[np.uint64]:
        return turned_hashes(self.signature.picture)

    @cached_property
    def picture(self) -> NDArray[np.float32]:
        """Its grays stretched to 0..255, but for the half per cent at either end."""
        picture = self.signature.picture.astype(np.float32)
        low, high = np.percentile(picture[self.inside > 0], [0.5, 99.5])
        stretched = np.clip((picture - low) / max(float(high - low), 8.0), 0, 1) * 255
        return np.asarray(stretched, np.float32)

    @cached_property
    def coarse(self) -> NDArray[np.float32]:
        return self._evened(COARSE_PX, FAINT[0])

    @cached_property
    def fine(self) -> NDArray[np.float32]:
        return self._evened(FINE_PX, FAINT[1])

    @cached_property
    def band(self) -> NDArray[np.float32]:
        """The fine band in gray levels."""
        return self._band(FINE_PX)

    def _evened(self, sigmas_px: tuple[float, float], faint: float) -> NDArray[np.float32]:
        band = self._band(sigmas_px)
        contrast = np.sqrt(self._blurred(band * band, CONTRAST_PX) + faint**2)
        return np.asarray(band / contrast, np.float32)

    def _band(self, sigmas_px: tuple[float, float]) -> NDArray[np.float32]:
        picture = self.picture * self.inside
        fine, coarse = (self._blurred(picture, sigma) for sigma in sigmas_px)
        return (fine - coarse) * self.inside

    def _blurred(self, values: NDArray[np.float32], sigma: float) -> NDArray[np.float32]:
        """As if there were nothing outside the film."""
        import cv2

        share = np.maximum(cv2.GaussianBlur(self.inside, (0, 0), sigma), 0.02)
        return np.asarray(cv2.GaussianBlur(values, (0, 0), sigma) / share, np.float32)


def likeness(one: Look, other: Look) -> Likeness | None:
    """How ``other`` lies on ``one``; None where nothing says that it might."""
    found = [(abs(_correlation(one, other, m, "coarse")[0]), m) for m in _hypotheses(one, other)]
    if not found:
        return None
    first, matrix = max(found, key=lambda pair: pair[0])
    if first >= WORTH_REFINING:
        matrix = _laid(one, other, matrix)
    return _told(one, other, matrix)


def _laid(one: Look, other: Look, start: Matrix) -> Matrix:
    """Where ``start`` leads by small steps; refining the coarse band first is mostly, not always,
    the better way."""
    matrix = _refined(one, other, start, "coarse")
    if abs(_correlation(one, other, matrix, "coarse")[0]) < WORTH_MORE:
        return matrix
    matrix = _refined(one, other, matrix, "fine")
    found = abs(_correlation(one, other, matrix, "fine")[0])
    if found < GOOD:
        directly = _refined(one, other, start, "fine")
        if abs(_correlation(one, other, directly, "fine")[0]) > found:
            return directly
    return matrix


def _told(one: Look, other: Look, matrix: Matrix) -> Likeness:
    correlation, overlap = _correlation(one, other, matrix, "fine")
    both = float(np.count_nonzero(_both(one, other, matrix)))
    area = abs(float(np.linalg.det(matrix[:, :2]))) * float(other.inside.sum())
    seen = abs(correlation) >= WORTH_MORE
    median = _median(one, other, matrix, correlation) if seen else 0.0
    linear = _in_films(matrix, one, other)
    determinant = float(np.linalg.det(linear))
    mirrored = determinant < 0
    turn = linear @ np.diag([-1.0, 1.0]) if mirrored else linear
    large, small = np.linalg.svd(linear, compute_uv=False)
    rotation = -math.degrees(math.atan2(turn[1, 0] - turn[0, 1], turn[0, 0] + turn[1, 1]))
    return Likeness(
        correlation=round(min(abs(correlation), 1.0), 4),
        median=round(median, 4),
        overlap=round(min(overlap, 1.0), 4),
        cover=round(min(both / max(float(one.inside.sum()), area, 1.0), 1.0), 4),
        rotation_deg=round(rotation, 1) + 0.0,
        scale=round(math.sqrt(abs(determinant)), 4),
        stretch=round(float(large / max(small, 1e-6)), 3),
        mirrored=mirrored,
        inverted=correlation < 0,
    )


def _in_films(matrix: Matrix, one: Look, other: Look) -> Matrix:
    """The linear part between the films themselves: pictures have whole px, so their proportions
    are not quite the films'."""

    def enlarged(look: Look) -> NDArray[np.float64]:
        height, width = look.signature.picture.shape
        return np.diag([look.signature.size_px[1] / width, look.signature.size_px[0] / height])

    return np.asarray(enlarged(one) @ matrix[:, :2] @ np.linalg.inv(enlarged(other)))


def plausible(matrix: Matrix) -> bool:
    large, small = np.linalg.svd(matrix[:, :2], compute_uv=False)
    return bool(small * MOST_SCALE > 1 and large < MOST_SCALE and large < small * MOST_STRETCH)


# --- where the other film may lie -----------------------------------------------------------------


def _hypotheses(one: Look, other: Look) -> Iterator[Matrix]:
    yield from _by_frames(one, other)
    mine, theirs = _matches(one, other)
    if len(mine) < 3:
        return
    for matrix, following in _similarities(one, other, mine, theirs):
        yield matrix
        if len(following) >= 6:
            affine = _affine(one.place[mine[following]], other.place[theirs[following]])
            if plausible(affine):
                yield affine


def _by_frames(one: Look, other: Look) -> Iterator[Matrix]:
    """The turns by right angles that the hashes speak for: frame on frame, stretched if need be."""
    differ = np.bitwise_count(other.turned_hashes ^ np.uint64(one.signature.hash)).astype(int)
    height, width = other.signature.picture.shape
    for number in np.flatnonzero(np.minimum(differ, 64 - differ) <= 8)[:2]:
        transposed, across, down = TURNS[number]
        matrix = np.eye(3)
        size = (height, width) if transposed else (width, height)  # x, y
        if transposed:
            matrix = np.array([[0.0, 1, 0], [1, 0, 0], [0, 0, 1]])
        if across:
            matrix = np.array([[-1.0, 0, size[0] - 1], [0, 1, 0], [0, 0, 1]]) @ matrix
        if down:
            matrix = np.array([[1.0, 0, 0], [0, -1, size[1] - 1], [0, 0, 1]]) @ matrix
        rows, columns = one.signature.picture.shape
        fx, fy = columns / size[0], rows / size[1]
        fitted = np.array([[fx, 0, (fx - 1) / 2], [0, fy, (fy - 1) / 2], [0, 0, 1]]) @ matrix
        yield fitted[:2]


def _matches(one: Look, other: Look) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Keypoints that are the nearest of the other film's, from either side; nearest first."""
    mine = np.ascontiguousarray(one.signature.codes).view(np.uint64)
    theirs = np.ascontiguousarray(other.signature.codes).view(np.uint64)
    if not len(mine) or not len(theirs):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    differ = np.bitwise_count(mine[:, None] ^ theirs[None]).sum(axis=2, dtype=np.int64)
    n = len(theirs)
    rows = np.arange(len(mine)) * n + differ.argmin(axis=1)
    columns = differ.argmin(axis=0) * n + np.arange(n)
    pairs = np.unique(np.concatenate([rows, columns]))
    bits = differ.ravel()[pairs]
    pairs = pairs[np.argsort(bits, kind="stable")]
    pairs = pairs[differ.ravel()[pairs] <= MOST_BITS][:MOST_MATCHES]
    return pairs // n, pairs % n


def _similarities(
    one: Look, other: Look, mine: NDArray[np.int64], theirs: NDArray[np.int64]
) -> Iterator[tuple[Matrix, NDArray[np.int64]]]:
    """Turns with scale and shift, mirrored or not, that most matches follow, each with those
    matches: random pairs of matches (RANSAC: Fischler and Bolles, CACM 1981) as complex numbers."""
    draw = np.random.default_rng(0)
    n = len(mine)
    first, second = draw.integers(0, n, (2, TRIES))
    to, log_ratio = one.place[mine], one.log_sigma[mine] - other.log_sigma[theirs]
    for mirrored in (False, True):
        place = other.place[theirs]
        of = place.conj() if mirrored else place
        apart = of[first] - of[second]
        usable = np.abs(apart) > 2 * NEAR_PX
        turn = (to[first] - to[second])[usable] / apart[usable]
        log_scale = np.log(np.maximum(np.abs(turn), 1e-6))
        agrees = np.abs(log_scale - log_ratio[first[usable]]) < NEAR_LOG_SCALE
        agrees &= np.abs(log_scale - log_ratio[second[usable]]) < NEAR_LOG_SCALE
        turn, log_scale = turn[agrees], log_scale[agrees]
        if not len(turn):
            continue
        shift = to[first[usable]][agrees] - turn * of[first[usable]][agrees]
        off = np.abs(turn[:, None] * of[None] + shift[:, None] - to[None])
        follows = (off < NEAR_PX) & (np.abs(log_scale[:, None] - log_ratio[None]) < NEAR_LOG_SCALE)
        counts = follows.sum(axis=1)
        for best in np.argsort(-counts, kind="stable")[:HYPOTHESES]:
            following = np.flatnonzero(follows[best])
            if len(following) < 3:
                break
            yield _matrix(turn[best], shift[best], mirrored), following


def _matrix(turn: complex, shift: complex, mirrored: bool) -> Matrix:
    a, b = turn.real, turn.imag
    flip = -1.0 if mirrored else 1.0
    return np.array([[a, -b * flip, shift.real], [b, a * flip, shift.imag]])


def _affine(to: NDArray[np.complex128], of: NDArray[np.complex128]) -> Matrix:
    """Least squares."""
    known = np.stack([of.real, of.imag, np.ones(len(of))], axis=1)
    wanted = np.stack([to.real, to.imag], axis=1)
    return np.asarray(np.linalg.lstsq(known, wanted, rcond=None)[0].T)


# --- how alike they are there ---------------------------------------------------------------------


def _correlation(
    one: Look, other: Look, matrix: Matrix, band: Literal["coarse", "fine"]
) -> tuple[float, float]:
    """Correlation in [-1, 1], and the overlap's share of the smaller film."""
    both = _both(one, other, matrix)
    n = int(np.count_nonzero(both))
    area = abs(float(np.linalg.det(matrix[:, :2]))) * float(other.inside.sum())
    overlap = n / max(1.0, min(float(one.inside.sum()), area))
    if n < SMALLEST_PX:
        return 0.0, overlap
    a = getattr(one, band)[both]
    b = _moved(getattr(other, band), matrix, one)[both]
    a, b = a - a.mean(), b - b.mean()
    scale = math.sqrt(float(a @ a) * float(b @ b))
    return (float(a @ b) / scale if scale > 0 else 0.0), overlap


def _both(one: Look, other: Look, matrix: Matrix) -> NDArray[np.bool_]:
    return (_moved(other.inside, matrix, one) > 0.95) & (one.inside > 0)


def _moved(values: NDArray[np.float32], matrix: Matrix, onto: Look) -> NDArray[np.float32]:
    import cv2

    height, width = onto.inside.shape
    return np.asarray(cv2.warpAffine(values, matrix, (width, height)), np.float32)


def _median(one: Look, other: Look, matrix: Matrix, correlation: float) -> float:
    """The median of the correlations within windows, weighted by how much they show."""
    import cv2

    both = _both(one, other, matrix).astype(np.float32)
    a, b = one.band * both, _moved(other.band, matrix, one) * both
    if correlation < 0:
        b = -b

    def summed(values: NDArray[np.float32]) -> NDArray[np.float32]:
        window = (WINDOW_PX, WINDOW_PX)
        sums = cv2.boxFilter(values, -1, window, normalize=False, borderType=cv2.BORDER_CONSTANT)
        return np.asarray(sums[WINDOW_PX // 4 :: WINDOW_PX // 3, WINDOW_PX // 4 :: WINDOW_PX // 3])

    n = summed(both)
    whole = n > WINDOW_PX**2 / 2
    if np.count_nonzero(whole) < 8:
        return 0.0
    n = n[whole]
    mean_a, mean_b = summed(a)[whole] / n, summed(b)[whole] / n
    var_a = np.maximum(summed(a * a)[whole] / n - mean_a**2, 0)
    var_b = np.maximum(summed(b * b)[whole] / n - mean_b**2, 0)
    shared = summed(a * b)[whole] / n - mean_a * mean_b
    within = shared / np.sqrt((var_a + 3) * (var_b + 3))  # 3: of a pattern too faint to count
    shown = (var_a * var_b) ** 0.25
    shown = np.minimum(shown, np.percentile(shown, 90))
    order = np.argsort(within)
    share = np.cumsum(shown[order])
    at = min(int(np.searchsorted(share, share[-1] / 2)), len(order) - 1)
    return float(within[order[at]])


def _refined(one: Look, other: Look, matrix: Matrix, band: Literal["coarse", "fine"]) -> Matrix:
    """The affine transform of highest correlation nearby (ECC: Evangelidis and Psarakis, PAMI
    2008); ``matrix`` itself where there is no better one."""
    import cv2

    before = _correlation(one, other, matrix, band)[0]
    start = cv2.invertAffineTransform(matrix).astype(np.float32)
    stop = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, STEPS, 1e-4)
    there = np.float32(-1.0 if before < 0 else 1.0) * getattr(other, band)
    mask = (other.inside * 255).astype(np.uint8)
    try:
        _, found = cv2.findTransformECC(
            getattr(one, band), there, start, cv2.MOTION_AFFINE, stop, mask, 1
        )
    except cv2.error:  # it did not converge
        return matrix
    refined = np.asarray(cv2.invertAffineTransform(found), np.float64)
    if not plausible(refined):
        return matrix
    better = abs(_correlation(one, other, refined, band)[0]) > abs(before)
    return refined if better else matrix

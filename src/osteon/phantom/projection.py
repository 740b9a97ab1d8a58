"""Line integrals of density through bones, wires and flesh: thickness maps in mm, (H, W).

A cone beam: the source stands ``source_mm`` before the plane z = 0, in which px are measured; a
ray through (X, Y, 0) is at (X (1 + z / source_mm), Y (1 + z / source_mm), z).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from osteon.phantom.solids import F32, Bone, Rigid, Tube, Vector

_SAMPLES = 28  # along a ray through one bone
_STEPS = 14  # pieces of a tube when its rays are looked for
_CHUNK = 2500  # rays at once: what fits the cache of a core


@dataclass(frozen=True, kw_only=True, slots=True)
class Cut:
    """A fragment of a bone, in camera space.

    ``outside`` takes points x, y, z (N, K) to mm outside the fragment (negative inside);
    ``to_local`` leads to the break's frame, along whose first axis the fragment lies in ``span``.
    """

    outside: Callable[[F32, F32, F32], F32]
    to_local: Rigid
    span: tuple[float, float]

    def misses(self, points: Vector, reach: float) -> bool:
        """Whether balls of ``reach`` mm about all points (P, 3) lie beyond the same end."""
        along = self.to_local(points)[:, 0]
        return bool(along.min() - reach > self.span[1] or along.max() + reach < self.span[0])


@dataclass(frozen=True, kw_only=True, slots=True)
class Screen:
    """The film's grid: px of ``mm_per_px``; the central ray meets px ``centre``."""

    width_px: int
    height_px: int
    mm_per_px: float
    centre: tuple[float, float]
    source_mm: float = 1100.0

    def px(self, points: Vector) -> Vector:
        """Where points (..., 3) in mm fall, as (..., 2) px: x, y."""
        scale = 1.0 + points[..., 2:] / self.source_mm
        flat: Vector = points[..., :2] / scale / self.mm_per_px + np.asarray(self.centre)
        return flat


def project_bone(bone: Bone, screen: Screen, cut: Cut | None = None) -> tuple[F32, F32]:
    """Thickness of cortical bone and of the inner, spongy bone (as mm of cortical bone)."""
    shell = np.zeros((screen.height_px, screen.width_px), np.float32)
    sponge = np.zeros_like(shell)
    masks = [_reached(tube, screen, cut) for tube in bone.tubes]
    rows, columns = np.nonzero(np.logical_or.reduce(masks))
    for start in range(0, len(rows), _CHUNK):
        row, column = rows[start : start + _CHUNK], columns[start : start + _CHUNK]
        hits = [mask[row, column] for mask in masks]
        shell[row, column], sponge[row, column] = _integrate(bone, screen, row, column, hits, cut)
    return shell, sponge


def _reached(
    tube: Tube, screen: Screen, cut: Cut | None
) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    """The px whose rays may meet the tube."""
    mask = np.zeros((screen.height_px, screen.width_px), np.uint8)
    ends = np.stack(tube.ends)
    near = np.linspace(0.0, 1.0, _STEPS + 1)
    places = ends[0] + near[:, None] * (ends[1] - ends[0])
    index = np.round(near * (tube.profile.shape[1] - 1)).astype(int)
    offset = (
        tube.profile[2, index, None] * tube.frame[1]
        + tube.profile[3, index, None] * (tube.frame[2])
    )
    flat = screen.px(places + offset)
    size = np.maximum(tube.profile[0], tube.profile[1])
    for step in range(_STEPS):
        wide = float(size[index[step] : index[step + 1] + 1].max())
        if cut is not None and cut.misses((places + offset)[step : step + 2], wide):
            continue
        nearest = float(places[step : step + 2, 2].min()) - wide
        reach = wide / screen.mm_per_px / (1.0 + nearest / screen.source_mm) + 1.5
        a, b = flat[step], flat[step + 1]
        limit = 4.0 * max(mask.shape)
        if np.abs(np.concatenate([a, b])).max() > limit:
            continue
        cv2.line(
            mask,
            (round(a[0]), round(a[1])),
            (round(b[0]), round(b[1])),
            1,
            thickness=max(1, round(2.1 * reach)),
        )
    return mask.view(np.bool_)


def _integrate(
    bone: Bone,
    screen: Screen,
    row: np.ndarray[tuple[int, ...], np.dtype[np.intp]],
    column: np.ndarray[tuple[int, ...], np.dtype[np.intp]],
    hits: Sequence[np.ndarray[tuple[int, ...], np.dtype[np.bool_]]],
    cut: Cut | None,
) -> tuple[F32, F32]:
    x = ((column - screen.centre[0]) * screen.mm_per_px).astype(np.float32)
    y = ((row - screen.centre[1]) * screen.mm_per_px).astype(np.float32)
    low, high = _depths(bone, x, y, hits)
    step = (high - low) / _SAMPLES
    z = low[:, None] + step[:, None] * (np.arange(_SAMPLES, dtype=np.float32) + 0.5)
    away = np.full_like(z, 1e3)
    cortex, inside = np.zeros_like(z), np.zeros_like(z)
    for tube, hit in zip(bone.tubes, hits, strict=True):
        rays = np.flatnonzero(hit)
        if len(rays):
            _unite(bone, tube, rays, (x, y, z), screen.source_mm, (away, cortex, inside))
    soft = np.maximum(step, 0.6 * screen.mm_per_px)[:, None]
    within = np.clip(0.5 - away / soft, 0.0, 1.0)
    if cut is not None:
        spread = 1.0 + z / np.float32(screen.source_mm)
        within *= np.clip(
            0.5 - cut.outside(x[:, None] * spread, y[:, None] * spread, z) / soft, 0.0, 1.0
        )
    hard = within * np.clip(0.5 + (away + cortex) / soft, 0.0, 1.0)
    sponge = (within - hard) * inside
    return hard.sum(axis=1) * step, sponge.sum(axis=1) * step


def _unite(
    bone: Bone,
    tube: Tube,
    rays: np.ndarray[tuple[int, ...], np.dtype[np.intp]],
    where: tuple[F32, F32, F32],
    source_mm: float,
    so_far: tuple[F32, F32, F32],
) -> None:
    """Join one tube to the union held in ``so_far`` by a polynomial smooth minimum."""
    x, y, z = where[0][rays], where[1][rays], where[2][rays]
    coordinates = []
    for axis in tube.frame.astype(np.float32):
        flat = x * axis[0] + y * axis[1]
        base = flat - np.float32(tube.origin @ axis)
        slope = flat / np.float32(source_mm) + axis[2]
        coordinates.append(base[:, None] + slope[:, None] * z)
    new, cortex, inside = tube.distance(coordinates[0], coordinates[1], coordinates[2])
    old = so_far[0][rays]
    nearer = new < old
    blend = np.float32(bone.blend)
    overlap = np.maximum(blend - np.abs(new - old), 0.0) / blend
    so_far[0][rays] = np.minimum(new, old) - overlap * overlap * (blend * 0.25)
    so_far[1][rays] = np.where(nearer, cortex, so_far[1][rays])
    so_far[2][rays] = np.where(nearer, inside, so_far[2][rays])


def _depths(
    bone: Bone,
    x: F32,
    y: F32,
    hits: Sequence[np.ndarray[tuple[int, ...], np.dtype[np.bool_]]],
) -> tuple[F32, F32]:
    """Between which depths each ray may meet the bone."""
    low, high = np.full_like(x, 1e4), np.full_like(x, -1e4)
    for tube, hit in zip(bone.tubes, hits, strict=True):
        start, end = (point.astype(np.float32) for point in tube.ends)
        way = end - start
        flat = float(way[0] ** 2 + way[1] ** 2)
        reach = tube.reach + 2.0
        if flat < reach**2 / 4:
            near, far = min(start[2], end[2]), max(start[2], end[2])
            low[hit] = np.minimum(low[hit], near - reach)
            high[hit] = np.maximum(high[hit], far + reach)
            continue
        place = ((x[hit] - start[0]) * way[0] + (y[hit] - start[1]) * way[1]) / flat
        slack = reach / np.sqrt(flat)
        first = start[2] + way[2] * np.clip(place - slack, 0, 1)
        second = start[2] + way[2] * np.clip(place + slack, 0, 1)
        low[hit] = np.minimum(low[hit], np.minimum(first, second) - reach)
        high[hit] = np.maximum(high[hit], np.maximum(first, second) + reach)
    return low, high


@dataclass(frozen=True, kw_only=True, slots=True)
class Wire:
    """A thin tube along a polyline (P, 3): ribs, screws, wires; ``bore`` is its hollow, mm."""

    points: Vector
    radius: float
    bore: float = 0.0

    def moved(self, motion: Rigid) -> Wire:
        return Wire(points=motion(self.points), radius=self.radius, bore=self.bore)


def project_wire(wire: Wire, screen: Screen) -> F32:
    """Chord of the wire, exact for each straight piece: (H, W) mm."""
    outer = np.zeros((screen.height_px, screen.width_px), np.float32)
    inner = np.zeros_like(outer)
    flat = screen.px(wire.points)
    way = np.gradient(wire.points, axis=0)
    run = np.maximum(np.hypot(way[:, 0], way[:, 1]), 1e-6)
    slant = np.minimum(np.linalg.norm(way, axis=1) / run, 2.5)
    for piece in range(len(flat) - 1):
        a, b = flat[piece], flat[piece + 1]
        reach = wire.radius / screen.mm_per_px + 1
        left, top = np.floor(np.minimum(a, b) - reach).astype(int)
        right, bottom = np.ceil(np.maximum(a, b) + reach).astype(int) + 1
        left, top = max(left, 0), max(top, 0)
        right, bottom = min(right, screen.width_px), min(bottom, screen.height_px)
        if left >= right or top >= bottom:
            continue
        gap2, place = _distance2(a, b, (left, top, right, bottom))
        gap2 *= np.float32(screen.mm_per_px**2)
        slope = 2 * (np.float32(slant[piece]) + np.float32(slant[piece + 1] - slant[piece]) * place)
        for chord, radius in ((outer, wire.radius), (inner, wire.bore)):
            window = chord[top:bottom, left:right]
            np.maximum(window, slope * np.sqrt(np.maximum(radius**2 - gap2, 0)), out=window)
    return outer - inner


def _distance2(a: Vector, b: Vector, window: tuple[int, int, int, int]) -> tuple[F32, F32]:
    """Squared distance (px) of each px of left, top, right, bottom from the piece a to b, and
    its place on it, 0 to 1."""
    x = np.arange(window[0], window[2], dtype=np.float32)[None, :]
    y = np.arange(window[1], window[3], dtype=np.float32)[:, None]
    way = (b - a).astype(np.float32)
    length2 = max(float(way @ way), 1e-6)
    place = np.clip(((x - a[0]) * way[0] + (y - a[1]) * way[1]) / np.float32(length2), 0, 1)
    gap: F32 = (x - a[0] - place * way[0]) ** 2 + (y - a[1] - place * way[1]) ** 2
    return gap.astype(np.float32), place.astype(np.float32)


@dataclass(frozen=True, kw_only=True, slots=True)
class Flesh:
    """A limb: a polyline (P, 3) with half-widths along x and z (P, 2), and its layer of fat, mm."""

    points: Vector
    half: Vector
    fat: float


_COARSE = 4  # flesh is smooth: it is projected on every fourth px


def project_flesh(limbs: Sequence[Flesh], screen: Screen) -> tuple[F32, F32]:
    """Thickness of muscle and of fat: (H, W) mm each. Limbs that overlap on the film merge."""
    shape = (screen.height_px // _COARSE + 2, screen.width_px // _COARSE + 2)
    whole, lean = np.full(shape, -1e3, np.float32), np.full(shape, -1e3, np.float32)
    for limb in limbs:
        flat = screen.px(limb.points) / _COARSE
        for piece in range(len(flat) - 1):
            _add_piece(whole, lean, flat[piece : piece + 2], limb, piece, screen)
    blur = 8.0 / screen.mm_per_px / _COARSE / 2
    chords = []
    for square in (whole, lean):
        soft = cv2.GaussianBlur(np.maximum(square, -300), (0, 0), max(blur, 0.8))
        fine = cv2.resize(
            soft, (shape[1] * _COARSE, shape[0] * _COARSE), interpolation=cv2.INTER_CUBIC
        )
        fine = fine[: screen.height_px, : screen.width_px]
        chords.append(2 * np.sqrt(np.maximum(fine, 0.0)))
    muscle = np.minimum(chords[1], chords[0])
    return muscle, chords[0] - muscle


def _add_piece(
    whole: F32, lean: F32, flat: Vector, limb: Flesh, piece: int, screen: Screen
) -> None:
    x = np.arange(whole.shape[1], dtype=np.float32)[None, :]
    y = np.arange(whole.shape[0], dtype=np.float32)[:, None]
    way = (flat[1] - flat[0]).astype(np.float32)
    place = ((x - flat[0, 0]) * way[0] + (y - flat[0, 1]) * way[1]) / max(float(way @ way), 1e-6)
    place = np.clip(place, 0, 1).astype(np.float32)
    gap2 = (x - flat[0, 0] - place * way[0]) ** 2 + (y - flat[0, 1] - place * way[1]) ** 2
    gap2 = gap2 * np.float32((screen.mm_per_px * _COARSE) ** 2)
    first, second = limb.half[piece].astype(np.float32), limb.half[piece + 1].astype(np.float32)
    for square, fat in ((whole, 0.0), (lean, limb.fat)):
        wide = np.maximum(first[0] + (second[0] - first[0]) * place - np.float32(fat), 1.0)
        deep = np.maximum(first[1] + (second[1] - first[1]) * place - np.float32(fat), 1.0)
        np.maximum(square, (1 - gap2 / (wide * wide)) * deep * deep, out=square)

"""Bones as solids: tubes with a cortex and a marrow, ellipsoids, and unions of both.

Frame: mm; x to the film's right, y down the film, z from the X-ray source to the detector.
A solid tells the distance to its surface (negative inside); a bone tells its density.
Legend of shapes: N rays, K samples along each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

F32 = NDArray[np.float32]
Vector = NDArray[np.float64]  # (3,)
Matrix = NDArray[np.float64]  # (3, 3)

_TABLE = 128  # samples of a tube's profile along its axis


@dataclass(frozen=True, kw_only=True, slots=True)
class Rigid:
    """A rigid motion p -> turn p + shift."""

    turn: Matrix
    shift: Vector

    def __call__(self, points: Vector) -> Vector:
        moved: Vector = points @ self.turn.T + self.shift
        return moved

    def farther(self, times: float) -> Rigid:
        """The same turn, and ``times`` the shift; what does not shift stays as it is."""
        return Rigid(turn=self.turn, shift=self.shift * times) if self.shift.any() else self

    def after(self, first: Rigid) -> Rigid:
        return Rigid(turn=self.turn @ first.turn, shift=self.turn @ first.shift + self.shift)

    def inverse(self) -> Rigid:
        return Rigid(turn=self.turn.T, shift=-(self.turn.T @ self.shift))


IDENTITY = Rigid(turn=np.eye(3), shift=np.zeros(3))


def rotation(axis: Vector, degrees: float) -> Matrix:
    """Right-handed rotation about ``axis`` (Rodrigues)."""
    x, y, z = axis / np.linalg.norm(axis)
    cross = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    angle = np.deg2rad(degrees)
    matrix: Matrix = np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross
    return matrix


def turn_about(point: Vector, axis: Vector, degrees: float) -> Rigid:
    turn = rotation(axis, degrees)
    return Rigid(turn=turn, shift=point - turn @ point)


@dataclass(frozen=True, kw_only=True, slots=True)
class Tube:
    """A straight axis carrying an elliptic section that changes along it.

    ``profile`` (6, 128): half-width along u, half-width along v, offset along u and v, cortex
    (all mm), density of the inside (share of cortical bone), against the axis from 0 to
    ``length``.
    """

    origin: Vector
    frame: Matrix  # rows: along the axis, u, v
    length: float
    profile: F32

    def moved(self, motion: Rigid) -> Tube:
        return replace(self, origin=motion(self.origin), frame=self.frame @ motion.turn.T)

    @property
    def reach(self) -> float:
        """Largest distance from the axis, mm."""
        return float(
            np.max(np.maximum(self.profile[0], self.profile[1]))
            + np.max(np.hypot(self.profile[2], self.profile[3]))
        )

    @property
    def ends(self) -> tuple[Vector, Vector]:
        return self.origin, self.origin + self.length * self.frame[0]

    def distance(self, s: F32, u: F32, v: F32) -> tuple[F32, F32, F32]:
        """Distance to the surface, cortex and inner density at tube coordinates (N, K)."""
        index = np.clip(s * np.float32((_TABLE - 1) / self.length), 0, _TABLE - 1).astype(np.intp)
        half_u, half_v = self.profile[0].take(index), self.profile[1].take(index)
        u = (u - self.profile[2].take(index)) / half_u
        v = (v - self.profile[3].take(index)) / half_v
        away = (np.sqrt(u * u + v * v) - 1) * np.minimum(half_u, half_v)
        np.maximum(away, np.maximum(-s, s - np.float32(self.length)), out=away)
        return away, self.profile[4].take(index), self.profile[5].take(index)


@dataclass(frozen=True, kw_only=True, slots=True)
class Bone:
    """A union of tubes (an ellipsoid is a tube too). ``blend`` mm rounds the joins."""

    name: str
    tubes: tuple[Tube, ...]
    blend: float = 3.0

    def moved(self, motion: Rigid) -> Bone:
        return replace(self, tubes=tuple(tube.moved(motion) for tube in self.tubes))


def frame_along(axis: Vector, across: Vector) -> Matrix:
    """Orthonormal rows: along ``axis``; as near to ``across`` as can be; perpendicular to both."""
    first = axis / np.linalg.norm(axis)
    second = across - (across @ first) * first
    if np.linalg.norm(second) < 0.2 * np.linalg.norm(across):
        other = np.array([0.0, 1.0, 0.0])
        second = other - (other @ first) * first
    second = second / np.linalg.norm(second)
    return np.stack([first, second, np.cross(first, second)])


Row = tuple[float, ...]  # place 0..1, half-width u, half-width v[, cortex, inside[, bow u, bow v]]


def tube(
    start: tuple[float, float, float],
    end: tuple[float, float, float],
    rows: Sequence[Row],
    *,
    caps: tuple[float, float] = (0.5, 0.5),
    blunt: float = 2.5,
    across: tuple[float, float, float] = (1.0, 0.0, 0.0),
) -> Tube:
    """A tube between two points whose section follows ``rows``.

    ``caps`` round the ends over that multiple of the end's half-width; ``blunt`` 2 is an ellipse,
    more is flatter.
    """
    first, last = np.array(start), np.array(end)
    length = float(np.linalg.norm(last - first))
    full = [(*row, *(1.2, 0.25, 0.0, 0.0)[len(row) - 3 :]) for row in rows]
    knots = np.array(full, dtype=np.float64)
    place = np.linspace(0.0, 1.0, _TABLE)
    smooth = _smooth_rows(place, knots)
    along = place * length
    for cap, edge in ((caps[0] * knots[0, 1], along), (caps[1] * knots[-1, 1], length - along)):
        if cap > 0:
            inward = np.clip(1.0 - edge / cap, 0.0, 1.0)
            smooth[:2] *= np.maximum(1.0 - inward**blunt, 1e-3) ** (1.0 / blunt)
    ordered = smooth[[0, 1, 4, 5, 2, 3]]
    return Tube(
        origin=first,
        frame=frame_along(last - first, np.array(across)),
        length=length,
        profile=ordered.astype(np.float32),
    )


def _smooth_rows(place: Vector, knots: Vector) -> Vector:
    """Monotone cubic interpolation of the rows (Fritsch and Carlson, 1980): (6, 128)."""
    from scipy.interpolate import PchipInterpolator

    if len(knots) == 1:
        return np.repeat(knots[0, 1:, None], len(place), axis=1)
    curve: Vector = PchipInterpolator(knots[:, 0], knots[:, 1:], axis=0)(place).T
    return curve


def ellipsoid(
    centre: tuple[float, float, float],
    half: tuple[float, float, float],
    *,
    along: tuple[float, float, float] = (0.0, 1.0, 0.0),
    cortex: float = 0.9,
    inside: float = 0.3,
) -> Tube:
    """Half-axes (mm): across, along, deep; ``along`` is the direction of the second."""
    axis = np.array(along) / np.linalg.norm(along)
    start = np.array(centre) - axis * half[1]
    end = np.array(centre) + axis * half[1]
    ratio = half[1] / half[0]
    return tube(
        (start[0], start[1], start[2]),
        (end[0], end[1], end[2]),
        [(0.0, half[0], half[2], cortex, inside)],
        caps=(ratio, ratio),
        blunt=2.0,
    )

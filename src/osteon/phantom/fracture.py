"""Fractures as geometry: surfaces that cut a bone into fragments, and how the fragments moved.

Definitions: AO/OTA Fracture and Dislocation Classification Compendium (Meinberg et al., J Orthop
Trauma 2018; 32 Suppl 1), 'simple spiral A1, oblique A2 (>= 30 degrees), transverse A3 (< 30
degrees), wedge and multifragmentary B, C'; Rogers, Radiology of Skeletal Trauma, for the rest.

Local frame of a break: s along the bone (away from the body), u and v across it, in mm.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from osteon.phantom.anatomy import Site
from osteon.phantom.projection import Cut
from osteon.phantom.solids import F32, IDENTITY, Bone, Rigid, Tube, Vector, turn_about

Surface = Callable[[F32, F32], F32]  # u, v -> s
Inside = Callable[[F32, F32, F32], F32]  # s, u, v -> mm outside the fragment


@dataclass(frozen=True, kw_only=True, slots=True)
class Fragment:
    """A part of the bone and its motion, both in the local frame."""

    outside: Inside
    motion: Rigid
    span: tuple[float, float]  # between which s it lies
    marks: Vector  # (P, 3) points on its broken surface, where it lay before it moved


@dataclass(frozen=True, kw_only=True, slots=True)
class Fracture:
    """A broken bone; ``to_local`` leads from the bone's frame to the break's."""

    name: str
    bone: str
    carries: tuple[str, ...]
    to_local: Rigid
    fragments: tuple[Fragment, ...]
    carried_by: Rigid  # the motion of what hangs on the far fragment, in the bone's frame

    def cut(self, fragment: Fragment, camera: Rigid) -> Cut:
        """The fragment as a cut for rays in camera space."""
        back = fragment.motion.inverse().after(self.to_local.after(camera.inverse()))
        turn, shift = back.turn.astype(np.float32), back.shift.astype(np.float32)

        def outside(x: F32, y: F32, z: F32) -> F32:
            s, u, v = (
                x * turn[i, 0] + y * turn[i, 1] + z * turn[i, 2] + shift[i] for i in range(3)
            )
            return fragment.outside(s, u, v)

        return Cut(outside=outside, to_local=back, span=fragment.span)

    def placed(self, fragment: Fragment) -> Rigid:
        """How the fragment moved, in the bone's frame."""
        return self.to_local.inverse().after(fragment.motion.after(self.to_local))

    def marks(self) -> Vector:
        """Points on all broken surfaces after the break, in the bone's frame: (P, 3)."""
        back = self.to_local.inverse()
        return np.concatenate([back(part.motion(part.marks)) for part in self.fragments])


def break_bone(
    bone: Bone, site: Site, name: str, rng: np.random.Generator, displacement: float = 1.0
) -> Fracture:
    """Break ``bone`` at ``site`` in the way ``name``: the same generator, the same break.

    ``displacement`` multiplies how far the fragments shift and bend.
    """
    tube = bone.tubes[site.tube]
    place = float(rng.uniform(*site.places))
    if name == "avulsion" and site.tube == 0:
        place = 0.06
    local, radius = _local_frame(tube, place, rng)
    if name == "avulsion":
        local = _outward(bone, site, tube, local, place)
    fragments = tuple(
        replace(part, motion=part.motion.farther(displacement))
        for part in _MAKERS[name](radius, site.give * displacement, rng)
    )
    far = fragments[1] if len(fragments) > 1 and name != "avulsion" else None
    motion = far.motion if far is not None else IDENTITY
    return Fracture(
        name=name,
        bone=bone.name,
        carries=site.carries,
        to_local=local,
        fragments=fragments,
        carried_by=local.inverse().after(motion.after(local)),
    )


def _local_frame(tube: Tube, place: float, rng: np.random.Generator) -> tuple[Rigid, float]:
    index = round(place * (tube.profile.shape[1] - 1))
    wide, deep, bow_u, bow_v = (float(value) for value in tube.profile[:4, index])
    centre = (
        tube.origin
        + place * tube.length * tube.frame[0]
        + bow_u * tube.frame[1]
        + bow_v * tube.frame[2]
    )
    angle = rng.uniform(0, 2 * np.pi)
    across = np.cos(angle) * tube.frame[1] + np.sin(angle) * tube.frame[2]
    frame = np.stack([tube.frame[0], across, np.cross(tube.frame[0], across)])
    return Rigid(turn=frame, shift=-(frame @ centre)), float(np.sqrt(wide * deep))


def _outward(bone: Bone, site: Site, tube: Tube, local: Rigid, place: float) -> Rigid:
    """For an avulsion: s points out of the prominence that is torn off."""
    centre = local.inverse().shift
    if site.tube == 0:
        index = round(place * (tube.profile.shape[1] - 1))
        centre = centre + 0.75 * float(tube.profile[0, index]) * tube.frame[1]
        way = 0.8 * tube.frame[1] - 0.5 * tube.frame[0]
    else:
        main = bone.tubes[0]
        along = float(np.clip((centre - main.origin) @ main.frame[0], 0, main.length))
        way = centre - (main.origin + along * main.frame[0])
        if np.linalg.norm(way) < 3.0 or along >= main.length - 1:
            way = way + main.frame[0] * 6.0
    axis = way / np.linalg.norm(way)
    helper = np.array([0.0, 0.0, 1.0]) if abs(axis[2]) < 0.9 else np.array([1.0, 0.0, 0.0])
    second = helper - (helper @ axis) * axis
    second /= np.linalg.norm(second)
    frame = np.stack([axis, second, np.cross(axis, second)])
    return Rigid(turn=frame, shift=-(frame @ centre))


# --- surfaces -----------------------------------------------------------------------------------


def _rough(radius: float, rng: np.random.Generator, share: float = 0.07) -> Surface:
    """A jagged sheet of amplitude ``share`` of the radius."""
    waves = [
        (rng.normal(0, 1.0 / radius * k), rng.normal(0, 1.0 / radius * k), rng.uniform(0, 6.28))
        for k in (1.5, 3.0, 6.0)
    ]

    def height(u: F32, v: F32) -> F32:
        total = np.zeros_like(u)
        for size, (a, b, phase) in zip((1.0, 0.7, 0.4), waves, strict=True):
            total += np.float32(size) * np.sin(np.float32(a) * u + np.float32(b) * v + phase)
        return np.asarray(total * np.float32(share * radius), np.float32)

    return height


def _plane(radius: float, share: float, degrees: float, rng: np.random.Generator) -> Surface:
    """A jagged plane at ``degrees`` to the perpendicular of the bone's axis."""
    rough, slope = _rough(radius, rng, share), np.float32(np.tan(np.deg2rad(degrees)))
    return lambda u, v: np.asarray(rough(u, v) + slope * u, np.float32)


def _disc(radius: float) -> tuple[F32, F32]:
    r, angle = np.meshgrid(np.linspace(0.15, 1.0, 5), np.linspace(-np.pi, np.pi, 17))
    u, v = radius * r * np.cos(angle), radius * r * np.sin(angle)
    return u.ravel().astype(np.float32), v.ravel().astype(np.float32)


def _on(surface: Surface, radius: float, least_u: float = -1e9) -> Vector:
    u, v = _disc(radius)
    keep = u >= least_u
    u, v = u[keep], v[keep]
    return np.stack([surface(u, v), u, v], axis=1).astype(np.float64)


def _near(surface: Surface, gap: float) -> Inside:
    return lambda s, u, v: s - surface(u, v) + np.float32(gap / 2)


def _far(surface: Surface, gap: float) -> Inside:
    return lambda s, u, v: surface(u, v) - s + np.float32(gap / 2)


def _motion(shift: tuple[float, float, float], rng: np.random.Generator, bend: float) -> Rigid:
    """Shift in mm and a bend of ``bend`` degrees about a random axis across the bone."""
    angle = rng.uniform(0, 2 * np.pi)
    turn = turn_about(np.zeros(3), np.array([0.0, np.cos(angle), np.sin(angle)]), bend)
    return Rigid(turn=turn.turn, shift=turn.shift + np.asarray(shift))


def _two(surface: Surface, gap: float, radius: float, motion: Rigid) -> tuple[Fragment, ...]:
    return _ends(surface, surface, gap, radius, motion)


def _ends(
    low: Surface, high: Surface, gap: float, radius: float, motion: Rigid
) -> tuple[Fragment, ...]:
    """The bone below one surface, which stays, and above another, which moves."""
    below, above = _on(low, radius), _on(high, radius)
    return (
        Fragment(outside=_near(low, gap), motion=IDENTITY, marks=below, span=_below(below, radius)),
        Fragment(outside=_far(high, gap), motion=motion, marks=above, span=_above(above, radius)),
    )


def _below(marks: Vector, radius: float) -> tuple[float, float]:
    return -np.inf, float(marks[:, 0].max()) + 0.8 * radius


def _above(marks: Vector, radius: float) -> tuple[float, float]:
    return float(marks[:, 0].min()) - 0.8 * radius, np.inf


def _aside(radius: float, rng: np.random.Generator, most: float) -> tuple[float, float]:
    size, angle = radius * rng.uniform(0.4 * most, 1.8 * most), rng.uniform(0, 2 * np.pi)
    return float(size * np.cos(angle)), float(size * np.sin(angle))


# --- the classes --------------------------------------------------------------------------------


def _transverse(radius: float, give: float, rng: np.random.Generator) -> tuple[Fragment, ...]:
    """AO A3: one line at less than 30 degrees to the perpendicular of the long axis."""
    surface = _plane(radius, 0.07, rng.uniform(0, 15), rng)
    motion = _motion(
        (rng.uniform(0, 1.0), *_aside(radius, rng, 0.7)), rng, give * rng.uniform(4, 15)
    )
    return _two(surface, rng.uniform(1.2, 2.8), radius, motion)


def _oblique(radius: float, give: float, rng: np.random.Generator) -> tuple[Fragment, ...]:
    """AO A2: one plane at 30 degrees or more to the perpendicular of the long axis."""
    surface = _plane(radius, 0.05, rng.uniform(42, 62), rng)
    motion = _motion(
        (rng.uniform(-1, 1.0), *_aside(radius, rng, 0.5)), rng, give * rng.uniform(4, 14)
    )
    return _two(surface, rng.uniform(1.8, 4.0), radius, motion)


def _spiral(radius: float, give: float, rng: np.random.Generator) -> tuple[Fragment, ...]:
    """AO A1: a helix once around the bone, closed by a line along it; from torsion."""
    pitch = radius * rng.uniform(3.2, 5.0) * rng.choice([-1.0, 1.0])
    rough = _rough(radius, rng, 0.03)

    def surface(u: F32, v: F32) -> F32:
        turn = np.arctan2(v, u) * np.float32(pitch / (2 * np.pi))
        return np.asarray(turn + rough(u, v), np.float32)

    twist = turn_about(np.zeros(3), np.array([1.0, 0.0, 0.0]), rng.uniform(3, 9))
    motion = _motion(
        (rng.uniform(0, 1.5), *_aside(radius, rng, 0.35)), rng, give * rng.uniform(2, 9)
    )
    return _two(surface, rng.uniform(2.0, 4.0), radius, motion.after(twist))


def _comminuted(radius: float, give: float, rng: np.random.Generator) -> tuple[Fragment, ...]:
    """AO B and C: more than two fragments; here a wedge or cylinder broken into two to four."""
    length = radius * rng.uniform(1.1, 2.0)
    thin = rng.uniform(-0.2, 0.5)  # 0: a wedge that ends at the far cortex; above: a cylinder
    first, second = _rough(radius, rng, 0.1), _rough(radius, rng, 0.1)

    def height(u: F32) -> F32:
        share = (u / np.float32(radius) + 1) / 2
        part = np.float32(length) * (np.float32(thin) + np.float32(1 - thin) * share)
        return np.asarray(np.maximum(part, 0.15), np.float32)

    def low(u: F32, v: F32) -> F32:
        return np.asarray(first(u, v) - height(u), np.float32)

    def high(u: F32, v: F32) -> F32:
        return np.asarray(second(u, v) + height(u), np.float32)

    gap = rng.uniform(1.2, 2.4)
    motion = _motion(
        (rng.uniform(-2, 1.5), *_aside(radius, rng, 0.5)), rng, give * rng.uniform(2, 9)
    )
    ends = _ends(low, high, gap, radius, motion)
    return (*ends, *_middle(low, high, gap, radius, rng))


def _middle(
    low: Surface, high: Surface, gap: float, radius: float, rng: np.random.Generator
) -> list[Fragment]:
    """The pieces between two surfaces: split across the bone and, sometimes, along it."""
    pieces = []
    splits = 2 if rng.random() < 0.5 else 4
    tilt = rng.uniform(-0.8, 0.8)
    for number in range(splits):
        side_v = np.float32(1.0 if number % 2 else -1.0)
        side_s = np.float32(0.0 if splits == 2 else (1.0 if number // 2 else -1.0))

        def outside(
            s: F32, u: F32, v: F32, side_v: np.float32 = side_v, side_s: np.float32 = side_s
        ) -> F32:
            away = np.maximum(low(u, v) - s, s - high(u, v))
            away = np.maximum(away, side_v * (v + np.float32(0.4) * u))
            if side_s:
                away = np.maximum(away, side_s * (s - np.float32(tilt) * v))
            return np.asarray(away + np.float32(gap / 2), np.float32)

        out = radius * rng.uniform(0.3, 0.8)
        shift = (rng.normal(0, 1.2), out * 0.6, -float(side_v) * out)
        marks = np.concatenate([_on(low, radius), _on(high, radius)])
        marks = marks[(marks[:, 2] + 0.4 * marks[:, 1]) * float(side_v) <= 0]
        pieces.append(
            Fragment(
                outside=outside,
                motion=_motion(shift, rng, rng.normal(0, 11)),
                marks=marks,
                span=(_above(marks, radius)[0], _below(marks, radius)[1]),
            )
        )
    return pieces


def _greenstick(radius: float, give: float, rng: np.random.Generator) -> tuple[Fragment, ...]:
    """Incomplete: the tension side breaks open, the other bends and stays whole (children)."""
    rough, hinge = _rough(radius, rng, 0.09), -rng.uniform(0.25, 0.55) * radius
    bend = turn_about(
        np.array([0.0, hinge, 0.0]),
        np.array([0.0, 0.0, 1.0]),
        -max(give, 0.6) * rng.uniform(11, 20),
    )
    marks = _on(rough, radius, hinge)
    return (
        Fragment(
            outside=_near(rough, 0.3), motion=IDENTITY, marks=marks, span=_below(marks, radius)
        ),
        Fragment(outside=_far(rough, 0.0), motion=bend, marks=marks, span=_above(marks, radius)),
    )


def _impacted(radius: float, give: float, rng: np.random.Generator) -> tuple[Fragment, ...]:
    """The fragments are driven into each other: a dense band and a step, no gap."""
    rough = _rough(radius, rng, 0.12)
    depth = -min(rng.uniform(0.22, 0.4) * radius, 7.0)
    bend = give * rng.uniform(6, 16)
    motion = _motion((depth, *_aside(radius, rng, 0.22)), rng, bend)
    return _two(rough, 0.0, radius, motion)


def _hairline(radius: float, _: float, rng: np.random.Generator) -> tuple[Fragment, ...]:
    """A thin crack without displacement that need not reach the other side."""
    surface = _plane(radius, 0.08, rng.uniform(5, 50), rng)
    edge, width = -rng.uniform(0.2, 1.1) * radius, rng.uniform(1.1, 2.0)

    def outside(s: F32, u: F32, v: F32) -> F32:
        slit = np.float32(width / 2) - np.abs(s - surface(u, v))
        return np.asarray(np.minimum(slit, u - np.float32(edge)), np.float32)

    return (
        Fragment(
            outside=outside,
            motion=IDENTITY,
            marks=_on(surface, radius, edge),
            span=(-np.inf, np.inf),
        ),
    )


def _avulsion(radius: float, _: float, rng: np.random.Generator) -> tuple[Fragment, ...]:
    """A prominence torn off by its tendon or ligament and pulled away."""
    rough = _rough(radius, rng, 0.1)
    reach = np.float32(2.2 * radius)
    away = rng.uniform(4.0, 9.0) * min(1.0, radius / 6.0)
    motion = _motion((away, *_aside(radius, rng, 0.4)), rng, rng.normal(0, 14))

    def chip(s: F32, u: F32, v: F32) -> F32:
        beyond = np.maximum(rough(u, v) - s, s - reach)
        return np.asarray(np.maximum(beyond, np.hypot(u, v) - reach), np.float32)

    def rest(s: F32, u: F32, v: F32) -> F32:
        return np.asarray(np.minimum(s - rough(u, v), reach - np.hypot(u, v)), np.float32)

    marks = _on(rough, radius)
    top = marks * (0.0, 0.5, 0.5) + (radius, 0.0, 0.0)
    return (
        Fragment(outside=rest, motion=IDENTITY, marks=marks, span=(-np.inf, np.inf)),
        Fragment(
            outside=chip,
            motion=motion,
            marks=np.concatenate([marks, top]),
            span=(-radius, float(reach)),
        ),
    )


_MAKERS: dict[str, Callable[[float, float, np.random.Generator], tuple[Fragment, ...]]] = {
    "transverse": _transverse,
    "oblique": _oblique,
    "spiral": _spiral,
    "comminuted": _comminuted,
    "greenstick": _greenstick,
    "impacted": _impacted,
    "hairline": _hairline,
    "avulsion": _avulsion,
}

"""Hand, wrist, forearm and elbow."""

from __future__ import annotations

import numpy as np

from osteon.phantom.anatomy import (
    AVULSED,
    END,
    SHAFT,
    Anatomy,
    Field,
    Person,
    Site,
    limb,
    to_patient,
)
from osteon.phantom.projection import Flesh
from osteon.phantom.solids import Bone, Tube, Vector, ellipsoid, tube

_WRIST_MM = 250.0  # elbow to wrist
# Metacarpals and phalanges of the thumb to the little finger: lengths from Garn et al. 1972.
_BASES = ((-23.0, 28.0, -9.0), (-13.0, 35.0, -1.0), (-2.5, 36.0, -2.0), (7.0, 35.0, -1.0),
          (15.0, 33.0, 2.0))  # fmt: skip
_SPLAY_DEG = (-40.0, -9.0, -1.0, 6.0, 13.0)
_LENGTHS = ((46.0, 32.0, 0.0, 22.0), (68.0, 40.0, 23.0, 17.0), (65.0, 45.0, 27.0, 18.0),
            (58.0, 42.0, 26.0, 18.0), (53.0, 33.0, 19.0, 16.0))  # fmt: skip
_THICK = (1.12, 1.0, 1.04, 0.95, 0.86)


def arm(person: Person) -> Anatomy:
    """From the elbow to the finger tips, palm to the detector."""
    rng = person.rng(1)
    bones = [_humerus_end(person), _ulna(person), _radius(person), *_carpals(person)]
    fingers, chains = _fingers(person, rng)
    y = _WRIST_MM
    flesh = [
        limb([(0, -260, 5, 48, 46), (0, -40, 0, 44, 38), (0, 30, 0, 44, 38), (0, 90, 0, 41, 34),
              (0, 180, 0, 31, 25), (2, y - 12, 0, 29, 19), (0, y + 20, 0, 34, 16)], person),
        limb([(0, y + 18, 0, 36, 16), (-2, y + 60, 0, 40, 15), (1, y + 88, 0, 41, 13)], person,
             0.4),
        *[_finger_flesh(chain, person, number) for number, chain in enumerate(chains)],
    ]  # fmt: skip
    hand_sites = [
        Site(bone=f"metacarpal {n}", tube=0, places=(0.35, 0.8), classes=SHAFT, weight=0.35,
             carries=_beyond(n, 1))
        for n in range(1, 6)
    ] + [
        Site(bone=f"proximal {n}", tube=0, places=(0.3, 0.7), classes=(*SHAFT, "avulsion"),
             weight=0.25, carries=_beyond(n, 2))
        for n in range(1, 6)
    ]  # fmt: skip
    fore_sites = [
        Site(bone="radius", tube=0, give=0.5, places=(0.89, 0.93), classes=END, weight=1.2),
        Site(bone="radius", tube=0, give=0.5, places=(0.4, 0.78), classes=SHAFT, weight=1.0),
        Site(bone="ulna", tube=0, give=0.5, places=(0.4, 0.8), classes=SHAFT, weight=0.8),
        Site(bone="ulna", tube=1, places=(0.5, 0.5), classes=AVULSED, weight=0.5),
    ]
    return Anatomy(
        bones=(*bones, *fingers),
        flesh=tuple(flesh),
        sites=(*hand_sites, *fore_sites),
        fields=(
            Field(middle=(0, y + 62), half=(88, 135)),
            Field(middle=(0, y - 95), half=(85, 170)),
        ),
    )


def _humerus_end(person: Person) -> Bone:
    rows = [(0, 11.5, 11.5, 4.2, 0.08), (0.6, 11, 10, 3.8, 0.08), (0.85, 18, 8.5, 2.2, 0.2),
            (1, 27, 7, 1.2, 0.3)]  # fmt: skip
    return Bone(
        name="humerus",
        tubes=(
            tube((2, -260, 0), (0, -10, 0), to_patient(person, rows), caps=(0.1, 0.4)),
            ellipsoid((11, -8, 0), (11, 11, 11), cortex=1.2, inside=0.33),
            ellipsoid((-13, -9, -3), (10, 10, 11), cortex=1.1, inside=0.33),
            ellipsoid((27, -20, 0), (7, 10, 7), cortex=1.2, inside=0.3),
        ),
        blend=5,
    )


def _ulna(person: Person) -> Bone:
    rows = [(0, 10, 11, 2, 0.3), (0.08, 11, 14, 2.2, 0.3), (0.2, 8, 9, 3, 0.12, 1.5, 0),
            (0.5, 6.6, 6.8, 3, 0.08, 3, 1), (0.8, 5.2, 5.4, 2.4, 0.08, 1, 0),
            (0.93, 5.4, 5.4, 1.5, 0.2), (1, 7.6, 7.4, 1.0, 0.3)]  # fmt: skip
    return Bone(
        name="ulna",
        tubes=(
            tube((10, -18, 8), (15, _WRIST_MM - 4, 2), to_patient(person, rows), caps=(0.6, 0.6)),
            tube(
                (18.5, _WRIST_MM - 12, 3),
                (20, _WRIST_MM + 2, 3),
                [(0, 3.4, 3.4), (1, 2.0, 2.0)],
                caps=(0.5, 1),
            ),
        ),
    )  # fmt: skip


def _radius(person: Person) -> Bone:
    rows = [(0, 10.5, 10.5, 1.2, 0.3), (0.045, 10.5, 10.5, 1.3, 0.3), (0.09, 7, 7, 2.2, 0.15),
            (0.16, 8.6, 8.4, 2.6, 0.1, -1, 0), (0.5, 7.2, 7.0, 3.1, 0.07, -7, 0),
            (0.75, 7.6, 7.4, 2.8, 0.08, -4.5, 0), (0.88, 11, 9.5, 1.6, 0.2, -1, 0),
            (0.96, 15, 11, 1.0, 0.3), (1, 15.5, 11, 1.0, 0.32)]  # fmt: skip
    return Bone(
        name="radius",
        tubes=(
            tube((-13, 5, 0), (-7, _WRIST_MM + 1, 0), to_patient(person, rows), caps=(0.25, 0.3)),
            ellipsoid((-18, _WRIST_MM + 3, 0), (5, 8, 6), inside=0.3),
        ),
        blend=5,
    )


def _carpals(person: Person) -> list[Bone]:
    y = _WRIST_MM
    parts: tuple[tuple[str, tuple[float, float, float], tuple[float, float, float], float], ...] = (
        ("scaphoid", (-12.5, 11.5, -2), (6.5, 10.5, 7), -0.7),
        ("lunate", (-0.5, 8.5, 0), (7, 6.8, 8), 0.15),
        ("triquetrum", (11, 13, 2), (7.5, 6.2, 6.5), 0.8),
        ("pisiform", (13, 15, -8), (4.6, 5.2, 4.6), 0.2),
        ("trapezium", (-19.5, 22, -6), (6.8, 7.2, 6.8), -0.5),
        ("trapezoid", (-10.8, 25, 0), (5.6, 6.6, 6.6), -0.2),
        ("capitate", (-0.5, 23.5, 0), (6.6, 11.0, 7.5), -0.05),
        ("hamate", (10, 25, 0), (7.6, 8.6, 7.4), 0.35),
    )
    return [
        Bone(
            name=name,
            tubes=(
                ellipsoid(
                    (x, y + down, z),
                    half,
                    along=(lean, 1, 0),
                    cortex=0.9 * person.cortex,
                    inside=0.36 * person.cortex,
                ),
            ),
        )
        for name, (x, down, z), half, lean in parts
    ]


def _beyond(ray: int, part: int) -> tuple[str, ...]:
    """The bones of a ray of the hand from its ``part`` on: what moves with the one before."""
    names = ("metacarpal", "proximal", "middle", "distal")
    return tuple(f"{names[p]} {ray}" for p in range(part, 4) if _LENGTHS[ray - 1][p] > 0)


def _phalanx(
    start: Vector, way: Vector, length: float, widths: tuple[float, ...], person: Person
) -> Tube:
    base, shaft, head = widths
    end = start + way * length
    rows = [(0, base, base * 0.85, 0.8, 0.34), (0.14, base * 0.93, base * 0.82, 0.9, 0.3),
            (0.35, shaft * 1.08, shaft, 1.9, 0.12), (0.6, shaft, shaft * 0.95, 2.0, 0.1),
            (0.82, head * 0.86, head * 0.8, 1.2, 0.25), (0.95, head, head * 0.9, 0.8, 0.34),
            (1, head, head * 0.9, 0.8, 0.34)]  # fmt: skip
    return tube(
        (start[0], start[1], start[2]),
        (end[0], end[1], end[2]),
        to_patient(person, rows),
        caps=(0.35, 0.75),
    )


def _fingers(person: Person, rng: np.random.Generator) -> tuple[list[Bone], list[list[Vector]]]:
    """Metacarpals and phalanges, and the points of each ray of the hand."""
    spread = rng.uniform(0.75, 1.5)
    bend = rng.uniform(2.0, 9.0)
    bones, chains = [], []
    for ray in range(5):
        here = np.add(_BASES[ray], (0.0, _WRIST_MM, 0.0))
        chain, tilt = [here], 2.0
        for part, length in enumerate(_LENGTHS[ray]):
            if length == 0:
                continue
            splay = _SPLAY_DEG[ray] * (1.0 if part == 0 else spread) + rng.normal(0, 1.5)
            tilt += 0.0 if part == 0 else bend + 3.0 * ray * (part == 1)
            angle, lift = np.deg2rad(splay), np.deg2rad(tilt)
            way = np.array([np.sin(angle) * np.cos(lift), np.cos(angle) * np.cos(lift),
                            -np.sin(lift)])  # fmt: skip
            k = _THICK[ray] * rng.normal(1, 0.02)
            widths = [(7.4, 4.3, 7.0), (7.2, 4.4, 5.6), (6.0, 3.7, 4.8), (5.0, 2.7, 3.8)][part]
            name = ("metacarpal", "proximal", "middle", "distal")[part]
            scaled = tuple(width * k for width in widths)
            solid = _phalanx(here, way, length, scaled, person)
            bones.append(Bone(name=f"{name} {ray + 1}", tubes=(solid,)))
            here = here + way * (length + 1.6)
            chain.append(here)
        chains.append(chain)
    return bones, chains


def _finger_flesh(chain: list[Vector], person: Person, ray: int) -> Flesh:
    thick = _THICK[ray]
    tip = chain[-1] + (chain[-1] - chain[-2]) * 0.16
    points = [*chain[:-1], tip]
    widths = [*(13.5, 11.0, 9.4, 8.6, 7.2)[: len(points) - 1], 6.4]
    rows = [(*point, width * thick, width * thick * 0.95) for point, width in
            zip(points, widths, strict=True)]  # fmt: skip
    return limb(rows, person, 0.35)

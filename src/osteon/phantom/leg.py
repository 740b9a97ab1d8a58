"""Knee, lower leg, ankle and foot."""

from __future__ import annotations

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
from osteon.phantom.solids import Bone, ellipsoid, tube

_ANKLE_MM = 372.0


def leg(person: Person) -> Anatomy:
    """From above the knee to the toes; the toes point to the tube."""
    y = _ANKLE_MM
    flesh = (
        limb([(-4, -330, 6, 78, 80), (-2, -120, 8, 66, 64), (0, -30, 2, 57, 58), (0, 30, 4, 54, 55),
              (-4, 110, 14, 56, 58), (-2, 190, 12, 46, 48), (-2, 290, 4, 33, 34),
              (0, y - 20, 3, 34, 37), (0, y + 25, 8, 33, 40)], person),
        limb([(0, y + 30, 30, 30, 30), (0, y + 40, -20, 33, 30), (-3, y + 52, -70, 38, 20),
              (-6, y + 60, -125, 42, 14), (-6, y + 62, -165, 38, 10)], person, 0.5),
        limb([(0, y + 10, 45, 24, 25), (-2, y + 40, 40, 29, 26)], person, 0.8),
    )  # fmt: skip
    return Anatomy(
        bones=(_femur_end(person), _patella(person), _tibia(person), _fibula(person),
               *_foot(person)),
        flesh=flesh,
        sites=(
            Site(bone="tibia", tube=0, give=0.5, places=(0.4, 0.75), classes=SHAFT, weight=1.4),
            Site(bone="tibia", tube=0, give=0.5, places=(0.85, 0.93), classes=END, weight=0.8),
            Site(bone="fibula", tube=0, give=0.5, places=(0.55, 0.9), classes=SHAFT, weight=1.0),
            Site(bone="tibia", tube=1, places=(0.5, 0.5), classes=AVULSED, weight=0.5),
            Site(bone="fibula", tube=1, places=(0.5, 0.5), classes=AVULSED, weight=0.5),
            Site(bone="tibia", tube=0, give=0.5, places=(0.09, 0.14), classes=END, weight=0.7),
        ),
        fields=(
            Field(middle=(0, y - 95), half=(95, 175)),
            Field(middle=(-2, y - 185), half=(110, 240)),
            Field(middle=(0, 70), half=(95, 165)),
        ),
        kvp=(52, 62),
    )  # fmt: skip


def _femur_end(person: Person) -> Bone:
    rows = [(0, 14, 14.5, 6, 0.05), (0.6, 15.5, 15, 5, 0.06), (0.82, 23, 18, 2.2, 0.14),
            (0.95, 36, 20, 1.3, 0.25), (1, 38, 20, 1.2, 0.27)]  # fmt: skip
    return Bone(
        name="femur",
        tubes=(
            tube((-12, -330, 2), (0, -18, 0), to_patient(person, rows), caps=(0.1, 0.35)),
            ellipsoid((20, -21, 6), (17, 20, 29), cortex=1.3, inside=0.27 * person.cortex),
            ellipsoid((-20, -20, 6), (17, 19, 29), cortex=1.3, inside=0.27 * person.cortex),
        ),
        blend=9,
    )


def _patella(person: Person) -> Bone:
    solid = ellipsoid((0, -34, -40), (20, 20, 9), cortex=1.4, inside=0.28 * person.cortex)
    return Bone(name="patella", tubes=(solid,))


def _tibia(person: Person) -> Bone:
    rows = [
        (0, 35, 23, 1.3, 0.27),
        (0.03, 36, 24, 1.2, 0.26),
        (0.08, 31, 22, 1.3, 0.2),
        (0.17, 20, 20, 2.4, 0.1, 0, -2),
        (0.3, 15, 17, 4.6, 0.05, 1, -2),
        (0.5, 12.6, 14.5, 5.6, 0.04, 2, -1),
        (0.72, 11.4, 12.4, 4.6, 0.05, 1, 0),
        (0.86, 14, 13.5, 2.4, 0.12),
        (0.95, 20, 17, 1.4, 0.22),
        (1, 21.5, 18, 1.2, 0.26),
    ]
    return Bone(
        name="tibia",
        tubes=(
            tube((0, 4, 2), (3, _ANKLE_MM, 0), to_patient(person, rows), caps=(0.25, 0.2), blunt=3),
            ellipsoid((20, _ANKLE_MM + 3, -2), (6, 14, 10), along=(0.1, 1, 0), cortex=1.4),
            ellipsoid((3, 3, 2), (6, 8, 8), cortex=1.0, inside=0.25),
        ),
        blend=5,
    )  # fmt: skip


def _fibula(person: Person) -> Bone:
    rows = [(0, 8, 9, 1.2, 0.25), (0.04, 9.5, 10, 1.3, 0.25), (0.1, 6, 6, 2.2, 0.1),
            (0.5, 6.2, 6.6, 2.6, 0.06, -2, 2), (0.85, 6, 6.4, 2.4, 0.07),
            (0.94, 8.5, 9, 1.5, 0.2), (1, 7.5, 9, 1.2, 0.25)]  # fmt: skip
    return Bone(
        name="fibula",
        tubes=(
            tube(
                (-36, 16, 16), (-24, _ANKLE_MM + 20, 9), to_patient(person, rows), caps=(0.5, 1.0)
            ),
            ellipsoid((-24, _ANKLE_MM + 15, 9), (6.5, 11, 9), cortex=1.3, inside=0.25),
        ),
    )


def _foot(person: Person) -> list[Bone]:
    y, k = _ANKLE_MM, person.cortex
    bones = [
        Bone(
            name="talus",
            tubes=(
                ellipsoid((1, y + 15, -1), (18, 13, 19), cortex=1.2, inside=0.32 * k),
                ellipsoid((6, y + 20, -24), (13, 11, 15), cortex=1.2, inside=0.32 * k),
            ),
            blend=6,
        ),
        Bone(
            name="calcaneus",
            tubes=(
                tube((-5, y + 36, -22), (-3, y + 44, 52),
                     [(0, 14, 12, 1.2, 0.3 * k), (0.4, 14, 16, 1.2, 0.28 * k),
                      (1, 15, 19, 1.4, 0.3 * k)], caps=(0.8, 0.9), blunt=2),
            ),
        ),
    ]  # fmt: skip
    for name, centre, half in (
        ("navicular", (8, 26, -46), (15, 12, 7)),
        ("cuboid", (-17, 39, -44), (11, 10, 17)),
        ("cuneiform 1", (16, 32, -62), (8, 12, 9)),
        ("cuneiform 2", (6, 30, -61), (7, 10, 8)),
        ("cuneiform 3", (-5, 33, -62), (7, 10, 9)),
    ):
        place = (float(centre[0]), y + centre[1], float(centre[2]))
        size = (float(half[0]), float(half[1]), float(half[2]))
        bones.append(Bone(name=name, tubes=(ellipsoid(place, size, cortex=1.1, inside=0.34 * k),)))
    return bones + _toes(person)


def _toes(person: Person) -> list[Bone]:
    y, bones = _ANKLE_MM, []
    for ray in range(5):
        k = (1.45, 1.0, 0.96, 0.96, 1.0)[ray]
        x0, x1 = (15, 5, -4, -13, -21)[ray], (22, 7, -7, -20, -32)[ray]
        y0, y1 = y + (38, 36, 38, 42, 47)[ray], y + (60, 61, 62, 63, 63)[ray]
        z0, length = -72 + (0, 2, 2, 8, 14)[ray], (62, 72, 69, 67, 66)[ray]
        rows = [(0, 7 * k, 7.5 * k, 1, 0.3), (0.3, 4.3 * k, 4.4 * k, 2, 0.1),
                (0.7, 4 * k, 4.2 * k, 2, 0.1), (1, 6 * k, 6.6 * k, 0.9, 0.3)]  # fmt: skip
        solid = tube((x0, y0, z0), (x1, y1, z0 - length), to_patient(person, rows), caps=(0.3, 0.6))
        bones.append(Bone(name=f"metatarsal {ray + 1}", tubes=(solid,)))
        z = z0 - length - 2.0
        for part, size in enumerate((32, 24) if ray == 0 else (24, 10, 9)):
            small = [(0, 5.4 * k, 5 * k, 0.9, 0.3), (0.5, 3.2 * k, 3 * k, 1.4, 0.15),
                     (1, 4 * k, 3.8 * k, 0.8, 0.3)]  # fmt: skip
            toe = tube((x1, y1 + 1.0, z), (x1 - 0.5, y1 + 2.0, z - size), to_patient(person, small))
            bones.append(Bone(name=f"toe {ray + 1}.{part}", tubes=(toe,)))
            z -= size + 1.5
    return bones

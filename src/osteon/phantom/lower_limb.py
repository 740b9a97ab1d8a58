"""Knee, lower leg, ankle and foot; hip and pelvis."""

from __future__ import annotations

import numpy as np

from osteon.phantom.anatomy import AVULSED, END, SHAFT, Anatomy, Field, Person, Site, limb
from osteon.phantom.solids import Bone, Rigid, Tube, ellipsoid, tube
from osteon.phantom.upper_limb import _rows

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
            Site(bone="tibia", tube=0, places=(0.4, 0.75), classes=SHAFT, weight=1.4),
            Site(bone="tibia", tube=0, places=(0.85, 0.93), classes=END, weight=0.8),
            Site(bone="fibula", tube=0, places=(0.55, 0.9), classes=SHAFT, weight=1.0),
            Site(bone="tibia", tube=1, places=(0.5, 0.5), classes=AVULSED, weight=0.5),
            Site(bone="fibula", tube=1, places=(0.5, 0.5), classes=AVULSED, weight=0.5),
            Site(bone="tibia", tube=0, places=(0.09, 0.14), classes=END, weight=0.7),
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
            tube((-12, -330, 2), (0, -18, 0), _rows(person, rows), caps=(0.1, 0.35)),
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
            tube((0, 4, 2), (3, _ANKLE_MM, 0), _rows(person, rows), caps=(0.25, 0.2), blunt=3),
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
            tube((-36, 16, 16), (-24, _ANKLE_MM + 20, 9), _rows(person, rows), caps=(0.5, 1.0)),
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
        solid = tube((x0, y0, z0), (x1, y1, z0 - length), _rows(person, rows), caps=(0.3, 0.6))
        bones.append(Bone(name=f"metatarsal {ray + 1}", tubes=(solid,)))
        z = z0 - length - 2.0
        for part, size in enumerate(((32, 24) if ray == 0 else (24, 10, 9))):
            small = [(0, 5.4 * k, 5 * k, 0.9, 0.3), (0.5, 3.2 * k, 3 * k, 1.4, 0.15),
                     (1, 4 * k, 3.8 * k, 0.8, 0.3)]  # fmt: skip
            toe = tube((x1, y1 + 1.0, z), (x1 - 0.5, y1 + 2.0, z - size), _rows(person, small))
            bones.append(Bone(name=f"toe {ray + 1}.{part}", tubes=(toe,)))
            z -= size + 1.5
    return bones


def hip(person: Person) -> Anatomy:
    """Half or whole pelvis with the proximal femur."""
    rng = person.rng(3)
    other = Rigid(turn=np.diag([-1.0, 1.0, 1.0]), shift=np.array([2 * _MIDLINE_MM, 0.0, 0.0]))
    side = _half_pelvis(person)
    far = [_renamed(bone.moved(other)) for bone in (side, _femur(person))]
    flesh = (
        limb([(_MIDLINE_MM, -260, 0, 165, 95), (_MIDLINE_MM, -120, 0, 172, 102),
              (_MIDLINE_MM, 20, 0, 172, 100), (_MIDLINE_MM, 60, 0, 150, 92)], person, 1.5),
        limb([(-20, 40, 2, 78, 84), (-26, 140, 0, 80, 80), (-24, 300, 0, 70, 72),
              (-22, 480, 0, 60, 62)], person),
        limb([(2 * _MIDLINE_MM + 20, 40, 2, 78, 84), (2 * _MIDLINE_MM + 26, 140, 0, 80, 80),
              (2 * _MIDLINE_MM + 24, 300, 0, 70, 72)], person),
    )  # fmt: skip
    gas = tuple(
        Bone(
            name="gas",
            tubes=(
                ellipsoid(
                    (rng.uniform(45, 140), rng.uniform(-130, -10), -30.0),
                    (rng.uniform(6, 16), rng.uniform(6, 14), rng.uniform(4, 14)),
                ),
            ),
        )
        for _ in range(int(rng.integers(3, 9)))
    )
    return Anatomy(
        bones=(_femur(person), side, *far, _sacrum(person)),
        flesh=flesh,
        air=gas,
        sites=(
            Site(bone="femur", tube=1, places=(0.45, 0.7), weight=1.3,
                 classes=("transverse", "oblique", "impacted", "hairline")),
            Site(bone="femur", tube=0, places=(0.1, 0.16), weight=1.0,
                 classes=("oblique", "comminuted", "transverse")),
            Site(bone="femur", tube=0, places=(0.25, 0.42), classes=SHAFT, weight=1.0),
            Site(bone="femur", tube=3, places=(0.5, 0.5), classes=AVULSED, weight=0.5),
            Site(bone="femur", tube=4, places=(0.5, 0.5), classes=AVULSED, weight=0.6),
        ),
        fields=(
            Field(middle=(0, 60), half=(110, 150)),
            Field(middle=(_MIDLINE_MM, -15), half=(185, 155)),
            Field(middle=(-10, 100), half=(105, 170)),
        ),
        lateral_deg=35.0,
        kvp=(70, 78),
        grid=True,
    )  # fmt: skip


_MIDLINE_MM = 90.0


def _renamed(bone: Bone) -> Bone:
    return Bone(name=f"other {bone.name}", tubes=bone.tubes, blend=bone.blend)


def _femur(person: Person) -> Bone:
    shaft = [(0, 15, 16, 1.8, 0.2), (0.1, 18.5, 18, 3.4, 0.16), (0.22, 16, 16, 6, 0.07),
             (0.5, 14.2, 14.6, 7, 0.05, -3, -4), (1, 14.2, 14.6, 6.4, 0.05)]  # fmt: skip
    neck = [(0, 19, 17, 1.3, 0.3), (0.5, 15.5, 13.5, 1.9, 0.26), (1, 19, 15, 1.6, 0.22)]
    return Bone(
        name="femur",
        tubes=(
            tube((-49, 20, 5), (-22, 440, 0), _rows(person, shaft), caps=(0.6, 0.1)),
            tube((-4, 3, -1), (-46, 40, 4), _rows(person, neck), caps=(0.3, 0.6)),
            ellipsoid((0, 0, 0), (23.5, 23.5, 23.5), cortex=1.2, inside=0.33 * person.cortex),
            ellipsoid((-55, 17, 7), (11, 21, 17), along=(0.25, 1, 0), cortex=1.4,
                      inside=0.22 * person.cortex),
            ellipsoid((-29, 66, 14), (8, 12, 9), along=(-0.5, 1, 0), cortex=1.8, inside=0.2),
        ),
        blend=9,
    )  # fmt: skip


def _half_pelvis(person: Person) -> Bone:
    """Wing and crest of the ilium, acetabulum, pubis and ischium about the obturator foramen."""
    k = person.cortex
    return Bone(name="pelvis", tubes=(*_ilium(k), *_acetabulum(k), *_obturator_ring(k)), blend=14)


def _ilium(k: float) -> tuple[Tube, ...]:
    wing = ellipsoid((6, -84, 2), (46, 58, 5), along=(-0.25, 1, 0), cortex=1.3 * k, inside=0.22)
    crest = [
        (0, 6, 6, 1.6 * k, 0.2, 8, 0),
        (0.3, 5, 6, 1.8 * k, 0.2, -20, -4),
        (0.6, 5, 6, 1.8 * k, 0.2, -25, -4),
        (1, 8, 8, 1.6 * k, 0.2, 0, 0),
    ]
    return (
        wing,
        tube((-41, -84, -24), (56, -118, 34), crest, across=(0, 1, 0), caps=(0.8, 0.8), blunt=2),
        tube(
            (-39, -86, -24),
            (-14, -30, -8),
            [(0, 5, 6, 1.6 * k, 0.2), (0.5, 5, 6, 1.6, 0.2, 6, 0), (1, 11, 11, 1.6, 0.25)],
        ),
        tube(
            (54, -116, 36),
            (32, -28, 12),
            [(0, 9, 8, 1.6 * k, 0.2), (0.5, 13, 9, 2, 0.22, 4, 0), (1, 14, 12, 1.8, 0.25)],
            caps=(0.8, 0.8),
            blunt=2,
        ),
    )


def _acetabulum(k: float) -> tuple[Tube, ...]:
    roof = [
        (0, 3, 16, 2.0 * k, 0.3, 2, 0),
        (0.3, 5.5, 22, 2.2 * k, 0.3, -14, 0),
        (0.65, 7, 24, 2.2 * k, 0.3, -16, 0),
        (1, 9, 20, 1.8 * k, 0.3, -2, 0),
    ]
    wall = [
        (0, 9, 20, 1.6 * k, 0.26, -2, 0),
        (0.45, 5, 22, 1.5 * k, 0.26, 3, 0),
        (1, 9, 16, 1.6 * k, 0.26, -3, 0),
    ]
    return (
        tube((-29, -17, 2), (30, -19, 0), roof, across=(0, 1, 0), caps=(0.8, 0.6), blunt=2),
        tube((31, -24, 0), (29, 26, 4), wall, caps=(0.6, 0.6), blunt=2),
    )


def _obturator_ring(k: float) -> tuple[Tube, ...]:
    upper = [
        (0, 11, 10, 1.6 * k, 0.22),
        (0.5, 6, 7, 1.8 * k, 0.2, -5, 0),
        (1, 10, 8, 1.6 * k, 0.22),
    ]
    body = [(0, 13, 14, 1.6 * k, 0.25), (0.6, 11, 13, 1.5 * k, 0.25, -2, 0), (1, 12, 14, 1.4, 0.28)]
    lower = [
        (0, 11, 10, 1.4 * k, 0.25),
        (0.5, 5.5, 5, 1.6 * k, 0.22, 7, 0),
        (1, 8, 6, 1.5 * k, 0.22),
    ]
    return (
        tube((26, 8, -12), (78, 32, -34), upper, across=(0, 1, 0), blunt=2),
        tube((80, 26, -34), (79, 58, -31), [(0, 8, 8, 1.4 * k, 0.22), (1, 7, 6, 1.4, 0.22)]),
        tube((28, 20, 10), (33, 84, 14), body, caps=(0.7, 0.9), blunt=2),
        tube((36, 84, 10), (78, 55, -29), lower, across=(0, 1, 0), caps=(0.9, 0.6), blunt=2),
    )


def _sacrum(person: Person) -> Bone:
    k, x = person.cortex, _MIDLINE_MM
    return Bone(
        name="sacrum",
        tubes=(
            tube((x, -142, 34), (x, -30, 62), [(0, 46, 20, 1.2 * k, 0.2), (0.5, 34, 16, 1.2, 0.2),
                                              (1, 8, 6, 1.2, 0.2)], caps=(0.4, 0.6)),
            tube((x, -184, 20), (x, -150, 26), [(0, 25, 18, 1.4 * k, 0.2), (0.5, 22, 16, 1.4, 0.2),
                                               (1, 25, 18, 1.4, 0.2)], caps=(0.12, 0.12)),
            tube((x, -226, 18), (x, -192, 18), [(0, 25, 18, 1.4 * k, 0.2), (0.5, 22, 16, 1.4, 0.2),
                                               (1, 25, 18, 1.4, 0.2)], caps=(0.12, 0.12)),
            tube((x - 44, -168, 34), (x + 44, -168, 34), [(0, 5, 4, 1.2, 0.2), (1, 5, 4, 1.2, 0.2)],
                 across=(0, 1, 0)),
        ),
        blend=3,
    )  # fmt: skip

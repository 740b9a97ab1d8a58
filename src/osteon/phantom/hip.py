"""Hip and pelvis."""

from __future__ import annotations

import numpy as np

from osteon.phantom.anatomy import AVULSED, SHAFT, Anatomy, Field, Person, Site, limb, to_patient
from osteon.phantom.solids import Bone, Rigid, Tube, ellipsoid, tube

_MIDLINE_MM = 90.0


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


def _renamed(bone: Bone) -> Bone:
    return Bone(name=f"other {bone.name}", tubes=bone.tubes, blend=bone.blend)


def _femur(person: Person) -> Bone:
    shaft = [(0, 15, 16, 1.8, 0.2), (0.1, 18.5, 18, 3.4, 0.16), (0.22, 16, 16, 6, 0.07),
             (0.5, 14.2, 14.6, 7, 0.05, -3, -4), (1, 14.2, 14.6, 6.4, 0.05)]  # fmt: skip
    neck = [(0, 19, 17, 1.3, 0.3), (0.5, 15.5, 13.5, 1.9, 0.26), (1, 19, 15, 1.6, 0.22)]
    return Bone(
        name="femur",
        tubes=(
            tube((-49, 20, 5), (-22, 440, 0), to_patient(person, shaft), caps=(0.6, 0.1)),
            tube((-4, 3, -1), (-46, 40, 4), to_patient(person, neck), caps=(0.3, 0.6)),
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

"""Shoulder, upper arm and chest wall."""

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
from osteon.phantom.projection import Wire
from osteon.phantom.solids import Bone, ellipsoid, tube


def shoulder(person: Person) -> Anatomy:
    """Humerus, scapula, clavicle, ribs and spine, arm hanging."""
    rng = person.rng(2)
    swing = rng.uniform(-0.02, 0.16)
    ribs, lung = _ribs(rng)
    flesh = (
        limb([(2, -22, 8, 40, 42), (-12 - 40 * swing, 60, 0, 50, 48),
              (-14 - 150 * swing, 200, 0, 46, 44), (-16 - 270 * swing, 330, 0, 42, 42)], person),
        limb([(165, -150, 10, 62, 62), (160, -70, 10, 68, 64), (100, 0, 14, 72, 70),
              (20, -10, 10, 38, 40)], person, 1.2),
        limb([(170, -10, 18, 130, 78), (170, 120, 18, 128, 105), (170, 420, 18, 128, 112)],
             person, 1.3),
    )  # fmt: skip
    return Anatomy(
        bones=(_humerus(person, swing), *_scapula(person), _clavicle(person), *_spine(person)),
        flesh=flesh,
        wires=ribs,
        air=lung,
        sites=(
            Site(bone="humerus", tube=0, places=(0.12, 0.17), classes=END, weight=1.4),
            Site(bone="humerus", tube=0, places=(0.3, 0.55), classes=SHAFT, weight=1.0),
            Site(bone="humerus", tube=2, places=(0.5, 0.5), classes=AVULSED, weight=0.8),
            Site(bone="clavicle", tube=0, places=(0.35, 0.6), weight=0.9,
                 classes=("transverse", "oblique", "comminuted", "greenstick", "hairline")),
        ),
        fields=(
            Field(middle=(45, 45), half=(115, 125)),
            Field(middle=(15, 90), half=(100, 160)),
        ),
        lateral_deg=52.0,
        kvp=(63, 73),
        grid=True,
    )  # fmt: skip


def _humerus(person: Person, swing: float) -> Bone:
    rows = [(0, 20, 20, 1.0, 0.3), (0.07, 21, 20, 1.2, 0.28), (0.17, 15, 15, 2.4, 0.16),
            (0.3, 12.4, 12.4, 4.2, 0.07), (0.6, 11.4, 11.4, 4.6, 0.06),
            (0.85, 11.5, 10.5, 4.2, 0.06), (1, 18, 9, 2.5, 0.15)]  # fmt: skip
    return Bone(
        name="humerus",
        tubes=(
            tube(
                (-6, -14, 0), (-12 - 290 * swing, 300, 0), to_patient(person, rows), caps=(0.8, 0.2)
            ),
            ellipsoid((3, -3, 2), (22, 23, 22), cortex=1.0, inside=0.27 * person.cortex),
            ellipsoid((-19, 4, -3), (10, 17, 13), cortex=1.2, inside=0.24 * person.cortex),
        ),
        blend=6,
    )


def _scapula(person: Person) -> list[Bone]:
    k = person.cortex
    return [
        Bone(
            name="scapula",
            tubes=(
                ellipsoid((31, 8, 5), (7, 19, 14), along=(0.12, 1, 0), cortex=1.6, inside=0.3),
                tube(
                    (40, 14, 10),
                    (72, 118, 30),
                    [(0, 11, 7, 1.4 * k, 0.2), (0.3, 6, 4.5, 1.6, 0.2), (1, 4.5, 4, 1.4, 0.2)],
                ),
                tube(
                    (58, 30, 20), (80, 95, 32), [(0, 27, 1.9, 1.0 * k, 0.2), (1, 14, 1.6, 1.0, 0.2)]
                ),
                tube(
                    (112, -22, 34), (74, 118, 32), [(0, 4, 3.4, 1.4 * k, 0.2), (1, 5, 4, 1.4, 0.2)]
                ),
                tube(
                    (108, 0, 36),
                    (8, -30, 22),
                    [(0, 3.5, 5, 1.2 * k, 0.2), (0.6, 6, 8, 1.3, 0.2), (1, 8, 9, 1.3, 0.25)],
                    across=(0, 1, 0),
                ),
                tube(
                    (10, -31, 20),
                    (-4, -29, -6),
                    [(0, 10, 6, 1.3 * k, 0.25), (1, 12, 5, 1.3, 0.25)],
                    caps=(0.6, 0.8),
                ),
                tube(
                    (38, -8, 0),
                    (22, -12, -30),
                    [(0, 8, 8, 1.6 * k, 0.25), (1, 5.5, 5.5, 1.6, 0.25)],
                ),
            ),
            blend=7,
        )
    ]


def _clavicle(person: Person) -> Bone:
    rows = [
        (0, 5, 9, 1.4, 0.25, 0, 0),
        (0.22, 5.2, 7, 2.2, 0.12, 4, 7),
        (0.62, 5.6, 6, 2.4, 0.1, -4, -6),
        (0.88, 8, 8, 1.8, 0.2, -2, -2),
        (1, 10, 10, 1.4, 0.28, 0, 0),
    ]
    solid = tube(
        (10, -39, -4),
        (146, -24, -34),
        to_patient(person, rows),
        across=(0, 1, 0),
        caps=(1.2, 0.7),
        blunt=2.2,
    )
    return Bone(name="clavicle", tubes=(solid,))


def _spine(person: Person) -> list[Bone]:
    bones = []
    for level in range(-6, 12):
        half = 17.0 + 0.5 * level
        bones.append(
            Bone(
                name=f"vertebra {level}",
                tubes=(
                    tube(
                        (172, level * 25.0 - 10, 30),
                        (172, level * 25.0 + 11, 30),
                        [
                            (0, half, half, 1.2 * person.cortex, 0.2),
                            (0.5, half - 2, half - 2, 1.2, 0.2),
                            (1, half, half, 1.2, 0.2),
                        ],
                        caps=(0.12, 0.12),
                    ),
                    ellipsoid((172, level * 25.0 + 8, 66), (5, 12, 12), inside=0.3),
                    ellipsoid((172, level * 25.0 - 1, 54), (30, 5, 6), inside=0.25),
                ),
            )
        )
    return bones


def _ribs(rng: np.random.Generator) -> tuple[tuple[Wire, ...], tuple[Bone, ...]]:
    """Ribs 1 to 10 as ellipses that slope forward and down; the lung within them."""
    wires = []
    for number in range(10):
        top = -52.0 + 27.0 * number
        wide = (58, 80, 94, 102, 106, 108, 109, 109, 108, 106)[number]
        angle = np.linspace(-0.46 * np.pi, 0.34 * np.pi, 36)
        deep = 0.42 * wide + 20
        x = 168 - 14 - wide * np.cos(angle)
        z = 20 - deep * np.sin(angle)
        y = top + 26 * (np.sin(angle) + 1) * (0.7 + 0.09 * number) - 20 * np.cos(angle) + 20
        size = rng.normal(1, 0.04)
        wires.append(Wire(points=np.stack([x, y, z], axis=1), radius=5.4 * size, bore=4.75 * size))
    lung = Bone(
        name="lung",
        tubes=(
            ellipsoid((118, 120, 18), (50, 165, 66), along=(-0.1, 1, 0)),
            ellipsoid((228, 120, 18), (44, 165, 62), along=(0.1, 1, 0)),
        ),
        blend=1,
    )
    return tuple(wires), (lung,)

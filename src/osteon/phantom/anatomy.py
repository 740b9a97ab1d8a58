"""What every region of the body is made of, and who the patient is.

Bones of a right limb, patient facing the tube: medial is +x. Sizes follow the adult means of
Gray's Anatomy and the ICRP 110 reference adults, rounded; a patient scales and varies them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from osteon.phantom.projection import Flesh, Wire
from osteon.phantom.solids import Bone, Vector


@dataclass(frozen=True, kw_only=True, slots=True)
class Person:
    """What all films of a patient have in common; 1.0 is the mean adult."""

    size: float
    girth: float
    cortex: float  # thickness and density: below 1 is osteopenic
    fat_mm: float
    seed: int  # of the small differences between people

    def rng(self, topic: int) -> np.random.Generator:
        return np.random.default_rng([self.seed, topic])


def make_person(seed: int, number: int) -> Person:
    """Patient ``number``: the same whatever else is made."""
    rng = np.random.default_rng([seed, 11, number])
    return Person(
        size=float(np.clip(rng.normal(1.0, 0.07), 0.82, 1.18)),
        girth=float(np.exp(rng.normal(0.0, 0.13))),
        cortex=float(np.clip(rng.normal(1.0, 0.15), 0.6, 1.3)),
        fat_mm=float(rng.uniform(2.5, 9.0)),
        seed=int(rng.integers(2**31)),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Site:
    """Where a bone breaks and how: ``place`` along the bone's tube ``tube``."""

    bone: str
    tube: int
    places: tuple[float, float]
    classes: tuple[str, ...]
    weight: float = 1.0
    give: float = 1.0  # of the bend: less where a second bone splints the first
    carries: tuple[str, ...] = ()  # bones that move with the far fragment


@dataclass(frozen=True, kw_only=True, slots=True)
class Field:
    """What the film shows: the middle and the half extents, mm; lateral films turn by degrees."""

    middle: tuple[float, float]
    half: tuple[float, float]


@dataclass(frozen=True, kw_only=True, slots=True)
class Anatomy:
    bones: tuple[Bone, ...]
    flesh: tuple[Flesh, ...]
    sites: tuple[Site, ...]
    fields: tuple[Field, ...]
    wires: tuple[Wire, ...] = ()
    air: tuple[Bone, ...] = ()  # lungs and gas: solids of ``density`` less tissue
    lateral_deg: float = 90.0
    kvp: tuple[float, float] = (50.0, 60.0)
    grid: bool = False  # an anti-scatter grid stands before the detector


def limb(points: list[tuple[float, ...]], person: Person, fat: float = 1.0) -> Flesh:
    """Flesh from rows x, y, z, half-width, half-depth (mm of the mean adult)."""
    knots: Vector = np.array(points, dtype=np.float64)
    rows = smooth_rows(np.linspace(0, len(knots) - 1, 3 * len(knots) - 2), knots)
    return Flesh(
        points=rows[:, :3], half=rows[:, 3:5] * person.girth, fat=max(1.0, person.fat_mm * fat)
    )


def to_patient(person: Person, rows: Sequence[tuple[float, ...]]) -> list[tuple[float, ...]]:
    """Scale the cortex (column 3) and the inner density (column 4) to the patient."""
    return [
        (row[0], row[1], row[2], row[3] * person.cortex, row[4] * person.cortex, *row[5:])
        for row in rows
    ]


def smooth_rows(places: Vector, knots: Vector) -> Vector:
    """Rows between the knots, which lie at 0, 1, 2 ...: monotone cubic (Fritsch and Carlson)."""
    from scipy.interpolate import PchipInterpolator

    rows: Vector = PchipInterpolator(np.arange(len(knots)), knots, axis=0)(places)
    return rows


SHAFT = ("transverse", "oblique", "spiral", "comminuted", "greenstick", "hairline")
END = ("transverse", "oblique", "comminuted", "impacted", "hairline")
AVULSED = ("avulsion",)

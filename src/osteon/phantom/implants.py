"""What surgeons and plaster rooms leave on a film: plates with screws, and casts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from osteon.phantom.anatomy import Site
from osteon.phantom.projection import Flesh, Screen, project_flesh
from osteon.phantom.solids import F32, Bone, Tube, Vector, tube
from osteon.phantom.texture import cloud


def plate_on(bone: Bone, site: Site, rng: np.random.Generator) -> tuple[Bone, ...]:
    """A straight titanium plate of six to eight holes on the bone's shaft, with its screws."""
    shaft = bone.tubes[site.tube]
    middle = float(np.clip(np.mean(site.places), 0.2, 0.8))
    index = round(middle * (shaft.profile.shape[1] - 1))
    half = float(shaft.profile[0, index])
    length = min(12.0 * half, 0.6 * shaft.length)
    along, out = shaft.frame[0], _outward(shaft, rng)
    bow = (
        float(shaft.profile[2, index]) * shaft.frame[1]
        + float(shaft.profile[3, index]) * shaft.frame[2]
    )
    centre = shaft.origin + middle * shaft.length * along + bow + out * (half + 1.6)
    side = np.cross(along, out)
    parts = [_rod(centre - along * length / 2, centre + along * length / 2, 0.42 * half, 1.4, side)]
    for place in np.linspace(-0.44, 0.44, int(rng.integers(6, 9))):
        if abs(place) < 0.06:
            continue
        head = centre + along * place * length
        tip = head - out * (2 * half + 3.5)
        parts.append(
            _rod(head + out * 1.0, tip, max(0.9, 0.13 * half), max(0.9, 0.13 * half), side)
        )
    return tuple(Bone(name="metal", tubes=(part,)) for part in parts)


def _outward(shaft: Tube, rng: np.random.Generator) -> Vector:
    angle = rng.uniform(0, 2 * np.pi)
    way: Vector = np.cos(angle) * shaft.frame[1] + np.sin(angle) * shaft.frame[2]
    return way


def _rod(start: Vector, end: Vector, wide: float, deep: float, across: Vector) -> Tube:
    return tube(
        (start[0], start[1], start[2]),
        (end[0], end[1], end[2]),
        [(0.0, wide, deep, 99.0, 1.0)],
        caps=(0.5, 0.5),
        across=(across[0], across[1], across[2]),
    )


def add_cast(
    thickness: dict[str, F32], limb: Sequence[Flesh], screen: Screen, rng: np.random.Generator
) -> None:
    """A circular plaster, 5 to 8 mm thick, about the limb; uneven as wet bandages dry."""
    shell = float(rng.uniform(5.0, 8.0))
    wrapped = [Flesh(points=part.points, half=part.half + shell + 2.0, fat=shell) for part in limb]
    _, plaster = project_flesh(wrapped, screen)
    unit = 1 / screen.mm_per_px
    uneven = cloud(rng, plaster.shape, (5 * unit, 14 * unit), 0.5)
    thickness["plaster"] += np.maximum(plaster * (1 + np.float32(0.13) * uneven), 0)

"""One film: the patient, the break, the pose, the beam, the marks upon it, and its truth."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from osteon.phantom import marks
from osteon.phantom.anatomy import Anatomy, Field, Person, Site, make_person
from osteon.phantom.arm import arm
from osteon.phantom.film import (
    SCANNERS,
    Scanner,
    choose_exposure,
    collimated,
    develop,
    expose,
    finished,
)
from osteon.phantom.fracture import Fracture, break_bone
from osteon.phantom.hip import hip
from osteon.phantom.implants import add_cast, plate_on
from osteon.phantom.leg import leg
from osteon.phantom.plan import Case, PhantomPlan
from osteon.phantom.projection import (
    Cut,
    Flesh,
    Screen,
    project_bone,
    project_flesh,
    project_wire,
)
from osteon.phantom.shoulder import shoulder
from osteon.phantom.solids import F32, Bone, Rigid, Vector, rotation
from osteon.phantom.texture import cloud
from osteon.types import Box

_BUILDERS = {
    "hand": (arm, (0,)),
    "forearm": (arm, (1,)),
    "shoulder": (shoulder, (0, 1)),
    "hip": (hip, (0, 1, 2)),
    "leg": (leg, (0, 1, 2)),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Film:
    """A finished film: ``gray`` (H, W) in [0, 1], bone white, and what is true of it."""

    gray: F32
    case: Case
    boxes: tuple[Box, ...]
    spacing_mm: float
    scanner: Scanner
    kvp: float
    marker: str  # none, or the letter that is on the film
    hardware: bool
    cast: bool
    broken_bone: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Subject:
    """What lies before the tube in one study: the same in all its views."""

    anatomy: Anatomy
    field: Field
    fracture: Fracture | None
    hurt: Vector  # where the blow fell, broken or not, mm
    metal: tuple[Bone, ...]


def make_film(case: Case, plan: PhantomPlan) -> Film:
    """Make the film of a case, in memory."""
    person = make_person(case.seed, case.patient)
    subject = _subject(case, plan, person)
    rng = case.film_rng(1)
    scanner = SCANNERS[case.scanner]
    camera, screen = _pose(case, plan, subject, rng)
    beam = _beam(screen, rng)
    thickness = _thickness(subject, camera, screen, case, person)
    hurt = _boxes(subject, camera, screen)
    drawn = case.film_rng(2)
    with_cast = case.study_rng(4).random() < plan.casts and case.region in (
        "hand",
        "forearm",
        "leg",
    )
    if with_cast:
        add_cast(thickness, _posed(subject.anatomy.flesh[:1], camera), screen, drawn)
    marker = marks.choose_marker(case, plan, drawn)
    if marker:
        marks.add_lead_letter(thickness["metal"], marker, drawn)
    exposure = choose_exposure(rng, subject.anatomy.kvp, grid=subject.anatomy.grid)
    signal, open_beam = expose(thickness, scanner, exposure, beam, rng)
    gray = finished(develop(signal, open_beam, scanner, exposure, beam, rng), beam, scanner)
    gray = marks.written(gray, case, plan, hurt, drawn)
    return Film(
        gray=gray,
        case=case,
        boxes=hurt,
        spacing_mm=screen.mm_per_px * person.size,
        scanner=scanner,
        kvp=exposure.kvp,
        marker=marker,
        hardware=bool(subject.metal),
        cast=with_cast,
        broken_bone=None if subject.fracture is None else subject.fracture.bone,
    )


def _subject(case: Case, plan: PhantomPlan, person: Person) -> Subject:
    """Field and site are chosen alike whether the bone breaks or not, so that they tell nothing."""
    build, fields = _BUILDERS[case.region]
    anatomy = build(person)
    rng = case.study_rng(1)
    field = anatomy.fields[fields[int(rng.integers(len(fields)))]]
    sites = [site for site in anatomy.sites if _in_view(anatomy, site, field)]
    chosen = rng.random(2)
    fitting = [site for site in sites if case.injury in site.classes]
    if not fitting:  # this field shows none: the region's first that does
        field, fitting = _other_field(anatomy, fields, case.injury)
        sites = fitting
    site = _weighted(fitting, chosen[0])
    bone = _bone(anatomy, site.bone)
    injury = break_bone(bone, site, case.injury, case.study_rng(2), plan.displacement)
    metal: tuple[Bone, ...] = ()
    if chosen[1] < plan.plates:
        shafts = [site for site in sites if "oblique" in site.classes]
        held = next((s for s in shafts if s.bone == site.bone), (shafts or [site])[0])
        metal = plate_on(_bone(anatomy, held.bone), held, case.study_rng(3))
    return Subject(
        anatomy=anatomy,
        field=field,
        fracture=injury if case.broken else None,
        hurt=injury.to_local.inverse().shift,
        metal=metal,
    )


def _bone(anatomy: Anatomy, name: str) -> Bone:
    return next(bone for bone in anatomy.bones if bone.name == name)


def _other_field(
    anatomy: Anatomy, fields: tuple[int, ...], fracture: str
) -> tuple[Field, list[Site]]:
    for index in fields:
        field = anatomy.fields[index]
        fitting = [
            site
            for site in anatomy.sites
            if fracture in site.classes and _in_view(anatomy, site, field)
        ]
        if fitting:
            return field, fitting
    raise ValueError(f"No field of this region shows a bone that breaks as {fracture!r}.")


def _in_view(anatomy: Anatomy, site: Site, field: Field) -> bool:
    """Whether the whole site is well within the field, in every view."""
    tube = _bone(anatomy, site.bone).tubes[site.tube]
    for place in site.places:
        point = tube.origin + place * tube.length * tube.frame[0]
        if abs(point[1] - field.middle[1]) > 0.78 * field.half[1]:
            return False
        if abs(point[0] - field.middle[0]) > 0.75 * field.half[0]:
            return False
    return True


def _weighted(sites: list[Site], chance: float) -> Site:
    edges = np.cumsum([site.weight for site in sites])
    return sites[int(np.searchsorted(edges / edges[-1], chance))]


def _pose(
    case: Case,
    plan: PhantomPlan,
    subject: Subject,
    rng: np.random.Generator,
) -> tuple[Rigid, Screen]:
    """Where the patient stands and what the film takes in; small errors of positioning."""
    field = subject.field
    swing = subject.anatomy.lateral_deg if case.view == "lateral" else 0.0
    roomy = not subject.anatomy.grid and rng.random() < 0.25  # a limb on a plate too large for it
    zoom = rng.uniform(1.15, 1.4) if roomy else rng.uniform(0.9, 1.12)
    turn = rotation(np.array([0.0, 1.0, 0.0]), swing + rng.normal(0, 4))
    turn = rotation(np.array([1.0, 0.0, 0.0]), rng.normal(0, 3)) @ turn
    turn = rotation(np.array([0.0, 0.0, 1.0]), rng.normal(0, 11 if roomy else 4)) @ turn
    side = np.diag([-1.0 if case.side == "L" else 1.0, 1.0, 1.0])
    turn = side @ turn
    wide = rng.uniform(1.0, 1.7) if roomy else rng.uniform(0.92, 1.2)
    half = np.array([field.half[0] * wide, field.half[1]]) * zoom
    if case.view == "lateral" and swing > 60:
        half[0] *= rng.uniform(0.85, 1.0)
    half[0] = min(half[0], 1.25 * half[1])
    mm = 2 * float(half.max()) / plan.size_px
    width, height = (max(48, round(2 * float(side) / mm)) for side in half)
    middle = np.array([field.middle[0], field.middle[1], 0.0])
    shift = np.array([*rng.normal(0, 0.08 if roomy else 0.035, 2) * half, 0.0])
    camera = Rigid(turn=turn, shift=shift - turn @ middle)
    screen = Screen(width_px=width, height_px=height, mm_per_px=mm, centre=(width / 2, height / 2))
    return camera, screen


def _beam(screen: Screen, rng: np.random.Generator) -> F32:
    if rng.random() < 0.3:
        margins = (-20.0, -20.0, -20.0, -20.0)
    else:
        sides = rng.uniform(0.0, 0.045, 4) * max(screen.width_px, screen.height_px)
        margins = (float(sides[0]), float(sides[1]), float(sides[2]), float(sides[3]))
    return collimated((screen.height_px, screen.width_px), margins, float(rng.normal(0, 0.7)))


def _posed(flesh: tuple[Flesh, ...], camera: Rigid) -> list[Flesh]:
    """Flesh seen by the camera: an ellipse of half-widths (x, z), turned."""
    across, deep = np.abs(camera.turn[0, [0, 2]]), np.abs(camera.turn[2, [0, 2]])
    return [
        Flesh(
            points=camera(part.points),
            half=np.stack(
                [np.hypot(*(part.half * across).T), np.hypot(*(part.half * deep).T)], axis=1
            ),
            fat=part.fat,
        )
        for part in flesh
    ]


def _thickness(
    subject: Subject, camera: Rigid, screen: Screen, case: Case, person: Person
) -> dict[str, F32]:
    """Thickness of each material along each ray, mm: (H, W) each.

    The scene is that of the mean adult; a smaller or larger patient is the same scene scaled.
    """
    shape = (screen.height_px, screen.width_px)
    shell, sponge = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    for bone, cut in _pieces(subject, camera):
        hard, inner = project_bone(bone, screen, cut)
        shell += hard
        sponge += inner
    for wire in subject.anatomy.wires:
        shell += project_wire(wire.moved(camera), screen)
    grown = np.random.default_rng([case.seed, 41, case.patient, case.index])
    grain = 0.9 / screen.mm_per_px
    sponge *= np.maximum(
        1 + np.float32(0.17) * cloud(grown, shape, (grain * 1.2, grain * 2.4, grain * 6), 1.6), 0
    )
    flesh = (*subject.anatomy.flesh, *_swelling(subject, case))
    muscle, fat = project_flesh(_posed(flesh, camera), screen)
    unit = 1 / screen.mm_per_px
    muscle *= 1 + np.float32(0.014) * cloud(grown, shape, (7 * unit, 16 * unit, 40 * unit), 1.6)
    air = np.zeros(shape, np.float32)
    for gas in subject.anatomy.air:
        air += project_bone(gas.moved(camera), screen)[0]
    bone_mm = np.maximum(shell + sponge, 0)
    muscle = np.maximum(muscle - bone_mm - np.minimum(0.75 * air, 0.7 * muscle), 0)
    metal = np.zeros(shape, np.float32)
    for part in subject.metal:
        metal += project_bone(part.moved(camera), screen)[0]
    size = np.float32(person.size)
    return {
        "bone": bone_mm * size,
        "muscle": muscle * size,
        "fat": fat * size,
        "metal": metal,
        "plaster": np.zeros(shape, np.float32),
    }


def _swelling(subject: Subject, case: Case) -> tuple[Flesh, ...]:
    """Soft tissue about a blow is thicker by some tenth, over a few centimetres.

    Whether or not the bone broke: people who are X-rayed were hurt.
    """
    centre = subject.hurt
    limbs = subject.anatomy.flesh
    gaps = [np.linalg.norm(limb.points - centre, axis=1) for limb in limbs]
    limb = limbs[int(np.argmin([gap.min() for gap in gaps]))]
    nearest = int(np.argmin(np.linalg.norm(limb.points - centre, axis=1)))
    first, last = max(nearest - 2, 0), min(nearest + 3, len(limb.points))
    more = case.study_rng(5).uniform(0.04, 0.16)
    bulge = 1 + more * np.exp(-0.5 * (np.arange(first, last) - nearest) ** 2)
    half = limb.half[first:last] * bulge[:, None]
    return (Flesh(points=limb.points[first:last], half=half, fat=limb.fat),)


def _pieces(subject: Subject, camera: Rigid) -> Iterator[tuple[Bone, Cut | None]]:
    """Every bone, or fragment of a bone, in camera space, with what cuts it."""
    fracture = subject.fracture
    for bone in subject.anatomy.bones:
        if fracture is not None and bone.name == fracture.bone:
            for part in fracture.fragments:
                moved = bone.moved(camera.after(fracture.placed(part)))
                yield moved, fracture.cut(part, camera)
        elif fracture is not None and bone.name in fracture.carries:
            yield bone.moved(camera.after(fracture.carried_by)), None
        else:
            yield bone.moved(camera), None


_MARGIN_MM = 2.5  # about the broken surfaces, as annotators leave


def _boxes(subject: Subject, camera: Rigid, screen: Screen) -> tuple[Box, ...]:
    """The fracture's box on the film, px, clipped to it."""
    if subject.fracture is None:
        return ()
    flat = screen.px(camera(subject.fracture.marks()))
    margin = max(2.0, _MARGIN_MM / screen.mm_per_px)
    limits = np.array([screen.width_px, screen.height_px], dtype=np.float64)
    low = np.clip(flat.min(axis=0) - margin, 0, limits)
    high = np.clip(flat.max(axis=0) + margin, 0, limits)
    left, top, width, height = (round(float(v), 1) for v in (*low, *(high - low)))
    return (
        Box(left_px=left, top_px=top, width_px=width, height_px=height,
            label=subject.fracture.name),
    )  # fmt: skip

"""Which file of a data set carries which planted defect."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np

from osteon.errors import UsageError
from osteon.phantom.plan import Case, PhantomPlan, make_case
from osteon.types import Part

SUFFIX = {"jpeg": ".jpg", "png": ".png", "dicom": ".dcm", "gif": ".gif"}
ALTERED = (
    "wrong_labels",
    "truncated",
    "empty",
    "wrong_extension",
    "inverted",
    "exif_rotated",
    "sixteen_bit",
    "animated",
)
ADDED = ("copies", "pixel_copies", "leaks", "conflicts")


@dataclass(frozen=True, kw_only=True, slots=True)
class FileSpec:
    """One file to write: which film, where it is filed, and what is wrong with it."""

    number: int  # of the file; the films come first
    case: Case
    class_name: str  # under which it is filed
    true_class: str
    format: str  # as encoded
    suffix: str
    planted: str = ""  # the field of Plants, or nothing
    split: Part | None = None
    copy_of: str | None = None  # id of the file that this one repeats

    @property
    def id(self) -> str:
        return f"images/{self.class_name}/{self.number:05d}{self.suffix}"


def plan_files(plan: PhantomPlan) -> list[FileSpec]:
    """All files of the plan, in order. Raises UsageError when too much is to be planted."""
    specs = [_plain(plan, index) for index in range(plan.films)]
    order = [int(i) for i in np.random.default_rng([plan.seed, 51]).permutation(plan.films)]
    counts = {
        f.name: _count(getattr(plan.plants, f.name), plan, f.name) for f in fields(plan.plants)
    }
    wanted = sum(counts[name] for name in ALTERED)
    if wanted > plan.films:
        raise UsageError(f"{wanted} films are to carry a defect, but there are {plan.films}.")
    for name in ALTERED:
        for _ in range(counts[name]):
            index = order.pop()
            specs[index] = _altered(specs[index], name, plan)
    whole = [specs[index] for index in order]
    for name in ADDED:
        specs += _added(name, counts[name], whole, len(specs), plan)
    return specs


def _count(value: float, plan: PhantomPlan, name: str) -> int:
    if name == "marker_shortcut":
        if not 0 <= value <= 1:
            raise UsageError(f"plants.marker_shortcut is {value}: it is a share, 0 to 1.")
        return 0
    if value < 0 or (value > 1 and value != int(value)):
        raise UsageError(f"plants.{name} is {value}: give a share below 1, or a whole number.")
    return int(value) if value >= 1 else round(value * plan.films)


def _true_class(case: Case, plan: PhantomPlan) -> str:
    if case.fracture is None:
        return plan.class_names[0]
    return plan.class_names[1] if plan.classes == "binary" else case.fracture


def _plain(plan: PhantomPlan, index: int) -> FileSpec:
    case = make_case(plan, index)
    kind = plan.formats[(case.patient + case.study) % len(plan.formats)]
    name = _true_class(case, plan)
    return FileSpec(
        number=index,
        case=case,
        class_name=name,
        true_class=name,
        format=kind,
        suffix=SUFFIX[kind],
        split=_part(plan, case.patient) if plan.shipped_split else None,
    )


def _part(plan: PhantomPlan, patient: int) -> Part:
    start = np.random.default_rng([plan.seed, 22]).random()
    place = (start + patient * 0.6180339887498949) % 1.0
    return "train" if place < 0.70 else "val" if place < 0.85 else "test"


def _other_class(spec: FileSpec, plan: PhantomPlan) -> str:
    others = [name for name in plan.class_names if name != spec.true_class]
    rng = np.random.default_rng([plan.seed, 52, spec.number])
    return others[int(rng.integers(len(others)))]


def _altered(spec: FileSpec, name: str, plan: PhantomPlan) -> FileSpec:
    spec = replace(spec, planted=name)
    match name:
        case "wrong_labels":
            return replace(spec, class_name=_other_class(spec, plan))
        case "wrong_extension":
            told = "png" if spec.format == "png" else "jpeg"
            return replace(spec, format="jpeg" if told == "png" else "png", suffix=SUFFIX[told])
        case "exif_rotated":
            return replace(spec, format="jpeg", suffix=".jpg")
        case "sixteen_bit":
            return replace(spec, format="png", suffix=".png")
        case "animated":
            return replace(spec, format="gif", suffix=".gif")
        case _:
            return spec


def _added(
    name: str, count: int, whole: list[FileSpec], first: int, plan: PhantomPlan
) -> list[FileSpec]:
    """Files that repeat others; each repeats another one, as long as there are enough."""
    pool = whole
    if name == "leaks":
        pool = [spec for spec in whole if spec.split == "train"]
    if name == "pixel_copies":
        pool = [spec for spec in whole if spec.format != "dicom"]
    if count > len(pool):
        raise UsageError(f"plants.{name} asks for {count} files; {len(pool)} films can be copied.")
    rng = np.random.default_rng([plan.seed, 53, ADDED.index(name)])
    chosen = rng.permutation(len(pool))[:count]
    made = []
    for place, index in enumerate(chosen):
        spec = pool[int(index)]
        made.append(
            replace(
                spec,
                number=first + place,
                planted=name,
                copy_of=spec.id,
                class_name=_other_class(spec, plan) if name == "conflicts" else spec.class_name,
                split=("test" if place % 2 == 0 else "val") if name == "leaks" else spec.split,
                format="png" if name == "pixel_copies" else spec.format,
                suffix=".png" if name == "pixel_copies" else spec.suffix,
            )
        )
    return made

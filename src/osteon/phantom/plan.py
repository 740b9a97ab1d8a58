"""What to make: the plan of a phantom data set, and the case of each film in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, cast

import numpy as np

from osteon.errors import UnknownName, UsageError
from osteon.types import Laterality, View

VERSION = 1  # of the generator: films of one plan and version are equal byte for byte
REGIONS = ("hand", "forearm", "shoulder", "hip", "leg")
VIEWS: tuple[View, ...] = ("frontal", "lateral")
FORMATS = ("jpeg", "png", "dicom")
FRACTURES = (
    "transverse",
    "oblique",
    "spiral",
    "comminuted",
    "greenstick",
    "impacted",
    "hairline",
    "avulsion",
)
BINARY = ("normal", "fractured")


@dataclass(frozen=True, kw_only=True, slots=True)
class Plants:
    """Defects to plant. Below 1 a share of the films, from 1 on a count; the truth of each is in
    the column ``planted`` of the manifest."""

    copies: float = 0.0  # more files: other files' bytes, same class and patient unknown
    pixel_copies: float = 0.0  # more files: other films' pixels, saved again without loss
    leaks: float = 0.0  # more files: copies of training films in val or test; needs shipped_split
    conflicts: float = 0.0  # more files: other films' bytes under another class
    wrong_labels: float = 0.0  # films filed under another class
    truncated: float = 0.0  # files cut off in the middle
    empty: float = 0.0  # files of no bytes
    wrong_extension: float = 0.0  # PNG named .jpg, or JPEG named .png
    inverted: float = 0.0  # bone black
    exif_rotated: float = 0.0  # JPEG stored on its side with an EXIF orientation
    sixteen_bit: float = 0.0  # PNG of 16 bits
    animated: float = 0.0  # GIF of two frames
    marker_shortcut: float = 0.0  # share of films whose side marker is there only when fractured


@dataclass(frozen=True, kw_only=True, slots=True)
class PhantomPlan:
    """A phantom data set. The same plan gives the same bytes, whatever the number of workers;
    without plants, film i is the same whatever the number of films."""

    films: int = 360
    seed: int = 0
    size_px: int = 512  # the long side
    classes: Literal["binary", "types"] = "binary"
    prevalence: float = 0.45  # share of studies with a fracture
    regions: tuple[str, ...] = REGIONS
    views: tuple[View, ...] = VIEWS
    films_per_patient: int = 4
    displacement: float = 1.0  # times how far fragments shift and bend: higher is easier to see
    formats: tuple[str, ...] = ("jpeg",)  # taken in turn, study by study
    shipped_split: bool = False  # a column ``split`` by patient, 70/15/15
    casts: float = 0.0  # share of studies of limbs, whatever their class
    plates: float = 0.0  # share of studies, whatever their class
    arrows: float = 0.0  # share of films; points at the fracture where there is one
    writing: float = 0.15  # share of films with burned-in writing
    markers: float = 0.7  # share of films with a side marker
    plants: Plants = field(default_factory=Plants)

    def __post_init__(self) -> None:
        for value, known, kind in (
            (self.regions, REGIONS, "region"),
            (self.views, VIEWS, "view"),
            (self.formats, FORMATS, "format"),
        ):
            if not value:
                raise UsageError(f"A phantom plan needs at least one {kind}: {', '.join(known)}.")
            for name in value:
                if name not in known:
                    raise UnknownName(kind, name, known)
        if self.films < 1 or self.films_per_patient < 1:
            raise UsageError("A phantom plan needs at least one film, and one a patient.")
        if not 0 <= self.displacement <= 5:
            raise UsageError(f"displacement is {self.displacement}: choose 0 to 5.")
        if not 64 <= self.size_px <= 4096:
            raise UsageError(f"size_px is {self.size_px}: choose 64 to 4096.")
        for share in ("prevalence", "casts", "plates", "arrows", "writing", "markers"):
            if not 0.0 <= getattr(self, share) <= 1.0:
                raise UsageError(f"{share} is {getattr(self, share)}: it is a share, 0 to 1.")
        if self.plants.leaks and not self.shipped_split:
            raise UsageError("plants.leaks puts films on both sides of a split: it needs "
                             "shipped_split=true.")  # fmt: skip

    @property
    def class_names(self) -> tuple[str, ...]:
        return BINARY if self.classes == "binary" else ("normal", *FRACTURES)


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """Whose film this is and what it shows, before anything is drawn."""

    index: int
    patient: int
    study: int  # of the patient
    region: str
    view: View
    side: Laterality
    injury: str  # the fracture that it would be, or is
    broken: bool
    scanner: int
    seed: int

    @property
    def fracture(self) -> str | None:
        return self.injury if self.broken else None

    @property
    def patient_id(self) -> str:
        return f"P{self.patient:05d}"

    @property
    def study_id(self) -> str:
        return f"{self.patient_id}-S{self.study + 1}"

    def study_rng(self, topic: int) -> np.random.Generator:
        return np.random.default_rng([self.seed, 31, self.patient, self.study, topic])

    def film_rng(self, topic: int) -> np.random.Generator:
        return np.random.default_rng([self.seed, 32, self.index, topic])


_GOLDEN = 0.6180339887498949
# Of all fractures in the binary mode, in the order of FRACTURES; subtle ones are fewer.
_SHARES = (0.17, 0.17, 0.14, 0.18, 0.10, 0.12, 0.06, 0.06)


def _frequent(place: float) -> int:
    """Which fracture lies at ``place`` in [0, 1)."""
    return min(int(np.searchsorted(np.cumsum(_SHARES), place, side="right")), len(_SHARES) - 1)


def make_case(plan: PhantomPlan, index: int) -> Case:
    """The case of film ``index``, whatever the number of films.

    Classes follow a golden-ratio sequence, so that any first n films are near the prevalence, and
    classes are spread over regions and scanners evenly and independently.
    """
    patient, within = divmod(index, plan.films_per_patient)
    study = within // len(plan.views)
    studies = -(-plan.films_per_patient // len(plan.views))
    number = patient * studies + study
    rng = np.random.default_rng([plan.seed, 21, patient, study])
    start = np.random.default_rng([plan.seed, 20]).random(2)
    broken = bool((start[0] + number * _GOLDEN) % 1.0 < plan.prevalence)
    place = (start[1] + number * 0.7548776662466927) % 1.0
    kind = FRACTURES[_frequent(place) if plan.classes == "binary" else int(place * len(FRACTURES))]
    return Case(
        index=index,
        patient=patient,
        study=study,
        region=plan.regions[int(rng.integers(len(plan.regions)))],
        view=plan.views[within % len(plan.views)],
        side=cast("Laterality", "LR"[int(rng.integers(2))]),
        injury=kind,
        broken=broken,
        scanner=int(rng.integers(4)),
        seed=plan.seed,
    )

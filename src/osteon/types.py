"""The values that flow through osteon: plain, frozen, keyword-only; new ones out, none changed.

Legend of shapes: N films, C classes, H height and W width in px.
A binary problem has two classes, and index 1 is the positive one (the fracture).
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import nn

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]

View = Literal["frontal", "lateral", "oblique", "axial", "other"]
Laterality = Literal["R", "L", "U", "B"]  # DICOM (0020,0062): right, left, unpaired, both
Severity = Literal["note", "warning", "error"]
Part = Literal["train", "val", "test"]
MendStep = Literal["panels", "frame", "invert", "marks", "zoom"]  # in the order of their doing
PARTS: tuple[Part, ...] = ("train", "val", "test")


@dataclass(frozen=True, kw_only=True, slots=True)
class Box:
    """A rectangle in px of the decoded, upright film; the origin is the film's top left corner."""

    left_px: float
    top_px: float
    width_px: float
    height_px: float
    label: str = ""

    def scaled(self, across: float, down: float) -> Box:
        """The box on a film that is so many times as wide and as high."""
        return replace(
            self,
            left_px=self.left_px * across,
            top_px=self.top_px * down,
            width_px=self.width_px * across,
            height_px=self.height_px * down,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Radiograph:
    """One film as its source describes it. What is unknown is None or empty, never 0."""

    id: str  # unique in the manifest; the path below the manifest's root, with forward slashes
    path: Path
    label: int | None = None  # index into the manifest's classes
    split: Part | None = None  # as shipped by the source
    patient_id: str | None = None
    study_id: str | None = None
    regions: frozenset[str] = frozenset()
    views: frozenset[View] = frozenset()
    laterality: Laterality | None = None
    boxes: tuple[Box, ...] = ()  # fractures
    spacing_mm: tuple[float, float] | None = None  # between rows, between columns
    extra: Mapping[str, str] = field(default_factory=dict)  # whatever else the source says
    window: Box | None = None  # the part of the file that is this film: a panel of a collage


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """What one check saw: what and where in ``message``, what to do about it in ``remedy``."""

    check: str
    severity: Severity
    message: str
    remedy: str = ""
    ids: tuple[str, ...] = ()
    pairs: tuple[tuple[str, str], ...] = ()  # for copies: the two films that are the same
    command: str = ""  # that does what the remedy says
    artefact: str = ""  # the kind that was seen on ``ids``


@dataclass(frozen=True, kw_only=True, slots=True)
class Manifest:
    """All films of a data set. ``remarks`` are findings that the source itself made."""

    root: Path
    source: str  # the name of the source that read it
    recognised_by: str  # one sentence: why this source
    classes: tuple[str, ...]  # the user's words; of two, the second is the positive one
    radiographs: tuple[Radiograph, ...]
    remarks: tuple[Finding, ...] = ()

    @property
    def digest(self) -> str:
        """SHA-256 over all that the manifest says but where it lies and its remarks."""
        said = hashlib.sha256(repr(self.classes).encode())
        for film in self.radiographs:
            said.update(
                repr((
                    film.id, film.label, film.split, film.patient_id, film.study_id,
                    sorted(film.regions), sorted(film.views), film.laterality, film.boxes,
                    film.spacing_mm, sorted(film.extra.items()),
                    *([film.window] if film.window else []),
                )).encode()
            )  # fmt: skip
        return said.hexdigest()

    def class_name(self, film: Radiograph) -> str | None:
        return None if film.label is None else self.classes[film.label]


@dataclass(frozen=True, kw_only=True, slots=True)
class Artefact:
    """Something on a film besides the patient, as a detector of ``osteon.artefacts`` saw it."""

    kind: str  # such as arrow, writing, frame, collage
    boxes: tuple[Box, ...] = ()  # where, in px of the decoded film; none: the film as a whole


@dataclass(frozen=True, kw_only=True, slots=True)
class FilmFacts:
    """What opening one file told. Where ``fault`` is set, the film is set aside."""

    id: str
    n_bytes: int
    sha256: str  # of the file's bytes
    fault: str | None = None  # why it cannot be decoded whole
    format: str | None = None  # by content: JPEG, PNG, GIF, WEBP, BMP, TIFF, DICOM
    suffix_format: str | None = None  # what the file's name claims
    width_px: int | None = None  # upright
    height_px: int | None = None
    bit_depth: int | None = None
    n_channels: int | None = None
    n_frames: int | None = None
    pixel_digest: str | None = None  # SHA-256 of the decoded gray pixels and their shape
    mean: float | None = None  # of the gray film in [0, 1]
    std: float | None = None
    artefacts: tuple[Artefact, ...] = ()

    def has(self, kind: str) -> bool:
        return any(artefact.kind == kind for artefact in self.artefacts)


@dataclass(frozen=True, kw_only=True, slots=True)
class Likeness:
    """How one film lies on another, and how alike they are there."""

    correlation: float  # in [0, 1], of the fine structure where they overlap
    median: float  # of the correlations within windows; 0 where the former is below 0.6
    overlap: float  # share of the smaller film that is in both
    cover: float  # share of the larger film that is in both
    rotation_deg: float  # of the other, to lie on the one; counter-clockwise, in (-180, 180]
    scale: float  # by which the other is enlarged then
    stretch: float  # of the other, in one direction more than across it; 1 is none
    mirrored: bool
    inverted: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Copy:
    """Two films whose pixels differ, and how the other lies on the one."""

    one: str
    other: str
    how: Likeness


@dataclass(frozen=True, kw_only=True, slots=True)
class Copies:
    """``same``: pairs that show one exposure; enough of them to connect each cluster of copies.
    ``similar``: pairs that look alike and may be two exposures of one patient."""

    same: tuple[Copy, ...] = ()
    similar: tuple[Copy, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Leaning:
    """A column of the metadata, or several that say one thing, and how much hangs on it."""

    column: str
    share: float  # of all that is lost by shuffling one column after the other: 0 to 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Probe:
    """How well classes are told apart by what shows no bone: each film scored by a model that saw
    no film of its group."""

    name: Literal["metadata", "border", "background"]
    auroc: Estimate  # of more than two classes the mean over them, each against the rest
    leans_on: tuple[Leaning, ...] = ()  # of the metadata, greatest first
    left_out: tuple[str, ...] = ()  # columns that are the label in other words


@dataclass(frozen=True, kw_only=True, slots=True)
class Sign:
    """Something on a film besides the bone, tabulated: films of one class against all others."""

    kind: str  # a kind of Artefact, film size, laterality, or "source: " and a column
    value: str  # where the kind has several; the cells of a source's column are not quoted
    class_name: str
    n_with: int  # films of the class that have it
    n_of_class: int
    n_with_others: int
    n_others: int
    difference: Estimate  # share in the class less share in the others
    p: float  # exact, one film of each group and class; Holm's, for all signs of the data set


@dataclass(frozen=True, kw_only=True, slots=True)
class Shortcuts:
    """What tells the label without the bone. ``undone``: one sentence for each thing that was not
    looked for, and why."""

    classes: tuple[str, ...] = ()  # those told apart: large enough ones
    probes: tuple[Probe, ...] = ()
    signs: tuple[Sign, ...] = ()  # of more than two classes, a kind has one for each class
    undone: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Audit:
    """What all checks saw. ``clusters`` names, for every readable film that has a copy, its copies'
    common cluster; films without a copy are not in it. ``copies`` is None where only exact copies
    were looked for, ``shortcuts`` where none were."""

    manifest_digest: str
    findings: tuple[Finding, ...]
    facts: Mapping[str, FilmFacts]
    clusters: Mapping[str, str]
    copies: Copies | None = None
    shortcuts: Shortcuts | None = None

    @property
    def unreadable(self) -> frozenset[str]:
        return frozenset(id_ for id_, film in self.facts.items() if film.fault is not None)

    @property
    def failed(self) -> bool:
        """Whether any finding is an error: ``osteon audit`` then exits with 1."""
        return any(finding.severity == "error" for finding in self.findings)

    @property
    def leaks(self) -> tuple[Finding, ...]:
        """The findings that forbid the shipped split."""
        return tuple(f for f in self.findings if f.check == "leakage" and f.severity == "error")


@dataclass(frozen=True, kw_only=True, slots=True)
class Split:
    """Which films are in which part. No group is in two parts, unless it was ``despite_leaks``."""

    train: tuple[str, ...]
    val: tuple[str, ...]
    test: tuple[str, ...]
    groups: Mapping[str, str]  # film id -> group; every film of the split is in it
    manifest_digest: str
    origin: Literal["grouped", "shipped", "by_film"]
    seed: int
    despite_leaks: bool = False  # the user insisted on a shipped split that leaks
    leaked: tuple[str, ...] = ()  # then: the val and test films with a copy in train

    def part(self, name: Part) -> tuple[str, ...]:
        return {"train": self.train, "val": self.val, "test": self.test}[name]


# --- how to prepare and train -------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class PixelRules:
    """How a film of any size becomes ``size_px`` x ``size_px``.

    letterbox: the whole film, scaled to fit, black bars;
    centre_crop: the largest centred square, scaled;
    resize_crop: the short side scaled to ``resize_px``, then the central ``size_px`` square.
    """

    size_px: int = 224
    fit: Literal["letterbox", "centre_crop", "resize_crop"] = "letterbox"
    resize_px: int = 256  # of resize_crop alone
    mend: tuple[MendStep, ...] = ()  # what is done before the film is placed (osteon.mending)


@dataclass(frozen=True, kw_only=True, slots=True)
class Augment:
    """Per-film random changes of a training batch; each figure is the largest change, 0 is none."""

    rotate_deg: float = 0.0
    flip: float = 0.0  # probability of a left-right mirror
    scale: float = 0.0  # 0.1: between 1/1.1 and 1.1 times
    shift: float = 0.0  # share of the side
    brightness: float = 0.0  # added to pixels in [0, 1]
    contrast: float = 0.0  # 0.2: between 1/1.2 and 1.2 times, about the film's mean


@dataclass(frozen=True, kw_only=True, slots=True)
class Optimiser:
    """Gradient descent on batches."""

    name: Literal["adamw", "adam", "sgd"] = "adamw"
    lr: float = 1e-3
    weight_decay: float = 1e-4
    momentum: float = 0.9  # of sgd alone
    schedule: Literal["constant", "cosine"] = "cosine"
    warmup_epochs: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class RegularisationPath:
    """A linear head solved exactly on frozen features, once per strength: each is one epoch.

    ``inverse_strengths`` is scikit-learn's C, tried in this order, strongest first, as far as
    ``Recipe.epochs`` reaches.
    """

    inverse_strengths: tuple[float, ...] = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2)


class Backbone(Protocol):
    """A frozen dataclass whose fields are the hyper-parameters."""

    def build(self, n_classes: int) -> nn.Module:
        """A network from (N, 1, H, W) floats in [0, 1] to (N, C) logits."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipe:
    """All that decides a training, as one value; JSON round trip in ``osteon.recipe``."""

    name: str
    backbone: Backbone
    pixels: PixelRules = field(default_factory=PixelRules)
    augment: Augment = field(default_factory=Augment)
    optimiser: Optimiser | RegularisationPath = field(default_factory=Optimiser)
    balance: Literal["none", "weights", "sampling"] = "weights"
    label_smoothing: float = 0.0
    batch_size: int = 32
    epochs: int = 20  # at most
    patience: int = 5  # epochs without a better ``monitor`` before training stops
    monitor: Literal["val_loss", "val_auroc", "val_accuracy"] = "val_loss"
    # Of training; scoring is in float32. auto: bfloat16 where a probe of this machine gains by it.
    precision: Literal["float32", "bfloat16", "auto"] = "float32"
    seed: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class History:
    """One row of the training history."""

    epoch: int  # from 1
    train_loss: float
    train_accuracy: float
    val_loss: float
    val_accuracy: float
    val_auroc: float  # binary, or macro one-vs-rest; NaN where undefined
    lr: float  # or the inverse strength on a regularisation path
    seconds: float


# --- how good it is -----------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class Predictions:
    """Scores of one part, or of films without labels (label -1)."""

    ids: tuple[str, ...]
    labels: Ints  # (N,)
    scores: Floats  # (N, C), rows sum to 1
    groups: tuple[str, ...]  # (N,), the unit that the bootstrap resamples
    classes: tuple[str, ...]
    part: str  # train, val, test, or whatever the user calls it


@dataclass(frozen=True, kw_only=True, slots=True)
class Estimate:
    """A figure that is never alone: 95 % interval, films, independent groups, how it was made.

    ``value`` is None where the metric is undefined on these films (one class only).
    """

    value: float | None
    low: float | None
    high: float | None
    n: int
    n_groups: int
    method: str


@dataclass(frozen=True, kw_only=True, slots=True)
class OperatingPoint:
    """A threshold on the positive class's score (>= is positive), chosen on validation alone."""

    threshold: float
    rule: str  # such as "sensitivity >= 0.90"
    chosen_on: Literal["val"] = "val"


@dataclass(frozen=True, kw_only=True, slots=True)
class Curve:
    """A curve to draw: ``name`` is roc or pr; of which class against the rest."""

    name: Literal["roc", "pr"]
    class_name: str
    x: tuple[float, ...]
    y: tuple[float, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class CalibrationBin:
    """Films whose score for ``class_name`` lies in [low, high): mean score, observed share."""

    class_name: str
    low: float
    high: float
    mean_score: float
    observed: Estimate


@dataclass(frozen=True, kw_only=True, slots=True)
class Evaluation:
    """Everything measured on one part. Outer keys of ``baselines``: majority, metadata_only."""

    part: str
    classes: tuple[str, ...]
    n: int
    n_groups: int
    class_counts: Mapping[str, int]
    scores: Mapping[str, Estimate]  # metric -> estimate; multi-class ones are macro averages
    baselines: Mapping[str, Mapping[str, Estimate]]
    per_class: Mapping[str, Mapping[str, Estimate]]  # class -> metric -> estimate, one vs rest
    confusion: tuple[tuple[int, ...], ...]  # [true class][answered class]
    operating_point: OperatingPoint | None  # binary alone
    at_operating_point: Mapping[str, Estimate]
    confusion_at_operating_point: tuple[tuple[int, ...], ...]
    curves: tuple[Curve, ...]
    calibration: tuple[CalibrationBin, ...]
    remarks: tuple[str, ...] = ()  # what a reader must know before believing a figure
    gains: Mapping[str, Mapping[str, Estimate]] = field(default_factory=dict)
    # baseline -> metric -> model minus baseline on the same films, paired
    analytic: Mapping[str, tuple[Estimate, ...]] = field(default_factory=dict)
    # of two classes: intervals by formula beside the bootstrap's, the one to cite first; auroc, and
    # at the operating point sensitivity, specificity, precision, npv


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """The answer for one film."""

    path: str
    category: str  # the class answered, "doubtful", or "not readable"
    scores: Mapping[str, float]  # class -> raw score; empty when not readable
    reason: str = ""  # the threshold applied, or why the film is not readable
    calibrated: Mapping[str, float] = field(default_factory=dict)  # class -> probability, if known


def count_classes(manifest: Manifest, ids: frozenset[str] | None = None) -> dict[str, int]:
    """Films per class, in the order of the classes; only those in ``ids`` if given."""
    counts = Counter(film.label for film in manifest.radiographs if ids is None or film.id in ids)
    return {name: counts[index] for index, name in enumerate(manifest.classes)}

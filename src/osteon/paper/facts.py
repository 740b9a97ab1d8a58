"""What a run knows about itself, one fact a function: a sentence or a table in Markdown.

A fact that the run does not hold is None; nothing is guessed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeVar

from osteon import calibrate, decisions
from osteon.audit import scope, verdict
from osteon.calibrate import Calibrated
from osteon.decisions import Decisions
from osteon.environment import without_folders
from osteon.explain.values import Explanation
from osteon.metrics import TITLES
from osteon.report.material import Material
from osteon.subgroups import Subgroups
from osteon.travelled import ShiftReport, told_losses
from osteon.types import PARTS, Estimate, Evaluation, RegularisationPath, count_classes
from osteon.values import read_value

T = TypeVar("T")
Fact = Callable[[Material], str | None]
FACTS: dict[str, Fact] = {}
FEWEST_TOLD = 5  # a cell of fewer films could tell of a person
AGES = ("age", "age_years")
AT_POINT = ("auroc", "sensitivity", "specificity")


def fact(function: Fact) -> Fact:
    FACTS[function.__name__] = function
    return function


def stated(estimate: Estimate | None) -> str:
    """Such as ``0.872 [0.831, 0.905]``; the number of films stands at the head of its table."""
    if estimate is None or estimate.value is None:
        return "undefined"
    interval = "no interval" if estimate.low is None else f"{estimate.low:.3f}, {estimate.high:.3f}"
    return f"{estimate.value:.3f} [{interval}]"


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    def line(cells: Sequence[object]) -> str:
        return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |"

    return "\n".join([line(head), line(["---"] * len(head)), *(line(row) for row in rows)])


# --- the films ------------------------------------------------------------------------------------


@fact
def data_source(m: Material) -> str:
    counts = ", ".join(f"{count:,} '{name}'" for name, count in count_classes(m.manifest).items())
    return (
        f"{m.manifest.root.name}: {len(m.manifest.radiographs):,} radiographs ({counts}), digest "
        f"of the manifest {m.audit.manifest_digest[:16]}."
    )


@fact
def set_aside(m: Material) -> str:
    n = len(m.audit.unreadable)
    if not n:
        return "No file had to be set aside: all could be decoded whole."
    return f"{n:,} file{'' if n == 1 else 's'} that could not be decoded whole were set aside."


@fact
def missing(m: Material) -> str:
    films = m.manifest.radiographs
    lacks = {
        "label": sum(film.label is None for film in films),
        "patient": sum(film.patient_id is None for film in films),
        "study": sum(film.study_id is None for film in films),
        "view": sum(not film.views for film in films),
        "laterality": sum(film.laterality is None for film in films),
    }
    said = ", ".join(f"{name} of {count:,}" for name, count in lacks.items() if count)
    return (
        f"Of {len(films):,} films, not known: {said}. Films without a label are used nowhere; "
        "nothing was imputed."
        if said
        else "Nothing is missing; nothing was imputed."
    )


@fact
def preprocessing(m: Material) -> str | None:
    if m.recipe is None:
        return None
    rules = m.recipe.pixels
    mended = f", after mending: {', '.join(rules.mend)}" if rules.mend else ""
    lost = ""
    if m.crop_loss is not None and m.crop_loss.n_boxes:
        lost = f" Of {m.crop_loss.n_boxes:,} annotated boxes {m.crop_loss.n_cut:,} are cut by it."
    return (
        f"Decoded to gray in [0, 1] (MONOCHROME2 sense, EXIF orientation applied), then "
        f"{rules.fit.replace('_', ' ')} to {rules.size_px} x {rules.size_px} px{mended}.{lost}"
    )


@fact
def audit_verdict(m: Material) -> str:
    said = verdict(m.audit, m.manifest, m.split)
    limits = scope(m.audit, m.manifest)
    return f"{said} {limits}" if limits else said


@fact
def partitions(m: Material) -> str | None:
    if m.split is None:
        return None
    how = {
        "grouped": f"assigned at random within classes, seed {m.split.seed}",
        "shipped": "as shipped with the data",
        "by_film": f"assigned by film, seed {m.split.seed}",
    }[m.split.origin]
    sizes = ", ".join(f"{part} {len(m.split.part(part)):,}" for part in PARTS)
    return f"Films were {how}: {sizes} films."


@fact
def disjoint(m: Material) -> str | None:
    if m.split is None:
        return None
    if m.split.despite_leaks:
        return (
            f"The parts are NOT disjoint: {len(m.split.leaked):,} validation and test films have "
            "a copy, patient or study in training, and the shipped split was used all the same."
        )
    if m.split.origin == "by_film":
        return "The parts are disjoint by film alone."
    named = any(film.patient_id for film in m.manifest.radiographs)
    level = "patients" if named else "studies" if _any_study(m) else "no patient or study is named"
    return (
        "The parts are disjoint by group: patients, else studies, joined with clusters of copies "
        f"found by the audit (in these data: {level})."
    )


def _any_study(m: Material) -> bool:
    return any(film.study_id for film in m.manifest.radiographs)


@fact
def sample_size(m: Material) -> str | None:
    if m.test is None:
        return None
    counts = ", ".join(f"{count:,} '{name}'" for name, count in m.test.class_counts.items())
    return f"The test part has {m.test.n:,} films of {m.test.n_groups:,} groups: {counts}."


@fact
def characteristics(m: Material) -> str | None:
    """Classes by part; and what the source says of age and sex, if it does."""
    if m.split is None:
        return None
    rows: list[list[object]] = []
    for name, value_of in _columns(m):
        seen: dict[str, list[int]] = {}
        for at, part in enumerate(PARTS):
            for id_ in m.split.part(part):
                seen.setdefault(value_of.get(id_, "not known"), [0, 0, 0])[at] += 1
        rows += [[name, value, *map(_told, counts)] for value, counts in sorted(seen.items())]
    return table(["", "value", *PARTS], rows)


def _told(count: int) -> str:
    return f"{count:,}" if count == 0 or count >= FEWEST_TOLD else f"under {FEWEST_TOLD}"


def _columns(m: Material) -> Iterator[tuple[str, dict[str, str]]]:
    films = m.manifest.radiographs
    yield "class", {film.id: m.manifest.class_name(film) or "not known" for film in films}
    regions = {film.id: ", ".join(sorted(film.regions)) for film in films if film.regions}
    if regions:
        yield "region", regions
    sexes = {film.id: film.extra["sex"] for film in films if film.extra.get("sex")}
    if sexes:
        yield "sex", sexes
    ages = {
        film.id: band
        for film in films
        for name in AGES
        if (band := _age_band(film.extra.get(name, "")))
    }
    if ages:
        yield "age", ages


def _age_band(cell: str) -> str | None:
    digits = cell.strip().upper().removesuffix("Y").lstrip("0") or "0"
    if not digits.isdigit() or not cell.strip():
        return None
    return next(
        band
        for oldest, band in ((17, "under 18"), (39, "18 to 39"), (64, "40 to 64"), (999, "65 on"))
        if int(digits) <= oldest
    )


# --- the model ------------------------------------------------------------------------------------


@fact
def technique(m: Material) -> str | None:
    if m.recipe is None:
        return None
    return (
        f"A deep-learning classifier of single radiographs: backbone "
        f"{type(m.recipe.backbone).__name__}, recipe '{m.recipe.name}'."
    )


@fact
def model(m: Material) -> str | None:
    if m.recipe is None:
        return None
    from osteon.backbones.blocks import bare
    from osteon.recipe import recipe_to_json

    backbone = json.dumps(json.loads(recipe_to_json(m.recipe))["backbone"])
    net = bare(m.recipe.backbone).build(len(m.manifest.classes))
    n = sum(value.numel() for value in net.parameters())
    return (
        f"Input: 1 x {m.recipe.pixels.size_px} x {m.recipe.pixels.size_px} floats in [0, 1]; "
        f"output: {len(m.manifest.classes)} probabilities "
        f"({', '.join(m.manifest.classes)}). Backbone and its fields: `{backbone}`. "
        f"It has {n:,} parameters."
    )


@fact
def initialisation(m: Material) -> str | None:
    if m.recipe is None:
        return None
    weights = getattr(m.recipe.backbone, "weights", None)
    if weights not in (None, "none"):
        return f"From weights '{weights}' of {getattr(m.recipe.backbone, 'model', 'the network')}."
    init = getattr(m.recipe.backbone, "init", None)
    return f"At random ({init})." if init else "At random."


@fact
def training(m: Material) -> str | None:
    if m.recipe is None:
        return None
    how = m.recipe.optimiser
    if isinstance(how, RegularisationPath):
        solved = ", ".join(f"{c:g}" for c in how.inverse_strengths)
        main = f"The linear head is solved exactly for the inverse strengths C = {solved}."
    else:
        main = (
            f"{how.name}, learning rate {how.lr:g} ({how.schedule}), weight decay "
            f"{how.weight_decay:g}, batches of {m.recipe.batch_size}, at most {m.recipe.epochs} "
            f"epochs, stopped after {m.recipe.patience} without a better {m.recipe.monitor}."
        )
    changes = {
        name: getattr(m.recipe.augment, name)
        for name in ("rotate_deg", "flip", "scale", "shift", "brightness", "contrast")
    }
    drawn = ", ".join(f"{name} {value:g}" for name, value in changes.items() if value)
    return (
        f"{main} Augmentation: {drawn or 'none'}. Label smoothing {m.recipe.label_smoothing:g}. "
        f"Seed {m.recipe.seed}."
    )


@fact
def imbalance(m: Material) -> str | None:
    if m.recipe is None:
        return None
    return {
        "none": "Classes were not balanced in training.",
        "weights": "The loss is weighted by the inverse frequency of the classes in training.",
        "sampling": "Training batches draw the classes equally often.",
    }[m.recipe.balance] + " Validation and test keep their own frequencies."


@fact
def selection(m: Material) -> str | None:
    if m.recipe is None:
        return None
    n = len(m.openings)
    return (
        f"The best epoch (or strength) by {m.recipe.monitor} on the validation part. The test part "
        f"took no part in it; it was opened {n} time{'' if n == 1 else 's'}."
    )


@fact
def software(m: Material) -> str | None:
    if m.environment is None:
        return None
    versions = ", ".join(f"{name} {v}" for name, v in m.environment.versions.items())
    return (
        f"Python {m.environment.python}, {versions}; on {m.environment.processor}, "
        f"{m.environment.n_cpus} CPUs, {m.environment.system}."
    )


@fact
def command(m: Material) -> str | None:
    if m.environment is None or not m.environment.command:
        return None
    return f"`{without_folders(m.environment.command)}`"


# --- how good it is -------------------------------------------------------------------------------


@fact
def metrics(m: Material) -> str | None:
    if m.test is None:
        return None
    names = ", ".join(TITLES.get(name, name) for name in m.test.scores)
    return f"{names}; each beside the majority class and file metadata alone."


@fact
def uncertainty(m: Material) -> str | None:
    if m.test is None:
        return None
    method = next(
        (e.method for e in m.test.scores.values() if e.method.startswith("grouped bootstrap")), None
    )
    return f"95 % intervals: {method}; whole groups are drawn, not films." if method else None


@fact
def performance(m: Material) -> str | None:
    if m.test is None:
        return None
    names = list(m.test.baselines)
    rows = [
        [TITLES.get(metric, metric), stated(estimate),
         *(stated(m.test.baselines[name].get(metric)) for name in names)]
        for metric, estimate in m.test.scores.items()
    ]  # fmt: skip
    return table([_counted(m.test), "model", *(name.replace("_", " ") for name in names)], rows)


def _counted(test: Evaluation) -> str:
    return f"test part, {test.n:,} films of {test.n_groups:,} groups"


@fact
def operating_point(m: Material) -> str | None:
    if m.test is None or m.test.operating_point is None:
        return None
    point = m.test.operating_point
    rows = [[TITLES.get(k, k), stated(v)] for k, v in m.test.at_operating_point.items()]
    return (
        f"Threshold {point.threshold:.4f} on the score of '{m.test.classes[1]}', chosen on "
        f"validation for {point.rule} and applied unchanged.\n\n"
        + table([f"at the operating point, {_counted(m.test)}", "value"], rows)
    )


@fact
def failures(m: Material) -> str | None:
    if m.test is None:
        return None
    counts = m.test.confusion_at_operating_point or m.test.confusion
    rows = [[name, *row] for name, row in zip(m.test.classes, counts, strict=True)]
    return (
        "Counts of the test part (the films answered wrong are shown in report.html):\n\n"
        + table(["truth \\ answer", *m.test.classes], rows)
    )


@fact
def internal(m: Material) -> str | None:
    if m.test is None:
        return None
    return (
        f"On a test part of the same data ({m.test.n:,} films), sealed until the model was chosen."
    )


@fact
def limitations(m: Material) -> str | None:
    if m.test is None:
        return None
    errors = [finding.message for finding in m.audit.findings if finding.severity == "error"]
    said = [*m.test.remarks, *errors]
    own = "The test films come from the same source as the training films."
    return "\n".join(f"- {line}" for line in [own, *said])


@fact
def weights_file(m: Material) -> str | None:
    if not m.folder.trained.is_file():
        return None
    return (
        "The weights (model.safetensors) and all settings (recipe.json) written by `osteon card` "
        "are the whole model: `osteon.Classifier.load(FOLDER)`."
    )


# --- what holds for every run ---------------------------------------------------------------------


@fact
def ensembling(m: Material) -> str | None:
    return None if m.recipe is None else "None: one network."


@fact
def development(m: Material) -> str | None:
    if m.recipe is None:
        return None
    return "A model was developed and evaluated on held-out films of the same data."


@fact
def predictors(m: Material) -> str | None:
    return None if m.recipe is None else "The pixels of one radiograph alone; no other predictor."


@fact
def no_reader(m: Material) -> str | None:
    return None if m.recipe is None else "No person assesses a predictor."


@fact
def updating(m: Material) -> str | None:
    return None if m.recipe is None else "The model was not updated after its evaluation."


@fact
def blind_index(m: Material) -> str | None:
    if m.test is None:
        return None
    return "The classifier sees the pixels alone; labels of test films are read after its scores."


@fact
def bad_input(m: Material) -> str | None:
    if m.recipe is None:
        return None
    return (
        "A file that cannot be decoded whole gets the category 'not readable' and the reason, "
        "and no score."
    )


@fact
def external(m: Material) -> str | None:
    return None if m.test is None else "No external data were tested in this run."


# --- what further commands left in the run --------------------------------------------------------


@fact
def calibration(m: Material) -> str | None:
    found = _left(m, calibrate.FILE, Calibrated)
    if found is None:
        return None
    rows = [
        [name, stated(tried.on_test.get("log_loss")), stated(tried.on_test.get("brier_loss")),
         stated(tried.on_test.get("ece_smooth"))]
        for name, tried in ((each.name, each) for each in found.tried)
    ]  # fmt: skip
    head = ["calibrator, on test", "log loss", "Brier loss", "ECE, smooth"]
    return f"Chosen on validation: {found.chosen}. {found.reason}\n\n{table(head, rows)}"


@fact
def indeterminate(m: Material) -> str | None:
    found = _left(m, decisions.FILE, Decisions)
    return None if found is None or found.three is None else found.three.verdict


@fact
def fairness(m: Material) -> str | None:
    found = _left(m, "subgroups.json", Subgroups)
    if found is None:
        return None
    rows = [
        [each.column, each.value, f"{each.n:,}", *(stated(each.figures.get(k)) for k in AT_POINT)]
        for each in found.subgroups
    ]
    names = [TITLES.get(name, name) for name in AT_POINT]
    return f"{found.verdict}\n\n{table(['subgroup', 'value', 'films', *names], rows)}"


@fact
def robustness(m: Material) -> str | None:
    found = _left(m, "shift.json", ShiftReport)
    if found is None:
        return None
    lines = "\n".join(f"- {sentence}" for sentence in told_losses(found))
    return (
        f"{len(found.curves)} shifts of {found.n_films:,} test films; mean relative drop "
        f"{stated(found.mean_drop)}.\n\n{lines}"
    )


@fact
def explainability(m: Material) -> str | None:
    found = _left(m, "explanation.json", Explanation)
    if found is None:
        return None
    judged = "\n".join(
        f"- {each.title}: {f'withheld: {each.withheld}' if each.withheld else 'passed'}"
        for each in found.methods
    )
    return f"{found.criterion}\n\n{judged}"


def _left(m: Material, name: str, kind: type[T]) -> T | None:
    path = m.folder.path / name
    return read_value(kind, path) if path.is_file() else None


def known_facts(material: Material) -> Mapping[str, str]:
    """Name -> Markdown of every fact that the run holds."""
    found = ((name, function(material)) for name, function in FACTS.items())
    return {name: said for name, said in found if said is not None}

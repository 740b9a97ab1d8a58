"""Facts of the model, of its training, and of what is so in every run."""

from __future__ import annotations

import json

from osteon.environment import without_folders
from osteon.paper.facts.fact import fact
from osteon.report.material import Material
from osteon.types import RegularisationPath
from osteon.words import counted


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
        f"took no part in it; it was opened {counted(n, 'time')}."
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

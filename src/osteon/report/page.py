"""Fills the template with a run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

from osteon.audit import scope, verdict
from osteon.environment import without_folders
from osteon.metrics import TITLES
from osteon.report.figures import (
    confusion_figures,
    curve_figures,
    training_figures,
)
from osteon.report.gallery import Shelf, Thumbnail, shelves, thumbnail
from osteon.report.material import Material
from osteon.report.plots import films_drawn, plain_calibration
from osteon.report.rendering import rendered
from osteon.report.sections import sections
from osteon.types import (
    PARTS,
    Estimate,
    Evaluation,
    Finding,
    RegularisationPath,
    count_classes,
)
from osteon.watch import best_of

HEADLINE_BINARY = ("auroc", "balanced_accuracy")
HEADLINE_MANY = ("accuracy", "balanced_accuracy", "auroc")
HEADLINE_AT_POINT = ("sensitivity", "specificity")
PAIRS_SHOWN = 4
WARNING_AT_THE_TOP = (
    "This run used the shipped split although {leaked:,} of its {n:,} validation and test films "
    "have a copy, patient or study in training: its figures measure memory, not skill."
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Headline:
    """A figure for the top of the page, with what it must be compared with."""

    title: str
    estimate: Estimate
    baselines: Mapping[str, Estimate]


def page(material: Material) -> str:
    """The whole report as HTML."""
    return rendered(
        "report.html.jinja",
        m=material,
        name=material.folder.path.name,
        data_name=material.manifest.root.name,
        warning=_warning(material),
        verdict=verdict(material.audit, material.manifest, material.split),
        scope=scope(material.audit, material.manifest),
        resampling=resampling(material.test),
        headlines=list(headlines(material.test)) if material.test else [],
        missing=_missing(material),
        classes=count_classes(material.manifest),
        formats=_formats(material),
        sizes=_sizes(material),
        set_aside=[(id_, material.audit.facts[id_].fault)
                   for id_ in sorted(material.audit.unreadable)],
        findings=[(finding, _pictures(finding, material)) for finding in material.audit.findings],
        split_rows=_split_rows(material),
        recipe_rows=list(_recipe_rows(material.recipe)) if material.recipe else [],
        best=_best(material),
        training=list(training_figures(material.history, material.recipe))
        if material.recipe
        else [],
        titles=TITLES,
        curves=list(curve_figures(material.test)) if material.test else [],
        confusions=list(confusion_figures(material.test)) if material.test else [],
        calibration=plain_calibration(material),
        sections=list(sections(material)),
        shelves=_shelves(material),
        commands=_commands(material),
    )  # fmt: skip


def _warning(material: Material) -> str | None:
    parts = material.split
    if parts is None or not parts.despite_leaks:
        return None
    n = len(parts.val) + len(parts.test)
    return WARNING_AT_THE_TOP.format(leaked=len(parts.leaked), n=n)


def headlines(test: Evaluation) -> Iterator[Headline]:
    binary = len(test.classes) == 2
    for metric in HEADLINE_BINARY if binary else HEADLINE_MANY:
        yield Headline(
            title=TITLES[metric] + ("" if binary or metric == "accuracy" else ", macro"),
            estimate=test.scores[metric],
            baselines={name: scores[metric] for name, scores in test.baselines.items()},
        )
    # The baselines have no operating point of their own: they answer with their highest score.
    for metric in HEADLINE_AT_POINT if test.operating_point else ():
        yield Headline(
            title=f"{TITLES[metric]} at the operating point",
            estimate=test.at_operating_point[metric],
            baselines={f"{name} at 0.5": each[metric] for name, each in test.baselines.items()},
        )


def resampling(test: Evaluation | None) -> str | None:
    """How this run's intervals were made, in its own words; where Wilson's stand in is left out."""
    methods = [figure.method for figure in test.scores.values()] if test else []
    return next((method for method in methods if method.startswith("grouped bootstrap")), None)


def _missing(material: Material) -> tuple[str, str] | None:
    """What this run lacks, and the command to go on with."""
    run = material.folder.path
    if material.split is None:
        leaks = "its shipped split leaks" if material.audit.leaks else "it was stopped"
        return f"This run has no split yet: {leaks}.", "osteon run DATA --split grouped"
    if not material.folder.trained.is_file():
        return "This run is not trained to the end.", f"osteon train --resume {run.name}"
    if material.test is None:
        return "This run is not evaluated: its test part is sealed.", f"osteon evaluate {run.name}"
    return None


def _formats(material: Material) -> Counter[str]:
    return Counter(film.format or "?" for film in material.audit.facts.values() if not film.fault)


def _sizes(material: Material) -> str:
    sides = [
        (film.width_px, film.height_px)
        for film in material.audit.facts.values()
        if film.width_px is not None and film.height_px is not None
    ]
    if not sides:
        return "none readable"
    widths, heights = (sorted(side) for side in zip(*sides, strict=True))
    middle = len(sides) // 2
    return (
        f"{widths[0]:,} to {widths[-1]:,} px wide (median {widths[middle]:,}), "
        f"{heights[0]:,} to {heights[-1]:,} px high (median {heights[middle]:,})"
    )


def _pictures(
    finding: Finding, material: Material
) -> list[tuple[Thumbnail | None, Thumbnail | None]]:
    shown = finding.pairs[:PAIRS_SHOWN]
    return [
        (thumbnail(one, material.manifest), thumbnail(other, material.manifest))
        for one, other in shown
    ]


def _split_rows(material: Material) -> list[tuple[str, list[int]]]:
    """Rows are classes, then all films and groups; columns are the parts."""
    split = material.split
    if split is None:
        return []
    ids = [frozenset(split.part(part)) for part in PARTS]
    counts = [count_classes(material.manifest, of_part) for of_part in ids]
    return [
        *((name, [each[name] for each in counts]) for name in material.manifest.classes),
        ("all films", [len(of_part) for of_part in ids]),
        ("groups", [len({split.groups[id_] for id_ in of_part}) for of_part in ids]),
    ]


def _recipe_rows(value: Any, prefix: str = "") -> Iterator[tuple[str, str]]:
    for field in fields(value):
        inner = getattr(value, field.name)
        if is_dataclass(inner):
            yield f"{prefix}{field.name}", type(inner).__name__
            yield from _recipe_rows(inner, f"{prefix}{field.name}.")
        else:
            words = ", ".join(map(str, inner)) if isinstance(inner, Sequence) and not isinstance(
                inner, str) else str(inner)  # fmt: skip
            yield f"{prefix}{field.name}", words


def _best(material: Material) -> str | None:
    if not material.history or material.recipe is None:
        return None
    best = best_of(material.history, material.recipe.monitor)
    if isinstance(material.recipe.optimiser, RegularisationPath):
        return f"Best inverse strength: C = {best.lr:g}"
    return f"Best epoch: {best.epoch} of {len(material.history)}"


def _shelves(material: Material) -> list[Shelf]:
    """Films of train and of test drawn at random, then the surest and the most doubtful answers."""
    if material.test is None or material.predictions is None:
        return []
    return [
        *films_drawn(material),
        *shelves(material.predictions, material.test, material.manifest),
    ]


def _commands(material: Material) -> list[str]:
    said = material.environment.command if material.environment else ""
    return [without_folders(said)] if said else []

"""What a bundle tells of itself, for whoever gets it without the run: bundle.json."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from osteon.bundle import RESEARCH_ONLY, BundleFacts, Form, Origin, TwoPoints
from osteon.environment import this_environment
from osteon.runs import RunFolder
from osteon.types import Audit, Predictions, Split

if TYPE_CHECKING:
    from osteon.answers import Answers
    from osteon.classifier import Classifier
    from osteon.prepare import Prepared

PACKAGES = ("onnx", "onnxruntime", "onnxscript", "openvino")


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class OpenedRun:
    """What of a run its export needs."""

    folder: RunFolder
    classifier: Classifier
    prepared: Prepared
    split: Split
    audit: Audit
    manifest_digest: str
    val: Predictions  # the run's own scores


def bundle_facts(
    run: OpenedRun,
    answers: Answers,
    forms: Sequence[Form],
    accepted: float,
    left_out: Sequence[str],
) -> BundleFacts:
    """All that the bundle says of itself: ``accepted`` is the share of validation films that its
    gate takes for films, ``left_out`` one sentence for each form that was not kept."""
    from osteon.calibrators import name_of, state_of
    from osteon.recipe import recipe_to_json

    calibrator = answers.calibrator
    recipe = run.classifier.recipe
    three = answers.three
    return BundleFacts(
        research_only=RESEARCH_ONLY,
        name=recipe.name,
        classes=answers.classes,
        pixels=recipe.pixels,
        operating_point=answers.operating_point,
        three=TwoPoints(lower=three.lower, upper=three.upper) if three else None,
        calibrator=None if calibrator is None else name_of(calibrator),
        calibrator_state={} if calibrator is None else state_of(calibrator),
        forms=tuple(forms),
        n_compared=len(run.val.ids),
        gate_accepts=accepted,
        origin=_origin(run),
        limits=tuple(_limits(run, answers)),
        versions=_versions(),
        recipe=recipe_to_json(recipe),
        left_out=tuple(left_out),
    )


def _origin(run: OpenedRun) -> Origin:
    films = sorted(run.audit.facts[id_].sha256 for id_ in run.split.train)
    return Origin(
        manifest=run.manifest_digest,
        split=hashlib.sha256(run.folder.split.read_bytes()).hexdigest(),
        training_films=hashlib.sha256("\n".join(films).encode()).hexdigest(),
        n_train=len(run.split.train),
        n_val=len(run.split.val),
    )


def _versions() -> dict[str, str]:
    from importlib.metadata import PackageNotFoundError, version

    found = dict(this_environment(seed=0).versions)
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _limits(run: OpenedRun, answers: Answers) -> Iterator[str]:
    """In words, for whoever gets the bundle without the run."""
    from osteon.paper.facts import known_facts
    from osteon.report.material import gather

    yield RESEARCH_ONLY
    yield (
        f"It tells {', '.join(answers.classes)} on films like its {len(run.split.train):,} "
        "training films; whether a film is like them is judged by a distance of features, "
        "which refuses about 2 in 100 such films and may let others pass."
    )
    if answers.operating_point is None:
        yield "The run was not evaluated: its scores are no probabilities, and no threshold is set."
    said = known_facts(gather(run.folder.path)).get("limitations", "")
    yield from (line.removeprefix("- ") for line in said.splitlines() if line)

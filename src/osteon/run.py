"""One way through: data -> manifest -> audit -> split -> prepare -> train -> evaluate -> report.

Each function here moves one stage's values into or out of the run folder; the stages themselves
know nothing of it. What lies in the folder already is taken from there, so that a killed run goes
on where it stopped.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from osteon.environment import this_environment, timed
from osteon.errors import DataError, LeakError, UsageError
from osteon.looking import look_over, read_data
from osteon.plan import SplitPlan, make_split
from osteon.runs import RunFolder, default_cache, log_opening, no_run
from osteon.types import (
    Audit,
    Evaluation,
    Manifest,
    OperatingPoint,
    Part,
    PixelRules,
    Predictions,
    Recipe,
    Split,
)
from osteon.values import read_value, write_value
from osteon.verdicts import Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from osteon.baselines import MetadataModel
    from osteon.classifier import Classifier
    from osteon.decisions import Goals
    from osteon.prepare import Prepared


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """What a run was asked for: run.json. The same folder is continued by the same request only."""

    data: str
    layout: str | None
    split: SplitPlan
    recipe: str  # as JSON
    verdicts: tuple[Verdict, ...] = ()


def run(
    data: Path,
    *,
    out: Path,
    recipe: Recipe | None = None,
    split: SplitPlan | None = None,
    layout: str | None = None,
    verdicts: Sequence[Verdict] = (),
    cache: Path | None = None,
) -> RunFolder:
    """Do everything, from a folder of films to a report; returns the run folder.

    Run again with the same arguments, it goes on where it stopped; a finished run is left as it
    is, its sealed test part unopened, and only its report is written anew.

    Raises LeakError when the shipped split leaks and nothing was said about it, DataError when the
    data cannot be used, UsageError when ``out`` holds a run of another request.
    """
    folder = train_run(
        data, out=out, recipe=recipe, split=split, layout=layout, verdicts=verdicts, cache=cache
    )
    if not folder.evaluation("test").exists():
        evaluate_run(folder, cache=cache)
    report_run(folder)
    return folder


def train_run(
    data: Path,
    *,
    out: Path,
    recipe: Recipe | None = None,
    split: SplitPlan | None = None,
    layout: str | None = None,
    verdicts: Sequence[Verdict] = (),
    cache: Path | None = None,
) -> RunFolder:
    """Everything up to the trained classifier; the test part stays sealed. See ``run``."""
    from osteon.recipe import named_recipe, recipe_to_json

    recipe = recipe or named_recipe("linear-probe")
    plan = split or SplitPlan()
    request = Request(
        data=str(data),
        layout=layout,
        split=plan,
        recipe=recipe_to_json(recipe),
        verdicts=tuple(verdicts),
    )
    read = read_data(data, layout=layout, verdicts=verdicts)  # first: a misspelt path has no run
    folder = open_run(out, request)
    manifest, audit = examine(read, folder, recipe.pixels, cache=cache)
    parts = divide(manifest, audit, folder, plan)
    teach(folder, recipe, manifest, audit, parts, cache=cache)
    return folder


def resume_run(path: Path, *, cache: Path | None = None) -> RunFolder:
    """Continue the training of a run that was stopped, with what it was asked for."""
    from osteon.recipe import recipe_from_json

    folder = existing_run(path)
    request = read_value(Request, folder.request)
    if not Path(request.data).exists():
        raise DataError(
            f"{path} was begun with the data '{request.data}', which are not there as seen from "
            f"{Path.cwd()}. Go on from the folder where it was begun, or put the data back."
        )
    return train_run(
        Path(request.data),
        out=path,
        recipe=recipe_from_json(request.recipe),
        split=request.split,
        layout=request.layout,
        verdicts=request.verdicts,
        cache=cache,
    )


def open_run(out: Path, request: Request) -> RunFolder:
    """A new run folder, or the one of the same request that was begun before."""
    folder = RunFolder(out)
    if folder.request.exists():
        if not folder.split.exists():  # stopped before the split: the plan may still change
            write_value(folder.request, request)
        elif _by_place(read_value(Request, folder.request)) != _by_place(request):
            raise UsageError(
                f"{out} holds a run of other data, recipe or split, or by other verdicts. Name "
                "another folder with --out, or remove that one."
            )
        return folder
    if out.is_dir() and any(out.iterdir()):
        raise UsageError(f"{out} is not empty and no run of osteon. Name another folder: --out.")
    write_value(folder.environment, this_environment(seed=request.split.seed))
    write_value(folder.request, request)
    return folder


def _by_place(request: Request) -> Request:
    """The same for every spelling of one path."""
    return replace(request, data=str(Path(request.data).resolve()))


def existing_run(path: Path) -> RunFolder:
    folder = RunFolder(path)
    if folder.request.exists():
        return folder
    raise no_run(folder)


def examine(
    read: Manifest, folder: RunFolder, rules: PixelRules, *, cache: Path | None = None
) -> tuple[Manifest, Audit]:
    """Manifest and audit, of panels where ``rules`` cut them; written to the run folder.

    Raises DataError when the data are no longer those that the run was split with.
    """
    from osteon.manifest import write_manifest

    with timed(folder.environment, "audit"):
        manifest, audit = look_over(read, rules, cache=cache or default_cache())
        if folder.split.exists() and not _same_films(folder, manifest, audit):
            raise DataError(
                f"The data in {manifest.root} have changed since {folder.path} was begun. Start a "
                "new run with another --out."
            )
        write_manifest(manifest, folder.manifest)
        write_value(folder.audit, audit)
    return manifest, audit


def _same_films(folder: RunFolder, manifest: Manifest, audit: Audit) -> bool:
    """Whether films, labels and every byte are those that were split."""
    from osteon.manifest import read_manifest

    if read_manifest(folder.manifest).digest != manifest.digest:
        return False
    before = read_value(Audit, folder.audit).facts
    return {id_: film.sha256 for id_, film in before.items()} == {
        id_: film.sha256 for id_, film in audit.facts.items()
    }


def divide(manifest: Manifest, audit: Audit, folder: RunFolder, plan: SplitPlan) -> Split:
    """The split of the run: as written before, or made now as ``plan`` says."""
    from osteon.split_file import read_split, write_split

    if folder.split.exists():
        return read_split(folder.split, manifest)
    try:
        parts = make_split(manifest, audit, plan)
    except LeakError:
        report_run(folder)
        raise
    write_split(parts, folder.split)
    return parts


def teach(
    folder: RunFolder,
    recipe: Recipe,
    manifest: Manifest,
    audit: Audit,
    parts: Split,
    *,
    cache: Path | None = None,
) -> Classifier:
    """Prepare the films and train; goes on from the last checkpoint if there is one."""
    from osteon.classifier import Classifier
    from osteon.files import write_text
    from osteon.recipe import recipe_to_json
    from osteon.train import train

    write_text(folder.recipe, recipe_to_json(recipe))
    with timed(folder.environment, "prepare"):
        prepared = make_ready(folder, recipe, manifest, audit, cache=cache)
    if folder.trained.exists():
        return Classifier.load(folder.path)
    with timed(folder.environment, "train"):
        classifier = train(recipe, prepared, manifest, parts, folder.path, resume=True)
    write_text(folder.trained, datetime.now(UTC).isoformat(timespec="seconds") + "\n")
    return classifier


def make_ready(
    folder: RunFolder,
    recipe: Recipe,
    manifest: Manifest,
    audit: Audit,
    *,
    cache: Path | None = None,
) -> Prepared:
    from osteon.prepare import prepare

    prepared = prepare(
        manifest, recipe.pixels, cache=cache or default_cache(), facts=audit.facts
    )  # fmt: skip
    write_value(folder.preparation, prepared.crop_loss)
    return prepared


def evaluate_run(
    folder: RunFolder, *, goals: Goals | None = None, cache: Path | None = None
) -> Evaluation:
    """Score validation, choose the operating point there, open the sealed test part and score it.

    Then calibration and decisions (for ``goals``), both from validation, judged on test. Every
    opening adds a line to openings.log. Returns the evaluation of the test part.
    """
    from osteon.baselines import learn_metadata
    from osteon.classifier import Classifier
    from osteon.evaluate import choose_operating_point
    from osteon.judge import write_decisions, write_subgroups
    from osteon.manifest import read_manifest
    from osteon.recipe import recipe_from_json
    from osteon.split_file import read_split

    if not folder.trained.exists():
        raise DataError(f"{folder.path} is not trained yet: osteon train --resume {folder.path}")
    manifest = read_manifest(folder.manifest)
    audit = read_value(Audit, folder.audit)
    parts = read_split(folder.split, manifest)
    recipe = recipe_from_json(folder.recipe.read_text())
    prepared = make_ready(folder, recipe, manifest, audit, cache=cache)
    classifier = Classifier.load(folder.path)

    def predictions(part: Part) -> Predictions:
        return classifier.predict_prepared(
            prepared, ids=parts.part(part), manifest=manifest, groups=parts.groups, part=part
        )

    with timed(folder.environment, "evaluate"):
        on_val = predictions("val")
        point = choose_operating_point(on_val) if len(manifest.classes) == 2 else None
        without_pictures = learn_metadata(manifest, audit.facts, parts)
        of_val = _scored(folder, on_val, manifest, parts, without_pictures, point)
        write_value(folder.evaluation("val"), of_val)
        log_opening(folder, "osteon evaluate")
        on_test = predictions("test")
        of_test = _scored(folder, on_test, manifest, parts, without_pictures, point)
        write_decisions(folder, on_val, on_test, goals)
        write_subgroups(folder, on_val, on_test, manifest, audit.facts, point, recipe.pixels)
        write_value(folder.evaluation("test"), of_test)  # last: where it is, ``run`` is done
        return of_test


def _scored(
    folder: RunFolder,
    predictions: Predictions,
    manifest: Manifest,
    parts: Split,
    without_pictures: MetadataModel,
    point: OperatingPoint | None,
) -> Evaluation:
    from osteon.baselines import majority_scores
    from osteon.evaluate import evaluate
    from osteon.predictions import write_predictions

    write_predictions(predictions, folder.predictions(predictions.part))
    metadata = without_pictures.judged(predictions.ids)
    majority = majority_scores(manifest, parts, predictions.ids)
    return evaluate(
        predictions,
        operating_point=point,
        baselines={"metadata_only": metadata.scores, "majority": majority},
        remarks=metadata.remarks,
    )


def report_run(folder: RunFolder) -> Path:
    """Write report.html from whatever the run folder holds."""
    from osteon.report import write_report

    return write_report(folder.path)

"""Search the hyper-parameters of a recipe, and say what the best of many tries is worth."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from osteon.baselines import majority_scores
from osteon.environment import redacted
from osteon.errors import DataError, Interrupted, Unreachable, UsageError
from osteon.files import write_text
from osteon.fit import fit
from osteon.manifest import write_manifest
from osteon.metrics import METRICS
from osteon.predictions import read_predictions
from osteon.progress import say
from osteon.recipe import recipe_from_json, recipe_to_json
from osteon.runs import begin_folder
from osteon.searched import Tried, Tuning, verdict
from osteon.space import applied, check_space, grid
from osteon.split_file import write_split
from osteon.statistics import differences, standard_error
from osteon.study import (
    STALE_S,
    TWIN,
    WHY,
    abandoned,
    check_storage,
    empty_queue,
    enqueue_grid,
    give_back,
    sqlite_at,
    was_given_back,
)
from osteon.trials import Job, Search, Watch
from osteon.types import FilmFacts, Manifest, Predictions, Recipe, RegularisationPath, Split
from osteon.values import write_value
from osteon.watch import is_over
from osteon.winners_curse import optimism
from osteon.words import counted
from osteon.workers import n_ended, n_to_ask, run_trials

if TYPE_CHECKING:
    from optuna import Study
    from optuna.trial import FrozenTrial

    from osteon.prepare import Prepared

__all__ = ["COMPARED", "METRIC_OF", "Search", "tune"]

METRIC_OF = {"val_loss": "log_loss", "val_auroc": "auroc", "val_accuracy": "accuracy"}
COMPARED = ("accuracy", "auroc", "balanced_accuracy")
DEFAULT = "default"  # the folder of the recipe as it is


def tune(
    recipe: Recipe,
    search: Search,
    prepared: Prepared,
    manifest: Manifest,
    split: Split,
    out: Path,
    *,
    facts: Mapping[str, FilmFacts] | None = None,
) -> Tuning:
    """Train ``recipe`` with many values of ``search.space`` and choose by its monitor on val.

    The folder ``out`` gets the study, one folder a trial and tuning.json; the same call goes on
    with a search that was stopped. ``split.test`` is not looked at. A search over ``pixels`` needs
    the ``facts`` that the films were prepared from.

    Raises UnknownName and UsageError for a space that does not fit the recipe, UsageError where
    ``out`` holds another search, DataError when every trial failed, Interrupted on Ctrl-C,
    Unreachable where the study's storage stops answering.
    """
    from optuna.exceptions import StorageInternalError

    check_search(search, recipe)
    if facts is None and any(name.startswith("pixels.") for name in search.space):
        raise UsageError("To search pixels, hand in the facts that the films were prepared from.")
    total = len(grid(search.space)) if search.sampler == "grid" else search.trials
    job = Job(
        recipe=recipe_to_json(recipe),
        search=replace(search, storage=search.storage or sqlite_at(out / "study.db")),
        out=out,
        prepared=prepared,
        manifest=manifest,
        split=split,
        facts=facts,
    )
    _open(job)
    study = job.study()
    if search.sampler == "grid":
        enqueue_grid(study, search.space)
    try:
        default = _default(job, recipe)
        given = give_back(study, abandoned)
        if again := min(given, n_to_ask(job, study, total)):
            say(f"{counted(again, 'trial')} of workers that are gone: tried again")
        run_trials(job, study, total)
        if n_ended(study) >= total:
            empty_queue(study)
    except KeyboardInterrupt:
        with suppress(StorageInternalError):
            give_back(study, abandoned, died=False)  # our workers are gone by now
        raise Interrupted(
            f"Stopped; the trials done are kept in {out}. The same command goes on."
        ) from None
    except StorageInternalError as error:
        raise Unreachable(
            f"The study's storage {redacted(job.search.storage)} does not answer any more "
            f"({str(error.__cause__ or error).splitlines()[0]}). The same command goes on."
        ) from None
    result = _summary(job, study, default)
    write_value(out / "tuning.json", result)
    write_text(out / "best-recipe.json", result.best_recipe)
    return result


def check_search(search: Search, recipe: Recipe) -> None:
    """Raises UnknownName and UsageError for what can be told to be no search before any film is
    opened: a space that does not fit the recipe, a storage that is no URL."""
    if "monitor" in search.space:
        raise UsageError("The monitor is what trials are compared by: it cannot be searched.")
    if "seed" in search.space:
        raise UsageError(
            "The seed divides the films as well, and the best of several seeds is luck: it cannot "
            "be searched. Train with others by --set seed=1."
        )
    if search.pruner != "none" and isinstance(recipe.optimiser, RegularisationPath):
        raise UsageError(
            f"{search.pruner} cannot prune {recipe.name}: its epochs are strengths of "
            "regularisation, of which any may be the best. Use the pruner none."
        )
    check_space(search.space, recipe)
    if search.workers < 1:
        raise UsageError(f"{search.workers} workers try nothing: 1 or more are needed.")
    if search.sampler == "grid":
        grid(search.space)  # or it cannot be one
    elif search.trials < 1:
        raise UsageError(f"{search.trials} trials try nothing: 1 or more are needed.")
    if search.storage:
        check_storage(search.storage)


def _open(job: Job) -> None:
    begin_folder(job.out, job.digest, "search")
    write_text(job.out / "recipe.json", job.recipe)
    write_manifest(job.manifest, job.out / "manifest.csv")
    write_split(job.split, job.out / "split.csv")


def _default(job: Job, recipe: Recipe) -> Tried:
    """The recipe as it is, trained on the same films: what a search must beat."""
    from osteon.train import read_history
    from osteon.watch import best_of

    folder = job.folder(DEFAULT)
    if not (folder / "predictions-val.csv").exists():
        say("default: the recipe as it is")
        watch = Watch(recipe, job, DEFAULT)
        for epoch in fit(recipe, job.prepared, job.manifest, job.split):
            watch.take(epoch.history, epoch.val_scores)
            if is_over(watch.history, recipe):
                break
        _ = watch.best_score  # or no trial could be compared
        watch.keep()
    history = read_history(folder / "history.csv")
    best = best_of(history, recipe.monitor)
    predictions = read_predictions(folder / "predictions-val.csv", part="val")
    return Tried(
        number=-1,
        state="complete",
        values={},
        score=getattr(best, recipe.monitor),
        standard_error=_standard_error(METRIC_OF[recipe.monitor], predictions),
        best_epoch=best.epoch,
        epochs=len(history),
        seconds=round(sum(row.seconds for row in history), 1),
        curve=_known([getattr(row, recipe.monitor) for row in history]),
    )


# --- what the search was worth --------------------------------------------------------------------


def _summary(job: Job, study: Study, default: Tried) -> Tuning:
    recipe = recipe_from_json(job.recipe)
    metric = METRIC_OF[recipe.monitor]
    tried = [_tried(job, trial, metric) for trial in study.get_trials(deepcopy=False)]
    trials = [trial for trial in tried if trial is not None]
    scored = {t.number: t.score for t in trials if t.score is not None and t.state != "failed"}
    left_out = tuple(_left_out(job, study, trials))
    if not scored:
        why = next((trial.why for trial in trials if trial.why), "")
        told = f"Every trial failed. The first: {why}" if why else "No trial came to its end here."
        raise DataError(" ".join((told, *left_out)))
    losing = metric.endswith("_loss")
    best = min(scored, key=lambda number: (scored[number] if losing else -scored[number], number))
    answers = {number: _answers(job, number) for number in scored}
    winner, plain = answers[best], _answers(job, DEFAULT)
    curse = optimism(
        metric,
        winner.labels,
        [answers[number].scores for number in scored],
        winner.groups,
        seed=job.search.seed,
    )
    compared = {name: METRICS[name] for name in dict.fromkeys((metric, *COMPARED))}
    gains = differences(compared, winner.labels, winner.scores, plain.scores, winner.groups)
    values = next(trial.values for trial in trials if trial.number == best)
    result = Tuning(
        recipe=job.recipe,
        best_recipe=recipe_to_json(applied(recipe, values)),
        space=tuple(f"{name}: {dimension}" for name, dimension in job.search.space.items()),
        sampler=job.search.sampler,
        pruner=job.search.pruner,
        monitor=recipe.monitor,
        metric=metric,
        trials=tuple(trials),
        best=best,
        default=default,
        gains=gains,
        optimism=curse,
        importance=_importance(study),
        n_val=len(winner.ids),
        n_groups=len(set(winner.groups)),
        epochs_trained=sum(trial.epochs for trial in trials),
        verdict="",
        remarks=left_out,
        majority=_majority(job, winner, metric),
    )
    return replace(result, verdict=verdict(result))


def _majority(job: Job, answers: Predictions, metric: str) -> float:
    scores = majority_scores(job.manifest, job.split, answers.ids)
    once = np.ones((1, len(answers.ids)))
    return float(METRICS[metric](answers.labels, scores, once)[0])


def _left_out(job: Job, study: Study, trials: Sequence[Tried]) -> Iterator[str]:
    """Trials of the study that are not compared: nothing is left out in silence."""
    from optuna.trial import TrialState

    if n := sum(trial.score is None and trial.state != "failed" for trial in trials):
        yield (
            f"{counted(n, 'ended trial')} left no predictions in {job.out.name}/trials "
            "and cannot be compared: machines that share a study must share the --out folder."
        )
    if n := len(study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))):
        yield (
            f"{n} trial{' is' if n == 1 else 's are'} in the hands of another machine, or of one "
            f"that went silent less than {STALE_S / 60:.0f} minutes ago: the same command later "
            "counts what has ended by then, and tries again what is still missing."
        )


def _tried(job: Job, trial: FrozenTrial, metric: str) -> Tried | None:
    """None for a trial that waits, runs, or was given back and tried again."""
    state = {"COMPLETE": "complete", "PRUNED": "pruned", "FAIL": "failed"}.get(trial.state.name)
    if state is None or was_given_back(trial):
        return None
    curve = [trial.intermediate_values[step] for step in sorted(trial.intermediate_values)]
    kept = (job.folder(trial.number) / "predictions-val.csv").exists()
    score, error, best_epoch = None, None, None
    if kept and curve:
        worth = -np.array(curve) if metric.endswith("_loss") else np.array(curve)
        at = int(np.argmax(np.where(np.isnan(worth), -math.inf, worth)))
        score, best_epoch = curve[at], at + 1
        error = _standard_error(metric, _answers(job, trial.number))
    return Tried(
        number=trial.number,
        state=state,
        values=trial.params,
        score=score,
        standard_error=error,
        best_epoch=best_epoch,
        epochs=0 if TWIN in trial.user_attrs else len(curve),
        seconds=round(trial.duration.total_seconds(), 1) if trial.duration else 0.0,
        why=str(trial.user_attrs.get(WHY, "")),
        curve=_known(curve),
    )


def _known(curve: Sequence[float]) -> tuple[float | None, ...]:
    return tuple(None if math.isnan(value) else value for value in curve)


def _answers(job: Job, name: object) -> Predictions:
    return read_predictions(job.folder(name) / "predictions-val.csv", part="val")


def _standard_error(metric: str, answers: Predictions) -> float | None:
    error = standard_error(METRICS[metric], answers.labels, answers.scores, answers.groups)
    return None if math.isnan(error) else error


def _importance(study: Study) -> dict[str, float]:
    """Shares of the variance of the score, where there are enough trials to tell: fANOVA, Hutter,
    Hoos and Leyton-Brown, ICML 2014."""
    from optuna.importance import FanovaImportanceEvaluator, get_param_importances
    from optuna.trial import TrialState

    complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    if len(complete) < FEWEST_FOR_IMPORTANCE or len({trial.value for trial in complete}) < 2:
        return {}
    try:
        found = get_param_importances(study, evaluator=FanovaImportanceEvaluator(seed=0))
    except RuntimeError:  # the scores differ by rounding alone: no tree of its forest splits
        return {}
    return {name: float(share) for name, share in found.items()}


FEWEST_FOR_IMPORTANCE = 6

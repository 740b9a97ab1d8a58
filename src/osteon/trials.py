"""One trial of a search: what a worker needs, how it trains, what it keeps."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from osteon.ctrl_c import ctrl_c_waits
from osteon.errors import DataError, OsteonError, ResourceError, Unreachable
from osteon.files import write_text
from osteon.fit import fit
from osteon.predictions import write_predictions
from osteon.progress import say
from osteon.recipe import recipe_from_json, recipe_to_json
from osteon.space import Space, applied
from osteon.study import (
    TWIN,
    WHY,
    Pruner,
    Sampler,
    asked,
    mark_alive,
    open_study,
    suggested,
    tried_before,
    worker_name,
)
from osteon.train import write_history
from osteon.types import FilmFacts, History, Manifest, Predictions, Recipe, Split
from osteon.watch import better, is_over

if TYPE_CHECKING:
    from optuna import Study
    from optuna import Trial as OptunaTrial
    from optuna.trial import FrozenTrial, TrialState

    from osteon.prepare import Prepared


@dataclass(frozen=True, kw_only=True, slots=True)
class Search:
    """What is searched, how, and for how long."""

    space: Space
    sampler: Sampler = "tpe"
    pruner: Pruner = "halving"
    trials: int = 20  # of tpe and random; a grid has as many as it has combinations
    seed: int = 0
    storage: str = ""  # empty: sqlite in the search's folder
    workers: int = 1


def films_for(
    recipe: Recipe,
    prepared: Prepared,
    manifest: Manifest,
    facts: Mapping[str, FilmFacts] | None,
) -> Prepared:
    """The films as this recipe wants them: ``prepared``, unless its pixels were searched."""
    if recipe.pixels == prepared.rules or facts is None:
        return prepared
    from osteon.prepare import prepare

    cache = prepared.folder.parent.parent
    return prepare(manifest, recipe.pixels, cache=cache, facts=facts)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Job:
    """All that a worker process needs."""

    recipe: str
    search: Search
    out: Path
    prepared: Prepared
    manifest: Manifest
    split: Split
    facts: Mapping[str, FilmFacts] | None

    def study(self) -> Study:
        recipe = recipe_from_json(self.recipe)
        return open_study(
            self.search.storage,
            self.name,
            direction="minimize" if recipe.monitor.endswith("_loss") else "maximize",
            pruner=self.search.pruner,
        )

    @property
    def name(self) -> str:
        """Of the study: equal for equal searches, so that several machines can share one."""
        return f"{recipe_from_json(self.recipe).name}-{self.digest[:8]}"

    @property
    def digest(self) -> str:
        said: list[Any] = [self.recipe, repr(self.search.space), self.search.sampler]
        said += [self.search.pruner, self.search.seed, self.split.train, self.split.val]
        return hashlib.sha256(json.dumps([*said, self.manifest.digest]).encode()).hexdigest()

    def ask(self, study: Study, pid: int) -> OptunaTrial | None:
        """The next trial, for the worker of that process number; None where a grid has none."""
        search = self.search
        return asked(study, search.space, search.sampler, search.seed, worker_name(pid))

    def folder(self, name: object) -> Path:
        return self.out / "trials" / str(name)


def try_out(job: Job, study: Study, trial: OptunaTrial) -> None:
    """Train one trial and tell its score; a trial that raises is told as failed.

    One that another machine took for dead and gave back (``osteon.study``) is left to its retry.
    Raises ResourceError where no trial could go on, such as on a full disk: it is tried again.
    """
    from optuna import TrialPruned
    from optuna.exceptions import StorageInternalError, UpdateFinishedTrialError
    from optuna.trial import TrialState

    try:
        score = _trained(job, trial)
    except TrialPruned:
        _tell(study, trial, state=TrialState.PRUNED)
    except UpdateFinishedTrialError:
        say(f"trial {trial.number} was taken for dead by another machine, which tries it again")
    except StorageInternalError:
        raise
    # A network that cannot be, or lack of memory: torch and timm raise what they like.
    except Exception as error:
        if isinstance(error, ResourceError) and not isinstance(error, Unreachable):
            raise
        why = str(error) if isinstance(error, OsteonError) else f"{type(error).__name__}: {error}"
        say(f"trial {trial.number} failed: {why}")
        with suppress(UpdateFinishedTrialError), ctrl_c_waits():  # it was given back elsewhere
            trial.set_user_attr(WHY, why)
            study.tell(trial, state=TrialState.FAIL)
    else:
        _tell(study, trial, score)


@ctrl_c_waits()
def _tell(
    study: Study, trial: OptunaTrial, score: float | None = None, state: TrialState | None = None
) -> None:
    study.tell(trial, score, state=state, skip_if_finished=True)


def _trained(job: Job, trial: OptunaTrial) -> float:
    from optuna import TrialPruned

    with ctrl_c_waits():
        recipe = applied(recipe_from_json(job.recipe), suggested(trial, job.search.space))
        twin = tried_before(trial)
        # Not where another machine keeps it.
        if twin is not None and job.folder(twin.number).is_dir():
            return _again(job, trial, twin)
    say(f"trial {trial.number}: {', '.join(f'{k} {v}' for k, v in trial.params.items())}")
    watch = Watch(recipe, job, trial.number)
    films = films_for(recipe, job.prepared, job.manifest, job.facts)
    for epoch in fit(recipe, films, job.manifest, job.split):
        score = watch.take(epoch.history, epoch.val_scores)
        over = is_over(watch.history, recipe)
        with ctrl_c_waits():
            mark_alive(trial)
            trial.report(score, epoch.history.epoch)
            hopeless = not over and trial.should_prune()
        if over:
            break
        if hopeless:
            watch.keep()
            raise TrialPruned
    watch.keep()
    return watch.best_score


def _again(job: Job, trial: OptunaTrial, twin: FrozenTrial) -> float:
    """The same values give the same training: what the twin found is taken."""
    from optuna import TrialPruned
    from optuna.trial import TrialState

    say(f"trial {trial.number}: as trial {twin.number}")
    trial.set_user_attr(TWIN, twin.number)
    for step, value in twin.intermediate_values.items():
        trial.report(value, step)
    shutil.copytree(job.folder(twin.number), job.folder(trial.number), dirs_exist_ok=True)
    if twin.state is TrialState.PRUNED:
        raise TrialPruned
    assert twin.value is not None
    return twin.value


class Watch:
    """Keeps the history of one trial and the answers of its best epoch."""

    def __init__(self, recipe: Recipe, job: Job, name: object) -> None:
        self.recipe, self.job, self.folder = recipe, job, job.folder(name)
        self.history: list[History] = []
        self.best: History | None = None
        self.best_scores: Any = None

    def take(self, row: History, scores: Any) -> float:
        self.history.append(row)
        if self.best is None or better(row, self.best, self.recipe.monitor):
            self.best, self.best_scores = row, scores.copy()
        score: float = getattr(row, self.recipe.monitor)
        return score

    @property
    def best_score(self) -> float:
        """Raises DataError where it is undefined after every epoch."""
        score: float = getattr(self.best, self.recipe.monitor)
        if np.isnan(score):
            raise DataError(
                f"The monitor {self.recipe.monitor} is undefined on the validation films: an AUROC "
                "needs films of two classes. Use --set monitor=val_loss, or split anew."
            )
        return score

    def keep(self) -> None:
        job = self.job
        label_of = {film.id: film.label for film in job.manifest.radiographs}
        predictions = Predictions(
            ids=job.split.val,
            labels=np.array([label_of[id_] for id_ in job.split.val], dtype=np.int64),
            scores=self.best_scores,
            groups=tuple(job.split.groups[id_] for id_ in job.split.val),
            classes=job.manifest.classes,
            part="val",
        )
        write_text(self.folder / "recipe.json", recipe_to_json(self.recipe))
        write_history(self.history, self.folder / "history.csv")
        write_predictions(predictions, self.folder / "predictions-val.csv")

"""A search: every sampler and storage, several workers, killed workers, and honest words."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import sqlalchemy
from optuna import Trial
from optuna.trial import TrialState, create_trial
from sklearn.metrics import log_loss

from osteon import options, trials
from osteon.audit import audit
from osteon.classifier import Classifier
from osteon.ctrl_c import ctrl_c_waits
from osteon.environment import redacted, this_environment
from osteon.errors import DataError, ResourceError, Unreachable, UsageError
from osteon.fit import Epoch, fit
from osteon.inspection import inspect_films
from osteon.nested import nested
from osteon.predictions import write_predictions
from osteon.prepare import Prepared
from osteon.recipe import MOST_SEED, named_recipe, recipe_to_json
from osteon.searched import read_tuning, verdict
from osteon.space import Choices, Range, grid, parse_space
from osteon.split import folds, group_films
from osteon.study import (
    Sampler,
    abandoned,
    asked,
    enqueue_grid,
    give_back,
    mark_alive,
    open_study,
    was_given_back,
    worker_name,
)
from osteon.trials import Job
from osteon.tune import Search, _importance, _tried, tune
from osteon.types import Estimate, Manifest, Predictions, Recipe, Split
from osteon.workers import _Crew, n_to_ask
from tests.postgres import server
from tests.training import TINY, made_ready, write_films

SPACE = parse_space(["optimiser.lr=1e-4..1e-2:log", "batch_size=8,16", "epochs=2..4"])
GRID = parse_space(["optimiser.lr=1e-4,1e-2", "batch_size=8,16"])
Ready = tuple[Prepared, Manifest, Split]


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Ready:
    place = tmp_path_factory.mktemp("tune")
    return made_ready(write_films(place / "films", each=30), place / "cache")


def test_tpe_searches_and_tells_what_it_found(ready: Ready, tmp_path: Path) -> None:
    found = tune(TINY, Search(space=SPACE, trials=6, pruner="none"), *ready, tmp_path / "s")
    assert [trial.number for trial in found.trials] == list(range(6))
    assert read_tuning(tmp_path / "s") == found
    best = next(trial for trial in found.trials if trial.number == found.best)
    scores = [trial.score for trial in found.trials if trial.score is not None]
    assert best.score == min(scores) == found.optimism.best  # of a loss
    assert all(trial.standard_error for trial in found.trials)
    assert set(found.importance) == set(SPACE)
    recipe = json.loads(found.best_recipe)
    assert recipe["optimiser"]["lr"] == best.values["optimiser.lr"]
    assert found.verdict.startswith("6 trials, best Log loss ")
    assert f"on the same {found.n_val} validation films" in found.verdict
    _, manifest, split = ready
    label_of = {film.id: film.label for film in manifest.radiographs}
    share = np.mean([label_of[id_] for id_ in split.train])
    always = log_loss([label_of[id_] for id_ in split.val], [share] * len(split.val), labels=[0, 1])
    assert found.majority == pytest.approx(always)
    assert f", majority class {always:.3f} on the same" in found.verdict
    assert json.loads((tmp_path / "s" / "best-recipe.json").read_text()) == recipe


def test_a_grid_tries_all_and_nothing_twice(ready: Ready, tmp_path: Path) -> None:
    search = Search(space=GRID, sampler="grid", pruner="none", workers=2)
    found = tune(TINY, search, *ready, tmp_path / "s")
    tried = [tuple(trial.values.items()) for trial in found.trials]
    assert len(tried) == len(set(tried)) == 4
    again = tune(TINY, search, *ready, tmp_path / "s")
    assert again == found


@pytest.mark.parametrize("name", ["films?x%20y", "a#b", "{c}"])
def test_the_study_lies_in_its_folder_whatever_that_is_called(
    ready: Ready, tmp_path: Path, name: str
) -> None:
    search = Search(space=parse_space(["batch_size=8"]), sampler="grid", workers=2)
    tune(replace(TINY, epochs=1), search, *ready, tmp_path / name)
    assert (tmp_path / name / "study.db").is_file()
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_search_goes_on_to_the_same_result(ready: Ready, tmp_path: Path) -> None:
    whole = tune(TINY, Search(space=SPACE, trials=5, pruner="none"), *ready, tmp_path / "whole")
    first = Search(space=SPACE, trials=2, pruner="none")
    tune(TINY, first, *ready, tmp_path / "parts")
    parts = tune(TINY, replace(first, trials=5), *ready, tmp_path / "parts")
    assert [(t.values, t.score) for t in parts.trials] == [
        (t.values, t.score) for t in whole.trials
    ]


def test_pruning_saves_epochs(ready: Ready, tmp_path: Path) -> None:
    space = {"optimiser.lr": Choices(values=(3e-3, 1e-2, 5e-3, 2e-3, 1e-7, 1e-8, 2e-7, 1e-9))}
    recipe = replace(TINY, epochs=8, patience=8)
    search = Search(space=space, sampler="grid", pruner="median")
    found = tune(recipe, search, *ready, tmp_path / "s")
    pruned = [trial for trial in found.trials if trial.state == "pruned"]
    assert pruned
    assert all(trial.epochs < 8 and trial.score is not None for trial in pruned)
    assert found.epochs_trained < 64


def test_any_field_can_be_searched_pixels_too(ready: Ready, tmp_path: Path) -> None:
    _, manifest, _ = ready
    space = parse_space(["pixels.size_px=16,24"])
    search = Search(space=space, sampler="grid")
    with pytest.raises(UsageError, match="hand in the facts"):
        tune(TINY, search, *ready, tmp_path / "none")
    found = tune(TINY, search, *ready, tmp_path / "s", facts=inspect_films(manifest))
    assert {trial.values["pixels.size_px"] for trial in found.trials} == {16, 24}
    assert len({trial.score for trial in found.trials}) == 2


def test_a_trial_that_cannot_be_trained_is_told(ready: Ready, tmp_path: Path) -> None:
    space = {"optimiser.lr": Choices(values=(1e-3, 1e30))}
    found = tune(TINY, Search(space=space, sampler="grid"), *ready, tmp_path / "s")
    failed = next(trial for trial in found.trials if trial.state == "failed")
    assert failed.values == {"optimiser.lr": 1e30}
    assert "is no number any more" in failed.why
    space = {"optimiser.lr": Choices(values=(1e30, 1e31))}
    with pytest.raises(DataError, match=r"Every trial failed.*no number"):
        tune(TINY, Search(space=space, sampler="grid"), *ready, tmp_path / "t")


@pytest.mark.parametrize("kind", [AssertionError, RuntimeError, KeyError])
def test_whatever_a_network_raises_fails_its_trial_alone(
    kind: type[Exception], ready: Ready, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """timm asserts the size of its input."""

    def picky(recipe: Recipe, *given: Any) -> Iterator[Epoch]:
        if recipe.batch_size == 8:
            raise kind("Input height (192) doesn't match model (224)")
        return fit(recipe, *given)

    monkeypatch.setattr(trials, "fit", picky)
    found = tune(TINY, Search(space=GRID, sampler="grid"), *ready, tmp_path / "s")
    assert [trial.state for trial in found.trials].count("failed") == 2
    why = next(trial.why for trial in found.trials if trial.why)
    assert why.startswith(f"{kind.__name__}: ")
    assert "Input height (192)" in why


def test_scores_that_are_no_numbers_end_a_training(
    ready: Ready, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The loss of the last step was still one."""
    monkeypatch.setattr(
        sys.modules["osteon.fit"],
        "scored",
        lambda _net, _films, ids, _device: np.full((len(ids), 2), np.nan),
    )
    prepared, manifest, parts = ready
    with pytest.raises(UsageError, match="a score is no number any more in epoch 1"):
        next(fit(TINY, prepared, manifest, parts))


@pytest.mark.parametrize(
    ("search", "told"),
    [
        (Search(space=GRID, workers=0), "0 workers"),
        (Search(space=GRID, trials=0), "0 trials"),
        (Search(space=SPACE, sampler="grid"), "A grid needs the values of optimiser.lr"),
    ],
)
def test_no_search(ready: Ready, tmp_path: Path, search: Search, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        tune(TINY, search, *ready, tmp_path / "s")
    assert not (tmp_path / "s").exists()


def test_another_search_in_the_same_folder_is_refused(ready: Ready, tmp_path: Path) -> None:
    tune(TINY, Search(space=GRID, trials=1), *ready, tmp_path / "s")
    with pytest.raises(UsageError, match="another search"):
        tune(TINY, Search(space=SPACE, trials=1), *ready, tmp_path / "s")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("x")
    with pytest.raises(UsageError, match="is not empty"):
        tune(TINY, Search(space=SPACE, trials=1), *ready, tmp_path / "mine")


def test_the_monitor_cannot_be_searched(ready: Ready, tmp_path: Path) -> None:
    space = parse_space(["monitor=val_loss,val_auroc"])
    with pytest.raises(UsageError, match="compared by"):
        tune(TINY, Search(space=space), *ready, tmp_path)


def test_strengths_of_regularisation_are_not_pruned(ready: Ready, tmp_path: Path) -> None:
    """A trial whose best strength is a later one would be cut after the first."""
    probe = named_recipe("linear-probe")
    usual = options.search_plan(probe, ["optimiser.inverse_strengths=[0.1,1],[1,10]"],
                                "", "", 0, 1, "")  # fmt: skip
    assert usual.pruner == "none"
    with pytest.raises(UsageError, match="cannot prune linear-probe"):
        tune(probe, replace(usual, pruner="halving"), *ready, tmp_path / "s")


@pytest.mark.parametrize("sampler", ["tpe", "random", "grid"])
def test_every_seed_of_a_recipe_can_draw(tmp_path: Path, sampler: Sampler) -> None:
    study = open_study(f"journal:{tmp_path / 'x.log'}", "x", direction="minimize", pruner="none")
    enqueue_grid(study, GRID)
    for _ in range(2):
        trial = asked(study, GRID, sampler, MOST_SEED - 1, "here:1")
        assert trial is not None
        study.tell(trial, 1.0)


def test_scores_that_differ_by_rounding_have_no_importance(tmp_path: Path) -> None:
    study = open_study(f"journal:{tmp_path / 'x.log'}", "x", direction="minimize", pruner="none")
    for number in range(8):
        trial = asked(study, SPACE, "random", 0, "here:1")
        assert trial is not None
        study.tell(trial, 0.5 + 1e-12 * number)
    assert _importance(study) == {}


def test_nothing_is_trained_twice(ready: Ready, tmp_path: Path) -> None:
    space = parse_space(["batch_size=8,16"])
    found = tune(TINY, Search(space=space, trials=6, pruner="none"), *ready, tmp_path / "s")
    assert len(found.trials) == 6
    assert sum(trial.epochs > 0 for trial in found.trials) == 2
    assert len({trial.score for trial in found.trials}) == 2


def test_a_score_that_is_undefined_ends_the_search_and_not_in_a_circle(
    ready: Ready, tmp_path: Path
) -> None:
    prepared, manifest, parts = ready
    label_of = {film.id: film.label for film in manifest.radiographs}
    alone = replace(parts, val=tuple(id_ for id_ in parts.val if label_of[id_] == 0))
    recipe = replace(TINY, monitor="val_auroc", epochs=1)
    with pytest.raises(DataError, match=r"val_auroc is undefined.*monitor=val_loss"):
        tune(recipe, Search(space=GRID, trials=2), prepared, manifest, alone, tmp_path / "s")


def test_a_full_disk_stops_the_search_and_fails_no_trial(
    ready: Ready, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = replace(TINY, epochs=1)
    search = Search(space=GRID, sampler="grid", pruner="none")
    real = trials.Watch.keep

    def full(watch: trials.Watch) -> None:
        if watch.folder.name == "1":
            raise ResourceError("The disk is full")
        real(watch)

    with monkeypatch.context() as patched:
        patched.setattr(trials.Watch, "keep", full)
        with pytest.raises(ResourceError, match="full"):
            tune(recipe, search, *ready, tmp_path / "s")
    found = tune(recipe, search, *ready, tmp_path / "s")
    assert [trial.state for trial in found.trials] == ["complete"] * 4
    assert len({tuple(trial.values.items()) for trial in found.trials}) == 4


def test_a_trial_that_was_kept_elsewhere_is_trained_again_and_said(
    ready: Ready, tmp_path: Path
) -> None:
    recipe = replace(TINY, epochs=1)
    search = Search(space=parse_space(["batch_size=8,16"]), trials=2, pruner="none")
    tune(recipe, search, *ready, tmp_path / "s")
    shutil.rmtree(tmp_path / "s" / "trials" / "0")  # as of a machine with a folder of its own
    shutil.rmtree(tmp_path / "s" / "trials" / "1")
    found = tune(recipe, replace(search, trials=4), *ready, tmp_path / "s")
    assert [trial.score is None for trial in found.trials] == [True, True, False, False]
    assert "2 ended trials left no predictions in s/trials" in found.remarks[0]
    assert found.optimism.n_tries == 2


# --- what it was worth ----------------------------------------------------------------------------


def gain(low: float, high: float) -> Estimate:
    return Estimate(value=(low + high) / 2, low=low, high=high, n=100, n_groups=90, method="paired")


@pytest.mark.parametrize(
    ("low", "high", "luck", "words"),
    [
        (-0.03, 0.04, 0.01, "no gain that this many films could show"),
        (0.005, 0.06, 0.02, "but the luck of the best of 6 trials alone is worth 2.0 points"),
        (0.03, 0.08, 0.02, "a gain, also after the luck"),
        (-0.08, -0.01, 0.02, "worse than the recipe as it is"),
    ],
)
def test_the_verdict(
    ready: Ready, tmp_path: Path, low: float, high: float, luck: float, words: str
) -> None:
    found = tune(TINY, Search(space=GRID, trials=1), *ready, tmp_path / "s")
    curse = replace(found.optimism, n_tries=6, optimism=luck)
    as_accuracy = replace(
        found, metric="accuracy", optimism=curse, gains={"accuracy": gain(low, high)}
    )
    assert words in verdict(as_accuracy)
    as_loss = replace(found, optimism=curse, gains={"log_loss": gain(-high, -low)})
    assert words.replace("2.0 points", "0.020") in verdict(as_loss)


def test_nested_search_scores_films_that_no_search_saw(ready: Ready, tmp_path: Path) -> None:
    prepared, manifest, _ = ready
    facts = inspect_films(manifest)
    clusters = audit(manifest, facts=facts).clusters
    outer = folds(manifest, groups=group_films(manifest, clusters), k=2)
    found = nested(TINY, Search(space=GRID, trials=2), prepared, manifest, outer, tmp_path)
    assert found.folds == 2
    assert found.winner["auroc"].n == found.default["auroc"].n == 60
    assert len(found.chosen) == len(found.verdicts) == 2
    for number, fold in enumerate(outer, start=1):
        study = tmp_path / f"fold-{number}" / "search" / "split.csv"
        told = study.read_text()
        assert all(f"{id_},test" in told for id_ in fold.test)
    again = nested(TINY, Search(space=GRID, trials=2), prepared, manifest, outer, tmp_path)
    assert again == found


def test_a_nested_search_goes_on_with_more_trials(ready: Ready, tmp_path: Path) -> None:
    prepared, manifest, _ = ready
    facts = inspect_films(manifest)
    outer = folds(
        manifest, groups=group_films(manifest, audit(manifest, facts=facts).clusters), k=2
    )
    recipe = replace(TINY, epochs=2)
    space = {"optimiser.lr": Choices(values=(1e-6, 1e-2))}
    first = Search(space=space, trials=1, pruner="none", seed=5)
    few = nested(recipe, first, prepared, manifest, outer, tmp_path)
    more = nested(recipe, replace(first, trials=5), prepared, manifest, outer, tmp_path)
    assert {"optimiser.lr": 1e-6} in few.chosen  # which teaches nothing
    assert more.chosen != few.chosen
    assert more.default == few.default


def test_an_epoch_whose_loss_is_no_number_is_not_the_best(tmp_path: Path) -> None:
    """A pruner ends such a trial, and what it had before is kept."""
    labels = np.arange(20) % 2
    answers = Predictions(
        ids=tuple(map(str, range(20))), labels=labels, scores=np.full((20, 2), 0.5),
        groups=tuple(map(str, range(20))), classes=("a", "b"), part="val",
    )  # fmt: skip
    write_predictions(answers, tmp_path / "predictions-val.csv")
    curve = {1: 0.69, 2: 0.66, 3: float("nan")}
    trial = create_trial(state=TrialState.PRUNED, intermediate_values=curve)
    job: Any = SimpleNamespace(folder=lambda _: tmp_path)
    found = _tried(job, trial, "log_loss")
    assert found is not None
    assert (found.score, found.best_epoch) == (0.66, 2)


def test_folds_are_judged_each_on_its_own(
    ready: Ready, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Scores of one fold's network shifted as a whole rank its films as before; pooled with the
    other folds' they would not."""
    prepared, manifest, _ = ready
    facts = inspect_films(manifest)
    clusters = audit(manifest, facts=facts).clusters
    outer = folds(manifest, groups=group_films(manifest, clusters), k=2)
    search = Search(space=GRID, trials=1)
    plain = nested(TINY, search, prepared, manifest, outer, tmp_path / "plain")
    real = Classifier.predict_prepared

    def shifted(self: Classifier, *given: Any, **told: Any) -> Predictions:
        found = real(self, *given, **told)
        if told["ids"] != outer[0].test:
            return found
        odds = found.scores * [1.0, 4.0]
        return replace(found, scores=odds / odds.sum(1, keepdims=True))

    monkeypatch.setattr(Classifier, "predict_prepared", shifted)
    again = nested(TINY, search, prepared, manifest, outer, tmp_path / "shifted")
    for told in (again.winner, again.default):
        assert "mean of 2 folds" in told["auroc"].method
    assert again.winner["auroc"].value == pytest.approx(plain.winner["auroc"].value)
    assert again.default["auroc"].value == pytest.approx(plain.default["auroc"].value)


# --- where it is kept -----------------------------------------------------------------------------


def test_a_journal_keeps_a_study_too(ready: Ready, tmp_path: Path) -> None:
    search = Search(space=GRID, sampler="grid", storage=f"journal:{tmp_path / 'study.log'}")
    found = tune(TINY, search, *ready, tmp_path / "s")
    assert len(found.trials) == 4
    assert (tmp_path / "study.log").stat().st_size > 0


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with server(tmp_path_factory.mktemp("postgres")) as url:
        yield url


@pytest.mark.slow
def test_two_workers_share_a_study_in_postgresql(
    postgres: str, ready: Ready, tmp_path: Path
) -> None:
    search = Search(space=GRID, sampler="grid", storage=postgres, workers=2)
    found = tune(TINY, search, *ready, tmp_path / "s")
    assert sorted(trial.number for trial in found.trials) == [0, 1, 2, 3]
    assert not (tmp_path / "s" / "study.db").exists()


def test_a_storage_that_answers_no_more(
    ready: Ready, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = replace(TINY, epochs=1)
    search = Search(space=GRID, trials=1)

    def shut(trial: Trial) -> None:
        bad = f"sqlite:///{tmp_path / 's' / 'study.db'}"
        engine = sqlalchemy.create_engine(bad)
        with engine.begin() as base:
            base.execute(sqlalchemy.text("ALTER TABLE trials RENAME TO gone"))
        mark_alive(trial)

    monkeypatch.setattr(trials, "mark_alive", shut)
    with pytest.raises(Unreachable, match=r"does not answer any more .*no such table"):
        tune(recipe, search, *ready, tmp_path / "s")


def test_a_storage_that_does_not_answer(tmp_path: Path) -> None:
    for url in ("postgresql://nobody:secret@127.0.0.1:9/none", "sqlite:////proc/none/x.db"):
        with pytest.raises((Unreachable, OSError)) as told:
            open_study(url, "x", direction="minimize", pruner="none")
        assert "secret" not in str(told.value)


@pytest.mark.parametrize(
    "url",
    [
        "mine", "mysql://me:secret@host/base", "postgresql://me:secret@host:port/base",
        "sqlite://", "sqlite:///:memory:",
    ],
)  # fmt: skip
def test_no_storage(url: str) -> None:
    with pytest.raises(UsageError, match="postgresql://USER@HOST") as told:
        open_study(url, "x", direction="minimize", pruner="none")
    assert "secret" not in str(told.value)


def test_no_password_is_shown() -> None:
    assert redacted("postgresql://me:secret@host:5/base") == "postgresql://me@host:5/base"
    assert redacted("sqlite:///x.db") == "sqlite:///x.db"
    assert redacted("--storage=postgresql://me:s/e?c#r@et@h/b") == "--storage=postgresql://me@h/b"
    in_query = "postgresql://h/b?user=me&password=secret&sslmode=require"
    assert redacted(in_query) == "postgresql://h/b?user=me&password=...&sslmode=require"


def test_no_password_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["osteon", "tune", "--storage", "postgresql://me:secret@h/b"])
    assert this_environment(seed=0).command == "osteon tune --storage postgresql://me@h/b"


@pytest.mark.slow
def test_the_dashboard_opens_it_unchanged(ready: Ready, tmp_path: Path) -> None:
    tune(TINY, Search(space=SPACE, trials=3), *ready, tmp_path / "s")
    port = 18_000 + os.getpid() % 1000
    url = f"sqlite:///{tmp_path / 's' / 'study.db'}"
    dashboard = subprocess.Popen(
        [Path(sys.executable).parent / "optuna-dashboard", url, "--port", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        studies = _asked(f"http://127.0.0.1:{port}/api/studies")["study_summaries"]
        detail = _asked(f"http://127.0.0.1:{port}/api/studies/{studies[0]['study_id']}?after=0")
        assert len(detail["trials"]) == 3
        assert {p["name"] for p in detail["trials"][0]["params"]} == set(SPACE)
    finally:
        dashboard.terminate()
        dashboard.wait()


def _asked(url: str) -> dict[str, Any]:
    for _ in range(100):
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                told: dict[str, Any] = json.load(answer)
                return told
        except OSError:
            time.sleep(0.3)
    raise AssertionError(f"{url} does not answer")


# --- workers that die -----------------------------------------------------------------------------


def test_a_trial_that_kills_its_worker_is_tried_thrice_and_then_told(tmp_path: Path) -> None:
    study = open_study(f"journal:{tmp_path / 'x.log'}", "x", direction="minimize", pruner="none")
    study.enqueue_trial({"x": 1.0})
    for retry in range(4):
        space = {"x": Range(low=0.0, high=2.0)}
        trial = asked(study, space, "random", 0, "w")
        assert trial is not None
        assert trial.params == {"x": 1.0}
        assert give_back(study, lambda _: True) == (retry < 3)
    last = study.get_trials()[-1]
    assert "its worker died 4 times" in last.user_attrs["why"]
    assert [was_given_back(trial) for trial in study.get_trials()] == [True, True, True, False]


def test_a_trial_that_was_stopped_again_and_again_killed_nobody(tmp_path: Path) -> None:
    study = open_study(f"journal:{tmp_path / 'x.log'}", "x", direction="minimize", pruner="none")
    study.enqueue_trial({"x": 1.0})
    for _ in range(6):
        assert asked(study, {"x": Range(low=0.0, high=2.0)}, "random", 0, "w") is not None
        assert give_back(study, lambda _: True, died=False) == 1
    assert study.get_trials()[-1].state is TrialState.WAITING
    assert not study.get_trials(states=(TrialState.RUNNING,))


@pytest.mark.parametrize("storage", ["sqlite:///{}/x.db", "journal:{}/x.log"])
def test_only_one_machine_gives_a_dead_workers_trial_back(tmp_path: Path, storage: str) -> None:
    place = storage.format(tmp_path)
    first, second = (open_study(place, "x", direction="minimize", pruner="none") for _ in range(2))
    first.enqueue_trial({"x": 1.0})
    assert asked(first, {"x": Range(low=0.0, high=2.0)}, "random", 0, "w") is not None

    def taken_meanwhile(_trial: object) -> bool:
        assert give_back(first, lambda _: True) in (0, 1)
        return True

    assert give_back(second, taken_meanwhile) == 0
    assert [t.state.name for t in second.get_trials()] == ["FAIL", "WAITING"]


def test_a_grid_that_two_machines_began_together_is_tried_once_and_whole(
    ready: Ready, tmp_path: Path
) -> None:
    """Each enqueued it before it saw what the other did; one combination is lost besides: its
    worker was killed, and whoever gave it back was killed too before it was enqueued again."""
    prepared, manifest, parts = ready
    recipe, out = replace(TINY, epochs=1), tmp_path / "s"
    search = Search(space=GRID, sampler="grid", pruner="none",
                    storage=f"sqlite:///{tmp_path / 'x.db'}")  # fmt: skip
    job = Job(
        recipe=recipe_to_json(recipe), search=search, out=out, prepared=prepared,
        manifest=manifest, split=parts, facts=None,
    )  # fmt: skip
    study = job.study()
    combinations = grid(GRID)
    for chosen in (combinations[0], combinations[0], combinations[1], combinations[1]):
        study.enqueue_trial(chosen)
    study.enqueue_trial(combinations[2])
    lost = study.get_trials()[-1]
    study._storage.set_trial_state_values(lost._trial_id, TrialState.RUNNING)
    study._storage.set_trial_state_values(lost._trial_id, TrialState.FAIL)
    found = tune(recipe, search, *ready, out)
    tried = [tuple(trial.values.items()) for trial in found.trials]
    assert sorted(tried) == sorted(tuple(chosen.items()) for chosen in combinations)
    assert not found.remarks
    assert {t.state.name for t in study.get_trials()} == {"COMPLETE", "FAIL"}


def test_a_retry_that_others_made_up_for_does_not_wait_for_ever(
    ready: Ready, tmp_path: Path
) -> None:
    place = f"sqlite:///{tmp_path / 'x.db'}"
    recipe, search = replace(TINY, epochs=1), Search(space=GRID, trials=1, storage=place)
    found = tune(recipe, search, *ready, tmp_path / "s")
    prepared, manifest, parts = ready
    study = Job(
        recipe=recipe_to_json(recipe), search=search, out=tmp_path / "s", prepared=prepared,
        manifest=manifest, split=parts, facts=None,
    ).study()  # fmt: skip
    study.enqueue_trial({"optimiser.lr": 1e-4, "batch_size": 8})
    again = tune(recipe, search, *ready, tmp_path / "s")
    assert len(again.trials) == len(found.trials) == 1
    assert not study.get_trials(states=(TrialState.WAITING,))


def test_a_trial_killed_before_it_drew_its_values_keeps_those_it_was_meant_for(
    tmp_path: Path,
) -> None:
    study = open_study(f"journal:{tmp_path / 'x.log'}", "x", direction="minimize", pruner="none")
    study.enqueue_trial({"x": 1.0})
    study.ask()
    assert give_back(study, lambda _: True) == 1
    again = asked(study, {"x": Range(low=0.0, high=2.0)}, "random", 0, "w")
    assert again is not None
    assert again.params == {"x": 1.0}


def test_a_worker_is_gone_when_its_process_is_or_another_machine_is_silent(tmp_path: Path) -> None:
    study = open_study(f"journal:{tmp_path / 'x.log'}", "x", direction="minimize", pruner="none")
    here = socket.gethostname()
    cases = {
        worker_name(os.getppid()): False,
        f"{here}:{os.getppid()}": False,  # as it was written before
        f"{here}:{os.getppid()}:1": True,  # its number went to another process
        worker_name(os.getpid()): True,  # stopped: this process is asking
        f"{here}:{2**22 + 5}": True,  # above the largest process number
        "elsewhere:1": False,
        "silent:1": True,
    }
    for worker, gone in cases.items():
        trial = study.ask()
        trial.set_user_attr("worker", worker)
        trial.set_user_attr("seen", time.time() - (7200 if "silent" in worker else 5))
        assert abandoned(study.get_trials()[-1]) == gone, worker


def test_a_trial_that_another_machine_gave_back_is_left_to_its_retry(
    ready: Ready, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its epoch took longer than the silence after which a machine is taken for dead."""
    recipe = replace(TINY, epochs=2)
    stolen: list[int] = []

    def steal(trial: Trial) -> None:
        if not stolen:
            stolen.append(trial.number)
            assert give_back(trial.study, lambda running: running.number == trial.number) == 1
        mark_alive(trial)

    monkeypatch.setattr(trials, "mark_alive", steal)
    search = Search(space=GRID, sampler="grid", pruner="none")
    found = tune(recipe, search, *ready, tmp_path / "s")
    assert stolen == [0]
    assert [trial.number for trial in found.trials] == [1, 2, 3, 4]
    assert len({tuple(trial.values.items()) for trial in found.trials}) == 4


def test_a_grid_is_not_filled_up_by_chance(ready: Ready, tmp_path: Path) -> None:
    """While another machine has one combination in hand, the others are tried, and it is said."""
    recipe = replace(TINY, epochs=1)
    search = Search(
        space=GRID, sampler="grid", pruner="none", storage=f"sqlite:///{tmp_path / 'x.db'}"
    )
    prepared, manifest, parts = ready
    out = tmp_path / "s"
    job = Job(
        recipe=recipe_to_json(recipe), search=search, out=out, prepared=prepared,
        manifest=manifest, split=parts, facts=None,
    )  # fmt: skip
    study = job.study()
    enqueue_grid(study, GRID)
    elsewhere = asked(study, GRID, "grid", 0, "elsewhere:1")
    assert elsewhere is not None
    found = tune(recipe, search, *ready, out)
    assert [trial.number for trial in found.trials] == [1, 2, 3]
    assert "1 trial is in the hands of another machine" in found.remarks[0]
    elsewhere.set_user_attr("seen", time.time() - 7200)
    whole = tune(recipe, search, *ready, out)
    assert len({tuple(trial.values.items()) for trial in whole.trials}) == 4
    assert not whole.remarks


def test_a_worker_that_died_before_it_read_its_order_is_buried(tmp_path: Path) -> None:
    """Its end of the pipe is then reset, not closed."""
    ours, theirs = socket.socketpair()
    with closing(Connection(ours.detach())) as ends, closing(Connection(theirs.detach())) as other:
        ends.send(5)
        other.close()
        buried: list[int] = []

        def bury(_connection: object, _study: object, number: int) -> None:
            buried.append(number)

        crew = SimpleNamespace(busy={ends: SimpleNamespace(number=7)}, _bury=bury)
        _Crew._hear(crew, None, [ends])  # type: ignore[arg-type]
    assert buried == [7]


def test_a_worker_that_died_while_idle_is_buried(tmp_path: Path) -> None:
    ours, theirs = socket.socketpair()
    with closing(Connection(ours.detach())) as ends, closing(Connection(theirs.detach())) as other:
        other.close()
        buried: list[int] = []

        def bury(_connection: object, _study: object, number: int) -> None:
            buried.append(number)

        trial = SimpleNamespace(number=7, _trial_id=70)
        crew = SimpleNamespace(
            busy={}, hired={ends: SimpleNamespace(pid=1)}, _bury=bury,
            job=SimpleNamespace(search=SimpleNamespace(workers=1), ask=lambda *_: trial),
        )  # fmt: skip
        _Crew._employ(crew, None, 1)  # type: ignore[arg-type]
    assert buried == [7]
    assert not crew.busy


def test_no_trial_too_many_is_asked_where_one_ended_but_was_not_heard_of(
    ready: Ready, tmp_path: Path
) -> None:
    prepared, manifest, parts = ready
    job = Job(
        recipe=recipe_to_json(TINY), search=Search(space=SPACE, workers=3,
        storage=f"journal:{tmp_path / 'x.log'}"), out=tmp_path, prepared=prepared,
        manifest=manifest, split=parts, facts=None,
    )  # fmt: skip
    study = job.study()
    for _ in range(4):
        study.tell(study.ask(), 1.0)
    assert n_to_ask(job, study, 4, n_busy=1) == 0


HERE = Path(__file__).resolve().parents[1]
PROGRAM = """
import sys
from dataclasses import replace
from pathlib import Path
from osteon.progress import shown
from osteon.tune import Search, tune
from tests.test_tune import GRID
from tests.training import TINY, made_ready
if __name__ == "__main__":
    place, workers = Path(sys.argv[1]), int(sys.argv[2])
    ready = made_ready(place / "films", place / "cache")
    recipe = replace(TINY, epochs=60, patience=60)
    search = Search(space=GRID, sampler="grid", pruner="none", workers=workers)
    with shown():
        tune(recipe, search, *ready, place / "s")
"""


def searching(place: Path, workers: int) -> subprocess.Popen[str]:
    program = place / "program.py"
    program.write_text(PROGRAM)
    return subprocess.Popen(
        [sys.executable, program, place, str(workers)],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join((str(HERE), str(HERE / "src")))},
        # A shell in the background has its children ignore Ctrl-C; a user's does not.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def wait_for(process: subprocess.Popen[str], words: str) -> list[str]:
    assert process.stderr is not None
    lines = []
    for line in process.stderr:
        lines.append(line)
        if words in line:
            return lines
    raise AssertionError(f"no '{words}' in {''.join(lines)}")


def the_rest(process: subprocess.Popen[str]) -> str:
    assert process.stderr is not None
    return process.stderr.read()


def states(place: Path) -> list[str]:
    study = open_study(
        f"sqlite:///{place / 's' / 'study.db'}",
        name_of(place),
        direction="minimize",
        pruner="none",
    )
    return [trial.state.name for trial in study.get_trials(deepcopy=False)]


def name_of(place: Path) -> str:
    import optuna

    (name,) = optuna.get_all_study_names(f"sqlite:///{place / 's' / 'study.db'}")
    return name


@pytest.mark.slow
def test_a_killed_workers_trial_is_tried_again(tmp_path: Path) -> None:
    import psutil

    write_films(tmp_path / "films", each=30)
    with searching(tmp_path, workers=2) as process:
        wait_for(process, "trial 0")
        wait_for(process, "epoch 2:")
        children = psutil.Process(process.pid).children()
        workers = [child for child in children if "spawn_main" in str(child.cmdline())]
        assert workers
        workers[0].kill()
        told = the_rest(process)
        assert process.wait(120) == 0
    assert "is tried again" in told
    found = read_tuning(tmp_path / "s")
    assert [(t.state, t.epochs) for t in found.trials] == [("complete", 60)] * 4, told
    assert len({tuple(trial.values.items()) for trial in found.trials}) == 4
    assert "RUNNING" not in states(tmp_path)
    assert "FAIL" in states(tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_a_killed_search_goes_on_and_leaves_no_process_behind(tmp_path: Path, workers: int) -> None:
    import psutil

    write_films(tmp_path / "films", each=30)
    with searching(tmp_path, workers) as process:
        wait_for(process, "trial 0")
        wait_for(process, "epoch 2:")
        children = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGKILL)
    psutil.wait_procs(children, timeout=15)
    assert not [child for child in children if child.is_running()]
    assert "RUNNING" in states(tmp_path)
    with searching(tmp_path, workers) as again:
        told = the_rest(again)
        assert again.wait(120) == 0, told
    found = read_tuning(tmp_path / "s")
    assert len(found.trials) == 4
    assert all(trial.epochs == 60 for trial in found.trials)
    assert "RUNNING" not in states(tmp_path)


@pytest.fixture
def ctrl_c() -> Iterator[None]:
    """As on a terminal: what a shell runs in the background ignores Ctrl-C from its birth."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("ctrl_c")
def test_ctrl_c_while_a_trial_is_asked_for_leaves_it_to_be_given_back(tmp_path: Path) -> None:
    study = open_study(f"sqlite:///{tmp_path / 's.db'}", "x", direction="minimize", pruner="none")
    enqueue_grid(study, GRID)
    ask = study.ask

    def ask_and_be_stopped() -> Trial:
        trial = ask()
        os.kill(os.getpid(), signal.SIGINT)  # between the asking and the name
        return trial

    study.ask = ask_and_be_stopped  # type: ignore[assignment,method-assign]
    with pytest.raises(KeyboardInterrupt):
        asked(study, GRID, "grid", 0, worker_name(os.getpid()))
    assert [t.state for t in study.get_trials()].count(TrialState.RUNNING) == 1
    assert give_back(study, abandoned, died=False) == 1
    assert TrialState.RUNNING not in [t.state for t in study.get_trials()]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.usefixtures("ctrl_c")
def test_ctrl_c_pressed_twice_is_obeyed_at_once_and_ignored_where_it_was() -> None:
    done: list[str] = []

    @ctrl_c_waits()
    def stopped_twice() -> None:
        for press in ("once", "twice"):
            os.kill(os.getpid(), signal.SIGINT)
            done.append(press)

    with pytest.raises(KeyboardInterrupt):
        stopped_twice()
    assert done == ["once"]
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with ctrl_c_waits():
            os.kill(os.getpid(), signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_trial_that_nobody_put_a_name_to_is_soon_given_back(tmp_path: Path) -> None:
    study = open_study(f"sqlite:///{tmp_path / 's.db'}", "x", direction="minimize", pruner="none")
    study.ask()  # and its worker is killed before the next line
    (trial,) = study.get_trials()
    assert not abandoned(trial)  # it may be on the way
    assert trial.datetime_start is not None
    trial.datetime_start -= timedelta(minutes=2)
    assert abandoned(trial)


@pytest.mark.slow
def test_ctrl_c_keeps_what_was_done(tmp_path: Path) -> None:
    write_films(tmp_path / "films", each=30)
    with searching(tmp_path, workers=2) as process:
        wait_for(process, "trial 2")
        process.send_signal(signal.SIGINT)
        told = the_rest(process)
        assert process.wait(60) != 0
    assert "The same command goes on" in told
    assert states(tmp_path).count("COMPLETE") >= 1
    assert "RUNNING" not in states(tmp_path)

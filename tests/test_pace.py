"""How a network is trained is timed, kept, and taken up again by a resumed training."""

from __future__ import annotations

import importlib
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from osteon import pace as module
from osteon.checkpoint import read_checkpoint
from osteon.environment import Environment, Pace
from osteon.fit import fit
from osteon.pace import _chosen, _tell_of_half, _ways, kept, probed_pace, usual_pace
from osteon.progress import shown
from osteon.recipe import named_recipe
from osteon.train import train
from osteon.values import read_value
from tests.training import TINY, made_ready, write_films

training = importlib.import_module("osteon.train")  # the package exports the function
CPU = torch.device("cpu")
ONE = Pace(threads=1, channels_last=False, precision="float32")


def chosen(precision: str = "float32", /, **faster: float) -> Pace:
    """On four threads, each way a second but for those named."""
    recipe = replace(TINY, precision=precision)  # type: ignore[arg-type]
    usual = replace(usual_pace(recipe), threads=4)
    ways = _ways(usual, CPU)
    names = {"2 threads": "two", "1 threads": "one"}
    return _chosen(
        recipe, usual, ways, {name: faster.get(names.get(name, name), 1.0) for name in ways}
    )


def test_only_what_is_clearly_faster_is_taken() -> None:
    usual = chosen()
    assert (usual.threads, usual.channels_last, usual.precision) == (4, True, "float32")
    assert chosen(contiguous=0.97).channels_last
    assert not chosen(contiguous=0.9).channels_last
    assert chosen(two=0.9, one=0.8).threads == 1
    assert chosen(two=0.8, one=0.9).threads == 2


def test_precision_is_left_alone_but_where_it_is_auto() -> None:
    assert chosen(bfloat16=0.5).precision == "float32"
    assert chosen(bfloat16=0.5).seconds_a_step["bfloat16"] == 0.5  # told all the same
    assert chosen("auto", bfloat16=0.5).precision == "bfloat16"
    assert chosen("auto", bfloat16=0.99).precision == "float32"
    assert chosen("bfloat16").precision == "bfloat16"


def test_a_faster_precision_is_told_to_whoever_may_choose_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def told(precision: str, bfloat16_s: float) -> str:
        recipe = replace(TINY, precision=precision)  # type: ignore[arg-type]
        with shown():
            _tell_of_half(recipe, {"usual": 1.0, "bfloat16": bfloat16_s})
        return capsys.readouterr().err

    assert "2.5 times as fast" in told("float32", 0.4)
    assert "--set precision=bfloat16" in told("float32", 0.4)
    assert not told("float32", 0.9)
    assert not told("auto", 0.4)  # it is taken without asking


def test_short_trainings_and_frozen_features_are_not_probed() -> None:
    for recipe in (TINY, named_recipe("linear-probe")):
        made = probed_pace(recipe, 2, 40, CPU)
        assert made == usual_pace(recipe)
        assert not made.seconds_a_step


def test_a_probe_times_each_way_and_leaves_no_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SHORT_S", 0.0)
    torch.manual_seed(5)
    state, threads = torch.get_rng_state(), torch.get_num_threads()
    begun = time.process_time()
    made = probed_pace(replace(TINY, epochs=500), 2, 100, CPU)
    assert time.process_time() - begun < 2 * module.BUDGET_S
    assert {"usual", "contiguous", "bfloat16"} <= set(made.seconds_a_step)
    assert min(made.seconds_a_step.values()) > 0
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.get_num_threads() == threads


def test_a_batch_that_is_too_slow_is_made_smaller(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BUDGET_S", 0.0)
    films, _ = module._batch(TINY, TINY.backbone.build(2), 4)
    assert films == module.FEWEST_FILMS


def test_a_machine_that_is_too_busy_is_timed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[str] = []
    ways = {name: lambda name=name: taken.append(name) for name in "ab"}
    module._timed(ways)
    assert taken == list("ab" * (1 + module.ROUNDS))
    taken.clear()
    monkeypatch.setattr(module, "BUDGET_S", 0.0)
    module._timed(ways)
    assert taken == list("abab")


def test_threads_are_kept_for_the_training_alone() -> None:
    before = torch.get_num_threads()
    with kept(replace(ONE, threads=before + 1)):
        assert torch.get_num_threads() == before + 1
    assert torch.get_num_threads() == before


@pytest.mark.parametrize("epochs_kept", [0, 2])
def test_a_resumed_training_keeps_the_pace_it_began_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, epochs_kept: int
) -> None:
    ready = made_ready(write_films(tmp_path / "data"), tmp_path / "cache")
    asked: list[Pace | None] = []

    def watched(*args: object, pace: Pace | None = None, **more: object) -> object:
        asked.append(pace)
        return fit(*args, pace=pace, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(training, "fit", watched)
    monkeypatch.setattr(training, "probed_pace", lambda *_: ONE)
    train(replace(TINY, epochs=4), *ready, tmp_path / "whole")
    with monkeypatch.context() as stopped:
        stopped.setattr(training, "_log" if epochs_kept else "_keep", _stop_after(epochs_kept))
        with pytest.raises(InterruptedError):
            train(replace(TINY, epochs=4), *ready, tmp_path / "killed")
    monkeypatch.setattr(training, "probed_pace", _not_again)
    train(replace(TINY, epochs=4), *ready, tmp_path / "killed", resume=True)
    assert asked == [ONE, ONE, ONE]
    for name in ("whole", "killed"):
        assert read_value(Environment, tmp_path / name / "environment.json").pace == ONE
    ends = [
        read_checkpoint(tmp_path / name / "checkpoints" / "last.safetensors").model
        for name in ("whole", "killed")
    ]
    assert all(torch.equal(ends[0][name], ends[1][name]) for name in ends[0])


def _stop_after(epochs_kept: int) -> object:
    def stop(_: object, row: object, *__: object) -> None:
        if not epochs_kept or row.epoch == epochs_kept:  # type: ignore[attr-defined]
            raise InterruptedError

    return stop


def _not_again(*_: object) -> Pace:
    raise AssertionError("A resumed training is not probed.")

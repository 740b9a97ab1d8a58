"""A training killed at random moments ends at the very bits of one that was not."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch

import osteon
from osteon.checkpoint import read_checkpoint
from osteon.train import train
from tests.training import TINY, made_ready, write_films

KILLS = 20
SCRIPT = """
import sys
from dataclasses import replace
from pathlib import Path
sys.path.insert(0, {root!r})
from osteon.train import train
from tests.training import TINY, made_ready
here = Path({here!r})
ready = made_ready(here / "data", here / "cache")
print("begun", flush=True)
train(replace(TINY, epochs={epochs}), *ready, here / "killed", resume=True)
"""


@pytest.mark.slow
def test_twenty_kills_change_no_bit(tmp_path: Path) -> None:
    epochs = 60
    write_films(tmp_path / "data")
    ready = made_ready(tmp_path / "data", tmp_path / "cache")
    recipe = replace(TINY, epochs=epochs, patience=epochs)
    begun = time.monotonic()
    train(recipe, *ready, tmp_path / "whole")
    an_epoch_s = (time.monotonic() - begun) / epochs
    root = str(Path(__file__).resolve().parents[1])
    script = SCRIPT.format(root=root, here=str(tmp_path), epochs=f"{epochs}, patience={epochs}")
    rng = random.Random(0)
    kills = 0
    while True:
        process = subprocess.Popen(
            [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        assert process.stdout is not None
        process.stdout.readline()
        if kills < KILLS:
            time.sleep(rng.uniform(0, 4 * an_epoch_s))
            process.send_signal(signal.SIGKILL)
            process.wait()
            process.stdout.close()
            kills += 1
            continue
        process.stdout.close()
        assert process.wait() == 0
        break
    for name in ("last", "best"):
        mine, theirs = (
            read_checkpoint(tmp_path / run / "checkpoints" / f"{name}.safetensors")
            for run in ("killed", "whole")
        )
        assert mine.epoch == theirs.epoch
        for part in ("model", "optimiser"):
            ours, others = getattr(mine, part), getattr(theirs, part)
            assert ours.keys() == others.keys()
            assert all(torch.equal(ours[key], others[key]) for key in ours)


def test_a_second_run_opens_no_film_for_its_audit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OSTEON_CACHE", str(tmp_path / "cache"))
    data = write_films(tmp_path / "films", each=20)
    once = replace(TINY, epochs=1)
    osteon.run(data, out=tmp_path / "one", recipe=once)

    def opened(*_: object, **__: object) -> None:
        raise AssertionError("a film was opened again")

    monkeypatch.setattr("osteon.inspection.decode_bytes", opened)
    osteon.run(data, out=tmp_path / "two", recipe=once)

"""Films that lie on the device as a whole are fed as those that are brought batch by batch."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from osteon import batches
from osteon.batches import on_device, training_inputs
from tests.training import TINY, made_ready, write_films

CPU = torch.device("cpu")


def test_films_on_the_device_are_the_same_films(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared, _, split = made_ready(write_films(tmp_path / "data"), tmp_path / "cache")
    net, chosen = TINY.backbone.build(2), torch.tensor([3, 0, 7])

    def fed() -> torch.Tensor:
        inputs = training_inputs(net, prepared, split.train, TINY.augment, CPU)
        return inputs(chosen, torch.Generator().manual_seed(0))

    assert on_device(prepared, split.train, CPU) is None  # the main memory holds them already
    brought = fed()
    monkeypatch.setattr(batches, "MOVED_AT_ONCE", 5)
    monkeypatch.setattr(batches, "_room", lambda _: 2**30)
    films = on_device(prepared, split.train, CPU)
    assert films is not None
    assert (films.numpy() == prepared.batch(split.train)).all()
    assert torch.equal(fed(), brought)


def test_films_that_do_not_fit_twice_are_brought(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared, _, split = made_ready(write_films(tmp_path / "data"), tmp_path / "cache")
    n_bytes = prepared.batch(split.train).nbytes
    monkeypatch.setattr(batches, "_room", lambda _: 2 * n_bytes - 1)
    assert on_device(prepared, split.train, CPU) is None

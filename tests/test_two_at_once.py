"""Two processes that want the same features or maps at once: one computes, both get the same."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from osteon.errors import UsageError
from osteon.files import alone_with

PROCESS = """
import sys, time
from pathlib import Path
sys.path.insert(0, {root!r})
import numpy as np, torch
from osteon import features, maps
from osteon.progress import shown
from osteon.types import PixelRules
from tests.training import made_ready
here, name = Path({here!r}), sys.argv[1]
prepared, manifest, _ = made_ready(here / "data", here / "cache", PixelRules(size_px=64))
ids = [film.id for film in manifest.radiographs]
torch.manual_seed(0)
computed = []

def slowly(compute):
    def run(*args):
        computed.append(len(args[-1]))
        time.sleep(0.3)
        return compute(*args)
    return run

from osteon.backbones.cells import Cells
from osteon.backbones.linear_probe import LinearProbe
probe = LinearProbe(model="resnet10t", weights="none").build(2)
cells = Cells(model="resnet10t", weights="none").build(2)
features.features_of = slowly(features.features_of)
rows_of = maps.rows_of
maps.rows_of = lambda *args: slowly(rows_of(*args))
(here / (name + ".ready")).touch()
while len(list(here.glob("*.ready"))) < 2:
    time.sleep(0.01)
with shown():
    found = features.frozen_features(probe, prepared, ids)
    kept = maps.frozen_maps(cells.eval(), prepared, ids)
flat = np.asarray(kept.rows[[prepared.row_of[id_] for id_ in ids]])
np.savez(here / (name + ".npz"), features=found, maps=flat, computed=computed)
"""


@pytest.mark.slow
def test_two_processes_compute_once_and_get_the_same(tmp_path: Path) -> None:
    from osteon.types import PixelRules
    from tests.training import made_ready, write_films

    write_films(tmp_path / "data")
    prepared, _, _ = made_ready(tmp_path / "data", tmp_path / "cache", PixelRules(size_px=64))
    root = str(Path(__file__).resolve().parents[1])
    code = PROCESS.format(root=root, here=str(tmp_path))
    both = [
        subprocess.Popen([sys.executable, "-c", code, name], stderr=subprocess.PIPE, text=True)
        for name in ("one", "other")
    ]
    said = [process.communicate(timeout=100)[1] for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    one, other = (np.load(tmp_path / f"{name}.npz") for name in ("one", "other"))
    for what in ("features", "maps"):
        np.testing.assert_array_equal(one[what], other[what])
        assert np.abs(one[what]).sum(1).all()  # no row was read before it was there
    n_computed = int(one["computed"].sum() + other["computed"].sum())
    assert n_computed == 2 * len(prepared.pixels)  # features and maps of each film, once
    assert "waiting for it" in "".join(said)


def test_a_lock_is_free_again_after_a_fault_and_for_other_files(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), alone_with(tmp_path / "a.npy"):
        raise RuntimeError
    with alone_with(tmp_path / "a.npy"), alone_with(tmp_path / "b.npy"):
        pass
    assert sorted(path.name for path in tmp_path.iterdir()) == [".a.lock", ".b.lock"]


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.write_text("")
    with pytest.raises(UsageError, match="a file of that name"), \
            alone_with(in_the_way / "a.npy"):  # fmt: skip
        pass

"""Preparation: what is cached is what the decoder gives, whole or not at all."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import torch

from osteon.errors import DataError, ResourceError, UsageError
from osteon.inspection import inspect_films
from osteon.loading import load_pixels
from osteon.prepare import Prepared, prepare
from osteon.testing.films import jpeg, one_of_each, picture, written
from osteon.types import Box, FilmFacts, Manifest, PixelRules

RULES = PixelRules(size_px=32)
STAGE = import_module("osteon.prepare")  # ``osteon.prepare`` itself is the function


def make(manifest: Manifest, cache: Path, rules: PixelRules = RULES) -> Prepared:
    return prepare(manifest, rules, cache=cache, facts=inspect_films(manifest))


def parts(cache: Path) -> list[Path]:
    return list((cache / "prepared").glob(".*"))


@pytest.mark.parametrize("fit", ["letterbox", "centre_crop", "resize_crop"])
@pytest.mark.parametrize("size", [24, 200])
def test_a_row_is_what_load_pixels_gives(tmp_path: Path, fit: str, size: int) -> None:
    """No skew between training and serving: every format, every rule, exactly."""
    rules = PixelRules(size_px=size, fit=fit, resize_px=256)  # type: ignore[arg-type]
    manifest = written(tmp_path / "films", one_of_each())
    prepared = make(manifest, tmp_path / "cache", rules)
    for film in manifest.radiographs:
        row = prepared.pixels[prepared.row_of[film.id]]
        served = load_pixels(film.path, rules)
        assert np.array_equal(torch.round(served[0] * 255).numpy(), row)
        assert torch.equal(served[0], torch.from_numpy(np.array(row)).float() / 255.0)


def test_copies_share_a_row_and_faults_have_none(tmp_path: Path) -> None:
    data = jpeg(picture())
    files = {"a.jpg": data, "b/a.jpg": data, "c.jpg": jpeg(picture(seed=1)), "cut.jpg": data[:200]}
    prepared = make(written(tmp_path / "films", files), tmp_path / "cache")
    assert prepared.pixels.shape == (2, 32, 32)
    assert prepared.pixels.dtype == np.uint8
    assert prepared.n_decoded == len(prepared.content_digests) == 2
    assert prepared.row_of["a.jpg"] == prepared.row_of["b/a.jpg"] != prepared.row_of["c.jpg"]
    assert "cut.jpg" not in prepared.row_of
    assert not prepared.pixels.flags.writeable


def test_batch(tmp_path: Path) -> None:
    files = {f"{n}.jpg": jpeg(picture(seed=n)) for n in range(9)}
    prepared = make(written(tmp_path / "films", files), tmp_path / "cache")
    ids = ["5.jpg", "0.jpg", "5.jpg"]
    batch = prepared.batch(ids)
    assert type(batch) is np.ndarray
    assert batch.flags.writeable
    for film, id_ in zip(batch, ids, strict=True):
        assert np.array_equal(film, prepared.pixels[prepared.row_of[id_]])
    assert prepared.batch([]).shape == (0, 32, 32)
    with pytest.raises(DataError, match=r"nobody\.jpg is not among the prepared films"):
        prepared.batch(["0.jpg", "nobody.jpg"])


def test_a_second_run_decodes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    manifest = written(tmp_path / "films", one_of_each())
    facts = inspect_films(manifest)
    first = prepare(manifest, RULES, cache=tmp_path / "cache", facts=facts)
    monkeypatch.setattr(STAGE, "square_of", None)  # calling it would raise
    again = prepare(manifest, RULES, cache=tmp_path / "cache", facts=facts)
    assert (first.n_decoded, again.n_decoded) == (len(one_of_each()), 0)
    assert again.folder == first.folder
    assert np.array_equal(again.pixels, first.pixels)
    assert again.row_of == first.row_of


def test_the_same_films_in_another_order_and_place_are_found(tmp_path: Path) -> None:
    files = one_of_each()
    make(written(tmp_path / "one", files), tmp_path / "cache")
    moved = {f"sub/{name}": files[name] for name in reversed(files)}
    again = make(written(tmp_path / "two", moved), tmp_path / "cache")
    assert again.n_decoded == 0
    assert set(again.row_of) == set(moved)


def test_other_content_rules_or_decoder_is_another_array(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = written(tmp_path / "films", {"a.jpg": jpeg(picture())})
    folders = {make(manifest, tmp_path / "cache").folder}
    for rules in (
        PixelRules(size_px=33), PixelRules(size_px=32, fit="centre_crop"),
        PixelRules(size_px=32, fit="resize_crop", resize_px=40),
        PixelRules(size_px=32, fit="resize_crop", resize_px=41),
    ):  # fmt: skip
        folders.add(make(manifest, tmp_path / "cache", rules).folder)
    same = make(manifest, tmp_path / "cache", PixelRules(size_px=32, resize_px=999))
    assert same.n_decoded == 0  # resize_px is of no account here
    monkeypatch.setattr(STAGE, "decoder_version", lambda: "newer")
    folders.add(make(manifest, tmp_path / "cache").folder)
    (tmp_path / "films" / "a.jpg").write_bytes(jpeg(picture(seed=3)))
    folders.add(make(manifest, tmp_path / "cache").folder)
    assert len(folders) == 7


def test_what_lies_beside_the_pixels_says_what_they_are(tmp_path: Path) -> None:
    prepared = make(written(tmp_path / "films", {"a.jpg": jpeg(picture())}), tmp_path / "cache")
    told = json.loads((prepared.folder / "prepared.json").read_text())
    assert told["rules"] == {"fit": "letterbox", "size_px": 32}
    assert told["sha256"] == list(prepared.content_digests)


def test_crop_loss_comes_along(tmp_path: Path) -> None:
    manifest = written(tmp_path / "films", {"a.jpg": jpeg(picture(100, 40))})
    box = Box(left_px=0, top_px=10, width_px=60, height_px=10)
    boxed = replace(manifest, radiographs=(replace(manifest.radiographs[0], boxes=(box,)),))
    assert make(boxed, tmp_path / "cache").crop_loss.n_cut == 0
    cut = make(boxed, tmp_path / "cache", PixelRules(size_px=32, fit="centre_crop")).crop_loss
    assert (cut.n_boxes, cut.n_cut, cut.ids) == (1, 1, ("a.jpg",))
    assert cut.mean_area_cut == pytest.approx(0.5)


# --- what may go wrong ----------------------------------------------------------------------------


def test_nothing_readable(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"Of 1 film below .* none can be decoded"):
        make(written(tmp_path / "films", {"a.jpg": b""}), tmp_path / "cache")


def test_rules_that_cannot_be(tmp_path: Path) -> None:
    manifest = written(tmp_path / "films", {"a.jpg": jpeg(picture())})
    with pytest.raises(UsageError, match="resize_px"):
        make(manifest, tmp_path / "c", PixelRules(size_px=64, fit="resize_crop", resize_px=32))


@pytest.mark.parametrize("gone", [False, True])
def test_a_film_that_changed_after_its_inspection(tmp_path: Path, gone: bool) -> None:
    manifest = written(tmp_path / "films", {"a.jpg": jpeg(picture())})
    facts = inspect_films(manifest)
    path = manifest.radiographs[0].path
    path.unlink() if gone else path.write_bytes(jpeg(picture(seed=2)))
    with pytest.raises(DataError, match=r"Run it again"):
        prepare(manifest, RULES, cache=tmp_path / "cache", facts=facts)
    assert parts(tmp_path / "cache") == []


@pytest.mark.parametrize("spoil", ["cut", "gone", "emptied"])
def test_a_spoilt_array_is_made_anew(tmp_path: Path, spoil: str) -> None:
    manifest = written(tmp_path / "films", one_of_each())
    first = make(manifest, tmp_path / "cache")
    wanted = np.array(first.pixels)
    path = first.folder / "pixels.npy"
    if spoil == "gone":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[: 4000 if spoil == "cut" else 0])
    again = make(manifest, tmp_path / "cache")
    assert again.n_decoded == len(one_of_each())
    assert np.array_equal(again.pixels, wanted)


def test_a_full_disk_is_a_resource_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """/dev/full behaves as a disk without room; reserving room is left out, as where it cannot."""
    manifest = written(tmp_path / "films", one_of_each())
    real = STAGE._write_rows

    def onto_full_disk(_: object, *rest: object) -> None:
        with Path("/dev/full").open("wb", buffering=0) as full:
            real(full, *rest)

    monkeypatch.setattr(STAGE, "_write_rows", onto_full_disk)
    monkeypatch.delattr(os, "posix_fallocate", raising=False)
    with pytest.raises(ResourceError, match="disk is full"):
        make(manifest, tmp_path / "cache")
    assert parts(tmp_path / "cache") == []


def test_room_is_reserved_before_anything_is_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_room(*_: object) -> None:
        raise OSError(28, "No space left on device")

    manifest = written(tmp_path / "films", one_of_each())
    monkeypatch.setattr(os, "posix_fallocate", no_room, raising=False)
    monkeypatch.setattr(STAGE, "square_of", None)
    with pytest.raises(ResourceError, match="disk is full"):
        make(manifest, tmp_path / "cache")


def test_a_cache_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("")
    with pytest.raises(UsageError, match="in the way"):
        make(written(tmp_path / "films", one_of_each()), tmp_path / "cache")


def test_parts_of_killed_runs_are_removed_but_not_living_ones(tmp_path: Path) -> None:
    room = tmp_path / "cache" / "prepared"
    dead, living, young = room / ".a.part", room / ".b.part", room / ".c.part"
    for part in (dead, living, young):
        part.mkdir(parents=True)
        (part / "pixels.npy").write_bytes(b"")
    for part in (dead, living):
        os.utime(part, (1, 1))
    with STAGE._locked(living) as held:
        assert held
        make(written(tmp_path / "films", one_of_each()), tmp_path / "cache")
    assert not dead.exists()
    assert living.exists()
    assert young.exists()


# --- other processes ------------------------------------------------------------------------------

CHILD = """
import sys
from pathlib import Path
from osteon.inspection import inspect_films
from osteon.prepare import prepare
from osteon.types import Manifest, PixelRules, Radiograph

films, cache = Path(sys.argv[1]), Path(sys.argv[2])
radiographs = tuple(Radiograph(id=p.name, path=p) for p in sorted(films.iterdir()))
manifest = Manifest(
    root=films, source="t", recognised_by="t", classes=("a",), radiographs=radiographs
)
facts = inspect_films(manifest)
print("begin", flush=True)
prepared = prepare(manifest, PixelRules(size_px=64), cache=cache, facts=facts)
print(prepared.n_decoded, int(prepared.pixels.sum()), flush=True)
"""


def child(films: Path, cache: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, str(films), str(cache)], stdout=subprocess.PIPE, text=True
    )


def many_films(folder: Path, n: int) -> Manifest:
    return written(folder, {f"{k:04}.jpg": jpeg(picture(300, 200, seed=k)) for k in range(n)})


def check_killed_runs(tmp_path: Path, times: int) -> int:
    manifest = many_films(tmp_path / "films", 400)
    facts: dict[str, FilmFacts] = inspect_films(manifest)
    rules, cache = PixelRules(size_px=64), tmp_path / "cache"
    wanted = prepare(manifest, rules, cache=tmp_path / "other", facts=facts)
    dice, killed_within = random.Random(0), 0
    for _ in range(times):
        process = child(tmp_path / "films", cache)
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(dice.uniform(0.0, 0.15))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        finished = (cache / "prepared" / wanted.folder.name).is_dir()
        killed_within += bool(parts(cache)) and not finished
        found = prepare(manifest, rules, cache=cache, facts=facts)
        assert np.array_equal(found.pixels, wanted.pixels)
        assert (found.n_decoded == 0) == finished
        for file in (
            *found.folder.iterdir(),
            *(p for part in parts(cache) for p in part.iterdir()),
        ):
            file.unlink()
        for folder in (found.folder, *parts(cache)):
            folder.rmdir()
    return killed_within


def test_a_killed_run_leaves_nothing_that_is_taken_for_whole(tmp_path: Path) -> None:
    check_killed_runs(tmp_path, 3)


@pytest.mark.slow
def test_twenty_killed_runs(tmp_path: Path) -> None:
    assert check_killed_runs(tmp_path, 20) > 0  # some were killed in the midst of writing


def test_two_processes_at_once(tmp_path: Path) -> None:
    manifest = many_films(tmp_path / "films", 150)
    processes = [child(tmp_path / "films", tmp_path / "cache") for _ in range(2)]
    answers = [process.communicate()[0].splitlines()[-1].split() for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    assert answers[0][1] == answers[1][1]
    assert parts(tmp_path / "cache") == []
    again = prepare(
        manifest, PixelRules(size_px=64), cache=tmp_path / "cache", facts=inspect_films(manifest)
    )
    assert (again.n_decoded, str(int(again.pixels.sum()))) == (0, answers[0][1])

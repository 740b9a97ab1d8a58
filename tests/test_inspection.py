"""Inspection: the facts of every film, in order, once per content, kept for the next time."""

from __future__ import annotations

import hashlib
import os
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from osteon.errors import ResourceError
from osteon.inspection import inspect_films
from osteon.parallel import in_order
from osteon.pixels import Decoded, decode
from osteon.testing.films import jpeg, one_of_each, picture, written
from osteon.types import Radiograph

STAGE = import_module("osteon.inspection")


class Counter:
    """``decode_bytes``, counted; calls come from many threads."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.n = 0
        self._real: Callable[..., Decoded] = STAGE.decode_bytes
        self._lock = threading.Lock()
        monkeypatch.setattr(STAGE, "decode_bytes", self)

    def __call__(self, data: bytes, *, max_pixels: int) -> Decoded:
        with self._lock:
            self.n += 1
        return self._real(data, max_pixels=max_pixels)


def test_facts_of_every_format(tmp_path: Path) -> None:
    files = one_of_each()
    manifest = written(tmp_path, files)
    facts = inspect_films(manifest)
    assert list(facts) == list(files)
    for name, data in files.items():
        film, fact = decode(data), facts[name]
        assert fact.fault is None
        assert fact.sha256 == hashlib.sha256(data).hexdigest()
        assert fact.n_bytes == len(data)
        assert (fact.height_px, fact.width_px) == film.gray.shape
        assert (fact.format, fact.bit_depth) == (film.format, film.bit_depth)
        assert (fact.n_channels, fact.n_frames) == (film.n_channels, film.n_frames)
        share = film.gray / np.iinfo(film.gray.dtype).max
        assert fact.mean == pytest.approx(share.mean(), abs=1e-9)
        assert fact.std == pytest.approx(share.std(), abs=1e-9)
    assert facts["turned.jpg"].width_px == 30  # stored 40 wide


def test_equal_pixels_have_equal_digests_in_any_format(tmp_path: Path) -> None:
    files = one_of_each()
    facts = inspect_films(written(tmp_path, files))
    same = ("gray.png", "gray.gif", "gray.webp", "gray.bmp", "gray.tif", "packed.tif")
    assert len({facts[name].pixel_digest for name in same}) == 1
    assert facts["gray.jpg"].pixel_digest != facts["gray.png"].pixel_digest
    turned = {"a.jpg": jpeg(picture(40, 30)), "b.jpg": jpeg(np.ascontiguousarray(picture().T))}
    flat = inspect_films(written(tmp_path, turned))
    assert flat["a.jpg"].pixel_digest != flat["b.jpg"].pixel_digest


def test_what_cannot_be_decoded_is_a_fault(tmp_path: Path) -> None:
    good = jpeg(picture())
    files = {
        "zip.jpg": b"PK\x03\x04....", "empty.png": b"", "cut.jpg": good[:300], "good.jpg": good,
        "liar.png": good,
    }  # fmt: skip
    manifest = written(tmp_path, files)
    (tmp_path / "folder.jpg").mkdir()
    missing = tuple(
        Radiograph(id=name, path=tmp_path / name) for name in ("gone.jpg", "folder.jpg")
    )
    facts = inspect_films(replace(manifest, radiographs=manifest.radiographs + missing))
    assert facts["zip.jpg"].fault == "not a film: a ZIP archive named .jpg"
    assert str(facts["empty.png"].fault).startswith("empty")
    assert str(facts["cut.jpg"].fault).startswith("truncated: the file ends after 300 bytes")
    assert "cannot be opened" in str(facts["gone.jpg"].fault)
    assert "cannot be opened" in str(facts["folder.jpg"].fault)
    assert facts["good.jpg"].fault is None
    assert (facts["liar.png"].format, facts["liar.png"].suffix_format) == ("JPEG", "PNG")
    assert facts["cut.jpg"].n_bytes == 300
    assert facts["cut.jpg"].sha256 == hashlib.sha256(good[:300]).hexdigest()


def test_copies_are_decoded_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = jpeg(picture())
    manifest = written(tmp_path, {f"{n}.jpg": data for n in range(30)})
    count = Counter(monkeypatch)
    facts = inspect_films(manifest, workers=1)
    assert count.n == 1
    assert [fact.id for fact in facts.values()] == [f"{n}.jpg" for n in range(30)]


@pytest.mark.parametrize("workers", [1, 2, 7])
def test_any_number_of_workers_gives_the_same(tmp_path: Path, workers: int) -> None:
    files = {f"{n}.jpg": jpeg(picture(20 + n % 9, 30, seed=n)) for n in range(100)}
    manifest = written(tmp_path, files)
    facts = inspect_films(manifest, workers=workers)
    assert list(facts) == list(files)
    assert facts == inspect_films(manifest, workers=1)


def test_unchanged_files_are_read_from_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = written(tmp_path / "films", one_of_each() | {"cut.jpg": jpeg(picture())[:99]})
    cache = tmp_path / "cache"
    first = inspect_films(manifest, cache=cache)
    count = Counter(monkeypatch)
    assert inspect_films(manifest, cache=cache) == first
    assert count.n == 0
    path = manifest.radiographs[0].path
    path.write_bytes(jpeg(picture(seed=5)))
    os.utime(path, ns=(1, 1))  # even when it is dated back
    second = inspect_films(manifest, cache=cache)
    assert count.n == 1
    assert second["gray.jpg"].sha256 != first["gray.jpg"].sha256
    assert {k: v for k, v in second.items() if k != "gray.jpg"} == {
        k: v for k, v in first.items() if k != "gray.jpg"
    }


def test_another_decoder_or_a_spoilt_cache_is_not_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = written(tmp_path / "films", {"a.jpg": jpeg(picture())})
    cache = tmp_path / "cache"
    first = inspect_films(manifest, cache=cache)
    count = Counter(monkeypatch)
    monkeypatch.setattr(STAGE, "decoder_version", lambda: "newer")
    assert inspect_films(manifest, cache=cache) == first
    assert count.n == 1
    (notebook,) = (cache / "inspection").iterdir()
    notebook.write_text('{"films": 3')
    assert inspect_films(manifest, cache=cache) == first
    assert count.n == 2


def test_gone_files_are_not_remembered_as_gone(tmp_path: Path) -> None:
    manifest = written(tmp_path / "films", {"a.jpg": jpeg(picture())})
    aside = shutil.move(manifest.radiographs[0].path, tmp_path / "aside.jpg")
    assert inspect_films(manifest, cache=tmp_path / "cache")["a.jpg"].fault
    shutil.move(aside, manifest.radiographs[0].path)
    assert inspect_films(manifest, cache=tmp_path / "cache")["a.jpg"].fault is None


def test_a_cache_that_cannot_be_written_costs_nothing_but_time(tmp_path: Path) -> None:
    manifest = written(tmp_path / "films", {"a.jpg": jpeg(picture())})
    (tmp_path / "cache").write_text("a file is in the way")
    assert inspect_films(manifest, cache=tmp_path / "cache")["a.jpg"].fault is None


def test_what_was_found_before_an_interruption_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {f"{n}.jpg": jpeg(picture(seed=n)) for n in range(40)}
    manifest = written(tmp_path / "films", files)
    real: Callable[..., Decoded] = STAGE.decode_bytes
    seen = 0

    def interrupted(data: bytes, *, max_pixels: int) -> Decoded:
        nonlocal seen
        seen += 1
        if seen == 30:
            raise KeyboardInterrupt
        return real(data, max_pixels=max_pixels)

    monkeypatch.setattr(STAGE, "decode_bytes", interrupted)
    with pytest.raises(KeyboardInterrupt):
        inspect_films(manifest, cache=tmp_path / "cache", workers=1)
    monkeypatch.undo()
    count = Counter(monkeypatch)
    assert len(inspect_films(manifest, cache=tmp_path / "cache")) == 40
    assert count.n == 11


def test_too_little_memory_is_a_resource_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def exhausted(*_: object, **__: object) -> Decoded:
        raise MemoryError

    monkeypatch.setattr("osteon.jpeg.decode_jpeg", exhausted)
    with pytest.raises(ResourceError, match="Not enough memory to decode a JPEG"):
        inspect_films(written(tmp_path, {"a.jpg": jpeg(picture())}))


def test_large_films_are_opened_one_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real: Callable[..., Decoded] = STAGE.decode_bytes
    inside: list[int] = []
    most: list[int] = []

    def watched(data: bytes, *, max_pixels: int) -> Decoded:
        if max_pixels == 500:
            return real(data, max_pixels=max_pixels)
        inside.append(1)
        most.append(len(inside))
        time.sleep(0.002)  # long enough for another thread to come in
        inside.pop()
        return real(data, max_pixels=max_pixels)

    files = {f"{n}.jpg": jpeg(picture(40, 30, seed=n)) for n in range(100)}
    monkeypatch.setattr(STAGE, "decode_bytes", watched)
    monkeypatch.setattr(STAGE, "LARGE_PX", 500)
    facts = inspect_films(written(tmp_path, files), workers=4)
    assert [fact.fault for fact in facts.values()] == [None] * 100
    assert most == [1] * 100


# --- the pool -------------------------------------------------------------------------------------


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_in_order_is_map(workers: int) -> None:
    items = list(range(333))
    assert list(in_order(lambda n: n * n, items, workers=workers)) == [n * n for n in items]
    assert list(in_order(abs, [], workers=workers)) == []


def test_in_order_is_only_a_little_ahead() -> None:
    begun: list[int] = []

    def work(number: int) -> int:
        begun.append(number)
        return number

    results = in_order(work, range(10_000), workers=2, chunk=4)
    for _ in range(100):
        next(results)
    assert len(begun) <= 100 + 2 * 2 * 4 + 2 * 4
    results.close()  # type: ignore[attr-defined]
    assert len(begun) <= 100 + 2 * 2 * 4 + 2 * 4


def test_an_error_of_the_work_is_raised_and_stops_it() -> None:
    begun: list[int] = []

    def work(number: int) -> int:
        begun.append(number)
        if number == 50:
            raise ResourceError("full")
        return number

    with pytest.raises(ResourceError, match="full"):
        list(in_order(work, range(10_000), workers=3, chunk=4))
    assert len(begun) < 200

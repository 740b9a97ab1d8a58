"""Thousands of spoilt files: each ends as a film or as one sentence, whatever was done to it.

They are inspected in a process of its own, so that a crash is seen as one and memory is measured.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from itertools import chain
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.mutations import bombs, large_films, mutated_films, whole_films

MOST_BYTES = 1_000_000_000  # of memory, the helpers of the decoder included
PROGRAM = """
import dataclasses, json, sys
from pathlib import Path
from osteon import find_copies, inspect_films, open_store
from osteon.types import Manifest, Radiograph

folder = Path(sys.argv[1])
films = [Radiograph(id=path.name, path=path, label=0) for path in sorted(folder.iterdir())]

def inspected(films, workers, copies):
    manifest = Manifest(root=folder, source="test", recognised_by="made", classes=("normal",),
                        radiographs=tuple(films))
    with open_store() as store:
        facts = inspect_films(manifest, store=store, workers=workers)
        if copies:
            copies.append(len(find_copies(facts, store, workers=workers).same))
    return {id_: dataclasses.asdict(one) for id_, one in facts.items()}

copies = [0]
told = {"together": inspected(films, 2, copies)}
if "--again" in sys.argv:
    told["again"] = inspected(films[::-1], 1, None)
    told["alone"] = {}
    for film in films:
        told["alone"] |= inspected([film], 1, None)
print(json.dumps(told | {"copies": sum(copies)}))
"""


def inspected(folder: Path, *options: str) -> tuple[dict[str, Any], int]:
    """What the program prints, and the most bytes it and its children held."""
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        command = [sys.executable, "-W", "error", "-c", PROGRAM, str(folder), *options]
        with subprocess.Popen(command, stdout=out, stderr=err) as process:
            peak = 0
            while process.poll() is None:
                peak = max(peak, held_by(process.pid))
                time.sleep(0.02)
        out.seek(0)
        err.seek(0)
        assert process.returncode == 0, err.read()[-3000:]
        answer: dict[str, Any] = json.load(out)
    return answer, peak


def held_by(pid: int) -> int:
    total = 0
    try:
        for process in (psutil.Process(pid), *psutil.Process(pid).children(recursive=True)):
            total += process.memory_info().rss
    except psutil.Error:  # one of them ended meanwhile
        return 0
    return total


def put(folder: Path, films: Iterable[tuple[str, bytes]]) -> None:
    for name, data in films:
        (folder / name).write_bytes(data)


def check_each(facts: dict[str, dict[str, Any]]) -> int:
    """Every file is a film or has one sentence; returns how many have the sentence."""
    faulty = 0
    for name, film in facts.items():
        known = (film["format"], film["width_px"], film["height_px"], film["pixel_digest"])
        if film["fault"] is None:
            assert None not in known, name
            continue
        faulty += 1
        assert known == (None,) * 4, name
        fault = film["fault"]
        assert fault.strip(), name
        assert fault.isprintable(), (name, fault)
        assert ". " not in fault, (name, fault)
        assert len(fault) < 250, (name, fault)
    return faulty


def check_folder(folder: Path, n: int) -> None:
    told, peak = inspected(folder, "--again")
    assert len(told["together"]) == n
    faulty = check_each(told["together"])
    assert 0.3 * n < faulty < 0.9 * n  # neither is all of it spoilt, nor nothing
    assert told["again"] == told["together"]
    assert told["alone"] == told["together"]
    assert peak < MOST_BYTES


def test_a_sample_of_mutated_films_and_the_bombs(tmp_path: Path) -> None:
    by_hand = bombs()
    put(tmp_path, chain(mutated_films(100, seed=1), by_hand.items(), [("empty.dcm", b"")]))
    check_folder(tmp_path, 101 + len(by_hand))


@pytest.mark.slow
def test_two_thousand_mutated_films(tmp_path: Path) -> None:
    put(tmp_path, mutated_films(2_000, seed=0))
    check_folder(tmp_path, 2_000)


@pytest.mark.slow
def test_films_as_large_as_they_may_be_fit_into_the_memory(tmp_path: Path) -> None:
    put(tmp_path, large_films())
    told, peak = inspected(tmp_path)
    faults = {name: film["fault"] for name, film in told["together"].items()}
    assert {name for name, fault in faults.items() if fault} == {
        "deep-colour.png", "deep-see-through.png", "float.tif", "whole.tif", "colour.tif",
        "large.webp", "colour-progressive.jpg",
    }  # fmt: skip
    assert all(
        fault.startswith("too large: decoding it takes") for fault in faults.values() if fault
    )
    assert peak < MOST_BYTES


def test_the_films_that_are_spoilt_were_whole() -> None:
    from osteon.pixels import decode

    for name, data in whole_films().items():
        assert decode(data).gray.size == 1200, name

"""One film, from the bytes of its file to a calibrated score: a run in eager torch against its
bundle in float32 and int8, in turns in one process; films at once; memory, in processes of its own.

    python benchmarks/inference_speed.py RUN FILMS... --out benchmarks/results/inference-speed.json

RUN must hold a bundle: osteon export RUN --int8. An int8 form that the bundle left out, since its
AUROC did not hold, is made here for its speed alone, and marked as left out.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from osteon.bundle import Bundle
from osteon.environment import this_environment, without_folders
from osteon.loading import load_squares
from osteon.options import films_in
from osteon.parallel import in_order
from osteon.predict import open_reader
from osteon.quantise import quantised
from osteon.runtimes import Network, Runtime, at_hand, file_digest, open_runtime

ENGINES = [name for name in ("openvino", "onnxruntime") if name in at_hand()]
Read = Callable[[Path], object]


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("run", type=Path)
    asked.add_argument("films", type=Path, nargs="+")
    asked.add_argument("--most", type=int, default=40, help="films")
    asked.add_argument("--out", type=Path)
    asked.add_argument("--memory-of", help=argparse.SUPPRESS)
    told = asked.parse_args()
    films = films_in(told.films)[: told.most]
    if told.memory_of:
        print(json.dumps(memory(told.run, films, told.memory_of)))
        return
    known = this_environment(seed=0)
    measured: dict[str, Any] = {
        "environment": asdict(known) | {"command": without_folders(known.command)},
        "films": len(films),
        "one_film": {f"{n} threads": one_film(told.run, films, n) for n in (1, 2)},
        "at_once": at_once(told.run, films),
        "peak_memory_mb": {
            which: apart(told.run, told.films, told.most, which)
            for which in ("torch", "bundle", *ENGINES)
        },
    }
    print(json.dumps(measured, indent=2))
    if told.out:
        told.out.parent.mkdir(parents=True, exist_ok=True)
        told.out.write_text(json.dumps(measured, indent=2) + "\n")


# --- one film -------------------------------------------------------------------------------------


def one_film(run: Path, films: list[Path], threads: int) -> dict[str, Any]:
    """Medians over films; the rivals take turns at each film, so that a busy machine slows all."""
    import torch

    torch.set_num_threads(threads)
    with tempfile.TemporaryDirectory() as folder:
        readers = dict(rivals(run, threads, Path(folder)))
        taken: dict[str, list[float]] = {name: [] for name in readers}
        for film in [films[0], films[0], *films]:  # two to warm up
            for name, read in readers.items():
                begun = time.perf_counter()
                read(film)
                taken[name].append(time.perf_counter() - begun)
        rules = Bundle.load(run / "bundle", engine=ENGINES[0]).facts.pixels
        decoded = [timed(partial(load_squares, film, rules)) for film in films[:10]]
    seconds = {name: statistics.median(each[2:]) for name, each in taken.items()}
    eager = [*taken["torch eager"][2:]]
    return {
        "milliseconds": {name: round(1000 * each, 2) for name, each in seconds.items()},
        "decode_milliseconds": round(1000 * statistics.median(decoded), 2),
        "times_as_fast_as_eager": {
            name: round(statistics.median(np.array(eager) / np.array(each[2:])), 2)
            for name, each in taken.items()
        },
    }


def timed(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def rivals(run: Path, threads: int, folder: Path) -> Iterator[tuple[str, Read]]:
    from osteon.classifier import Classifier

    classifier = Classifier.load(run)
    yield "torch eager", lambda film: next(classifier.read([film]))
    for engine in ENGINES:
        bundle = Bundle.load(run / "bundle", engine=engine, precision="float32", threads=threads)
        yield f"{engine} float32", reading_with(bundle, bundle.runtime)
        yield f"{engine} int8", reading_with(bundle, small(run, engine, threads, 1, folder))


def reading_with(bundle: Bundle, runtime: Runtime) -> Read:
    other = replace(bundle, runtime=runtime)
    return lambda film: next(other.read([film]))


def small(run: Path, engine: str, threads: int, streams: int, folder: Path) -> Runtime:
    """The int8 form of the bundle, or one made now."""
    bundle = Bundle.load(run / "bundle", engine=engine, precision="float32")
    path, size = run / "bundle" / "model-int8.onnx", bundle.facts.pixels.size_px
    if not path.is_file():
        path = folder / "model-int8.onnx"
        noise = np.random.default_rng(0).integers(0, 256, (16, size, size), dtype=np.uint8)
        if not path.is_file():
            quantised(run / "bundle" / "model.onnx", path, noise)
    network = Network(onnx=path, size_px=size, digest=file_digest(path), expected=())
    return open_runtime(engine, network, threads=threads, streams=streams)


# --- many films -----------------------------------------------------------------------------------


def at_once(run: Path, films: list[Path]) -> dict[str, Any]:
    """Films a second of ``osteon predict``, in turns, best of three."""
    readers = {
        "torch, 1 worker": open_reader(run, workers=1),
        "bundle, 1 worker": open_reader(run / "bundle", workers=1),
        "bundle, 2 workers": open_reader(run / "bundle", workers=2),
    }
    best = dict.fromkeys(readers, 0.0)
    with tempfile.TemporaryDirectory() as folder:
        little = small(run, ENGINES[0], 2, 2, Path(folder))
        bundle = Bundle.load(run / "bundle", engine=ENGINES[0], precision="float32")
        eight = replace(bundle, runtime=little)
        best[f"{ENGINES[0]} int8, 2 workers"] = 0.0
        for _ in range(3):
            for name, reader in readers.items():
                seconds = timed(partial(list_of, reader.read, films))
                best[name] = max(best[name], len(films) / seconds)
            seconds = timed(lambda: list(in_order(read_one(eight), films, workers=2, chunk=1)))
            name = f"{ENGINES[0]} int8, 2 workers"
            best[name] = max(best[name], len(films) / seconds)
    gain = best["bundle, 2 workers"] / best["bundle, 1 worker"]
    return {"films_a_second": best, "two_workers_times_one": gain}


def list_of(read: Callable[[list[Path]], Iterator[object]], films: list[Path]) -> list[object]:
    return list(read(films))


def read_one(bundle: Bundle) -> Read:
    return lambda film: next(bundle.read([film]))


# --- memory ---------------------------------------------------------------------------------------


def memory(run: Path, films: list[Path], which: str) -> float:
    """Peak MB of this process after it has read the films; Linux alone tells."""
    if which == "torch":
        reader = open_reader(run, workers=2)
    else:
        engine = None if which == "bundle" else which
        reader = open_reader(run / "bundle", workers=2, engine=engine)
    list(reader.read(films))
    # Not getrusage: a child's maximum starts with its parent's.
    (line,) = (
        line
        for line in Path("/proc/self/status").read_text().splitlines()
        if line.startswith("VmHWM")
    )
    return int(line.split()[1]) / 1024


def apart(run: Path, films: list[Path], most: int, which: str) -> float:
    command = [sys.executable, __file__, str(run), *map(str, films), "--memory-of", which]
    done = subprocess.run(
        [*command, "--most", str(most)], capture_output=True, text=True, check=True
    )
    return round(float(json.loads(done.stdout.splitlines()[-1])), 1)


if __name__ == "__main__":
    main()

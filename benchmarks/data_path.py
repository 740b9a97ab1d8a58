"""What it costs to bring films to the network, in one run.

    python -m benchmarks.data_path FOLDER --films 256 --rounds 5

Three questions. Preparing: films of FOLDER decoded and placed as ``osteon prepare`` does, against
Pillow's ``convert("RGB").resize``, both on one thread, by processor time. Waiting: the share of a
training epoch in which the loop waits for its next batch. Overhead: an epoch against forward,
backward and step alone on batches that already lie in memory, by processor time. Without FOLDER it
makes phantoms of its own.
"""

from __future__ import annotations

import argparse
import importlib
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from benchmarks.side_by_side import interleaved, phantoms, ratio, write_result
from torch import Generator, Tensor
from torch.nn import functional

from osteon.batches import films_of, labels_of
from osteon.fit import fit
from osteon.inspection import inspect_films
from osteon.loading import load_square
from osteon.optimise import make_optimiser
from osteon.prepare import Prepared, prepare
from osteon.reading import read_source
from osteon.recipe import named_recipe
from osteon.types import Manifest, PixelRules, Recipe, Split

fit_module: Any = importlib.import_module("osteon.fit")  # the package names its function so
VAL = 8  # films: the epoch is of training


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--films", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    with tempfile.TemporaryDirectory() as temporary:
        made = Path(temporary)
        folder = given.folder or phantoms(made / "phantoms", given.films, 512)
        manifest = some_of(read_source(folder), given.films)
        facts = inspect_films(manifest)
        readable = [f for f in manifest.radiographs if facts[f.id].fault is None]
        manifest = replace(manifest, radiographs=tuple(readable))
        paths = [film.path for film in readable]
        figures: dict[str, object] = {
            "films": len(paths),
            "of": given.folder.name if given.folder else "phantoms",
            "threads": given.threads,
            "preparing": {str(s): preparing(paths, s, given.rounds) for s in (160, 224, 384)},
        }
        for name in ("small-cnn", "finetune"):
            recipe = replace(named_recipe(name), epochs=given.rounds + 1)
            ready = prepare(manifest, recipe.pixels, cache=made, facts=facts)
            figures[name] = training(recipe, ready, manifest, given.rounds)
    about = f"--films {given.films} --rounds {given.rounds} --threads {given.threads}"
    where = "FOLDER " if given.folder else ""
    write_result("data_path", f"python -m benchmarks.data_path {where}{about}", figures)


def some_of(manifest: Manifest, n: int) -> Manifest:
    """Every k-th labelled film, so that all classes are there."""
    films = [film for film in manifest.radiographs if film.label is not None]
    every = max(1, len(films) // n)
    return replace(manifest, radiographs=tuple(films[::every][:n]))


def preparing(paths: list[Path], size_px: int, rounds: int) -> dict[str, float]:
    """Films a second of processor time, and how many times Pillow's."""
    from PIL import Image

    rules = PixelRules(size_px=size_px)

    def pillow() -> None:
        for path in paths:
            with Image.open(path) as film:
                film.convert("RGB").resize((size_px, size_px))

    def osteon() -> None:
        for path in paths:
            load_square(path, rules)

    osteon()  # the files are in memory, and all is imported
    seconds = interleaved({"pillow": pillow, "osteon": osteon}, rounds)
    return {
        "times_pillow": round(ratio(seconds["pillow"], seconds["osteon"]), 2),
        "osteon_films_per_cpu_s": round(len(paths) / statistics.median(seconds["osteon"]), 1),
        "pillow_films_per_cpu_s": round(len(paths) / statistics.median(seconds["pillow"]), 1),
    }


def training(recipe: Recipe, ready: Prepared, manifest: Manifest, rounds: int) -> dict[str, float]:
    """Epochs of ``fit`` and bare ones in turn; the first of each is not counted."""
    ids = [film.id for film in manifest.radiographs]
    split = Split(
        train=tuple(ids[VAL:]),
        val=tuple(ids[:VAL]),
        test=(),
        groups={id_: id_ for id_ in ids},
        manifest_digest=manifest.digest,
        origin="grouped",
        seed=0,
    )
    watch = Watch()
    epochs = watch.over(fit(recipe, ready, manifest, split))
    bare = bare_epoch(recipe, ready, manifest, split)
    for _ in range(rounds + 1):
        next(epochs)
        begun = time.process_time()
        bare()
        watch.bare.append(time.process_time() - begun)
    return {
        "epoch_over_bare_by_cpu": round(ratio(watch.cpu[1:], watch.bare[1:]), 3),
        "share_waiting": round(sum(watch.waited[1:]) / sum(watch.clock[1:]), 4),
        "epoch_films_per_cpu_s": round(len(split.train) / statistics.median(watch.cpu[1:]), 1),
    }


class Watch:
    """Seconds of each epoch: of training alone, by clock and processor, and of waiting."""

    def __init__(self) -> None:
        self.cpu: list[float] = []
        self.clock: list[float] = []
        self.waited: list[float] = []
        self.bare: list[float] = []

    def over(self, epochs: Iterator[object]) -> Iterator[object]:
        """The same epochs, with a watch where ``fit`` asks for a batch and where it is done."""
        begun: list[tuple[float, float]] = []
        inputs_of, scored = fit_module.training_inputs, fit_module.scored

        def watched_inputs(*args: object) -> Callable[[Tensor, Generator], Tensor]:
            inputs: Callable[[Tensor, Generator], Tensor] = inputs_of(*args)

            def watched(chosen: Tensor, generator: Generator) -> Tensor:
                now = time.perf_counter()
                if not begun:
                    begun.append((time.process_time(), now))
                    self.waited.append(0.0)
                films = inputs(chosen, generator)
                self.waited[-1] += time.perf_counter() - now
                return films

            return watched

        def watched_scored(*args: object) -> object:
            cpu, clock = begun.pop()
            self.cpu.append(time.process_time() - cpu)
            self.clock.append(time.perf_counter() - clock)
            return scored(*args)

        fit_module.training_inputs = watched_inputs
        fit_module.scored = watched_scored
        try:
            yield from epochs
        finally:
            fit_module.training_inputs, fit_module.scored = inputs_of, scored


def bare_epoch(
    recipe: Recipe, ready: Prepared, manifest: Manifest, split: Split
) -> Callable[[], None]:
    """Forward, backward and step on batches in memory: what no data path can be faster than."""
    net = recipe.backbone.build(len(manifest.classes)).train()
    net = net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimiser = make_optimiser(net, recipe.optimiser)  # type: ignore[arg-type]
    films = films_of(ready, split.train, torch.device("cpu"))
    labels = labels_of(manifest, split.train)
    batches = [
        (films[at : at + recipe.batch_size], labels[at : at + recipe.batch_size])
        for at in range(0, len(films), recipe.batch_size)
    ]

    def epoch() -> None:
        for some, truth in batches:
            loss = functional.cross_entropy(net(some), truth)
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()

    return epoch


if __name__ == "__main__":
    main()

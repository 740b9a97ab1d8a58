"""Trials a minute of a search by one worker and by two, on a small network, threads pinned.

    python -m benchmarks.search_workers DATA

Each worker has one thread. Both searches try the same combinations of the same network, in turns.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

from benchmarks.side_by_side import write_result

os.environ["OMP_NUM_THREADS"] = "1"  # before torch is imported


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    words.add_argument("data", type=Path)
    words.add_argument("--recipe", default="types12-cnn")
    words.add_argument("--trials", type=int, default=8)
    words.add_argument("--epochs", type=int, default=4)
    words.add_argument("--turns", type=int, default=2)
    asked = words.parse_args()

    from osteon.audit import audit
    from osteon.clusters import group_films
    from osteon.inspection import inspect_films
    from osteon.prepare import prepare
    from osteon.reading import read_source
    from osteon.recipe import named_recipe, with_settings
    from osteon.space import Choices
    from osteon.split import split
    from osteon.tune import Search, tune

    recipe = with_settings(named_recipe(asked.recipe), [f"epochs={asked.epochs}"])
    manifest = read_source(asked.data)
    facts = inspect_films(manifest)
    groups = group_films(manifest, audit(manifest, facts=facts).clusters)
    parts = split(manifest, groups=groups, exclude={i for i, f in facts.items() if f.fault})
    lrs = tuple(1e-4 * (1 + number / 100) for number in range(asked.trials))
    search = Search(space={"optimiser.lr": Choices(values=lrs)}, sampler="grid", pruner="none")
    minutes: dict[int, list[float]] = {1: [], 2: []}
    with tempfile.TemporaryDirectory() as place:
        prepared = prepare(manifest, recipe.pixels, cache=Path(place), facts=facts)
        for turn in range(asked.turns):
            for workers in minutes:
                folder = Path(place) / f"{turn}-{workers}"
                found = tune(
                    recipe, replace(search, workers=workers), prepared, manifest, parts, folder
                )
                seconds = found.default.seconds
                begun = (folder / "trials" / "default" / "predictions-val.csv").stat().st_mtime
                minutes[workers].append((time.time() - begun) / 60)
                print(f"{workers} worker: {minutes[workers][-1] * 60:.1f} s after the default "
                      f"recipe's {seconds:.1f} s", flush=True)  # fmt: skip
    rate = {workers: asked.trials / statistics.median(each) for workers, each in minutes.items()}
    figures = {
        "trials_a_minute": {f"{workers} of one thread": round(v, 2) for workers, v in rate.items()},
        "two_workers_over_one": round(rate[2] / rate[1], 2),
        "minutes_of_each_turn": {str(k): [round(v, 3) for v in vs] for k, vs in minutes.items()},
    }
    command = (
        f"python -m benchmarks.search_workers {asked.data.name} --recipe {asked.recipe} "
        f"--trials {asked.trials} --epochs {asked.epochs} --turns {asked.turns}"
    )
    write_result("reproductions/search_workers", command, figures, {"optuna": version("optuna")})


if __name__ == "__main__":
    main()

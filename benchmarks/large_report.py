"""The report of a run with many test films: how large it is, and how fast it is written and opens.

    python -m benchmarks.large_report --films 10000

Made-up films of 64 px and made-up scores of them; everything that a report shows of a run by
itself. Opening is timed in a headless Chromium where there is one, less an empty page.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
from benchmarks.growth import write_films
from benchmarks.side_by_side import write_result

from osteon.audit import audit
from osteon.environment import this_environment
from osteon.evaluate import choose_operating_point, evaluate
from osteon.inspection import inspect_films
from osteon.judge import write_decisions, write_subgroups
from osteon.manifest import write_manifest
from osteon.plan import SplitPlan
from osteon.predictions import write_predictions
from osteon.reading import read_source
from osteon.recipe import named_recipe, recipe_to_json
from osteon.report import write_report
from osteon.run import Request, open_run
from osteon.runs import RunFolder
from osteon.split_file import write_split
from osteon.train import write_history
from osteon.types import History, Manifest, Part, Predictions, Split
from osteon.values import write_value

OTHERS = 600  # films of train and validation
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--films", type=int, default=10_000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        run, seconds = made_run(Path(temporary), given.films)
        begun = time.process_time()
        page = write_report(run.path)
        figures = {
            "test_films": given.films,
            "judged_cpu_s": round(seconds, 1),
            "written_cpu_s": round(time.process_time() - begun, 1),
            "mb": round(page.stat().st_size / 1e6, 2),
            "opens_s": opened(page),
        }
    write_result(
        "large_report", f"python -m benchmarks.large_report --films {given.films}", figures
    )


def made_run(room: Path, n: int) -> tuple[RunFolder, float]:
    """A run folder with ``n`` test films, and the processor seconds of judging their scores."""
    write_films(room / "films", n + OTHERS)
    recipe = named_recipe("small-cnn")
    request = Request(data=str(room / "films"), layout=None, split=SplitPlan(), recipe="")
    run = open_run(room / "run", request)
    manifest = read_source(room / "films")
    found = audit(manifest, facts=inspect_films(manifest))  # copies and shortcuts: no film has any
    write_manifest(manifest, run.manifest)
    write_value(run.audit, found)
    parts = divided(manifest, n)
    write_split(parts, run.split)
    run.recipe.write_text(recipe_to_json(recipe))
    write_value(run.environment, this_environment(seed=0))
    write_history(history(), run.history)
    run.checkpoints.mkdir()
    run.trained.write_text("now\n")
    begun = time.process_time()
    on_val, on_test = (scored(manifest, parts, part) for part in ("val", "test"))
    point = choose_operating_point(on_val)
    for predictions in (on_val, on_test):
        write_predictions(predictions, run.predictions(predictions.part))
        value = evaluate(predictions, operating_point=point)
        write_value(run.evaluation(predictions.part), value)
    write_decisions(run, on_val, on_test)
    write_subgroups(run, on_val, on_test, manifest, found.facts, point, recipe.pixels)
    run.openings.write_text("2026-01-01 osteon evaluate\n")
    return run, time.process_time() - begun


def divided(manifest: Manifest, n: int) -> Split:
    """Nearly all of the films to test, each a group of its own."""
    ids = [film.id for film in manifest.radiographs]
    held = np.random.default_rng(0).permutation(ids).tolist()
    return Split(
        test=tuple(held[:n]),
        val=tuple(held[n : n + OTHERS // 2]),
        train=tuple(held[n + OTHERS // 2 :]),
        groups={id_: id_ for id_ in ids},
        manifest_digest=manifest.digest,
        origin="grouped",
        seed=0,
    )


def scored(manifest: Manifest, parts: Split, part: Part) -> Predictions:
    """Made-up scores, better than chance."""
    ids = parts.part(part)
    label_of = {film.id: film.label for film in manifest.radiographs}
    labels = np.array([label_of[id_] for id_ in ids], dtype=np.int64)
    odds = np.random.default_rng(1).logistic(size=len(ids)) + 3 * (labels - 0.5)
    positive = 1 / (1 + np.exp(-odds))
    return Predictions(
        ids=ids,
        labels=labels,
        scores=np.stack([1 - positive, positive], axis=1),
        groups=tuple(parts.groups[id_] for id_ in ids),
        classes=manifest.classes,
        part=part,
    )


def history() -> list[History]:
    return [
        History(
            epoch=epoch,
            train_loss=1 / epoch,
            train_accuracy=0.8,
            val_loss=0.5,
            val_accuracy=0.8,
            val_auroc=0.9,
            lr=1e-3,
            seconds=1.0,
        )
        for epoch in range(1, 21)
    ]


def opened(page: Path) -> float | None:
    """Seconds to load and lay out, the median of five, less those of an empty page."""
    browser = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if browser is None:
        return None
    empty = page.with_name("empty.html")
    empty.write_text("<!doctype html><title>empty</title>")
    took = {file: [shown(browser, file) for _ in range(5)] for file in (empty, page)}
    return round(statistics.median(took[page]) - statistics.median(took[empty]), 2)


def shown(browser: str, page: Path) -> float:
    """Seconds of the clock for a browser to start, draw a page and end."""
    with tempfile.TemporaryDirectory() as profile:
        begun = time.perf_counter()
        subprocess.run(
            [
                browser,
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                f"--user-data-dir={profile}",
                f"--screenshot={profile}/page.png",
                "--window-size=1280,2000",
                page.as_uri(),
            ],
            check=True,
            capture_output=True,
        )
        return time.perf_counter() - begun


if __name__ == "__main__":
    main()

"""Score against the films trained on and against processor time: two SVGs, a CSV each, one JSON.

    for share in 0.125 0.25 0.5; do
        python -m benchmarks.experiments.cross_validate RUN --recipe strong \
            --share $share --last-only --name fracatlas-strong-$share \
            --out benchmarks/experiments/results
    done
    python -m benchmarks.experiments.learning_curve

Reads results/fracatlas-{strong,probe}[-SHARE].json, writes docs/experiments/. Against films: what
each share gives out of fold. Against time: after each epoch of the fits on all films.

The line through score against the logarithm of the films (least squares, all shares) says how many
films another score would take, if it went on: it is drawn from few points and may well not.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from osteon.report.charts import Axis, LineChart, Series, line_chart, write_chart

RESULTS = Path(__file__).parent / "results"
PAGES = Path(__file__).parents[2] / "docs" / "experiments"
RECIPES = {"strong": "strong", "probe": "linear-probe"}
SHARES = ("-0.125", "-0.25", "-0.5", "")
GOAL = 0.94

Point = tuple[float, Sequence[float]]  # x; value, low, high


def main() -> None:
    argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0]).parse_args()
    films: dict[str, list[Point]] = {}
    seconds: dict[str, list[Point]] = {}
    for short, name in RECIPES.items():
        stems = [f"fracatlas-{short}{share}" for share in SHARES]
        told = [_read(stem) for stem in stems if (RESULTS / f"{stem}.json").exists()]
        films[name] = [(each["films_trained_on"], each["auroc"]) for each in told]
        seconds[name] = [(max(1, each["cpu_s"]), each["auroc"]) for each in told[-1]["epochs"]]
    PAGES.mkdir(exist_ok=True)
    for title, label, lines in (
        ("Score against training films", "training films of a fold", films),
        ("Score against processor time", "CPU s of five fits, without the frozen maps", seconds),
    ):
        write_chart(_chart(title, label, lines), PAGES)
    figures = {
        "films": films,
        "cpu_s": seconds,
        "goal": GOAL,
        "films_for_the_goal": {name: needed(points, GOAL) for name, points in films.items()},
    }
    (PAGES / "learning-curve.json").write_text(json.dumps(figures, indent=1) + "\n")
    print(json.dumps(figures["films_for_the_goal"]))


def needed(points: Sequence[Point], goal: float) -> int | None:
    """Films at which the line through score against log films meets the goal; None if it falls."""
    slope, start = np.polyfit([math.log2(x) for x, _ in points], [y[0] for _, y in points], 1)
    return round(2 ** ((goal - start) / slope)) if slope > 0 else None


def _read(name: str) -> Mapping[str, Any]:
    told: Mapping[str, Any] = json.loads((RESULTS / f"{name}.json").read_text())
    return told


def _chart(title: str, label: str, lines: Mapping[str, Sequence[Point]]) -> LineChart:
    every = [point for points in lines.values() for point in points]
    low = math.floor(20 * min(y[1] for _, y in every)) / 20
    high = max(x for x, _ in every)
    series = [
        Series(
            name=name,
            points=tuple((float(x), y[0]) for x, y in points),
            colour=at,
            dots=True,
            bars=tuple((float(x), y[1], y[2]) for x, y in points),
        )
        for at, (name, points) in enumerate(lines.items())
    ]
    x = Axis(label=label, low=0, high=high * 1.05)
    return line_chart(title, x, Axis(label="AUROC, out of fold", low=low, high=1), series)


if __name__ == "__main__":
    main()

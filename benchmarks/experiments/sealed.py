"""Test scores of finished runs, each opened once: by seed of the split, and their mean.

    python -m benchmarks.experiments.sealed fracatlas-strong RUN0 RUN1 RUN2 [--against RUN0 ...]
    python -m benchmarks.experiments.sealed fracatlas-strong --again [--against fracatlas-probe]

Copies each run's predictions to results/NAME-test-SEED.csv and writes results/NAME-test.json. The
mean is as in ``osteon.repeats``; a difference is paired by films and seeds. ``--again``
makes means and differences anew from the predictions kept there, and opens no test part.
"""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from benchmarks.experiments.judged import gained, judged, said
from benchmarks.side_by_side import RESULTS, machine, versions

from osteon.metrics import METRICS
from osteon.predictions import read_predictions
from osteon.repeats import repeated, repeated_differences
from osteon.types import Predictions

if TYPE_CHECKING:
    from osteon.types import Floats, Ints

FOLDER = RESULTS.parent / "experiments" / "results"
AT_SPECIFICITY = 0.85
TWO = ["auroc", "balanced_accuracy", "sensitivity_at_specificity"]
MANY = ["accuracy", "balanced_accuracy", "auroc"]


@METRICS.register("sensitivity_at_specificity")
def sensitivity_at_specificity(labels: Ints, scores: Floats, weights: Floats) -> Floats:
    """The highest sensitivity at a specificity of at least 0.85: a point of the ROC curve of these
    same films, which no threshold chosen beforehand need reach. Equal scores are no tie here."""
    order = np.argsort(-scores[:, 1], kind="stable")
    positive = labels[order] == 1
    drawn = weights[:, order]
    hits, alarms = np.cumsum(drawn * positive, 1), np.cumsum(drawn * ~positive, 1)
    allowed = alarms <= (1 - AT_SPECIFICITY) * alarms[:, -1:] + 1e-9
    found: Floats = np.where(allowed, hits, 0).max(1) / hits[:, -1]
    return found


def main() -> None:
    reader = argparse.ArgumentParser(description=__doc__)
    reader.add_argument("name")
    reader.add_argument("runs", type=Path, nargs="*")
    reader.add_argument("--against", type=Path, nargs="*", default=[])
    reader.add_argument("--again", action="store_true")
    asked = reader.parse_args()
    if asked.again:
        again(asked.name, *map(str, asked.against))
        return
    mine, theirs = tests_of(asked.runs), tests_of(asked.against)
    figures: dict[str, object] = {
        "runs": [_commanded(run) for run in asked.runs],
        "seeds": [_seed(run) for run in asked.runs],
        "by_seed": [
            {"films": len(each.ids), "groups": len(set(each.groups)), **judged(each), **_point(run)}
            for run, each in zip(asked.runs, mine, strict=True)
        ],
        **means(mine, theirs),
    }
    if theirs:
        figures["gain_by_seed"] = [gained(*pair) for pair in zip(mine, theirs, strict=True)]
    for run in asked.runs:
        to = FOLDER / f"{asked.name}-test-{_seed(run)}.csv"
        shutil.copyfile(run / "predictions-test.csv", to)
    told = {**figures, "machine": machine(), "versions": versions()}
    (FOLDER / f"{asked.name}-test.json").write_text(json.dumps(told, indent=1) + "\n")
    print(json.dumps(figures, indent=1))


def means(mine: Sequence[Predictions], theirs: Sequence[Predictions]) -> dict[str, object]:
    names = TWO if len(mine[0].classes) == 2 else MANY
    told = {"mean": repeated(names, mine)}
    if theirs:
        told["gain"] = repeated_differences(names, mine, theirs)
    return {what: {name: said(each) for name, each in of.items()} for what, of in told.items()}


def again(name: str, against: str = "") -> None:
    path = FOLDER / f"{name}-test.json"
    told = json.loads(path.read_text())
    told |= means(*(_kept(each, told["seeds"]) if each else [] for each in (name, against)))
    path.write_text(json.dumps(told, indent=1) + "\n")


def _kept(name: str, seeds: Sequence[int]) -> list[Predictions]:
    paths = [FOLDER / f"{name}-test-{seed}.csv" for seed in seeds]
    return [read_predictions(path, part="test") for path in paths]


def tests_of(runs: Sequence[Path]) -> list[Predictions]:
    return [read_predictions(run / "predictions-test.csv", part="test") for run in runs]


def _request(run: Path) -> Any:
    return json.loads((run / "run.json").read_text())


def _seed(run: Path) -> int:
    return int(_request(run)["split"]["seed"])


def _commanded(run: Path) -> str:
    """The command that makes the run again."""
    asked = _request(run)
    recipe = json.loads(asked["recipe"])["name"]
    split = "" if asked["split"]["choice"] == "auto" else f" --split {asked['split']['choice']}"
    data = Path(asked["data"]).name
    return f"osteon run {data} --recipe {recipe}{split} --set seed={_seed(run)}"


def _point(run: Path) -> dict[str, object]:
    """Sensitivity and specificity at the threshold that validation chose, of two classes."""
    told = json.loads((run / "evaluation-test.json").read_text())
    scores = told.get("at_operating_point") or {}
    return {
        f"{name}_at_point": [round(scores[name][key], 6) for key in ("value", "low", "high")]
        for name in ("sensitivity", "specificity")
        if name in scores
    }


if __name__ == "__main__":
    main()

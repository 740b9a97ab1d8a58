"""Out-of-fold scores of a recipe on the training part of a run, and what it gains on another.

    python benchmarks/experiments/cross_validate.py RUN --recipe strong --out FOLDER \
        [--set backbone.box_weight=0] [--against FOLDER/linear-probe.csv]

The run's val and test films are left out before the folds are made: nothing here is chosen on them.
Each fold's last epoch scores its films; no epoch is picked. Writes FOLDER/NAME.csv.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np

from osteon.batches import labels_of
from osteon.fit import fit
from osteon.manifest import read_manifest
from osteon.metrics import METRICS
from osteon.predictions import read_predictions, write_predictions
from osteon.prepare import prepare
from osteon.recipe import named_recipe, with_settings
from osteon.runs import RunFolder, default_cache
from osteon.split import folds, read_split
from osteon.statistics import differences, estimates
from osteon.types import Audit, Predictions, Recipe, Split
from osteon.values import read_value

FOLDS = 5


def out_of_fold(run: RunFolder, recipe: Recipe) -> Predictions:
    """Scores of the films of ``run``'s train part, each by a fit that did not see its group."""
    manifest, audit = read_manifest(run.manifest), read_value(Audit, run.audit)
    parts = read_split(run.split)
    prepared = prepare(manifest, recipe.pixels, cache=default_cache(), facts=audit.facts)
    inside = set(parts.train)
    others = frozenset(film.id for film in manifest.radiographs if film.id not in inside)
    groups = {film.id: parts.groups.get(film.id, film.id) for film in manifest.radiographs}
    place = {id_: at for at, id_ in enumerate(parts.train)}
    scores = np.zeros((len(place), len(manifest.classes)))
    for fold in folds(manifest, groups=groups, k=FOLDS, seed=0, exclude=others):
        held_out = Split(
            train=(*fold.train, *fold.val), val=fold.test, test=fold.test, groups=fold.groups,
            manifest_digest=manifest.digest, origin="grouped", seed=0,
        )  # fmt: skip
        *_, last = fit(recipe, prepared, manifest, held_out)
        scores[[place[id_] for id_ in fold.test]] = last.val_scores
    return Predictions(
        ids=parts.train,
        labels=labels_of(manifest, parts.train).numpy(),
        scores=scores,
        groups=tuple(groups[id_] for id_ in parts.train),
        classes=manifest.classes,
        part="out-of-fold",
    )


def main() -> None:
    reader = argparse.ArgumentParser(description=__doc__)
    reader.add_argument("run", type=Path)
    reader.add_argument("--recipe", default="strong")
    reader.add_argument("--set", nargs="*", default=[], dest="settings")
    reader.add_argument("--name", help="of the file of scores; the recipe's where left out")
    reader.add_argument("--out", type=Path, required=True)
    reader.add_argument("--against", type=Path, help="scores that an earlier call wrote")
    told = reader.parse_args()
    begun = time.process_time()
    recipe = with_settings(named_recipe(told.recipe), told.settings)
    found = out_of_fold(RunFolder(told.run), recipe)
    spent = time.process_time() - begun
    told.out.mkdir(parents=True, exist_ok=True)
    write_predictions(found, told.out / f"{told.name or told.recipe}.csv")
    metric = {"auroc": METRICS["auroc"]}
    score = estimates(metric, found.labels, found.scores, found.groups)["auroc"]
    print(f"{recipe.name} {' '.join(told.settings)}: {len(found.ids)} films, {spent:.0f} CPU s")
    print(f"AUROC {score.value:.4f} [{score.low:.4f}, {score.high:.4f}]")
    if told.against:
        other = read_predictions(told.against, part="out-of-fold")
        assert other.ids == found.ids, "the other scores are of other films"
        gain = differences(metric, found.labels, found.scores, other.scores, found.groups)["auroc"]
        print(f"gain {gain.value:+.4f} [{gain.low:+.4f}, {gain.high:+.4f}]")


if __name__ == "__main__":
    main()

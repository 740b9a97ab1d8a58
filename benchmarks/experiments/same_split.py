"""A recipe on the split of a run of another system, and what it gains on that one's own answers.

    python -m benchmarks.experiments.same_split THEIRS OURS --recipe strong --name NAME \
        --out FOLDER --work FOLDER

THEIRS is a folder that holds split.csv and predictions-test.csv, as ``osteon reproduce`` leaves
one for each training; OURS a finished run of the same data, for its manifest and audit. The recipe
is trained on THEIRS's train part and judged once on its test films, less those that today's audit
groups with a film of train or val. Writes NAME-ours.csv, NAME-theirs.csv and NAME.json to FOLDER.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from benchmarks.experiments.judged import command, said
from benchmarks.side_by_side import machine, versions

from osteon.manifest import read_manifest
from osteon.metrics import METRICS
from osteon.predictions import read_predictions, selected, write_predictions
from osteon.prepare import prepare
from osteon.recipe import named_recipe
from osteon.runs import RunFolder, default_cache
from osteon.split_file import read_split
from osteon.statistics import differences, estimates
from osteon.train import train
from osteon.types import Audit, Estimate
from osteon.values import read_value

NAMES = ("balanced_accuracy", "accuracy", "auroc")


def main() -> None:
    reader = argparse.ArgumentParser(description=__doc__)
    reader.add_argument("theirs", type=Path)
    reader.add_argument("ours", type=Path)
    reader.add_argument("--recipe", default="strong")
    reader.add_argument("--name", required=True)
    reader.add_argument("--out", type=Path, required=True)
    reader.add_argument("--work", type=Path, required=True, help="where to train")
    asked = reader.parse_args()
    known = RunFolder(asked.ours)
    manifest, audit = read_manifest(known.manifest), read_value(Audit, known.audit)
    recipe = named_recipe(asked.recipe)
    prepared = prepare(manifest, recipe.pixels, cache=default_cache(), facts=audit.facts)
    theirs = read_predictions(asked.theirs / "predictions-test.csv", part="test")
    group_of = read_split(known.split).groups
    parts = read_split(RunFolder(asked.theirs).split)
    parts = replace(parts, manifest_digest=manifest.digest, groups=group_of)
    seen = {group_of[id_] for id_ in (*parts.train, *parts.val)}
    fresh = [at for at, id_ in enumerate(theirs.ids) if group_of[id_] not in seen]
    theirs = selected(theirs, fresh)
    theirs = replace(theirs, groups=tuple(group_of[id_] for id_ in theirs.ids))
    classifier = train(replace(recipe, seed=parts.seed), prepared, manifest, parts, asked.work)
    ours = classifier.predict_prepared(
        prepared, ids=theirs.ids, manifest=manifest, groups=group_of, part="test"
    )
    assert np.array_equal(ours.labels, theirs.labels)
    metrics = {name: METRICS[name] for name in NAMES}
    alike = (ours.labels, ours.scores)
    figures = {
        "command": command(),
        "theirs": asked.theirs.name,
        "their_recipe": json.loads((asked.theirs / "recipe.json").read_text())["name"],
        "films": len(fresh),
        "left_out_as_leaked": len(parts.test) - len(fresh),
        "groups": len(set(theirs.groups)),
        "ours": _told(estimates(metrics, *alike, ours.groups)),
        "their_scores": _told(estimates(metrics, theirs.labels, theirs.scores, theirs.groups)),
        "gain": _told(differences(metrics, *alike, theirs.scores, ours.groups)),
    }
    asked.out.mkdir(parents=True, exist_ok=True)
    write_predictions(ours, asked.out / f"{asked.name}-ours.csv")
    write_predictions(theirs, asked.out / f"{asked.name}-theirs.csv")
    told = {**figures, "machine": machine(), "versions": versions()}
    (asked.out / f"{asked.name}.json").write_text(json.dumps(told, indent=1) + "\n")
    print(json.dumps(figures, indent=1))


def _told(found: Mapping[str, Estimate]) -> dict[str, list[float | None]]:
    return {name: said(each) for name, each in found.items()}


if __name__ == "__main__":
    main()

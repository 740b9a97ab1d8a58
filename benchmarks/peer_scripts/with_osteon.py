"""A recipe of osteon's on the films of a run, in a cache of its own, so that nothing comes free.

Films are decoded and prepared, features computed, the recipe trained; validation is scored, and the
test part once. The audit and the split, which the peers are handed too, are not in it.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from benchmarks.peer_scripts.common import Told, write_told

from osteon.classifier import Classifier
from osteon.manifest import read_manifest
from osteon.predictions import write_predictions
from osteon.prepare import prepare
from osteon.recipe import named_recipe, recipe_to_json, with_settings
from osteon.runs import RunFolder
from osteon.split_file import read_split
from osteon.train import train
from osteon.types import PARTS, Audit
from osteon.values import read_value


def main() -> None:
    given, own = Told.read(sys.argv[1]), json.loads(sys.argv[2])
    run = RunFolder(Path(own["run"]))
    manifest, audit = read_manifest(run.manifest), read_value(Audit, run.audit)
    parts = read_split(run.split)
    recipe = with_settings(named_recipe(own["recipe"]), [f"pixels.size_px={given.size_px}"])
    prepared = prepare(manifest, recipe.pixels, cache=given.out / "cache", facts=audit.facts)
    made = RunFolder(given.out / "run")
    made.path.mkdir()
    made.recipe.write_text(recipe_to_json(recipe))
    train(recipe, prepared, manifest, parts, made.path)
    best = Classifier.load(made.path)
    for part in PARTS[1:]:
        found = best.predict_prepared(
            prepared, ids=parts.part(part), manifest=manifest, groups=parts.groups, part=part
        )
        write_predictions(found, given.out / f"predictions-{part}.csv")
    write_told(given, ("osteon", "torch", "openvino"))


if __name__ == "__main__":
    main()

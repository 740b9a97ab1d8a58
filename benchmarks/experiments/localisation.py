"""How often the strongest cell of a network that scores cells lies in a fracture box, on the test
part of its run.

    python -m benchmarks.experiments.localisation RUN

On every fractured test film that has a box, whatever its score. Rivals, paired on the same films:
the middle of the film; the place that most boxes of the training films cover; chance is the share
of the film that its boxes cover. Writes results/DATA-RECIPE-localisation.json (DATA-localisation
for ``strong``) and, film by film, .csv.
The maps are the frozen ones of the cache; the test part is opened (its scores are known already).
"""

from __future__ import annotations

import argparse
import csv
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from benchmarks.experiments.judged import said
from benchmarks.side_by_side import machine, versions
from numpy.typing import NDArray
from torch.nn import functional

from osteon.cellnet import CellNet
from osteon.classifier import Classifier
from osteon.explain.against_boxes import Rows, box_scores, table_of
from osteon.explain.sample import Sample, draw
from osteon.explain.scores import box_mask
from osteon.explainers.centre import centre
from osteon.manifest import read_manifest
from osteon.maps import Maps, frozen_maps, rows_in
from osteon.placement import boxes_in_square
from osteon.prepare import Prepared, prepare
from osteon.runs import RunFolder, default_cache, log_opening
from osteon.split_file import read_split
from osteon.types import Audit, Estimate
from osteon.values import read_value

AT_ONCE = 8
Drawn = NDArray[np.float32]


def main() -> None:
    reader = argparse.ArgumentParser(description=__doc__)
    reader.add_argument("run", type=Path)
    run = RunFolder(reader.parse_args().run)
    manifest, audit = read_manifest(run.manifest), read_value(Audit, run.audit)
    parts, classifier = read_split(run.split), Classifier.load(run.path)
    rules = classifier.recipe.pixels
    prepared = prepare(manifest, rules, cache=default_cache(), facts=audit.facts)
    log_opening(run, "localisation")
    sample = draw(
        "test", parts.test, classifier.classes, prepared, manifest, audit.facts, parts.groups,
        n_films=len(parts.test), seed=0, boxed=True,
    )  # fmt: skip
    side = rules.size_px
    inside = set(parts.train)
    habit = np.zeros((side, side), np.float32)
    for film in manifest.radiographs:
        if film.boxes and film.id in inside:
            habit += box_mask(boxes_in_square(film, audit.facts[film.id], rules), side)
    middle = centre(classifier.net, torch.zeros(1, 1, side, side), 1)[0]
    net = classifier.net
    assert isinstance(net, CellNet)
    maps = frozen_maps(net, prepared, sample.ids)
    ours = _judged(sample, lambda some: [*cell_maps(net, maps, prepared, some.ids, side)])
    rivals = {
        "the middle of the film": _judged(sample, lambda some: [middle] * len(some.ids)),
        "where training boxes lie": _judged(sample, lambda some: [habit] * len(some.ids)),
    }
    found = box_scores(ours, sample, rivals, bounds=(0.0, 1.0), seed=0)
    figures = {
        "command": "python -m benchmarks.experiments.localisation " + run.path.name,
        "films": len(sample.ids),
        "groups": len(set(sample.groups)),
        "strongest_cell": {name: said(each) for name, each in found.scores.items()},
        "chance": said(found.chance),
        "rivals": {
            name: {score: said(each) for score, each in _scores(rows, sample).items()}
            for name, rows in rivals.items()
        },
        "gain": {
            rival: {name: said(each) for name, each in gains.items()}
            for rival, gains in found.gains.items()
        },
        "machine": machine(),
        "versions": versions(),
    }
    recipe = "" if classifier.recipe.name == "strong" else f"{classifier.recipe.name}-"
    to = Path(__file__).parent / "results" / f"{manifest.source}-{recipe}localisation.json"
    to.write_text(json.dumps(figures, indent=1) + "\n")
    with to.with_suffix(".csv").open("w", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(["id", "group", "strongest cell in a box", "middle", "training boxes"])
        each = [ours, *rivals.values()]
        for at, id_ in enumerate(sample.ids):
            rows.writerow([id_, sample.groups[at], *(of["pointing"][at] for of in each)])
    print(json.dumps(figures))


def _scores(rows: Rows, sample: Sample) -> Mapping[str, Estimate]:
    return box_scores(rows, sample, {}, bounds=(0.0, 1.0), seed=0).scores


def _judged(sample: Sample, maps_of: Callable[[Sample], Sequence[Drawn]]) -> Rows:
    tables = []
    for begun in range(0, len(sample.ids), AT_ONCE):
        some = sample.between(begun, begun + AT_ONCE)
        tables.append(table_of(np.stack(maps_of(some)), some))
    return {name: np.concatenate([table[name] for table in tables]) for name in tables[0]}


@torch.inference_mode()
def cell_maps(net: CellNet, maps: Maps, prepared: Prepared, ids: Sequence[str], side: int) -> Drawn:
    """(n, S, S): each cell's probability of a fracture, as the explainer ``cells`` gives it."""
    found = torch.sigmoid(net.cells.logits(*net.stages(*maps.of(rows_in(prepared, ids)))))
    drawn: Drawn = functional.interpolate(found, (side, side), mode="bilinear")[:, 0].numpy()
    return drawn


if __name__ == "__main__":
    main()

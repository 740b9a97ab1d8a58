"""Out-of-fold scores of a recipe on the training part of a run, and what it gains on others.

    python -m benchmarks.experiments.cross_validate RUN --recipe strong --out FOLDER \
        [--set backbone.box_weight=0] [--against FOLDER/linear-probe.csv]

The run's val and test films are left out before the folds are made: nothing here is chosen on them.
Each fold's last epoch scores its films; no epoch is picked. Writes FOLDER/NAME.csv, the scores, and
FOLDER/NAME.json, what they are worth.

``--share 0.25`` trains on a quarter of the groups of each fold and judges the same films; the
smaller shares lie within the larger. ``--also`` scores the same fits in other ways, to
FOLDER/NAME-WAY.csv: ``mirrored``, the mean log-odds of each film and its mirror image;
``averaged``, by the mean of the weights of the last three epochs (Izmailov et al., UAI 2018);
``cells`` and ``whole``, by one of the two heads of a ``FrozenCellNet`` alone. ``--last-only``
saves the time of scoring the films after every epoch, ``--folds 0 1`` that of the other folds.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from benchmarks.experiments.judged import judged, mean_of_log_odds, told
from torch import Tensor

from osteon.allocator import memory_kept
from osteon.backbones.blocks import bare
from osteon.batches import labels_of, scored
from osteon.cellnet import FrozenCellNet
from osteon.fit import Epoch, fit
from osteon.manifest import read_manifest
from osteon.predictions import read_predictions, write_predictions
from osteon.prepare import Prepared, prepare
from osteon.recipe import named_recipe, with_settings
from osteon.runs import RunFolder, default_cache
from osteon.split import folds
from osteon.split_file import read_split
from osteon.types import Audit, Manifest, Predictions, Recipe, Split
from osteon.values import read_value

if TYPE_CHECKING:
    from osteon.types import Floats

FOLDS = 5
AVERAGED = 3  # epochs
WATCHED = 64  # films that a fit scores after each epoch where only the last one counts
WAYS = ("mirrored", "averaged", "cells", "whole")


def training_folds(run: RunFolder, manifest: Manifest) -> list[Split]:
    """Five grouped folds of the run's train part; the fold's films are both val and test."""
    parts = read_split(run.split)
    inside = set(parts.train)
    others = frozenset(film.id for film in manifest.radiographs if film.id not in inside)
    groups = {film.id: parts.groups.get(film.id, film.id) for film in manifest.radiographs}
    return [
        Split(
            train=(*fold.train, *fold.val), val=fold.test, test=fold.test, groups=fold.groups,
            manifest_digest=manifest.digest, origin="grouped", seed=0,
        )
        for fold in folds(manifest, groups=groups, k=FOLDS, seed=0, exclude=others)
    ]  # fmt: skip


def out_of_fold(
    parts: Sequence[Split], recipe: Recipe, prepared: Prepared, manifest: Manifest,
    also: Sequence[str], *, last_only: bool = False,
) -> tuple[list[Predictions], dict[str, Predictions], list[float]]:  # fmt: skip
    """Scores of each film by a fit that did not see its group: after each epoch, and in the other
    ways; and the CPU seconds of all folds up to each epoch."""
    epochs: list[list[Floats]] = []
    others: dict[str, list[Floats]] = {way: [] for way in also}
    seconds: list[list[float]] = []
    for part in parts:
        begun = time.process_time()
        ended: list[float] = []
        scores: list[Floats] = []
        states: list[Mapping[str, Tensor]] = []
        watched = replace(part, val=part.test[:WATCHED]) if last_only else part
        for epoch in fit(recipe, prepared, manifest, watched):
            ended.append(time.process_time() - begun)
            scores.append(epoch.val_scores)
            states = [*states, _copied(epoch)][-AVERAGED:]
        if last_only:
            scores = [scored_by("last", recipe, states, prepared, manifest, part.test)]
            ended = ended[-1:]
        seconds.append(ended)
        epochs.append(scores)
        for way, kept in others.items():
            kept.append(scored_by(way, recipe, states, prepared, manifest, part.test))
    whole = [np.concatenate(each) for each in zip(*epochs, strict=True)]
    made = [_predictions(each, parts, manifest) for each in whole]
    ways = {
        way: _predictions(np.concatenate(kept), parts, manifest) for way, kept in others.items()
    }
    return made, ways, np.sum(seconds, axis=0).tolist()


def _predictions(scores: Floats, parts: Sequence[Split], manifest: Manifest) -> Predictions:
    ids = [id_ for part in parts for id_ in part.test]
    return Predictions(
        ids=tuple(ids),
        labels=labels_of(manifest, ids).numpy(),
        scores=scores,
        groups=tuple(parts[0].groups[id_] for id_ in ids),
        classes=manifest.classes,
        part="out-of-fold",
    )


def _copied(epoch: Epoch) -> dict[str, Tensor]:
    return {name: value.detach().clone() for name, value in epoch.model.items()}


def scored_by(
    way: str, recipe: Recipe, states: Sequence[Mapping[str, Tensor]], prepared: Prepared,
    manifest: Manifest, ids: Sequence[str],
) -> Floats:  # fmt: skip
    """Scores of ``ids`` by the weights of the last epochs, in one of WAYS or as they are."""
    net = bare(recipe.backbone).build(len(manifest.classes))
    net.load_state_dict(mean_of_weights(states) if way == "averaged" else dict(states[-1]))
    films = [prepared, mirrored(prepared)] if way == "mirrored" else [prepared]
    if way in ("cells", "whole"):
        assert isinstance(net, FrozenCellNet)
        heads = {
            "cells": lambda *maps: net.cells(*maps[:3]),
            "whole": lambda *maps: net.whole(maps[3]),
        }
        net.classify = heads[way]  # type: ignore[method-assign]
    return mean_of_log_odds([scored(net, each, ids, torch.device("cpu")) for each in films])


def mean_of_weights(states: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """What was never trained stays as it is, to the bit: the frozen maps go by it."""
    last = states[-1]
    return {
        name: value
        if all(torch.equal(value, state[name]) for state in states)
        else torch.stack([state[name] for state in states]).mean(0)
        for name, value in last.items()
    }


def mirrored(prepared: Prepared) -> Prepared:
    """The films left to right, with a folder of their own for what is computed of them."""
    folder = prepared.folder / "mirrored"
    folder.mkdir(exist_ok=True)
    return replace(prepared, folder=folder, pixels=prepared.pixels[:, :, ::-1])


def share_of(part: Split, labels: Mapping[str, int], share: float) -> Split:
    """A share of the fold's training groups, of each class; smaller ones lie within larger ones."""
    if share == 1:
        return part
    label_of = {part.groups[id_]: labels[id_] for id_ in sorted(part.train)}
    chosen = set[str]()
    for label in sorted(set(label_of.values())):
        of_class = sorted(group for group, of in label_of.items() if of == label)
        random.Random(0).shuffle(of_class)
        chosen.update(of_class[: max(1, round(share * len(of_class)))])
    return replace(part, train=tuple(id_ for id_ in part.train if part.groups[id_] in chosen))


def main() -> None:
    reader = argparse.ArgumentParser(description=__doc__)
    reader.add_argument("run", type=Path)
    reader.add_argument("--recipe", default="strong")
    reader.add_argument("--set", nargs="*", default=[], dest="settings")
    reader.add_argument("--name", help="of the files; the recipe's where left out")
    reader.add_argument("--out", type=Path, required=True)
    reader.add_argument("--against", type=Path, nargs="*", default=[], help="of earlier calls")
    reader.add_argument("--share", type=float, default=1.0)
    reader.add_argument("--last-only", action="store_true")
    reader.add_argument("--folds", type=int, nargs="*", default=range(FOLDS), choices=range(FOLDS))
    reader.add_argument("--also", nargs="*", default=[], choices=WAYS)
    asked = reader.parse_args()
    run = RunFolder(asked.run)
    recipe = with_settings(named_recipe(asked.recipe), asked.settings)
    manifest, audit = read_manifest(run.manifest), read_value(Audit, run.audit)
    prepared = prepare(manifest, recipe.pixels, cache=default_cache(), facts=audit.facts)
    label_of = {film.id: film.label for film in manifest.radiographs if film.label is not None}
    all_folds = training_folds(run, manifest)
    parts = [share_of(all_folds[at], label_of, asked.share) for at in asked.folds]
    with memory_kept():
        made, ways, seconds = out_of_fold(
            parts, recipe, prepared, manifest, asked.also, last_only=asked.last_only
        )
    others = {one.stem: read_predictions(one, part="out-of-fold") for one in asked.against}
    name = asked.name or asked.recipe
    facts = {
        "data": manifest.source,
        "films_trained_on": round(np.mean([len(part.train) for part in parts])),
        "cpu_s": round(seconds[-1]),
    }
    curve = [
        {"cpu_s": round(spent), **judged(each)} for spent, each in zip(seconds, made, strict=False)
    ]
    sizes = [len(part.test) for part in parts]
    asked.out.mkdir(parents=True, exist_ok=True)
    path = asked.out / f"{name}.csv"
    write_predictions(made[-1], path)
    told(path, made[-1], sizes, others, {**facts, "epochs": curve})
    for way, found in ways.items():
        path = asked.out / f"{name}-{way}.csv"
        write_predictions(found, path)
        told(path, found, sizes, {**others, name: made[-1]}, facts)


if __name__ == "__main__":
    main()

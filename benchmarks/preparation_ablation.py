"""Does mending help? Each step on and off, on the same grouped folds, paired.

    python benchmarks/preparation_ablation.py FOLDER --steps frame,invert,marks,zoom,panels
        --size-px 384 --out docs/preparation/bonebreak10.json

Frozen features of the default recipe's network, a linear head of one fixed strength (C = 1e-3, the
recipe's middle one: nothing is chosen here), out-of-fold scores of five grouped folds. Each film is
judged once: a collage by the mean over its panels, so that all variants are judged on the same
films. AUROC is macro one-vs-rest. Intervals by the grouped bootstrap, differences paired.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from osteon.features import BATCH, features_of, frozen_features
from osteon.looking import look_at
from osteon.metrics import METRICS
from osteon.networks import Probe
from osteon.panels import cut_panels
from osteon.prepare import Prepared, prepare
from osteon.progress import shown, track
from osteon.recipe import named_recipe
from osteon.runs import default_cache
from osteon.split import folds, group_films
from osteon.statistics import differences, estimates
from osteon.types import Audit, Estimate, Manifest, MendStep
from osteon.values import write_value

STRENGTH = 1e-3
METRIC_NAMES = ("auroc", "accuracy")
Features = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True, slots=True)
class Variant:
    """One way of preparing, judged, and compared with none."""

    steps: tuple[str, ...]
    n_changed: int  # films whose pixels are others than without mending
    scores: dict[str, Estimate]
    gains: dict[str, Estimate]  # minus no mending, paired


@dataclass(frozen=True, kw_only=True, slots=True)
class Ablation:
    data: str
    n_films: int
    n_groups: int
    n_classes: int
    size_px: int
    n_folds: int
    strength: float
    variants: tuple[Variant, ...]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--steps", default="frame,invert,marks,zoom,panels")
    parser.add_argument("--size-px", type=int, default=384)
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--out", type=Path, required=True)
    asked = parser.parse_args()
    steps: list[Any] = asked.steps.split(",")
    ways: list[tuple[MendStep, ...]] = [(), *((step,) for step in steps), tuple(steps)]
    with shown():
        manifest, audit = look_at(asked.folder, cache=default_cache())
        result = ablation(manifest, audit, ways, asked.size_px, asked.folds, asked.folder.name)
    write_value(asked.out, result)
    for variant in result.variants:
        told = [f"{name} {shown_as(variant.scores[name])}" for name in METRIC_NAMES]
        told += [f"gain {shown_as(variant.gains[name])}" for name in METRIC_NAMES]
        print(" ".join(variant.steps) or "none", variant.n_changed, *told, sep=" | ")


def shown_as(estimate: Estimate) -> str:
    return " ".join(
        "-" if figure is None else f"{figure:.3f}"
        for figure in (estimate.value, estimate.low, estimate.high)
    )


def ablation(
    manifest: Manifest,
    audit: Audit,
    ways: Sequence[tuple[MendStep, ...]],
    size_px: int,
    k: int,
    name: str,
) -> Ablation:
    groups = group_films(manifest, audit.clusters)
    splits = folds(manifest, groups=groups, k=k, seed=0, exclude=audit.unreadable)
    tests = [split.test for split in splits]
    ids = [id_ for test in tests for id_ in test]
    label_of = {film.id: film.label for film in manifest.radiographs}
    labels = np.array([label_of[id_] for id_ in ids], np.int64)
    recipe = named_recipe("linear-probe")
    net = recipe.backbone.build(len(manifest.classes))
    assert isinstance(net, Probe)
    plain: tuple[Prepared, Features] | None = None
    scores: list[NDArray[np.float64]] = []
    variants = []
    for steps in ways:
        rules = replace(recipe.pixels, size_px=size_px, mend=steps)
        told, seen = cut_panels(manifest, audit) if "panels" in steps else (manifest, audit)
        prepared = prepare(told, rules, cache=default_cache(), facts=seen.facts)
        features, n_changed = features_like(net, prepared, plain)
        if plain is None:
            plain = prepared, features
        panels_of: dict[str, list[str]] = {}
        for film in told.radiographs:
            panels_of.setdefault(film.id.rpartition("#")[0] if film.window else film.id, []).append(
                film.id
            )
        scores.append(out_of_fold(tests, label_of, panels_of, prepared, features))
        metrics = {metric: METRICS[metric] for metric in METRIC_NAMES}
        of = [groups[id_] for id_ in ids]
        variants.append(
            Variant(
                steps=steps,
                n_changed=n_changed,
                scores=estimates(metrics, labels, scores[-1], of),
                gains=differences(metrics, labels, scores[-1], scores[0], of),
            )
        )
    return Ablation(
        data=name,
        n_films=len(ids),
        n_groups=len({groups[id_] for id_ in ids}),
        n_classes=len(manifest.classes),
        size_px=size_px,
        n_folds=k,
        strength=STRENGTH,
        variants=tuple(variants),
    )


def features_like(
    net: Probe, prepared: Prepared, plain: tuple[Prepared, Features] | None
) -> tuple[Features, int]:
    """Features (R, D) of all rows; of rows equal to those without mending, theirs."""
    if plain is None:
        by_row: dict[int, str] = {row: id_ for id_, row in prepared.row_of.items()}
        return frozen_features(net, prepared, [by_row[row] for row in sorted(by_row)]), 0
    base, known = plain
    row_of = {digest: row for row, digest in enumerate(base.content_digests)}
    features = np.zeros((len(prepared.pixels), known.shape[1]), np.float32)
    changed = []
    for row, digest in enumerate(prepared.content_digests):
        before = row_of.get(digest)
        if before is not None and np.array_equal(base.pixels[before], prepared.pixels[row]):
            features[row] = known[before]
        else:
            changed.append(row)
    chunks = [changed[at : at + BATCH] for at in range(0, len(changed), BATCH)]
    for chunk in track(chunks, f"features, {BATCH} films each", total=len(chunks)):
        features[chunk] = features_of(net.eval(), prepared.pixels[chunk])
    return features, len(changed)


def out_of_fold(
    tests: Sequence[Sequence[str]],
    label_of: dict[str, int | None],
    panels_of: dict[str, list[str]],
    prepared: Prepared,
    features: Features,
) -> NDArray[np.float64]:
    """Scores (N, C) in the order of ``tests``, each fold by a head fitted on the others."""
    made = []
    for held_out in tests:
        inside = [id_ for test in tests if test is not held_out for id_ in test]
        panels = [(panel, label_of[id_]) for id_ in inside for panel in panels_of[id_]]
        rows = [prepared.row_of[panel] for panel, _ in panels]
        scale = StandardScaler().fit(features[rows])
        head = LogisticRegression(C=STRENGTH, max_iter=2000)
        head.fit(scale.transform(features[rows]), [label for _, label in panels])
        for id_ in held_out:
            of = [prepared.row_of[panel] for panel in panels_of[id_]]
            made.append(head.predict_proba(scale.transform(features[of])).mean(axis=0))
    return np.array(made, np.float64)


if __name__ == "__main__":
    main()

"""A linear head on frozen features, solved exactly: each strength of regularisation is an epoch."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

from osteon.batches import labels_of, probabilities
from osteon.features import frozen_features
from osteon.fit import Epoch
from osteon.networks import Probe
from osteon.progress import say
from osteon.recipe import strengths_left_out
from osteon.types import Manifest, Recipe, RegularisationPath, Split
from osteon.watch import watched

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from osteon.checkpoint import Checkpoint
    from osteon.prepare import Prepared
    from osteon.types import Floats, Ints

MOST_ITERATIONS = 5000


def fit_path(
    recipe: Recipe,
    prepared: Prepared,
    manifest: Manifest,
    split: Split,
    *,
    start: Checkpoint | None,
    device: torch.device,
) -> Iterator[Epoch]:
    """Yield one Epoch a strength; ``History.lr`` is the inverse strength, scikit-learn's C."""
    assert isinstance(recipe.optimiser, RegularisationPath)
    net = recipe.backbone.build(len(manifest.classes)).to(device)
    assert isinstance(net, Probe)
    ids = [*split.train, *split.val]
    features = frozen_features(net, prepared, ids)
    inside, outside = features[: len(split.train)], features[len(split.train) :]
    labels = labels_of(manifest, split.train).numpy()
    net.standardise(torch.from_numpy(inside).to(device))
    standard = (inside - net.centre.cpu().numpy()) / net.scale.cpu().numpy()
    standard = standard.astype(np.float64)
    strengths = recipe.optimiser.inverse_strengths[: recipe.epochs]
    if n_left_out := strengths_left_out(recipe):
        say(f"epochs = {recipe.epochs}: the last {n_left_out} strengths are left out")
    for epoch, strength in enumerate(strengths, start=1):
        if start is not None and epoch <= start.epoch:
            continue
        begun = time.monotonic()
        say(f"strength {epoch}/{len(strengths)}: C = {strength:g}")
        weight, bias = solved(
            standard.astype(np.float64), labels, strength, recipe, len(manifest.classes)
        )
        assert isinstance(net.head, nn.Linear)
        with torch.no_grad():
            net.head.weight.copy_(torch.from_numpy(weight))
            net.head.bias.copy_(torch.from_numpy(bias))
        train = watched(_scores(net, inside, device), manifest, split.train)
        val_scores = _scores(net, outside, device)
        val = watched(val_scores, manifest, split.val)
        seconds = time.monotonic() - begun
        history = val.row(epoch, train.loss, train.accuracy, strength, seconds)
        yield Epoch(history=history, model=net.state_dict(), optimiser={}, val_scores=val_scores)


def solved(
    features: Floats, labels: Ints, strength: float, recipe: Recipe, n_classes: int
) -> tuple[Floats, Floats]:
    """Weights (C, D) and biases (C,) of the head."""
    from sklearn.linear_model import LogisticRegression

    balanced = "balanced" if recipe.balance != "none" else None
    solved = LogisticRegression(C=strength, class_weight=balanced, max_iter=MOST_ITERATIONS)
    solved.fit(features, labels)
    if n_classes > 2:
        return solved.coef_, solved.intercept_
    # Of two classes scikit-learn keeps the positive one's alone: the other's logit is 0.
    weight = np.concatenate([np.zeros_like(solved.coef_), solved.coef_])
    return weight, np.concatenate([np.zeros(1), solved.intercept_])


@torch.inference_mode()
def _scores(net: Probe, features: NDArray[np.float32], device: torch.device) -> Floats:
    return probabilities(net.classify(torch.from_numpy(features).to(device)))

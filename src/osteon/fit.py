"""The training loop: an iterator of epochs. Whoever drives it saves, stops, prunes or reports."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor
from torch.nn import functional

from osteon.allocator import memory_kept
from osteon.backbones.blocks import bare
from osteon.batches import (
    check_classes,
    class_weights,
    labels_of,
    scored,
    seeded,
    training_batches,
    training_inputs,
)
from osteon.cellnet import CellNet
from osteon.device import fabric_at_hand
from osteon.environment import Pace
from osteon.errors import DataError
from osteon.optimise import learning_rate, load_state, make_optimiser, set_learning_rate, state_of
from osteon.pace import usual_pace
from osteon.progress import track
from osteon.types import History, Manifest, Optimiser, Recipe, Split
from osteon.watch import check_finite, watched

if TYPE_CHECKING:
    from osteon.checkpoint import Checkpoint
    from osteon.prepare import Prepared
    from osteon.types import Floats


PRECISIONS: dict[str, Literal["32-true", "bf16-mixed"]] = {
    "float32": "32-true",
    "bfloat16": "bf16-mixed",
}


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Epoch:
    """What one epoch ended with. The tensors go on changing in the next one."""

    history: History
    model: Mapping[str, Tensor]
    optimiser: Mapping[str, Tensor]
    val_scores: Floats  # (n, C) of ``split.val``


def fit(
    recipe: Recipe,
    prepared: Prepared,
    manifest: Manifest,
    split: Split,
    *,
    start: Checkpoint | None = None,
    pace: Pace | None = None,
) -> Iterator[Epoch]:
    """Yield each epoch of training on ``split.train``, watched on ``split.val``.

    From ``start`` it goes on to bit-identical weights on a CPU: every random number follows from
    the seed and the epoch, at the same ``pace`` (the usual one). Raises DataError when a class is
    missing in train or val is empty,
    UsageError when the loss is no longer a number.
    """
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)  # it tells what we asked for
    pace = pace or usual_pace(recipe)
    fabric = fabric_at_hand(PRECISIONS[pace.precision])
    labels = labels_of(manifest, split.train).to(fabric.device)
    check_classes(labels, manifest)
    if not split.val:
        raise DataError("No film is in val: training is watched on it. Split anew.")
    torch.manual_seed(recipe.seed)
    if not isinstance(recipe.optimiser, Optimiser):
        from osteon.probe import fit_path

        yield from fit_path(recipe, prepared, manifest, split, start=start, device=fabric.device)
        return
    net = (bare(recipe.backbone) if start else recipe.backbone).build(len(manifest.classes))
    if isinstance(net, CellNet):
        from osteon.cells import fit_cells

        net = net.to(fabric.device)
        yield from fit_cells(recipe, prepared, manifest, split, net, start=start)
        return
    if pace.channels_last:
        net = net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimiser = make_optimiser(net, recipe.optimiser)
    if start is not None:
        net.load_state_dict(dict(start.model))
    wrapped, stepper = fabric.setup(net, optimiser)
    if start is not None:  # only now: Fabric moves the network to its device, but no such state
        load_state(optimiser, start.optimiser)
    inputs = training_inputs(net, prepared, split.train, recipe.augment, fabric.device)
    weights = class_weights(labels, len(manifest.classes)) if recipe.balance == "weights" else None
    with memory_kept():
        for epoch in range(start.epoch + 1 if start else 1, recipe.epochs + 1):
            begun, loss_sum, right = time.monotonic(), 0.0, 0
            generator = seeded(recipe.seed, epoch)
            wrapped.train()
            batches = training_batches(labels, recipe, generator)
            for step, chosen in enumerate(track(batches, f"epoch {epoch}", total=len(batches))):
                done = epoch - 1 + step / len(batches)
                set_learning_rate(optimiser, learning_rate(recipe.optimiser, done, recipe.epochs))
                logits = wrapped(inputs(chosen, generator))
                truth = labels[chosen.to(labels.device)]
                loss = functional.cross_entropy(
                    logits, truth, weight=weights, label_smoothing=recipe.label_smoothing
                )
                stepper.zero_grad()
                fabric.backward(loss)
                stepper.step()
                loss_sum += loss.item() * len(chosen)
                right += int((logits.argmax(1) == truth).sum())
            n = sum(map(len, batches))
            check_finite(loss_sum, epoch)
            lr = float(optimiser.param_groups[0]["lr"])
            val_scores = scored(net, prepared, split.val, fabric.device)
            check_finite(val_scores, epoch)
            history = watched(val_scores, manifest, split.val).row(
                epoch, loss_sum / n, right / n, lr, time.monotonic() - begun
            )
            yield Epoch(
                history=history,
                model=net.state_dict(),
                optimiser=state_of(optimiser),
                val_scores=val_scores,
            )

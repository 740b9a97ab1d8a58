"""Training a ``CellNet`` by gradient descent on maps that were computed once; the pooled head of a
frozen one is solved. Fracture boxes teach the cells, where the films have any."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from osteon.allocator import memory_kept
from osteon.backbones.cells import Cells
from osteon.backbones.tuned_cells import TunedCells
from osteon.batches import class_weights, labels_of, seeded, training_batches
from osteon.cellnet import CellNet, FrozenCellNet
from osteon.fit import Epoch
from osteon.maps import AT_ONCE, Maps, frozen_maps, rows_in, scored_maps
from osteon.optimise import learning_rate, load_state, make_optimiser, set_learning_rate, state_of
from osteon.probe import solved
from osteon.progress import say, track
from osteon.types import Box, Manifest, Optimiser, Recipe, Split
from osteon.watch import check_finite, watched

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from osteon.checkpoint import Checkpoint
    from osteon.prepare import Prepared

LEAST_SHARE = 0.2  # of a cell that a box must cover
FOCUS = 2  # Lin et al., ICCV 2017, focal loss
STANDARDISED_ON = 256  # films


def fit_cells(
    recipe: Recipe,
    prepared: Prepared,
    manifest: Manifest,
    split: Split,
    net: CellNet,
    *,
    start: Checkpoint | None,
) -> Iterator[Epoch]:
    """Yield each epoch of what is not frozen; a pooled head is solved before the first one."""
    assert isinstance(recipe.optimiser, Optimiser)
    if start is not None:  # first: the maps are those of its trunk
        net.load_state_dict(dict(start.model))
    maps = frozen_maps(net, prepared, [*split.train, *split.val])
    rows, outside = (rows_in(prepared, ids) for ids in (split.train, split.val))
    labels = labels_of(manifest, split.train)
    if start is None:
        _begin(net, maps, rows, labels, recipe)
    optimiser = _optimiser(net, recipe)
    if start is not None:
        load_state(optimiser, start.optimiser)
    boxes = [prepared.boxes.get(id_, ()) for id_ in split.train]
    size, side = prepared.rules.size_px, maps.shapes[0][-1]  # the fine maps have a cell a place
    truth = CellTruth(boxes, labels, len(manifest.classes), size, side)
    weights = None
    if recipe.balance == "weights":
        weights = class_weights(labels, len(manifest.classes)).to(maps.device)
    with memory_kept():
        for epoch in range(start.epoch + 1 if start else 1, recipe.epochs + 1):
            begun = time.monotonic()
            net.train()
            loss, accuracy = _one_epoch(recipe, net, optimiser, maps, rows, truth, weights, epoch)
            val_scores = scored_maps(net, maps, outside)
            check_finite(val_scores, epoch)
            lr = float(optimiser.param_groups[0]["lr"])
            seconds = time.monotonic() - begun
            history = watched(val_scores, manifest, split.val)
            yield Epoch(
                history=history.row(epoch, loss, accuracy, lr, seconds),
                model=net.state_dict(),
                optimiser=state_of(optimiser),
                val_scores=val_scores,
            )


def _one_epoch(
    recipe: Recipe,
    net: CellNet,
    optimiser: torch.optim.Optimizer,
    maps: Maps,
    rows: NDArray[np.intp],
    truth: CellTruth,
    weights: Tensor | None,
    epoch: int,
) -> tuple[float, float]:
    """Loss and accuracy of the films' classes by both heads, as validation has them."""
    assert isinstance(recipe.optimiser, Optimiser)
    assert isinstance(recipe.backbone, Cells | TunedCells)
    loss_sum, right, n = 0.0, 0, 0
    generator = seeded(recipe.seed, epoch)
    batches = training_batches(truth.labels, recipe, generator)
    for step, chosen in enumerate(track(batches, f"epoch {epoch}", total=len(batches))):
        done = epoch - 1 + step / len(batches)
        set_learning_rate(optimiser, learning_rate(recipe.optimiser, done, recipe.epochs))
        known = maps.of(rows[chosen.numpy()])
        turned = torch.rand(len(chosen), generator=generator) < recipe.augment.flip
        half = recipe.precision == "bfloat16"
        with torch.autocast(maps.device.type, dtype=torch.bfloat16, enabled=half):
            cells = net.cells.logits(*net.stages(*(mirrored(each, turned) for each in known)))
        cells = mirrored(cells.float(), turned)  # back to where the boxes lie
        logits = net.cells.pool(cells)
        films = truth.labels[chosen].to(logits.device)
        loss = functional.cross_entropy(
            logits, films, weight=weights, label_smoothing=recipe.label_smoothing
        )
        if truth.taught and recipe.backbone.box_weight:
            loss = loss + recipe.backbone.box_weight * truth.loss(cells, chosen)
        check_finite(loss.item(), epoch)
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        optimiser.step()
        with torch.no_grad():
            joined = net.joined(logits, *known)
            loss_sum += functional.cross_entropy(joined, films).item() * len(chosen)
        right += int((joined.argmax(1) == films).sum())
        n += len(chosen)
    return loss_sum / n, right / n


def mirrored(maps: Tensor, turned: Tensor) -> Tensor:
    """The maps (N, ., h, w), those that are ``turned`` (N,) left to right: nearly the maps of a
    mirrored film, for strided convolutions see borders unlike. Pooled features stay."""
    if maps.ndim != 4 or not turned.any():
        return maps
    return torch.where(turned.to(maps.device)[:, None, None, None], maps.flip(3), maps)


def _optimiser(net: CellNet, recipe: Recipe) -> torch.optim.Optimizer:
    assert isinstance(recipe.optimiser, Optimiser)
    if isinstance(net, FrozenCellNet):
        net.whole.requires_grad_(False)
        return make_optimiser(net, recipe.optimiser)
    assert isinstance(recipe.backbone, TunedCells)
    tuned: dict[str, float] = {"upper.": recipe.backbone.tuned_pace}
    return make_optimiser(net, recipe.optimiser, paces=tuned)


class CellTruth:
    """Which cells hold a fracture, as the boxes say, and where they say nothing.

    A film's boxes are of its own class. A channel whose class has boxes is taught by every film
    that has boxes, and by the films of classes that never have any; a film whose class has boxes
    and that has none itself tells nothing of its cells.
    """

    def __init__(
        self,
        boxes: Sequence[tuple[Box, ...]],
        labels: Tensor,
        n_classes: int,
        size_px: int,
        side: int,
    ) -> None:
        self.boxes, self.labels, self.size_px = boxes, labels, size_px
        self.side = side
        self.classes = [1] if n_classes == 2 else list(range(n_classes))
        self.boxed = boxed_classes(boxes, labels.tolist()) & set(self.classes)
        self.taught = bool(self.boxed)
        if not self.taught:
            say("no film of train has a fracture box: cells learn from the films' classes alone")

    def loss(self, cells: Tensor, chosen: Tensor) -> Tensor:
        """Focal loss of the cells (N, K, h, w), for each cell that holds a fracture."""
        wanted, counts = torch.zeros_like(cells), torch.zeros_like(cells)
        for row, at in enumerate(chosen.tolist()):
            label = int(self.labels[at])
            if not self.boxes[at] and label in self.boxed:
                continue
            for channel, of in enumerate(self.classes):
                if of not in self.boxed:
                    continue
                counts[row, channel] = 1
                if of == label and self.boxes[at]:
                    mask = box_cells(self.boxes[at], self.size_px, self.side)
                    wanted[row, channel] = torch.from_numpy(mask).to(cells)
        plain = functional.binary_cross_entropy_with_logits(cells, wanted, reduction="none")
        missed = torch.abs(wanted - torch.sigmoid(cells)) ** FOCUS
        return 0.5 * (plain * missed * counts).sum() / (wanted.sum() + 5)


def boxed_classes(boxes: Sequence[Collection[Box]], labels: Sequence[int]) -> set[int]:
    """The classes of which some film has a box."""
    return {label for of, label in zip(boxes, labels, strict=True) if of}


def box_cells(boxes: Sequence[Box], size_px: int, side: int) -> NDArray[np.bool_]:
    """(side, side): the cells of the prepared film that a box covers by a fifth; of a box that is
    too small for that, those that it covers most."""
    starts = np.arange(side) * size_px / side
    step = size_px / side
    found = np.zeros((side, side), np.bool_)
    for box in boxes:
        right, bottom = box.left_px + box.width_px, box.top_px + box.height_px
        across = (np.minimum(starts + step, right) - np.maximum(starts, box.left_px)).clip(0)
        down = (np.minimum(starts + step, bottom) - np.maximum(starts, box.top_px)).clip(0)
        share = np.outer(down, across) / step**2
        if share.max() > 0:  # else it was cut off
            found |= share >= min(LEAST_SHARE, share.max())
    return found


@torch.no_grad()
def _begin(
    net: CellNet, maps: Maps, rows: NDArray[np.intp], labels: Tensor, recipe: Recipe
) -> None:
    """Standardise by train films, and solve the pooled head where there is one."""
    spread = rows[:: -(-len(rows) // STANDARDISED_ON)]
    parts = [net.stages(*maps.of(chunk)) for chunk in _chunks(spread)]
    for at, values in enumerate(zip(*parts, strict=True)):
        net.cells.standardise(at, torch.cat(values))
    if isinstance(net, FrozenCellNet):
        _solve(net, torch.cat([maps.of(chunk)[3] for chunk in _chunks(rows)]), labels, recipe)


def _chunks(rows: NDArray[np.intp]) -> list[NDArray[np.intp]]:
    return [rows[at : at + AT_ONCE] for at in range(0, len(rows), AT_ONCE)]


def _solve(net: FrozenCellNet, whole: Tensor, labels: Tensor, recipe: Recipe) -> None:
    assert isinstance(recipe.backbone, Cells)
    centre, scale = whole.mean(0), whole.std(0, correction=0)
    net.whole.centre.copy_(centre)
    net.whole.scale.copy_(torch.where(scale > 0, scale, 1))
    standard = net.whole.standardised(whole).cpu().double().numpy()
    n_classes = net.whole.linear.out_features
    weight, bias = solved(
        standard, labels.numpy(), recipe.backbone.inverse_strength, recipe, n_classes
    )
    net.whole.linear.weight.copy_(torch.from_numpy(weight))
    net.whole.linear.bias.copy_(torch.from_numpy(bias))

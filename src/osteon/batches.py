"""Films, labels and their order, as a training loop wants them; scores of whole parts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Generator, Tensor, nn

from osteon.augment import augmented
from osteon.errors import DataError
from osteon.types import Augment, Manifest, Recipe

if TYPE_CHECKING:
    from osteon.prepare import Prepared
    from osteon.types import Floats

SCORED_AT_ONCE = 64
MOVED_AT_ONCE = 256  # films, to a GPU


def films_of(prepared: Prepared, ids: Sequence[str], device: torch.device) -> Tensor:
    """(n, 1, S, S) floats in [0, 1]: exactly what ``osteon.pixels.load_pixels`` gives."""
    return _as_input(torch.from_numpy(prepared.batch(ids)).to(device))


def _as_input(films: Tensor) -> Tensor:
    """(n, S, S) bytes as (n, 1, S, S) floats in [0, 1]."""
    return films[:, None].float().div_(255)


def on_device(prepared: Prepared, ids: Sequence[str], device: torch.device) -> Tensor | None:
    """All of ``ids`` as (n, S, S) bytes on a GPU with room for twice as many, so that no batch
    waits for its films; None elsewhere: in the main memory they lie already."""
    n_bytes = len(ids) * prepared.rules.size_px**2
    if 2 * n_bytes > _room(device):
        return None
    films = torch.empty((len(ids), *prepared.pixels.shape[1:]), dtype=torch.uint8, device=device)
    for at in range(0, len(ids), MOVED_AT_ONCE):
        part = torch.from_numpy(prepared.batch(ids[at : at + MOVED_AT_ONCE]))
        films[at : at + MOVED_AT_ONCE] = part.to(device)
    return films


def _room(device: torch.device) -> int:
    """Free bytes of a GPU; 0 of anything else."""
    return int(torch.cuda.mem_get_info(device)[0]) if device.type == "cuda" else 0


def labels_of(manifest: Manifest, ids: Sequence[str]) -> Tensor:
    """(n,) class indices. Raises DataError for a film without a label."""
    label_of = {film.id: film.label for film in manifest.radiographs}
    unknown = next((id_ for id_ in ids if label_of[id_] is None), None)
    if unknown is not None:
        raise DataError(f"{unknown} has no label and cannot be trained on.")
    return torch.tensor([label_of[id_] for id_ in ids], dtype=torch.long)


def check_classes(labels: Tensor, manifest: Manifest) -> None:
    """Raise DataError if a class has no film among ``labels``."""
    counts = torch.bincount(labels, minlength=len(manifest.classes)).tolist()
    for name, count in zip(manifest.classes, counts, strict=True):
        if count == 0:
            raise DataError(
                f"No film of '{name}' is in train. Bring more films of it, or split anew."
            )


def class_weights(labels: Tensor, n_classes: int) -> Tensor:
    """(C,) so that every class weighs the same in sum, and a film 1 on average."""
    counts = torch.bincount(labels, minlength=n_classes).float()
    return len(labels) / (n_classes * counts)


def seeded(seed: int, epoch: int) -> Generator:
    """A generator for one epoch's order and augmentation; torch's own, for dropout, is seeded too.

    Both follow from the seed and the epoch alone, so that nothing needs to be saved to resume.
    """
    mixed = (seed * 100_003 + epoch) * 2
    torch.manual_seed(mixed + 1)
    return Generator().manual_seed(mixed)


def training_batches(labels: Tensor, recipe: Recipe, generator: Generator) -> list[Tensor]:
    """Positions of the films of each batch of one epoch: shuffled, or drawn so that the classes
    are balanced. A last batch of one film joins the one before: batch norm cannot learn of one."""
    n = len(labels)
    if recipe.balance == "sampling":
        counts = torch.bincount(labels).float().cpu()
        order = torch.multinomial(1 / counts[labels.cpu()], n, True, generator=generator)
    else:
        order = torch.randperm(n, generator=generator)
    batches = list(torch.split(order, recipe.batch_size))
    if len(batches) > 1 and len(batches[-1]) == 1:
        batches[-2:] = [torch.cat(batches[-2:])]
    return batches


def training_inputs(
    net: nn.Module, prepared: Prepared, ids: Sequence[str], how: Augment, device: torch.device
) -> Callable[[Tensor, Generator], Tensor]:
    """What the network is fed with, by the positions of a batch's films in ``ids``: augmented
    films; for a network with a frozen trunk its features, computed once for all time."""
    from osteon.features import frozen_features
    from osteon.networks import Probe

    if not isinstance(net, Probe):
        films = on_device(prepared, ids, device)
        if films is not None:
            return lambda chosen, generator: augmented(
                _as_input(films[chosen.to(device)]), how, generator
            )
        return lambda chosen, generator: augmented(
            films_of(prepared, [ids[at] for at in chosen.tolist()], device), how, generator
        )
    features = torch.from_numpy(frozen_features(net, prepared, ids)).to(device)
    net.standardise(features)
    return lambda chosen, _: features[chosen.to(device)]


@torch.inference_mode()
def scored(net: nn.Module, prepared: Prepared, ids: Sequence[str], device: torch.device) -> Floats:
    """(n, C) probabilities of the films ``ids``; the features of a frozen trunk are computed once
    for all time. Raises DataError when there is no film."""
    from osteon.cellnet import CellNet
    from osteon.features import frozen_features
    from osteon.networks import Probe

    if not ids:
        raise DataError("There is no film to score: the part is empty. Split anew.")
    net.eval()
    if isinstance(net, CellNet):
        from osteon.maps import frozen_maps, rows_in, scored_maps

        return scored_maps(net, frozen_maps(net, prepared, ids), rows_in(prepared, ids))
    if isinstance(net, Probe):
        features = torch.from_numpy(frozen_features(net, prepared, ids)).to(device)
        return probabilities(net.classify(features))
    parts = [ids[at : at + SCORED_AT_ONCE] for at in range(0, len(ids), SCORED_AT_ONCE)]
    scores = [probabilities(net(films_of(prepared, part, device))) for part in parts]
    return np.concatenate(scores)


def probabilities(logits: Tensor) -> Floats:
    """(n, C) logits as float64 probabilities whose rows sum to 1."""
    soft: Floats = torch.softmax(logits.cpu().double(), dim=1).numpy()
    return soft

"""Does the answer hang on what a map marks? Deletion, insertion and random weights."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Generator, Tensor, nn

from osteon.explainers.forward import blurred

if TYPE_CHECKING:
    from osteon.explainers import Maps
    from osteon.types import Floats

STEPS = 6  # equal shares of the film that are taken away, or put back, one after the other
GRID = 8  # random maps are as coarse as this many cells along a side
AT_ONCE = 16


def deletion_and_insertion(
    net: nn.Module,
    films: Tensor,
    maps: Maps,
    target: int,
    extents: Sequence[tuple[slice, slice]],
    *,
    steps: int = STEPS,
    seed: int = 0,
) -> tuple[Floats, Floats]:
    """Areas (N,) under the class's probability against the share of pixels (0 to 1) that was
    blurred, resp. put back into the blurred film, what the map marks most first.

    ``extents`` say what of each square is film: the bars beside it stay as they are, or any map
    that is higher on the film than on the bars would gain. Petsiuk et al., Proc BMVC (2018). Equal
    pixels of a map come in random order.
    """
    ranks = _ranks(maps, extents, seed)
    rank = torch.from_numpy(ranks).to(films.device)[:, None]  # 0: marked most; 1: no film
    soft = torch.where(rank < 1, blurred(films), films)
    whole, empty = _probability(net, films, target), _probability(net, soft, target)
    deleted, inserted = [whole], [empty]
    for step in range(1, steps):
        marked = rank < step / steps
        deleted.append(_probability(net, torch.where(marked, soft, films), target))
        inserted.append(_probability(net, torch.where(marked, films, soft), target))
    shares = np.linspace(0, 1, steps + 1)
    areas = [
        np.asarray(np.trapezoid(np.stack(curve, axis=1), shares, axis=1), np.float64)
        for curve in ([*deleted, empty], [*inserted, whole])
    ]
    return areas[0], areas[1]


def _ranks(maps: Maps, extents: Sequence[tuple[slice, slice]], seed: int) -> Maps:
    """(N, H, W) of each pixel's place in the order, in [0, 1); 1 outside the film."""
    rng = np.random.default_rng(seed)
    ranks = np.ones(maps.shape, np.float32)
    for map_, rank, where in zip(maps, ranks, extents, strict=True):
        inside = map_[where]
        order = np.lexsort((rng.random(inside.size), -inside.ravel()))
        places = np.empty(inside.size)
        places[order] = np.arange(inside.size) / inside.size
        rank[where] = places.reshape(inside.shape)
    return ranks


@torch.inference_mode()
def _probability(net: nn.Module, films: Tensor, target: int) -> Floats:
    each = [net(few).double().softmax(1)[:, target].cpu() for few in torch.split(films, AT_ONCE)]
    probability: Floats = torch.cat(each).numpy()
    return probability


def random_maps(n: int, side_px: int, seed: int) -> Maps:
    """(N, S, S) of noise as coarse as class activation maps are."""
    noise = torch.rand(n, 1, GRID, GRID, generator=Generator().manual_seed(seed))
    size = (side_px, side_px)
    maps: Maps = nn.functional.interpolate(noise, size, mode="bilinear")[:, 0].numpy()
    return maps


def randomised(net: nn.Module, films: Tensor, seed: int) -> nn.Module:
    """A copy of the network that has learnt nothing: the whole of it, from its classes down.

    Matrices and kernels are drawn anew from a normal distribution of their own mean and deviation,
    vectors are shuffled, and batch norms take their statistics from ``films``, so that the layers
    keep their scale. Adebayo et al., Adv Neural Inf Process Syst 31 (2018).
    """
    other = copy.deepcopy(net).eval()
    generator = Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.copy_(_redrawn(parameter, generator))
        norms = [each for each in other.modules() if isinstance(each, nn.BatchNorm2d)]
        for norm in norms:
            norm.reset_running_stats()
            norm.momentum = None  # the mean over what is seen
            norm.train()
        if norms:
            other(films)
    return other.eval()


def _redrawn(parameter: Tensor, generator: Generator) -> Tensor:
    flat = parameter.detach().cpu().flatten()
    if parameter.ndim < 2 or len(flat) < 2:
        return flat[torch.randperm(len(flat), generator=generator)].view_as(parameter)
    drawn = torch.randn(len(flat), generator=generator) * flat.std() + flat.mean()
    return drawn.view(parameter.shape)

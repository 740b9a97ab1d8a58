"""Random changes of a training batch, each film its own, on the device that the batch is on."""

from __future__ import annotations

import math

import torch
from torch import Generator, Tensor
from torch.nn import functional

from osteon.types import Augment


def augmented(films: Tensor, how: Augment, generator: Generator) -> Tensor:
    """Films (N, 1, H, W) in [0, 1], turned, mirrored, scaled, shifted, brightened, contrasted.

    ``generator`` is on the CPU and decides everything, so that a seed means the same on every
    device. What is moved in from outside the film is black. Without any change asked for, the very
    same pixels come back.
    """
    films = _moved(films, how, generator)
    return _shaded(films, how, generator)


def _between(n: int, most: float, generator: Generator) -> Tensor:
    """(N,) uniform in [-most, most]."""
    return (2 * torch.rand(n, generator=generator) - 1) * most


def _moved(films: Tensor, how: Augment, generator: Generator) -> Tensor:
    if not (how.rotate_deg or how.flip or how.scale or how.shift):
        return films
    n = len(films)
    if not (how.rotate_deg or how.scale or how.shift):
        mirrored = (torch.rand(n, generator=generator) < how.flip).view(n, 1, 1, 1)
        return torch.where(mirrored.to(films.device), films.flip(-1), films)
    turn = _between(n, math.radians(how.rotate_deg), generator)
    size = torch.exp(_between(n, math.log1p(how.scale), generator))
    mirror = torch.where(torch.rand(n, generator=generator) < how.flip, -1.0, 1.0)
    # Of where each pixel comes from: the inverse of what happens to the film.
    rows = torch.stack(
        [
            torch.stack([mirror * turn.cos() / size, mirror * turn.sin() / size], dim=1),
            torch.stack([-turn.sin() / size, turn.cos() / size], dim=1),
        ],
        dim=1,
    )
    away = torch.stack([_between(n, 2 * how.shift, generator) for _ in range(2)], dim=1)
    theta = torch.cat([rows, away[:, :, None]], dim=2).to(films.device, films.dtype)
    return functional.grid_sample(films, _grid(theta, *films.shape[2:]), align_corners=False)


def _grid(theta: Tensor, height: int, width: int) -> Tensor:
    """(N, 2, 3) -> (N, H, W, 2): ``functional.affine_grid`` to 2e-7, as a sum of what a column and
    a row give instead of a product for each pixel, which takes longer than to sample the films."""
    down, across = ((2 * torch.arange(n).to(theta) + 1) / n - 1 for n in (height, width))
    of_row = theta[:, :, 1:2] * down  # (N, 2, H)
    of_column = theta[:, :, :1] * across + theta[:, :, 2:]  # (N, 2, W)
    return (of_row[:, :, :, None] + of_column[:, :, None, :]).permute(0, 2, 3, 1)


def _shaded(films: Tensor, how: Augment, generator: Generator) -> Tensor:
    if not (how.brightness or how.contrast):
        return films
    n = len(films)
    added = _between(n, how.brightness, generator).view(n, 1, 1, 1).to(films)
    times = torch.exp(_between(n, math.log1p(how.contrast), generator)).view(n, 1, 1, 1).to(films)
    mean = films.mean((1, 2, 3), keepdim=True)
    return (films - mean).mul_(times).add_(mean).add_(added).clamp_(0, 1)

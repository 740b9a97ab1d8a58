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
    # affine_grid asks where each pixel comes from: the inverse of what happens to the film.
    rows = torch.stack(
        [
            torch.stack([mirror * turn.cos() / size, mirror * turn.sin() / size], dim=1),
            torch.stack([-turn.sin() / size, turn.cos() / size], dim=1),
        ],
        dim=1,
    )
    away = torch.stack([_between(n, 2 * how.shift, generator) for _ in range(2)], dim=1)
    theta = torch.cat([rows, away[:, :, None]], dim=2).to(films.device, films.dtype)
    grid = functional.affine_grid(theta, list(films.shape), align_corners=False)
    return functional.grid_sample(films, grid, align_corners=False)


def _shaded(films: Tensor, how: Augment, generator: Generator) -> Tensor:
    if not (how.brightness or how.contrast):
        return films
    n = len(films)
    added = _between(n, how.brightness, generator).view(n, 1, 1, 1).to(films)
    times = torch.exp(_between(n, math.log1p(how.contrast), generator)).view(n, 1, 1, 1).to(films)
    mean = films.mean((1, 2, 3), keepdim=True)
    return ((films - mean) * times + mean + added).clamp(0, 1)

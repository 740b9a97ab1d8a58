"""Modules of our own that the backbones are built from; importing this imports torch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.random import SFC64
from torch import Tensor, nn


class Normalise(nn.Module):
    """(N, 1, H, W) in [0, 1] -> (N, 3, H, W), gray repeated, less the mean, over the deviation."""

    mean: Tensor
    std: Tensor

    def __init__(self, mean: Sequence[float], std: Sequence[float]) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(std).view(1, 3, 1, 1))

    def forward(self, films: Tensor) -> Tensor:
        return (films.expand(-1, 3, -1, -1) - self.mean) / self.std


class StandardiseFilm(nn.Module):
    """Each film less its own mean, over its own deviation: (N, 1, H, W) -> the same."""

    def forward(self, films: Tensor) -> Tensor:
        mean = films.mean((1, 2, 3), keepdim=True)
        deviation = films.std((1, 2, 3), keepdim=True, correction=0)
        return (films - mean) / deviation.clamp(min=1e-3)  # a blank film stays blank


class _Dropped(torch.autograd.Function):
    """A film's pixel is kept where 16 random bits are at least the threshold: four decisions for
    each number drawn, where torch draws one of double precision for each decision. The numbers are
    those of NumPy's SFC64, three times as fast as torch's, from a seed that torch draws."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, p: float) -> Tensor:
        n = values.numel()
        numbers = SFC64(int(torch.randint(2**63 - 1, ()))).random_raw((n + 3) // 4)
        bits = torch.from_numpy(numbers.view(np.int16))[:n]
        ones = torch.empty(n, dtype=values.dtype)
        torch.ge(bits, round(p * 2**16) - 2**15, out=ones)
        ctx.kept, ctx.scale = ones.as_strided(values.size(), values.stride()), 1 / (1 - p)
        return _scaled(values, ctx.kept, ctx.scale)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        return _scaled(gradients[0], ctx.kept, ctx.scale), None


def _scaled(values: Tensor, kept: Tensor, scale: float) -> Tensor:
    """Their product, in one pass over the memory."""
    return torch.addcmul(values.new_zeros(()), values, kept, value=scale)


class Dropout(nn.Dropout):
    """``nn.Dropout``, on a CPU several times as fast; p is rounded to 1/65,536 there."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002
        fast = input.device.type == "cpu" and input.is_contiguous(memory_format=_dense(input))
        if not (fast and self.training and 0 < self.p < 1):
            return super().forward(input)
        dropped: Tensor = _Dropped.apply(input, self.p)  # type: ignore[no-untyped-call]
        return dropped


class _Flattened(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, maps: Tensor) -> Tensor:
        ctx.shape = maps.shape
        ctx.layout = _dense(maps) if maps.is_contiguous(memory_format=_dense(maps)) else None
        return maps.flatten(1)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        gradient = gradients[0].view(ctx.shape)
        return gradient.contiguous(memory_format=ctx.layout) if ctx.layout else gradient


class Flatten(nn.Flatten):
    """``nn.Flatten``, whose gradient lies in memory as the maps do: batch norm before it takes ten
    times as long where the two differ."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002
        if not self.training:  # nothing of ours in what is exported
            return super().forward(input)
        flat: Tensor = _Flattened.apply(input)  # type: ignore[no-untyped-call]
        return flat


def _dense(values: Tensor) -> torch.memory_format:
    return torch.channels_last if values.ndim == 4 else torch.contiguous_format


FATAL = 3 << 19  # values: 3 MiB in bfloat16


class Linear(nn.Linear):
    """``nn.Linear``, without the one size of its input that ends the process.

    In bfloat16 on a processor with AMX, oneDNN 3.12 divides by zero (SIGFPE) where up to 32 rows
    fill 3 MiB: 24 films of 256 x 256 px, as the last batch of an epoch may be.
    """

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002
        if torch.is_autocast_enabled("cpu") and input.numel() == FATAL:
            return torch.cat([super(Linear, self).forward(half) for half in input.tensor_split(2)])
        return super().forward(input)


class OneSigmoid(nn.Module):
    """A linear layer to one logit z of the positive class, as the two logits (0, z).

    Softmax and cross-entropy of these are the sigmoid and the binary cross-entropy of z.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.linear = Linear(width, 1)

    def forward(self, features: Tensor) -> Tensor:
        logit = self.linear(features)
        return torch.cat([torch.zeros_like(logit), logit], dim=1)


class Probe(nn.Module):
    """A frozen trunk, its maps averaged and maximised, standardised, and a head to the classes.

    Only ``centre``, ``scale`` (D,) and ``head`` are ever set. ``head`` is made for the width D of
    the features; it is linear, and solved by ``osteon.probe``, where nothing else is said.
    """

    centre: Tensor
    scale: Tensor

    def __init__(
        self,
        normalise: nn.Module,
        trunk: nn.Module,
        n_classes: int,
        head: Callable[[int], nn.Module] | None = None,
    ) -> None:
        super().__init__()
        self.normalise = normalise
        self.trunk = trunk.requires_grad_(False).eval()
        with torch.inference_mode():
            width = self.features(torch.zeros(1, 1, 64, 64)).shape[1]
        self.register_buffer("centre", torch.zeros(width))
        self.register_buffer("scale", torch.ones(width))
        self.head = head(width) if head else nn.Linear(width, n_classes)

    def features(self, films: Tensor) -> Tensor:
        """(N, 1, H, W) -> (N, D)."""
        maps = self.trunk(self.normalise(films))
        return torch.cat([maps.mean((2, 3)), maps.amax((2, 3))], dim=1)

    def standardise(self, features: Tensor) -> None:
        """Take the centre and scale of the train films' features (N, D)."""
        self.centre.copy_(features.mean(0))
        scale = features.std(0, correction=0)
        self.scale.copy_(torch.where(scale > 0, scale, 1))  # a constant feature tells nothing

    def classify(self, features: Tensor) -> Tensor:
        """(N, D) -> (N, C) logits."""
        logits: Tensor = self.head((features - self.centre) / self.scale)
        return logits

    def forward(self, inputs: Tensor) -> Tensor:
        """Films (N, 1, H, W), or their features (N, D) where they are known, -> (N, C) logits."""
        return self.classify(inputs if inputs.ndim == 2 else self.features(inputs))

    def train(self, mode: bool = True) -> Probe:
        super().train(mode)
        self.trunk.eval()  # frozen: its batch norm keeps what it learnt on ImageNet
        return self

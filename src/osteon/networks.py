"""Modules of our own that the backbones are built from; importing this imports torch."""

from __future__ import annotations

from collections.abc import Sequence

import torch
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


class Probe(nn.Module):
    """A frozen trunk, its maps averaged and maximised, standardised, and a linear head.

    Only ``centre``, ``scale`` (D,) and ``head`` are ever set, by ``osteon.probe``.
    """

    centre: Tensor
    scale: Tensor

    def __init__(self, normalise: nn.Module, trunk: nn.Module, n_classes: int) -> None:
        super().__init__()
        self.normalise = normalise
        self.trunk = trunk.requires_grad_(False).eval()
        with torch.inference_mode():
            width = self.features(torch.zeros(1, 1, 64, 64)).shape[1]
        self.register_buffer("centre", torch.zeros(width))
        self.register_buffer("scale", torch.ones(width))
        self.head = nn.Linear(width, n_classes)

    def features(self, films: Tensor) -> Tensor:
        """(N, 1, H, W) -> (N, D)."""
        maps = self.trunk(self.normalise(films))
        return torch.cat([maps.mean((2, 3)), maps.amax((2, 3))], dim=1)

    def classify(self, features: Tensor) -> Tensor:
        """(N, D) -> (N, C) logits."""
        logits: Tensor = self.head((features - self.centre) / self.scale)
        return logits

    def forward(self, films: Tensor) -> Tensor:
        return self.classify(self.features(films))

    def train(self, mode: bool = True) -> Probe:
        super().train(mode)
        self.trunk.eval()  # frozen: its batch norm keeps what it learnt on ImageNet
        return self

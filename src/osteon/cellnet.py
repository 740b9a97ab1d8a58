"""A frozen network read cell by cell: what a small fracture tells before pooling drowns it.

Legend of shapes: N films, C classes, K channels (one for two classes, else C), h x w cells.
"""

from __future__ import annotations

from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

STRONGEST = 8  # cells that make a film's score: a fracture covers about ten at 512 px


class CellNet(nn.Module):
    """A network whose lower part, ``trunk``, is frozen, and whose head ``cells`` scores each cell.

    What the frozen part gives of a film, its ``maps``, is computed once and kept
    (``osteon.maps``); everything after it takes those maps.
    """

    normalise: nn.Module
    trunk: nn.Module
    cells: CellHead
    kept_as: Literal["float16", "float32"] = "float16"  # half the room; its classes do not feel it

    def maps(self, films: Tensor) -> tuple[Tensor, ...]:
        """(N, 1, H, W) -> what is kept of each film."""
        raise NotImplementedError

    def stages(self, *maps: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The maps of strides 8 (its maximum over each cell), 16 and 32, which the cells read."""
        raise NotImplementedError

    def joined(self, of_cells: Tensor, *_: Tensor) -> Tensor:
        """(N, C) logits of the film, of those that the cells give it and of what else is known."""
        return of_cells

    def described(self, *maps: Tensor) -> Tensor:
        """(N, D): what tells films apart, for the gate and for the nearest films."""
        raise NotImplementedError

    def classify(self, *maps: Tensor) -> Tensor:
        """(N, C) logits of maps that are known."""
        return self.joined(self.cells(*self.stages(*maps)), *maps)

    def forward(self, films: Tensor) -> Tensor:
        """(N, 1, H, W) -> (N, C) logits."""
        return self.classify(*self.maps(films))

    def train(self, mode: bool = True) -> CellNet:
        super().train(mode)
        self.trunk.eval()  # frozen: its batch norm keeps what it learnt on ImageNet
        return self


class FrozenCellNet(CellNet):
    """The mean of two log-odds: a linear head's on the pooled film, and the strongest cells'.

    The whole trunk is frozen. Its last three stages (strides 8, 16, 32) are brought to the cells of
    the middle one; a small convolutional head gives each cell one logit a channel. ``whole`` is
    solved and ``cells`` trained by ``osteon.cells``.
    """

    def __init__(self, normalise: nn.Module, trunk: nn.Module, n_classes: int, width: int) -> None:
        super().__init__()
        self.normalise = normalise
        self.trunk = trunk.requires_grad_(False).eval()
        with torch.inference_mode():
            fine, near, far, whole = self.maps(torch.zeros(1, 1, 64, 64))
        self.whole = WholeHead(whole.shape[1], n_classes)
        self.cells = CellHead((fine.shape[1], near.shape[1], far.shape[1]), n_classes, width)

    def maps(self, films: Tensor) -> tuple[Tensor, ...]:
        """The three stages, and the last maps' mean and maximum (N, D)."""
        trunk: Any = self.trunk
        last, (fine, near, far) = trunk.forward_intermediates(self.normalise(films), indices=3)
        pooled = functional.adaptive_max_pool2d(fine, near.shape[2:])
        return pooled, near, far, torch.cat([last.mean((2, 3)), last.amax((2, 3))], dim=1)

    def stages(self, *maps: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        fine, near, far, _ = maps
        return fine, near, far

    def joined(self, of_cells: Tensor, *maps: Tensor) -> Tensor:
        logits: Tensor = (self.whole(maps[3]) + of_cells) / 2
        return logits

    def described(self, *maps: Tensor) -> Tensor:
        return self.whole.standardised(maps[3])


class WholeHead(nn.Module):
    """Standardised features (N, D) -> (N, C) logits, linear."""

    centre: Tensor
    scale: Tensor

    def __init__(self, width: int, n_classes: int) -> None:
        super().__init__()
        self.register_buffer("centre", torch.zeros(width))
        self.register_buffer("scale", torch.ones(width))
        self.linear = nn.Linear(width, n_classes)

    def standardised(self, whole: Tensor) -> Tensor:
        return (whole - self.centre) / self.scale

    def forward(self, whole: Tensor) -> Tensor:
        logits: Tensor = self.linear(self.standardised(whole))
        return logits


class CellHead(nn.Module):
    """Three maps, standardised by channel, projected, summed; two separable convolutions."""

    def __init__(self, channels: tuple[int, int, int], n_classes: int, width: int) -> None:
        super().__init__()
        n_channels = 1 if n_classes == 2 else n_classes
        for at, count in enumerate(channels):
            self.register_buffer(f"centre{at}", torch.zeros(count, 1, 1))
            self.register_buffer(f"scale{at}", torch.ones(count, 1, 1))
        self.project = nn.ModuleList(nn.Conv2d(count, width, 1) for count in channels)
        self.mix = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(width, width, 3, padding=1, groups=width), nn.Conv2d(width, width, 1)
            )
            for _ in range(2)
        )
        self.out = nn.Conv2d(width, n_channels, 1)
        assert self.out.bias is not None
        nn.init.constant_(self.out.bias, -4.0)  # few cells are positive (Lin et al., ICCV 2017)
        self.slope = nn.Parameter(torch.ones(n_channels))
        self.offset = nn.Parameter(torch.full((n_channels,), 1.5))

    def standardise(self, at: int, maps: Tensor) -> None:
        """Take the centre and scale of map ``at`` from train films' (N, channels, h, w)."""
        getattr(self, f"centre{at}").copy_(maps.mean((0, 2, 3))[:, None, None])
        scale = maps.std((0, 2, 3), correction=0)[:, None, None]
        getattr(self, f"scale{at}").copy_(torch.where(scale > 0, scale, 1))

    def logits(self, *maps: Tensor) -> Tensor:
        """(N, K, h, w): of each cell."""
        size = maps[1].shape[2:]
        parts: list[Tensor] = []
        for at, (project, values) in enumerate(zip(self.project, maps, strict=True)):
            standard = (values - getattr(self, f"centre{at}")) / getattr(self, f"scale{at}")
            part: Tensor = project(standard)
            if part.shape[2:] != size:
                part = functional.interpolate(part, size=size, mode="bilinear", align_corners=False)
            parts.append(part)
        known = functional.relu(parts[0] + parts[1] + parts[2])
        for mix in self.mix:
            known = known + functional.relu(mix(known))
        cells: Tensor = self.out(known)
        return cells

    def pool(self, cells: Tensor) -> Tensor:
        """(N, K, h, w) -> (N, C): the mean of the strongest cells, whatever their place."""
        flat = cells.flatten(2)
        strongest = flat.topk(min(STRONGEST, flat.shape[2]), dim=2).values.mean(2)
        logits = self.slope * strongest + self.offset
        if logits.shape[1] == 1:
            logits = torch.cat([torch.zeros_like(logits), logits], dim=1)
        return logits

    def forward(self, *maps: Tensor) -> Tensor:
        return self.pool(self.logits(*maps))

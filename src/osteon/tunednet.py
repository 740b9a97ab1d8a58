"""A network whose upper stages learn as well, on maps of the lower ones that are computed once.

Legend of shapes: N films, C classes, h x w cells.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval

from osteon.cellnet import CellHead, CellNet
from osteon.errors import UsageError


class TunedCellNet(CellNet):
    """The strongest cells' log-odds; ``upper``, the last stages of an EfficientNet, is trained too.

    The batch norm of the upper stages is folded into their convolutions, with the statistics of
    ImageNet: a film's score does not hang on the films beside it in a batch.
    """

    kept_as = "float32"  # the stages above would magnify what rounding takes: 2e-4 of a score

    def __init__(
        self, normalise: nn.Module, trunk: nn.Module, n_classes: int, width: int, tuned_stages: int
    ) -> None:
        super().__init__()
        network: Any = trunk.eval()
        at = _stage_numbers(network)
        first = len(network.blocks) - tuned_stages
        if not at[0] < first <= at[1] + 1:
            least, most = len(network.blocks) - at[1] - 1, len(network.blocks) - at[0] - 1
            raise UsageError(
                f"backbone.tuned_stages is {tuned_stages}; of this network it must be "
                f"{least} to {most}."
            )
        self.normalise = normalise
        self.first, self.near_at = first, at[1]
        self.trunk = Lower(network, first, at[0]).requires_grad_(False)
        self.upper = nn.ModuleList(_folded(stage) for stage in network.blocks[first:])
        self.upper.requires_grad_(True).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        with torch.inference_mode():
            fine, near, far = self.stages(*self.maps(torch.zeros(1, 1, 64, 64)))
        self.cells = CellHead((fine.shape[1], near.shape[1], far.shape[1]), n_classes, width)

    def maps(self, films: Tensor) -> tuple[Tensor, ...]:
        """Of stride 8, its maximum over each cell, and the last maps that are frozen."""
        fine, last = self.trunk(self.normalise(films))
        return fine, last

    def stages(self, *maps: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        fine, known = maps
        near = known
        for at, stage in enumerate(self.upper, self.first):
            known = stage(known)
            if at == self.near_at:
                near = known
        return fine, near, known

    def described(self, *maps: Tensor) -> Tensor:
        """Mean and maximum of the last stage."""
        *_, far = self.stages(*maps)
        return torch.cat([far.mean((2, 3)), far.amax((2, 3))], dim=1)


class Lower(nn.Module):
    """The stem and the first stages: normalised films -> maps of stride 8, pooled, and the last."""

    def __init__(self, network: Any, n_stages: int, fine_at: int) -> None:
        super().__init__()
        self.stem = nn.Sequential(network.conv_stem, network.bn1)
        self.stages = nn.ModuleList(network.blocks[:n_stages])
        self.fine_at = fine_at

    def forward(self, films: Tensor) -> tuple[Tensor, Tensor]:
        known = self.stem(films)
        for at, stage in enumerate(self.stages):
            known = stage(known)
            if at == self.fine_at:
                cells = [-(-side // 2) for side in known.shape[2:]]
                fine = functional.adaptive_max_pool2d(known, cells)
        return fine, known


def _stage_numbers(network: Any) -> list[int]:
    """Of the stages that end the strides 8, 16 and 32."""
    if not all(hasattr(network, name) for name in ("conv_stem", "bn1", "blocks", "feature_info")):
        raise UsageError(
            f"{type(network).__name__} has no stages that could be tuned: backbone.model must be "
            "one of timm's EfficientNets."
        )
    return [int(each["module"].rpartition(".")[2]) for each in network.feature_info[-3:]]


def _folded(stage: nn.Module) -> nn.Module:
    """Each batch norm taken into the convolution before it; what follows the norm stays."""
    for block in [*stage.modules()]:
        for before, name in pairwise([*block._modules]):
            conv, norm = block._modules[before], block._modules[name]
            if isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                setattr(block, before, fuse_conv_bn_eval(conv, norm))
                setattr(block, name, getattr(norm, "act", nn.Identity()))
    return stage

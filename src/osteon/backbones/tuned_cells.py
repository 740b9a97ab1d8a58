"""A network whose upper stages learn, with boxes and films, which cells hold a fracture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from osteon.backbones import BACKBONES
from osteon.backbones.timm_model import normaliser, timm_net

if TYPE_CHECKING:
    from torch import nn


@BACKBONES.register("tuned_cells")
@dataclass(frozen=True, kw_only=True, slots=True)
class TunedCells:
    """The last ``tuned_stages`` of one of timm's EfficientNets are trained with a head on cells;
    the lower ones are frozen, their maps computed once.

    ``tuned_pace`` is the share of the optimiser's learning rate that the stages learn at, ``width``
    the channels of the cells' head, ``box_weight`` the weight of the cells' loss where the films
    have boxes. The network it builds is an ``osteon.tunednet.TunedCellNet``.
    """

    model: str = "tf_efficientnet_lite0"
    weights: str = "imagenet"
    tuned_stages: int = 3
    tuned_pace: float = 0.1
    width: int = 64
    box_weight: float = 1.0

    def build(self, n_classes: int) -> nn.Module:
        """Raises UsageError for a network without such stages, and for a number it has not."""
        from osteon.tunednet import TunedCellNet

        trunk = timm_net(self.model, self.weights, num_classes=0, global_pool="")
        return TunedCellNet(
            normaliser(self.model, trunk), trunk, n_classes, self.width, self.tuned_stages
        )

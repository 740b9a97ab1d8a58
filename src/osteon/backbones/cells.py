"""A frozen network with a head on its pooled features and one on the cells of its maps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from osteon.backbones import BACKBONES
from osteon.backbones.timm_model import normaliser, timm_net

if TYPE_CHECKING:
    from torch import nn


@BACKBONES.register("cells")
@dataclass(frozen=True, kw_only=True, slots=True)
class Cells:
    """A linear head on the pooled film and a small one on each cell; both trained on frozen maps.

    ``width`` is the channels of the cells' head, ``inverse_strength`` scikit-learn's C of the
    linear one, ``box_weight`` the weight of the cells' loss where the films have boxes. The
    network it builds is an ``osteon.cellnet.FrozenCellNet``.
    """

    model: str = "tf_efficientnet_lite0"
    weights: str = "imagenet"
    width: int = 64
    inverse_strength: float = 1e-3
    box_weight: float = 1.0

    def build(self, n_classes: int) -> nn.Module:
        from osteon.cellnet import FrozenCellNet

        trunk = timm_net(self.model, self.weights, num_classes=0, global_pool="")
        return FrozenCellNet(normaliser(self.model, trunk), trunk, n_classes, self.width)

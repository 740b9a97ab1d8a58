"""A frozen network with a linear head on its pooled features."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from osteon.backbones import BACKBONES
from osteon.backbones.timm_model import normaliser, timm_net

if TYPE_CHECKING:
    from torch import nn


@BACKBONES.register("linear_probe")
@dataclass(frozen=True, kw_only=True, slots=True)
class LinearProbe:
    """Features of a timm network, averaged and maximised over the film, standardised, linear.

    The network it builds is an ``osteon.networks.Probe``: only its head is ever trained.
    """

    model: str = "tf_efficientnet_lite0"
    weights: str = "imagenet"

    def build(self, n_classes: int) -> nn.Module:
        from osteon.networks import Probe

        trunk = timm_net(self.model, self.weights, num_classes=0, global_pool="")
        return Probe(normaliser(self.model, trunk), trunk, n_classes)

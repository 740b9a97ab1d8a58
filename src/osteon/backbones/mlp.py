"""A multi-layer perceptron on the pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from osteon.backbones import BACKBONES
from osteon.backbones.blocks import Activation, Init, activation_of, initialise

if TYPE_CHECKING:
    from torch import nn


@BACKBONES.register("mlp")
@dataclass(frozen=True, kw_only=True, slots=True)
class Mlp:
    """Films pooled to ``input_px`` x ``input_px``, flattened, then dense layers."""

    input_px: int = 64
    widths: tuple[int, ...] = (300, 250, 200, 150, 100)
    batch_norm: bool = True
    activation: Activation = "leaky_relu"
    dropout: float = 0.0
    init: Init = "kaiming"

    def build(self, n_classes: int) -> nn.Module:
        from torch import nn

        from osteon.networks import Dropout, Linear

        layers: list[nn.Module] = [nn.AdaptiveAvgPool2d(self.input_px), nn.Flatten()]
        before = self.input_px**2
        for width in self.widths:
            layers.append(Linear(before, width))
            if self.batch_norm:
                layers.append(nn.BatchNorm1d(width))
            layers.append(activation_of(self.activation))
            if self.dropout:
                layers.append(Dropout(self.dropout))
            before = width
        net = nn.Sequential(*layers, Linear(before, n_classes))
        initialise(net, self.init)
        return net

"""A small convolutional network, block by block."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from osteon.backbones import BACKBONES
from osteon.backbones.blocks import Activation, Init, activation_of, initialise

if TYPE_CHECKING:
    from torch import nn


@BACKBONES.register("cnn")
@dataclass(frozen=True, kw_only=True, slots=True)
class Cnn:
    """One block a number of ``channels``: convolution, batch norm, activation, spatial dropout,
    pooling; then global pooling or flattening, dense layers with dropout, and the classes.

    Flattening needs ``input_px``, the side of the films in px.
    """

    channels: tuple[int, ...] = (32, 64, 128, 256)
    kernel: int = 3
    stride: int = 1
    pool: Literal["max", "none"] = "max"
    batch_norm: bool = True
    activation: Activation = "relu"
    block_dropout: float = 0.0
    spatial_dropout: float = 0.0  # whole channels (Tompson et al., CVPR 2015)
    head: Literal["average", "flatten"] = "average"
    input_px: int = 224
    dense: tuple[int, ...] = ()
    dropout: float = 0.2  # before each dense layer
    init: Init = "kaiming"

    def build(self, n_classes: int) -> nn.Module:
        from torch import nn

        layers: list[nn.Module] = []
        before = 1
        for width in self.channels:
            layers += self._block(before, width)
            before = width
        if self.head == "average":
            layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten()]
        else:
            layers.append(nn.Flatten())
            before *= self.side_after(self.input_px) ** 2
        for width in self.dense:
            layers += [nn.Dropout(self.dropout), nn.Linear(before, width)]
            layers.append(activation_of(self.activation))
            before = width
        layers += [nn.Dropout(self.dropout), nn.Linear(before, n_classes)]
        net = nn.Sequential(*layers)
        initialise(net, self.init)
        return net

    def side_after(self, side_px: int) -> int:
        """Of films of ``side_px``, the side of the maps after all blocks; 0: nothing is left."""
        for _ in self.channels:
            side_px = (side_px + 2 * (self.kernel // 2) - self.kernel) // self.stride + 1
            side_px = side_px // 2 if self.pool == "max" else side_px
        return max(side_px, 0)

    def _block(self, before: int, width: int) -> list[nn.Module]:
        from torch import nn

        padding = self.kernel // 2
        convolution = nn.Conv2d(before, width, self.kernel, self.stride, padding)
        layers: list[nn.Module] = [convolution]
        if self.batch_norm:
            layers.append(nn.BatchNorm2d(width))
        layers.append(activation_of(self.activation))
        if self.block_dropout:
            layers.append(nn.Dropout(self.block_dropout))
        if self.spatial_dropout:
            layers.append(nn.Dropout2d(self.spatial_dropout))
        if self.pool == "max":
            layers.append(nn.MaxPool2d(2))
        return layers

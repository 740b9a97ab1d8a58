"""A small convolutional network, block by block."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from osteon.backbones import BACKBONES
from osteon.backbones.blocks import (
    Activation,
    Init,
    Output,
    activation_of,
    classes_layer,
    initialise,
)

if TYPE_CHECKING:
    from torch import nn


@BACKBONES.register("cnn")
@dataclass(frozen=True, kw_only=True, slots=True)
class Cnn:
    """One block a number of ``channels``: convolution, batch norm, activation, dropout, pooling;
    then global pooling or flattening, dense layers, each with dropout after it, and the classes.

    Flattening needs ``input_px``, the side of the films in px. A sigmoid is one output for the
    positive of two classes, where softmax has one for each.
    """

    normalise: Literal["none", "film"] = "none"  # film: each less its mean, over its deviation
    channels: tuple[int, ...] = (32, 64, 128, 256)
    kernel: int = 3
    stride: int = 1
    pool: Literal["max", "none"] = "max"
    batch_norm: Literal["blocks", "end", "none"] = "blocks"  # end: once, after all blocks
    activation: Activation = "relu"
    block_dropout: float = 0.0
    spatial_dropout: float = 0.0  # whole channels (Tompson et al., CVPR 2015)
    head: Literal["average", "flatten"] = "average"
    input_px: int = 224
    dense: tuple[int, ...] = ()
    dropout: float = 0.2  # after each dense layer; without any, before the classes
    output: Output = "softmax"
    init: Init = "kaiming"

    def build(self, n_classes: int) -> nn.Module:
        """Raises UsageError for a sigmoid and more than two classes."""
        from torch import nn

        from osteon.networks import Dropout, Flatten, Linear, StandardiseFilm

        layers: list[nn.Module] = [StandardiseFilm()] if self.normalise == "film" else []
        before = 1
        for width in self.channels:
            layers += self._block(before, width)
            before = width
        if self.batch_norm == "end":
            layers.append(nn.BatchNorm2d(before))
        if self.head == "average":
            layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten()]
        else:
            layers.append(Flatten())
            before *= self.side_after(self.input_px) ** 2
        for width in self.dense:
            layers += [Linear(before, width), activation_of(self.activation)]
            layers.append(Dropout(self.dropout))
            before = width
        if not self.dense:
            layers.append(Dropout(self.dropout))
        layers.append(classes_layer(before, n_classes, self.output))
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

        from osteon.networks import Dropout

        padding = self.kernel // 2
        convolution = nn.Conv2d(before, width, self.kernel, self.stride, padding)
        layers: list[nn.Module] = [convolution]
        if self.batch_norm == "blocks":
            layers.append(nn.BatchNorm2d(width))
        dropped: list[nn.Module] = [Dropout(self.block_dropout)] if self.block_dropout else []
        if self.spatial_dropout:
            dropped.append(nn.Dropout2d(self.spatial_dropout))
        pool = [nn.MaxPool2d(2)] if self.pool == "max" else []
        # An activation that rises keeps the order of the pixels: pooled first, it has a quarter of
        # them to do, with the very same result. Dropout between them has to stay there.
        active = activation_of(self.activation, in_place=True)
        return [*layers, active, *dropped, *pool] if dropped else [*layers, *pool, active]

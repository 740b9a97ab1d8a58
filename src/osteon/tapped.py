"""A network that also gives its last features, as an exported one does."""

from __future__ import annotations

from torch import Tensor, nn

from osteon.cellnet import CellNet
from osteon.errors import UsageError
from osteon.networks import Probe


class Tapped(nn.Module):
    """(N, 1, S, S) films in [0, 1] -> (N, C) logits and (N, D) what goes into the last layer."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net
        self.last = None if isinstance(net, Probe | CellNet) else _last_linear(net)

    def forward(self, films: Tensor) -> tuple[Tensor, Tensor]:
        if isinstance(self.net, Probe):
            features = (self.net.features(films) - self.net.centre) / self.net.scale
            return self.net.head(features), features
        if isinstance(self.net, CellNet):
            maps = self.net.maps(films)
            return self.net.classify(*maps), self.net.described(*maps)
        seen: list[Tensor] = []
        assert self.last is not None
        hook = self.last.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
        try:
            logits = self.net(films)
        finally:
            hook.remove()
        return logits, seen[-1].flatten(1)


def _last_linear(net: nn.Module) -> nn.Module:
    """Raises UsageError for a network without one."""
    layers = [module for module in net.modules() if isinstance(module, nn.Linear)]
    if not layers:
        raise UsageError("This network has no linear layer at its end: it cannot be exported.")
    return layers[-1]

"""Maps of what in a film speaks for a class, one method a file: a dropped-in file registers itself.

Legend of shapes: N films, H height and W width in px, h and w of a network's last maps.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from osteon.registry import Registry

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor, nn

    Maps = NDArray[np.float32]

# Network in evaluation mode, films (N, 1, H, W) in [0, 1], class -> maps (N, H, W), finite, at
# least 0: the higher, the more this place speaks for the class. UsageError where the method does
# not apply to the network.
Explainer = Callable[["nn.Module", "Tensor", int], "Maps"]


def _to_any(net: nn.Module) -> bool:  # noqa: ARG001
    return True


@dataclass(frozen=True, kw_only=True, slots=True)
class Method:
    """An explainer, what a reader must know of it, and what it costs."""

    title: str
    source: str  # the publication that it is from
    explain: Explainer
    passes: int  # through the network for one film, about; a pass back counts as two
    looks_at_network: bool = True  # False: a baseline, which every other method must beat
    applies: Callable[[nn.Module], bool] = _to_any  # False: it is not even named for this network


EXPLAINERS: Registry[Method] = Registry("explainer", package="osteon.explainers")


def methods(net: nn.Module | None = None) -> tuple[str, ...]:
    """The names of those that explain a network, or this one, the cheapest first."""
    found = [
        (method.passes, name)
        for name, method in EXPLAINERS.items()
        if method.looks_at_network and (net is None or method.applies(net))
    ]
    return tuple(name for _, name in sorted(found))


def baselines() -> tuple[str, ...]:
    """The names of those that never look at the network."""
    return tuple(name for name, method in EXPLAINERS.items() if not method.looks_at_network)

"""A baseline: the middle of the film, whatever is on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from osteon.explainers import EXPLAINERS, Method

if TYPE_CHECKING:
    from torch import Tensor, nn

    from osteon.explainers import Maps

WIDTH = 0.25  # standard deviation in sides of the film


def centre(net: nn.Module, films: Tensor, target: int) -> Maps:  # noqa: ARG001
    """A Gaussian in the middle of the square; fractures are mostly where the film was aimed at."""
    rows, columns = (
        np.exp(-(((np.arange(side) + 0.5) / side - 0.5) ** 2) / (2 * WIDTH**2))
        for side in films.shape[2:]
    )
    one = np.outer(rows, columns).astype(np.float32)
    return np.repeat(one[None], len(films), axis=0)


EXPLAINERS.register("centre")(
    Method(
        title="the middle of the film",
        source="centre bias: Tatler, J Vis 7(14):4 (2007)",
        explain=centre,
        passes=0,
        looks_at_network=False,
    )
)

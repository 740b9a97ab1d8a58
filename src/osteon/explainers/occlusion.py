"""Occlusion: how much the answer falls when a window of the film is blurred."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from osteon.explainers import EXPLAINERS, Method

if TYPE_CHECKING:
    from torch import Tensor, nn

    from osteon.explainers import Maps

WINDOWS = 7  # along a side; neighbours overlap by half


def occlusion(net: nn.Module, films: Tensor, target: int) -> Maps:
    """The mean fall of the log-odds over all blurred windows that hold a pixel; rises count 0."""
    import torch
    from captum.attr import Occlusion

    from osteon.explainers.forward import LogOdds, blurred, in_batches

    occluded = Occlusion(LogOdds(net, target))
    side = films.shape[-1]
    stride = math.ceil(side / (WINDOWS + 1))
    window = min(2 * stride, side)

    @torch.no_grad()
    def explain(few: Tensor) -> Tensor:
        found: Tensor = occluded.attribute(
            few, sliding_window_shapes=(1, window, window), strides=(1, stride, stride),
            baselines=blurred(few), perturbations_per_eval=1,
        )  # fmt: skip
        return found

    return in_batches(films, explain)


EXPLAINERS.register("occlusion")(
    Method(
        title="occlusion",
        source="Zeiler and Fergus, Proc ECCV, LNCS 8689:818 (2014)",
        explain=occlusion,
        passes=WINDOWS**2 + 1,
    )
)

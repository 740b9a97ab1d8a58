"""A baseline: the film's own edges."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from osteon.explainers import EXPLAINERS, Method

if TYPE_CHECKING:
    from torch import Tensor, nn

    from osteon.explainers import Maps

SMOOTHED = 0.02  # sides of the film, as for integrated gradients


def edges(net: nn.Module, films: Tensor, target: int) -> Maps:  # noqa: ARG001
    """The strength of the film's gradient, smoothed by 2 % of the side.

    What every map that multiplies by the film looks like: Adebayo et al., Adv Neural Inf Process
    Syst 31 (2018), compare with an edge detector.
    """
    import cv2

    made = []
    for film in films.detach().cpu().numpy()[:, 0]:
        across, down = (cv2.Sobel(film, cv2.CV_32F, dx, 1 - dx) for dx in (1, 0))
        sigma = SMOOTHED * film.shape[1]
        made.append(cv2.GaussianBlur(np.hypot(across, down), (0, 0), sigma))
    return np.stack(made).astype(np.float32)


EXPLAINERS.register("edges")(
    Method(
        title="the film's edges",
        source="Adebayo et al., Adv Neural Inf Process Syst 31 (2018)",
        explain=edges,
        passes=0,
        looks_at_network=False,
    )
)

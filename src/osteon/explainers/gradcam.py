"""Grad-CAM: the last maps, weighed by their mean gradient."""

from __future__ import annotations

from typing import TYPE_CHECKING

from osteon.explainers import EXPLAINERS, Method

if TYPE_CHECKING:
    from torch import Tensor, nn

    from osteon.explainers import Maps


def gradcam(net: nn.Module, films: Tensor, target: int) -> Maps:
    """Each of the last maps times its mean gradient, summed, the positive part, scaled up.

    Raises UsageError for a network without last maps.
    """
    from captum.attr import LayerAttribution, LayerGradCam

    from osteon.explainers.forward import LogOdds, in_batches, last_maps

    cam = LayerGradCam(LogOdds(net, target), last_maps(net, films[:1]))
    size = tuple(films.shape[2:])

    def explain(few: Tensor) -> Tensor:
        coarse = cam.attribute(few, relu_attributions=True)
        up: Tensor = LayerAttribution.interpolate(coarse, size, "bilinear")
        return up

    return in_batches(films, explain)


EXPLAINERS.register("gradcam")(
    Method(
        title="Grad-CAM",
        source="Selvaraju et al., Int J Comput Vis 128:336 (2020)",
        explain=gradcam,
        passes=2,
    )
)

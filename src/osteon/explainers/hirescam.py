"""HiResCAM: the last maps, each place weighed by its own gradient."""

from __future__ import annotations

from typing import TYPE_CHECKING

from osteon.explainers import EXPLAINERS, Method

if TYPE_CHECKING:
    from torch import Tensor, nn

    from osteon.explainers import Maps


def hirescam(net: nn.Module, films: Tensor, target: int) -> Maps:
    """The last maps times their gradients, place by place, summed, the positive part, scaled up.

    Where one linear layer follows the last maps, it is exactly what each place adds to the answer.
    Raises UsageError for a network without last maps.
    """
    from captum.attr import LayerAttribution, LayerGradientXActivation

    from osteon.explainers.forward import LogOdds, in_batches, last_maps

    product = LayerGradientXActivation(LogOdds(net, target), last_maps(net, films[:1]))
    size = tuple(films.shape[2:])

    def explain(few: Tensor) -> Tensor:
        coarse = product.attribute(few).sum(1, keepdim=True).clamp(min=0)
        up: Tensor = LayerAttribution.interpolate(coarse, size, "bilinear")
        return up

    return in_batches(films, explain)


EXPLAINERS.register("hirescam")(
    Method(
        title="HiResCAM",
        source="Draelos and Carin, arXiv 2011.08891 (2020)",
        explain=hirescam,
        passes=2,
    )
)

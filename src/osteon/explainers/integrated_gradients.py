"""Integrated gradients: the gradient along the way from a film without detail to the film."""

from __future__ import annotations

from typing import TYPE_CHECKING

from osteon.explainers import EXPLAINERS, Method

if TYPE_CHECKING:
    from torch import Tensor, nn

    from osteon.explainers import Maps

STEPS = 16
SMOOTHED = 0.02  # sides of the film: single pixels are noise


def integrated_gradients(net: nn.Module, films: Tensor, target: int) -> Maps:
    """The positive attributions, smoothed by 2 % of the side."""
    from osteon.explainers.forward import in_batches, smoothed

    def explain(few: Tensor) -> Tensor:
        return smoothed(attributions(net, few, target)[0].clamp(min=0), SMOOTHED)

    return in_batches(films, explain)


def attributions(
    net: nn.Module, films: Tensor, target: int, steps: int = STEPS
) -> tuple[Tensor, Tensor]:
    """What each pixel (N, 1, H, W) adds to the log-odds, and (N,) by how much their sum misses the
    difference between the film and its blurred self."""
    from captum.attr import IntegratedGradients

    from osteon.explainers.forward import AT_ONCE, LogOdds, blurred

    gradients = IntegratedGradients(LogOdds(net, target))
    found: tuple[Tensor, Tensor] = gradients.attribute(
        films,
        baselines=blurred(films),
        n_steps=steps,
        internal_batch_size=AT_ONCE,
        return_convergence_delta=True,
    )
    return found


EXPLAINERS.register("integrated_gradients")(
    Method(
        title="integrated gradients",
        source="Sundararajan et al., Proc ICML, PMLR 70:3319 (2017)",
        explain=integrated_gradients,
        passes=3 * STEPS,
    )
)

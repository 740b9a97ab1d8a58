"""The cells' own scores, of a network that scores them: no gradient stands between."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn import functional

from osteon.cellnet import CellNet
from osteon.errors import UsageError
from osteon.explainers import EXPLAINERS, Method

if TYPE_CHECKING:
    from torch import Tensor, nn

    from osteon.explainers import Maps


def scores_cells(net: nn.Module) -> bool:
    return isinstance(net, CellNet)


def cells(net: nn.Module, films: Tensor, target: int) -> Maps:
    """Each cell's probability of the class, scaled up; of two classes, 1 less that of the other.

    Raises UsageError for a network that scores no cells.
    """
    from osteon.explainers.forward import in_batches

    if not isinstance(net, CellNet):
        raise UsageError(
            "The network scores no cells: its recipe is neither strong nor "
            "strong-finetuned. Use --methods gradcam,hirescam."
        )
    size = tuple(films.shape[2:])

    @torch.no_grad()
    def explain(few: Tensor) -> Tensor:
        found = torch.sigmoid(net.cells.logits(*net.stages(*net.maps(few))))
        one_channel = found.shape[1] == 1
        of_class = found if one_channel else found[:, target : target + 1]
        if one_channel and target == 0:
            of_class = 1 - found
        return functional.interpolate(of_class, size=size, mode="bilinear", align_corners=False)

    return in_batches(films, explain)


EXPLAINERS.register("cells")(
    Method(
        title="the cells' scores",
        source="Oquab et al., Proc CVPR (2015), 685",
        explain=cells,
        passes=1,
        applies=scores_cells,
    )
)

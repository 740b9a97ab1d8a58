"""What moves the scores in 8 bits stays whole."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")

import onnx
import torch
from torch import nn

from osteon import quantise
from osteon.openvino_net import quiet
from osteon.quantise import quantised
from osteon.runtimes import Network, open_runtime

if TYPE_CHECKING:
    from numpy.typing import NDArray

SIDE_PX = 24


class Net(nn.Module):
    """Four convolutions; of the second, one channel in sixteen is a thousand times the others, so
    that 8 bits for its input lose them."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        sizes = ((1, 16), (16, 16), (16, 16), (16, 8))
        self.layers = nn.ModuleList(nn.Conv2d(i, o, 3, padding=1, bias=False) for i, o in sizes)
        self.head = nn.Linear(8, 2)
        with torch.no_grad():
            first = self.layers[0]
            assert isinstance(first, nn.Conv2d)
            first.weight[0] *= 1000
            second = self.layers[1]
            assert isinstance(second, nn.Conv2d)
            second.weight[:, 0] /= 1000

    def forward(self, films: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        for layer in self.layers:
            films = torch.relu(layer(films))
        features = films.mean((2, 3))
        return self.head(features), features


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("net") / "whole.onnx"
    with quiet(), torch.no_grad():
        torch.onnx.export(
            Net().eval(), (torch.rand(2, 1, SIDE_PX, SIDE_PX),), str(path), dynamo=True,
            external_data=False, verbose=False, dynamic_shapes=({0: torch.export.Dim("n")},),
            input_names=["films"], output_names=["logits", "features"],
        )  # fmt: skip
    return path


@pytest.fixture(scope="module")
def films() -> NDArray[np.uint8]:
    rng = np.random.default_rng(0)
    bright = rng.integers(20, 256, (40, 1, 1))
    return (rng.random((40, SIDE_PX, SIDE_PX)) * bright).astype(np.uint8)


def logits(path: Path, films: NDArray[np.uint8]) -> NDArray[np.float32]:
    network = Network(onnx=path, size_px=SIDE_PX, digest="", expected=())
    runtime = open_runtime("onnxruntime", network)
    return np.stack([runtime.infer(film)[0] for film in films])


def in_8_bits(path: Path) -> list[int]:
    """The numbers of the convolutions whose weights were rounded."""
    graph = onnx.load(path).graph
    rounded = {node.output[0] for node in graph.node if node.op_type == "DequantizeLinear"}
    nodes = [node for node in graph.node if node.op_type == "Conv"]
    return [at for at, node in enumerate(nodes) if node.input[1] in rounded]


def test_the_convolution_that_loses_most_stays_whole(
    whole: Path, films: NDArray[np.uint8], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quantise, "MOST_MOVED", 0.1)  # noise of so small a network is loud
    made = quantised(whole, tmp_path / "made.onnx", iter(films[:24]))
    assert in_8_bits(made) == [2]  # first and last are whole anyway
    monkeypatch.setattr(quantise, "MOST_MOVED", 1e9)
    careless = quantised(whole, tmp_path / "careless.onnx", films[:24])
    assert in_8_bits(careless) == [1, 2]
    fresh = films[24:]
    truth = logits(whole, fresh)
    off, careless_off = (np.abs(logits(path, fresh) - truth).max() for path in (made, careless))
    assert off < 0.1 * truth.std(axis=0).max()
    assert off < careless_off / 3

    kinds = {each.data_type for each in onnx.load(made).graph.initializer}
    assert onnx.TensorProto.INT8 in kinds  # weights are bytes

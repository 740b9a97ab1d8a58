"""The fast engine gives torch's scores, or is not used."""

from __future__ import annotations

import contextlib
import io
import sys

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from osteon.backbones.cnn import Cnn
from osteon.backbones.linear_probe import LinearProbe
from osteon.batches import probabilities
from osteon.engine import TOLERANCE, fast_engine, parity, torch_engine
from osteon.openvino_alone import load_openvino
from osteon.progress import shown


def films_of(size_px: int, n: int = 7) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return np.random.default_rng(1).integers(0, 256, (n, size_px, size_px), dtype=np.uint8)


def said_by(net: nn.Module, size_px: int) -> tuple[str, str]:
    """Name of the engine, and what was said of it."""
    heard = io.StringIO()
    with contextlib.redirect_stderr(heard), shown():
        name = fast_engine(net, size_px).name
    return name, heard.getvalue()


def small_net(classes: int = 3) -> nn.Module:
    torch.manual_seed(0)
    return Cnn(channels=(4, 8), dense=(8,), dropout=0.3).build(classes).eval()


def test_torch_scores_as_the_network_does_in_parts() -> None:
    net, films = small_net(), films_of(24, 37)
    with torch.inference_mode():
        whole = probabilities(net(torch.from_numpy(films)[:, None].float() / 255))
    assert torch_engine(net).score(films) == pytest.approx(whole, abs=1e-6)


def test_openvino_gives_torchs_scores() -> None:
    pytest.importorskip("openvino")
    net, films = small_net(), films_of(24, 37)
    fast = fast_engine(net, 24)
    assert fast.name == "openvino"
    for some in (films, films[:1], films[5:9]):  # again, and in any number
        assert np.abs(fast.score(some) - torch_engine(net).score(some)).max() < TOLERANCE
    assert fast.score(films).sum(1) == pytest.approx(1)


@pytest.mark.slow
@pytest.mark.parametrize("size_px", [96, 224])
def test_openvino_gives_torchs_scores_of_the_default_network(size_px: int) -> None:
    pytest.importorskip("openvino")
    torch.manual_seed(0)
    net = LinearProbe().build(2).eval()
    fast = fast_engine(net, size_px)
    assert fast.name == "openvino"
    assert parity(fast, torch_engine(net), size_px) < TOLERANCE


def test_without_openvino_torch_scores_and_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)
    name, said = said_by(small_net(), 24)
    assert name == "torch"
    assert 'pip install "osteon[fast]"' in said


class Branching(nn.Module):
    """No graph can hold what hangs on the film itself."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1))

    def forward(self, films: Tensor) -> Tensor:
        if float(films.mean()) > 0.5:
            return self.weight * films.flatten(1)[:, :2]
        return -self.weight * films.flatten(1)[:, :2]


def test_a_network_that_openvino_cannot_take_is_scored_by_torch() -> None:
    pytest.importorskip("openvino")
    name, said = said_by(Branching(), 8)
    assert name == "torch"
    assert "OpenVINO cannot take this network" in said


def test_an_engine_that_differs_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("openvino")
    monkeypatch.setattr("osteon.engine.TOLERANCE", -1.0)
    name, said = said_by(small_net(), 24)
    assert name == "torch"
    assert "OpenVINO's scores differ" in said


def test_making_an_engine_sends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """OpenVINO's converter reports its use over the network: it is never called."""
    load_openvino()
    tools = pytest.importorskip("openvino.tools.ovc.convert_impl")

    def refused(*args: object, **options: object) -> None:
        raise AssertionError("telemetry was asked for")

    monkeypatch.setattr(tools, "init_mo_telemetry", refused, raising=False)
    monkeypatch.setattr("openvino.tools.ovc.telemetry_utils.init_telemetry_class", refused)
    assert fast_engine(small_net(), 24).name == "openvino"

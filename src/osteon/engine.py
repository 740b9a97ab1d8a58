"""Scores of many films, fast: OpenVINO on a CPU where it is installed, else torch itself.

An engine is only used after it has given the scores of torch on films of its own, to 1e-4.

Legend of shapes: N films, C classes, S the side of a prepared film.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch
from torch import nn

from osteon.batches import probabilities
from osteon.parallel import default_workers
from osteon.progress import say

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from osteon.types import Floats

TOLERANCE = 1e-4  # of a probability
AT_ONCE = 16
FILMS_COMPARED = 4


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Engine:
    """``score`` takes prepared films (N, S, S) uint8 and gives (N, C) probabilities."""

    name: Literal["openvino", "torch"]
    score: Callable[[NDArray[np.uint8]], Floats]


def torch_engine(net: nn.Module) -> Engine:
    """The network as it is, on the device where it lies."""
    net = net.eval()
    device = next(net.parameters()).device

    @torch.inference_mode()
    def score(films: NDArray[np.uint8]) -> Floats:
        parts = [
            probabilities(net(torch.from_numpy(films[at : at + AT_ONCE]).to(device)[:, None] / 255))
            for at in range(0, len(films), AT_ONCE)
        ]
        return np.concatenate(parts)

    return Engine(name="torch", score=score)


def fast_engine(net: nn.Module, size_px: int) -> Engine:
    """The fastest engine at hand for films of ``size_px``; it says so where that is torch alone.

    OpenVINO (extra ``fast``, Apache-2.0) is tried on a CPU, in float32.
    """
    eager = torch_engine(net)
    if next(net.parameters()).device.type != "cpu":
        return eager
    try:
        import openvino  # noqa: F401
    except ImportError:
        say('scored by torch; several times as fast: pip install "osteon[fast]"')
        return eager
    try:
        made = _openvino_engine(net, size_px)
    except (RuntimeError, ValueError, TypeError, NotImplementedError) as error:
        say(f"scored by torch: OpenVINO cannot take this network ({_first_line(error)})")
        return eager
    apart = parity(made, eager, size_px)
    if not apart <= TOLERANCE:
        say(f"scored by torch: OpenVINO's scores differ by {apart:.1e}, above {TOLERANCE:g}")
        return eager
    return made


def parity(one: Engine, other: Engine, size_px: int) -> float:
    """The largest difference of two engines' scores on films made for it: smooth, and noisy."""
    rng = np.random.default_rng(0)
    films = rng.integers(0, 256, (FILMS_COMPARED, size_px, size_px), dtype=np.uint8)
    slope = np.linspace(0, 1, size_px)
    films[1:] = (films[1:] * np.linspace(0, 0.3, FILMS_COMPARED - 1)[:, None, None]).astype(
        np.uint8
    ) + (150 * np.outer(slope, np.sin(9 * slope) ** 2)).astype(np.uint8)
    return float(np.abs(one.score(films) - other.score(films)).max())


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return (lines[0] if lines else type(error).__name__)[:120]


def _openvino_engine(net: nn.Module, size_px: int) -> Engine:
    queue = _queue(net, size_px)

    def score(films: NDArray[np.uint8]) -> Floats:
        return probabilities(torch.from_numpy(_answers(queue, films)))

    return Engine(name="openvino", score=score)


def _queue(net: nn.Module, size_px: int) -> Any:
    from openvino import AsyncInferQueue, Core

    # Without the hint it would compute in bfloat16 where the processor can.
    wanted = {
        "PERFORMANCE_HINT": "THROUGHPUT",
        "INFERENCE_PRECISION_HINT": "f32",
        "INFERENCE_NUM_THREADS": default_workers(),
    }
    return AsyncInferQueue(Core().compile_model(_openvino_model(net, size_px), "CPU", wanted))


def _answers(queue: Any, films: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(N, ...): what the network gives for each film."""
    found: dict[int, NDArray[np.float32]] = {}
    queue.set_callback(lambda done, at: found.__setitem__(at, done.get_output_tensor().data.copy()))
    for at, film in enumerate(films):
        # Divided as ``osteon.batches.films_of`` does, to the same floats.
        queue.start_async([film[None, None].astype(np.float32) / np.float32(255)], at)
    queue.wait_all()
    return np.concatenate([found[at] for at in range(len(films))])


def _openvino_model(net: nn.Module, size_px: int) -> object:
    """OpenVINO's own ``convert_model`` is not called: it sends usage figures over the network."""
    from openvino.frontend import FrontEndManager
    from openvino.frontend.pytorch.fx_decoder import TorchFXPythonDecoder

    with _quiet(), torch.no_grad():
        film = torch.zeros(1, 1, size_px, size_px)
        exported = torch.export.export(net.eval(), (film,))
        frontend = FrontEndManager().load_by_framework("pytorch")
        decoder = TorchFXPythonDecoder.from_exported_program(exported)
        model = frontend.convert(frontend.load(decoder))
    model.reshape([1, 1, size_px, size_px])
    return model


@contextmanager
def _quiet() -> Iterator[None]:
    """torch warns of its own deprecations while it exports, and logs what is no fault of ours."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


def rows_of(net: nn.Module, size_px: int) -> Callable[[NDArray[np.uint8]], NDArray[np.float32]]:
    """What ``net`` gives for prepared films (N, S, S): its rows (N, L), by OpenVINO on a CPU where
    that is installed, else by torch."""
    device = next(net.parameters()).device
    net = net.eval()

    @torch.inference_mode()
    def by_torch(films: NDArray[np.uint8]) -> NDArray[np.float32]:
        rows = net(torch.from_numpy(np.asarray(films)).to(device)[:, None].float() / 255)
        told: NDArray[np.float32] = rows.cpu().numpy()
        return told

    if device.type != "cpu":
        return by_torch
    try:
        queue = _queue(net, size_px)
    except (ImportError, RuntimeError, ValueError, TypeError, NotImplementedError) as error:
        say(f"computed by torch: OpenVINO cannot take this network ({_first_line(error)})")
        return by_torch
    return lambda films: _answers(queue, films)

"""Scores of many films, fast: OpenVINO on a CPU where it is installed, else torch itself.

An engine is only used after it has given the scores of torch on films of its own, to 1e-4.

Legend of shapes: N films, C classes, S the side of a prepared film.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch
from torch import nn

from osteon.batches import probabilities
from osteon.features import LIKENESS, likeness
from osteon.openvino_alone import load_openvino
from osteon.openvino_net import FAULTS, compiled, first_line
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
        load_openvino()
    except ImportError:
        say('scored by torch; several times as fast: pip install "osteon[fast]"')
        return eager
    try:
        made = _openvino_engine(net, size_px)
    except FAULTS as error:
        say(f"scored by torch: OpenVINO cannot take this network ({first_line(error)})")
        return eager
    apart = parity(made, eager, size_px)
    if not apart <= TOLERANCE:
        say(f"scored by torch: OpenVINO's scores differ by {apart:.1e}, above {TOLERANCE:g}")
        return eager
    return made


def parity(one: Engine, other: Engine, size_px: int) -> float:
    """The largest difference of two engines' scores on films made for it: smooth, and noisy."""
    films = films_made(size_px)
    return float(np.abs(one.score(films) - other.score(films)).max())


def films_made(size_px: int) -> NDArray[np.uint8]:
    """(FILMS_COMPARED, S, S): noise, and smooth ones with ever more noise."""
    rng = np.random.default_rng(0)
    films = rng.integers(0, 256, (FILMS_COMPARED, size_px, size_px), dtype=np.uint8)
    slope = np.linspace(0, 1, size_px)
    films[1:] = (films[1:] * np.linspace(0, 0.3, FILMS_COMPARED - 1)[:, None, None]).astype(
        np.uint8
    ) + (150 * np.outer(slope, np.sin(9 * slope) ** 2)).astype(np.uint8)
    return films


def _openvino_engine(net: nn.Module, size_px: int) -> Engine:
    outputs = compiled(net, size_px)

    def score(films: NDArray[np.uint8]) -> Floats:
        return probabilities(torch.from_numpy(outputs(films)))

    return Engine(name="openvino", score=score)


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
        fast = compiled(net, size_px)
    except (ImportError, *FAULTS) as error:
        say(f"computed by torch: OpenVINO cannot take this network ({first_line(error)})")
        return by_torch
    made = films_made(size_px)[-1:]
    apart = likeness(fast(made), by_torch(made))
    if not apart >= LIKENESS:
        say(f"computed by torch: OpenVINO's have a cosine of {apart:.5f}, below {LIKENESS}")
        return by_torch
    return fast

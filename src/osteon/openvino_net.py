"""A torch network compiled by OpenVINO (extra ``fast``, Apache-2.0) for a CPU, in float32.

Legend of shapes: N films, S the side of a prepared film, K outputs.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

from osteon.openvino_alone import load_openvino
from osteon.parallel import default_workers

if TYPE_CHECKING:
    from numpy.typing import NDArray

FAULTS = (RuntimeError, ValueError, TypeError, NotImplementedError)  # of a net it cannot take

Outputs = Callable[["NDArray[np.uint8]"], "NDArray[np.float32]"]


def compiled(net: nn.Module, size_px: int) -> Outputs:
    """A function of prepared films (N, S, S) that gives the network's outputs (N, K), film by film:
    of a film they are the same whatever films are beside it.

    Raises ImportError without OpenVINO, one of FAULTS where it cannot take the network.
    """
    openvino = load_openvino()
    # Without the hint it would compute in bfloat16 where the processor can.
    wanted = {
        "PERFORMANCE_HINT": "THROUGHPUT",
        "INFERENCE_PRECISION_HINT": "f32",
        "INFERENCE_NUM_THREADS": default_workers(),
    }
    model = openvino.Core().compile_model(_model(net, size_px), "CPU", wanted)
    queue = openvino.AsyncInferQueue(model)

    def outputs(films: NDArray[np.uint8]) -> NDArray[np.float32]:
        made: dict[int, NDArray[np.float32]] = {}
        queue.set_callback(
            lambda done, at: made.__setitem__(at, done.get_output_tensor().data.copy())
        )
        for at, film in enumerate(films):
            # Divided as ``osteon.batches.films_of`` does, to the same floats.
            queue.start_async([film[None, None].astype(np.float32) / np.float32(255)], at)
        queue.wait_all()
        return np.concatenate([made[at] for at in range(len(films))])

    return outputs


def first_line(error: Exception) -> str:
    """What an error says, in a few words."""
    lines = str(error).strip().splitlines()
    return (lines[0] if lines else type(error).__name__)[:120]


def _model(net: nn.Module, size_px: int) -> object:
    """OpenVINO's own ``convert_model`` is not called: it sends usage figures over the network."""
    from openvino.frontend import FrontEndManager
    from openvino.frontend.pytorch.fx_decoder import TorchFXPythonDecoder

    with quiet(), torch.no_grad():
        film = torch.zeros(1, 1, size_px, size_px)
        exported = torch.export.export(net.eval(), (film,))
        frontend = FrontEndManager().load_by_framework("pytorch")
        decoder = TorchFXPythonDecoder.from_exported_program(exported)
        model = frontend.convert(frontend.load(decoder))
    model.reshape([1, 1, size_px, size_px])
    return model


@contextmanager
def quiet() -> Iterator[None]:
    """torch warns of its own deprecations while it exports, and logs what is no fault of ours."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)

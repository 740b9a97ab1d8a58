"""A network in 8 bits, and whether it ranks films as the whole one does."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from osteon.errors import MissingExtra
from osteon.progress import track
from osteon.runtimes import Network, as_input, open_runtime

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from osteon.types import Estimate, Floats, Predictions

AUROC_LOSS = 0.005  # at most, by the whole paired interval
IN_8_BITS = ["Conv", "Add", "Clip", "Relu"]
SHOWN = 16  # films on which each convolution is tried alone
MOST_MOVED = 0.03  # of the spread of the logits: what moves them more stays whole


def quantised(whole: Path, path: Path, films: Iterable[NDArray[np.uint8]]) -> Path:
    """Write the network of ``whole`` with convolutions in 8 bits, weights by channel; the ranges of
    activations are those seen on ``films`` (S, S).

    A convolution whose 8-bit form alone moves the logits by more than 3 % of their spread over
    these films stays whole, and so do the first and the last. Of lite0 on FracAtlas those are six
    of 49, most of them in the first two blocks; they made nine tenths of the noise.

    Raises MissingExtra without ONNX Runtime, whose static quantisation this is.
    """
    from osteon.onnxruntime_alone import load_onnxruntime

    try:
        load_onnxruntime()
        from onnxruntime.quantization.shape_inference import quant_pre_process
    except ImportError:
        raise MissingExtra("An int8 bundle", "export") from None
    from osteon.openvino_net import quiet

    seen = list(films)
    with tempfile.TemporaryDirectory() as folder, quiet():
        ready = Path(folder) / "ready.onnx"
        quant_pre_process(str(whole), str(ready), skip_symbolic_shape=True)
        _quantise(ready, path, seen, [])  # which also writes down the ranges
        _quantise(ready, path, seen, _ends(ready) + _sensitive(ready, seen))
    return path


def _quantise(
    ready: Path,
    path: Path,
    films: Sequence[NDArray[np.uint8]],
    left_whole: list[str],
    only: Sequence[str] = (),
) -> None:
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static

    quantize_static(
        str(ready), str(path), _reader(films), quant_format=QuantFormat.QDQ,
        op_types_to_quantize=IN_8_BITS, per_channel=True, activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8, nodes_to_quantize=[*only], nodes_to_exclude=left_whole,
        calibration_cache_path=str(ready.with_name("ranges.json")),
    )  # fmt: skip


def _ends(path: Path) -> list[str]:
    """The first and the last convolution. On FracAtlas they were most of the loss: AUROC on
    validation -0.007 in 8 bits throughout, -0.001 with whole ends."""
    nodes = _convolutions(path)
    return [nodes[0], nodes[-1]] if len(nodes) > 2 else []


def _sensitive(ready: Path, films: Sequence[NDArray[np.uint8]]) -> list[str]:
    """The convolutions that, alone in 8 bits, move the logits by more than MOST_MOVED."""
    import numpy as np

    some = films[:: max(1, len(films) // SHOWN)][:SHOWN]
    expected = _logits(ready, some)
    spread = float(expected.std(axis=0).max())
    alone = ready.with_name("alone.onnx")
    nodes, found = _convolutions(ready), []
    for name in track(nodes, "convolutions in 8 bits", len(nodes)):
        _quantise(ready, alone, films, [], [name])
        moved = float(np.sqrt(np.square(_logits(alone, some) - expected).mean()))
        if moved > MOST_MOVED * spread:
            found.append(name)
    return found


def _convolutions(path: Path) -> list[str]:
    import onnx

    return [node.name for node in onnx.load(path).graph.node if node.op_type == "Conv"]


def _logits(path: Path, films: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
    """(n, C), each film's less their mean: what all classes share changes no score."""
    import numpy as np

    network = Network(onnx=path, size_px=films[0].shape[0], digest="", expected=())
    runtime = open_runtime("onnxruntime", network)
    logits = np.stack([runtime.infer(film)[0] for film in films])
    own: NDArray[np.float32] = logits - logits.mean(axis=1, keepdims=True)
    return own


def _reader(films: Iterable[NDArray[np.uint8]]) -> Any:
    from onnxruntime.quantization import CalibrationDataReader

    class Reader(CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            self.waiting: Iterator[Any] = ({"films": as_input(film)} for film in films)

        def get_next(self) -> Any:
            return next(self.waiting, None)

    return Reader()


def auroc_change(val: Predictions, scores: Floats) -> Estimate:
    """AUROC of ``scores`` less that of the run's own, paired, on the labelled films of ``val``."""
    from osteon.metrics import METRICS
    from osteon.predictions import selected
    from osteon.statistics import differences

    known = (val.labels >= 0).nonzero()[0]
    films = selected(val, known.tolist())
    made = differences(
        {"auroc": METRICS["auroc"]}, films.labels, scores[known], films.scores, films.groups
    )
    return made["auroc"]


def keeps_auroc(change: Estimate) -> bool:
    """Whether the whole interval is above a loss of 0.005."""
    return change.low is not None and change.low >= -AUROC_LOSS

"""What computes the network of a bundle: OpenVINO, ONNX Runtime or torch; which is fastest here.

Legend of shapes: S the side of a prepared film, C classes, D features.
"""

from __future__ import annotations

import hashlib
import json
import platform
import statistics
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from osteon.errors import MissingExtra, ResourceError, UnknownName, UsageError
from osteon.files import write_json
from osteon.parallel import default_workers, in_order
from osteon.progress import say

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from osteon.types import Floats

TOLERANCE = 1e-4  # of a probability
PROBED_FILMS = 16
ROUNDS = 5
PACKAGES = {"openvino": "openvino", "onnxruntime": "onnxruntime", "torch": "torch"}
EXTRAS = {"openvino": "fast", "onnxruntime": "export"}

Computed = tuple["NDArray[np.float32]", "NDArray[np.float32]"]
Infer = Callable[["NDArray[np.uint8]"], Computed]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Runtime:
    """``infer`` takes one prepared film (S, S) uint8 and gives its logits (C,) and features (D,);
    several threads may call it at once."""

    name: str
    infer: Infer

    def score(self, film: NDArray[np.uint8]) -> Floats:
        """Probabilities (C,) of one film."""
        return softmax(self.infer(film)[0])


@dataclass(frozen=True, kw_only=True, slots=True)
class Network:
    """The files of a network, and what it must give: the scores of torch on films made for it."""

    onnx: Path
    size_px: int
    digest: str  # SHA-256 of ``onnx``
    expected: tuple[tuple[float, ...], ...]  # scores of ``made_films``
    allowed: tuple[str, ...] = tuple(PACKAGES)  # runtimes that passed when it was exported
    tolerance: float = TOLERANCE
    net: Callable[[], Any] | None = None  # the torch module of it: films -> logits, features


def softmax(logits: NDArray[np.float32]) -> Floats:
    """(C,) logits as float64 probabilities that sum to 1."""
    raised = np.exp(logits.astype(np.float64) - float(logits.max()))
    scores: Floats = raised / raised.sum()
    return scores


def as_input(film: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(S, S) uint8 as (1, 1, S, S), divided as in training, to the same floats."""
    return np.ascontiguousarray(film[None, None].astype(np.float32) / np.float32(255))


def made_films(size_px: int, n: int = 4) -> NDArray[np.uint8]:
    """(n, S, S): noise, and smooth shapes with ever more noise; the same ones everywhere."""
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (n, size_px, size_px))
    across = np.linspace(0, 1, size_px)
    shape = 150 * np.outer(across, np.sin(9 * across) ** 2)
    films = [noise[0], *(shape + 0.1 * at * each for at, each in enumerate(noise[1:]))]
    return np.stack(films).clip(0, 255).astype(np.uint8)


def at_hand() -> tuple[str, ...]:
    """The installed runtimes, torch last."""
    return tuple(name for name, package in PACKAGES.items() if find_spec(package) is not None)


def open_runtime(name: str, network: Network, *, threads: int = 1, streams: int = 1) -> Runtime:
    """``streams`` films are computed at once, by ``threads`` threads altogether.

    Raises UnknownName, and MissingExtra where the runtime is not installed.
    """
    if name not in PACKAGES:
        raise UnknownName("engine", name, PACKAGES)
    if find_spec(PACKAGES[name]) is None:
        raise MissingExtra(f"The engine {name}", EXTRAS.get(name, "all"))
    opened = {"openvino": _openvino, "onnxruntime": _onnxruntime, "torch": _torch}[name]
    return Runtime(name=name, infer=opened(network, threads, streams))


def _openvino(network: Network, threads: int, streams: int) -> Infer:
    from osteon.openvino_alone import load_openvino

    # Without the hint it would compute in bfloat16 where the processor can.
    wanted = {
        "INFERENCE_PRECISION_HINT": "f32",
        "INFERENCE_NUM_THREADS": threads,
        "NUM_STREAMS": streams,
    }
    core = load_openvino().Core()
    model = core.read_model(str(network.onnx))
    model.reshape([1, 1, network.size_px, network.size_px])
    compiled = core.compile_model(model, "CPU", wanted)
    own = threading.local()

    def infer(film: NDArray[np.uint8]) -> Computed:
        if not hasattr(own, "request"):
            own.request = compiled.create_infer_request()
        made = own.request.infer([as_input(film)], share_inputs=True)
        return made[0][0].copy(), made[1][0].copy()

    return infer


def _onnxruntime(network: Network, threads: int, streams: int) -> Infer:
    from osteon.onnxruntime_alone import load_onnxruntime

    onnxruntime = load_onnxruntime()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = max(1, threads // streams)
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(
        str(network.onnx), options, providers=["CPUExecutionProvider"]
    )

    def infer(film: NDArray[np.uint8]) -> Computed:
        logits, features = session.run(["logits", "features"], {"films": as_input(film)})
        return logits[0], features[0]

    return infer


def _torch(network: Network, threads: int, streams: int) -> Infer:  # noqa: ARG001
    """Eager torch, with the threads that torch was told to use."""
    if network.net is None:
        raise UsageError(
            "This network is 8-bit, which torch does not compute: take openvino or onnxruntime, "
            "or the precision float32."
        )
    import torch

    net = network.net()

    def infer(film: NDArray[np.uint8]) -> Computed:
        with torch.inference_mode():
            logits, features = net(torch.from_numpy(as_input(film)))
        return logits[0].numpy(), features[0].numpy()

    return infer


# --- which one ------------------------------------------------------------------------------------


def chosen_runtime(network: Network, *, kept: Path, several: bool) -> str:
    """The fastest runtime here for one film at a time, or for ``several`` at once.

    Timed once for a machine, these versions and this network; ``kept`` is the cache folder.
    """
    names = [name for name in at_hand() if name in network.allowed]
    fast = [name for name in names if name != "torch"]  # to import torch would cost more
    if not names:
        raise MissingExtra("A bundle", "export")
    if len(fast) < 2:
        return (fast or names)[0]
    place = kept / "engines" / f"{_key(network, fast)}.json"
    told = _timed_before(place)
    if not told:
        told = probe(network, fast)
        try:
            write_json(place, told)
        except (ResourceError, UsageError) as error:  # only a cache, as of a read-only container
            say(f"The next start will time the engines again. {error}")
    what = "several" if several else "one"
    return min(told, key=lambda name: told[name][what])


def _timed_before(place: Path) -> dict[str, dict[str, float]]:
    """What ``probe`` found, or nothing: only a cache, which may be damaged."""
    try:
        told = json.loads(place.read_text(encoding="utf-8"))
        return {
            str(name): {what: float(each[what]) for what in ("one", "several")}
            for name, each in told.items()
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _key(network: Network, names: Sequence[str]) -> str:
    said = [network.digest, platform.node(), platform.processor(), str(default_workers())]
    said += [f"{name} {_version(name)}" for name in names]
    return hashlib.sha256("\n".join(said).encode()).hexdigest()[:24]


def _version(name: str) -> str:
    try:
        return version(PACKAGES[name])
    except PackageNotFoundError:
        return "?"


def probe(network: Network, names: Sequence[str]) -> dict[str, dict[str, float]]:
    """Runtime -> ``one``: seconds of one film on all cores, ``several``: of a film where each core
    has its own. A runtime whose scores are not those of the network is left out.

    Raises UsageError where none gives them.
    """
    cores = default_workers()
    rivals: dict[str, tuple[Runtime, Runtime]] = {}
    for name in names:
        one = open_runtime(name, network, threads=cores)
        if apart(one, network) <= network.tolerance:
            rivals[name] = one, open_runtime(name, network, threads=cores, streams=cores)
    if not rivals:
        raise UsageError(
            f"No engine here ({', '.join(names)}) gives the scores that the bundle was checked "
            "with. Install the versions that its bundle.json names, or export again."
        )
    return _timed(rivals, made_films(network.size_px, PROBED_FILMS), cores)


def _timed(
    rivals: Mapping[str, tuple[Runtime, Runtime]], films: NDArray[np.uint8], cores: int
) -> dict[str, dict[str, float]]:
    """In turns, so that a neighbour on the machine slows all of them."""
    singles: dict[str, list[float]] = {name: [] for name in rivals}
    batches: dict[str, list[float]] = {name: [] for name in rivals}
    for _ in range(ROUNDS):
        for name, (one, several) in rivals.items():
            begun = time.perf_counter()
            one.infer(films[0])
            singles[name].append(time.perf_counter() - begun)
            if len(batches[name]) < 2:
                begun = time.perf_counter()
                list(in_order(several.infer, list(films), workers=cores, chunk=1))
                batches[name].append((time.perf_counter() - begun) / len(films))
    return {
        name: {"one": statistics.median(singles[name]), "several": min(batches[name])}
        for name in rivals
    }


def apart(runtime: Runtime, network: Network) -> float:
    """The largest difference of its scores from those that the network was exported with."""
    films = made_films(network.size_px, len(network.expected))
    return max(
        float(np.abs(runtime.score(film) - np.array(expected)).max())
        for film, expected in zip(films, network.expected, strict=True)
    )


@cache
def digest_of(path: Path, size: int, changed_ns: int) -> str:  # noqa: ARG001
    """SHA-256 of a file, computed again when it changes."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def file_digest(path: Path) -> str:
    told = path.stat()
    return digest_of(path, told.st_size, told.st_mtime_ns)

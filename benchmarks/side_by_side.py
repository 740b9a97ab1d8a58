"""What the benchmarks share: work timed side by side, and figures written with their machine."""

from __future__ import annotations

import json
import os
import platform
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

RESULTS = Path(__file__).parent / "results"
TOLD = ("osteon", "torch", "numpy", "opencv-python-headless", "pillow", "simplejpeg", "openvino")


def interleaved(
    ways: Mapping[str, Callable[[], object]], rounds: int, *, wall: bool = False
) -> dict[str, list[float]]:
    """Seconds of each way in each round, of the processor or of the clock; in turn, the order
    reversed every other round, so that a busy minute of the machine strikes all alike."""
    clock = time.perf_counter if wall else time.process_time
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for at in range(rounds):
        for name in list(ways) if at % 2 == 0 else reversed(list(ways)):
            begun = clock()
            ways[name]()
            seconds[name].append(clock() - begun)
    return seconds


def ratio(slow: Sequence[float], fast: Sequence[float]) -> float:
    """The median over the rounds of how many times as long the first took."""
    return statistics.median(one / other for one, other in zip(slow, fast, strict=True))


def write_result(
    name: str, command: str, figures: Mapping[str, object], beside: Mapping[str, str] | None = None
) -> Path:
    """``results/NAME.json``: the figures, the command that made them, machine and versions, of
    what was compared ``beside`` too. What docs/reproductions.md tells is "reproductions/..."."""
    path = RESULTS / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    told = {
        "command": command,
        "figures": figures,
        "machine": machine(),
        "versions": {**versions(), **(beside or {})},
    }
    path.write_text(json.dumps(told, indent=1) + "\n")
    print(json.dumps(figures, indent=1))
    return path


def machine() -> dict[str, object]:
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "system": platform.system(),
        "processor": _processor(),
        "cores": usable,
        "load_at_the_end": round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None,
    }


def versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for name in TOLD:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _processor() -> str:
    told = Path("/proc/cpuinfo")
    if told.is_file():
        for line in told.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def phantoms(out: Path, n: int, size_px: int) -> Path:
    """A folder of ``n`` made-up films (JPEG), made once."""
    from osteon.phantom import make_phantoms
    from osteon.phantom.plan import PhantomPlan

    return make_phantoms(out, PhantomPlan(films=n, size_px=size_px))

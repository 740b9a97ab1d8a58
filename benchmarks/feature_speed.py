"""Films a second through the frozen network: OpenVINO against torch, in one run.

    python -m benchmarks.feature_speed --size 384 --films 48 --rounds 5 --threads 2

Both compute the features of the same made-up films in turn, batches as ``osteon.features`` makes
them. Prints films a second of the clock and of processor time, their ratio, the least cosine, and
what compiling costs. Where other work shares the machine the ratio of processor time is the one to
trust.
"""

from __future__ import annotations

import argparse
import statistics
import time

import numpy as np
import torch
from benchmarks.side_by_side import interleaved, ratio, write_result

from osteon.backbones.linear_probe import LinearProbe
from osteon.features import BATCH, _Features, features_of, likeness
from osteon.networks import Probe
from osteon.openvino_net import compiled


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=384)
    parser.add_argument("--films", type=int, default=48)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    net = LinearProbe().build(2)
    assert isinstance(net, Probe)
    net = net.eval().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    films = made_up(given.films, given.size)
    begun = time.process_time()
    engine = compiled(_Features(net), given.size)
    to_compile = time.process_time() - begun
    parts = [films[at : at + BATCH] for at in range(0, len(films), BATCH)]
    ways = {
        "torch": lambda: np.concatenate([features_of(net, part) for part in parts]),
        "openvino": lambda: np.concatenate([engine(part) for part in parts]),
    }
    apart = likeness(ways["torch"](), ways["openvino"]())  # and both are warm
    by_clock = interleaved(ways, given.rounds, wall=True)
    by_cpu = interleaved(ways, given.rounds)
    figures: dict[str, object] = {
        "size_px": given.size,
        "films": given.films,
        "threads": given.threads,
        "least_cosine": round(apart, 7),
        "compile_cpu_s": round(to_compile, 1),
        "times_as_fast_by_cpu": round(ratio(by_cpu["torch"], by_cpu["openvino"]), 2),
        "times_as_fast_by_clock": round(ratio(by_clock["torch"], by_clock["openvino"]), 2),
    }
    for name in ways:
        for clock, seconds in (("cpu", by_cpu), ("clock", by_clock)):
            rate = given.films / statistics.median(seconds[name])
            figures[f"{name}_films_per_{clock}_s"] = round(rate, 1)
    command = f"feature_speed --size {given.size} --films {given.films} --rounds {given.rounds}"
    write_result("features", f"python -m benchmarks.{command} --threads {given.threads}", figures)


def made_up(n: int, size_px: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """Smooth films with some noise."""
    rng = np.random.default_rng(0)
    slope = np.linspace(0, 6, size_px)
    smooth = 100 * (1 + np.outer(np.sin(slope), np.cos(slope)))
    return (smooth + rng.integers(0, 55, (n, size_px, size_px))).astype(np.uint8)


if __name__ == "__main__":
    main()

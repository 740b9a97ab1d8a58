"""How time and memory grow with the number of films.

    python -m benchmarks.growth --sizes 1000 10000
    python -m benchmarks.growth --sizes 1000 10000 100000

Made-up films of 64 px (PNG) go through ``osteon prepare``, ``train`` (small-cnn, one epoch),
``evaluate`` and ``predict``, each command a process of its own. A first data set of 100 films tells
what a command costs with hardly any: per film counts what comes on top of it, so that a steady cost
is 1.00 from one size to the next. Processor seconds and the peak memory of each command.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np
from benchmarks.side_by_side import write_result

SIDE_PX = 64
SMALLEST = 100
SET = ("pixels.size_px=64", "epochs=1", "batch_size=64")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1000, 10_000])
    given = parser.parse_args()
    found = {}
    for size in (SMALLEST, *given.sizes):
        with tempfile.TemporaryDirectory() as temporary:
            found[size] = stages(Path(temporary), size)
        print(size, found[size], flush=True)
    figures = {
        stage: [row(stage, size, found, given.sizes) for size in given.sizes]
        for stage in found[SMALLEST]
    }
    sizes = " ".join(map(str, given.sizes))
    write_result("growth", f"python -m benchmarks.growth --sizes {sizes}", figures)


def row(
    stage: str, size: int, found: dict[int, dict[str, tuple[float, float]]], sizes: list[int]
) -> dict[str, object]:
    """Of one stage at one size; ``growth``: the cost of a film over that at the first size."""

    def each_ms(n: int) -> float:
        return (found[n][stage][0] - found[SMALLEST][stage][0]) / (n - SMALLEST) * 1e3

    seconds, peak_mb = found[size][stage]
    return {
        "films": size,
        "cpu_s": round(seconds, 1),
        "ms_a_film": round(each_ms(size), 2),
        "growth": round(each_ms(size) / each_ms(sizes[0]), 2),
        "peak_mb": round(peak_mb),
    }


def stages(room: Path, n: int) -> dict[str, tuple[float, float]]:
    """Processor seconds and peak MB of each command on ``n`` films."""
    films, run = room / "films", room / "run"
    write_films(films, n)
    changed = [word for value in SET for word in ("--set", value)]
    small = ("--recipe", "small-cnn", *changed)
    commands = {
        "prepare": ("prepare", str(films), "--set", SET[0]),
        "train": ("train", str(films), "--out", str(run), *small),
        "evaluate": ("evaluate", str(run)),
        "predict": ("predict", str(run), str(films), "--output", str(room / "scores.csv")),
    }
    environment = {**os.environ, "OSTEON_CACHE": str(room / "cache")}
    return {stage: measured(words, environment, room) for stage, words in commands.items()}


def measured(
    words: tuple[str, ...], environment: dict[str, str], room: Path
) -> tuple[float, float]:
    """Seconds of the processor, and peak MB, of one command and what it started."""
    with (room / "log").open("w") as log:
        pid = os.posix_spawn(
            sys.executable,
            [sys.executable, "-m", "osteon", *words],
            environment,
            file_actions=[
                (os.POSIX_SPAWN_DUP2, log.fileno(), 1),
                (os.POSIX_SPAWN_DUP2, log.fileno(), 2),
            ],
        )
        _, status, used = os.wait4(pid, 0)
    if status:
        sys.exit(f"osteon {words[0]} failed:\n{(room / 'log').read_text()}")
    return used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def write_films(folder: Path, n: int) -> None:
    """Two classes of blurred noise; the second has a bright bar."""
    shutil.rmtree(folder, ignore_errors=True)
    rng = np.random.default_rng(0)
    for name in ("broken", "normal"):
        (folder / name).mkdir(parents=True)
    for at in range(n):
        # So uneven that no two are alike: comparing near copies has a cost of its own.
        film = cv2.resize(rng.integers(0, 200, (20, 20), dtype=np.uint8), (SIDE_PX, SIDE_PX))
        film += rng.integers(0, 20, film.shape, dtype=np.uint8)
        name = "broken" if at % 2 else "normal"
        if at % 2:
            film[20 + at % 20, 10:50] = 255
        cv2.imwrite(str(folder / name / f"{at:06d}.png"), film)


if __name__ == "__main__":
    main()

"""How time and memory grow with the number of films.

    python -m benchmarks.growth --sizes 1000 10000
    python -m benchmarks.growth --sizes 1000 10000 100000 --audit-up-to 10000

Made-up films of 64 px (PNG, blurred noise, no two alike) go through the audit, ``prepare``,
``train`` (small-cnn, one epoch), ``evaluate`` and ``predict``, each a process of its own. The
stages after the audit get what an audit without findings would tell, so that large sizes can do
without it. A first data set of 100 films tells what a process costs with hardly any: per film
counts what comes on top of it, so that a steady cost is 1.00 from one size to the next. Processor
seconds and the peak memory of each process; a size that was measured before is kept (--room).
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import statistics
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from benchmarks.side_by_side import write_result

if TYPE_CHECKING:
    from osteon.runs import RunFolder

SIDE_PX = 64
SMALLEST = 100
QUICK, TRIES = 1000, 3  # so few films are measured so often, and the median is told
STAGES = ("split", "prepare", "train", "evaluate")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1000, 10_000])
    parser.add_argument("--audit-up-to", type=int, default=1000, metavar="FILMS")
    parser.add_argument("--room", type=Path, help="where films lie and what is known is kept")
    parser.add_argument("--stage", choices=STAGES, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.stage:
        stage(given.stage, given.room)
        return
    with tempfile.TemporaryDirectory() as temporary:
        room = (given.room or Path(temporary)).resolve()
        found = {n: at_size(room, n, given.audit_up_to) for n in (SMALLEST, *given.sizes)}
    names = dict.fromkeys(name for n in given.sizes for name in found[n])
    figures = {
        name: [row(name, n, found, given.sizes) for n in given.sizes if name in found[n]]
        for name in names
    }
    said = f"--sizes {' '.join(map(str, given.sizes))} --audit-up-to {given.audit_up_to}"
    write_result("growth", f"python -m benchmarks.growth {said}", figures)


def row(
    stage: str, size: int, found: dict[int, dict[str, list[float]]], sizes: list[int]
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


def at_size(room: Path, n: int, audit_up_to: int) -> dict[str, list[float]]:
    """Processor seconds and peak MB of each stage on ``n`` films; read where it was kept."""
    kept = room / f"{n}.json"
    taken: dict[str, list[list[float]]] = json.loads(kept.read_text()) if kept.is_file() else {}
    place = room / str(n)
    films, run = place / "films", place / "run"
    if not (place / "manifest.csv").is_file():
        write_films(place, n)
    ours = ("-m", "benchmarks.growth", "--room", str(place), "--stage")
    commands: dict[str, tuple[str, ...]] = {name: (*ours, name) for name in STAGES}
    output = place / "scores.csv"
    commands["predict"] = ("-m", "osteon", "predict", str(run), str(films), "--output", str(output))
    if n <= max(audit_up_to, SMALLEST):
        commands["audit"] = ("-m", "osteon", "audit", str(films))
    environment = {**os.environ, "OSTEON_CACHE": str(place / "cache")}
    for at in range(TRIES if n <= QUICK else 1):
        for name, words in commands.items():
            if len(taken.setdefault(name, [])) > (0 if name == "audit" else at):
                continue
            for old in place.glob("scores.csv*"):
                old.unlink()
            taken[name].append([*measured(words, environment, place)])
            kept.write_text(json.dumps(taken))
            print(n, name, taken[name][-1], flush=True)
    return {
        name: [statistics.median(each) for each in zip(*tries, strict=True)]
        for name, tries in taken.items()
    }


def stage(name: str, place: Path) -> None:
    """One stage of a run, in this process, by the functions that the command calls."""
    from osteon.manifest import read_manifest, write_manifest
    from osteon.plan import SplitPlan, make_split
    from osteon.recipe import named_recipe
    from osteon.run import evaluate_run, make_ready, teach
    from osteon.runs import RunFolder
    from osteon.split_file import read_split, write_split
    from osteon.types import Audit, PixelRules
    from osteon.values import read_value, write_value

    folder, cache = RunFolder(place / "run"), place / "cache"
    if name == "evaluate":
        evaluate_run(folder, cache=cache)
        return
    manifest = read_manifest(place / "manifest.csv")
    audit = read_value(Audit, place / "audit.json")
    changes = {"pixels": PixelRules(size_px=SIDE_PX), "epochs": 1, "batch_size": 64}
    recipe = replace(named_recipe("small-cnn"), **changes)  # type: ignore[arg-type]
    if name == "split":
        begin(folder, cache)
        write_manifest(manifest, folder.manifest)
        write_value(folder.audit, audit)
        write_split(make_split(manifest, audit, SplitPlan()), folder.split)
    elif name == "prepare":
        make_ready(folder, recipe, manifest, audit, cache=cache)
    else:
        teach(folder, recipe, manifest, audit, read_split(folder.split), cache=cache)


def begin(folder: RunFolder, cache: Path) -> None:
    from osteon.environment import this_environment
    from osteon.values import write_value

    shutil.rmtree(folder.path, ignore_errors=True)
    shutil.rmtree(cache, ignore_errors=True)
    folder.path.mkdir()
    write_value(folder.environment, this_environment(seed=0))


def measured(
    words: tuple[str, ...], environment: dict[str, str], room: Path
) -> tuple[float, float]:
    """Seconds of the processor, and peak MB, of one command and what it started."""
    with (room / "log").open("w") as log:
        pid = os.posix_spawn(
            sys.executable,
            [sys.executable, *words],
            environment,
            file_actions=[
                (os.POSIX_SPAWN_DUP2, log.fileno(), 1),
                (os.POSIX_SPAWN_DUP2, log.fileno(), 2),
            ],
        )
        _, status, used = os.wait4(pid, 0)
    if os.waitstatus_to_exitcode(status) not in (0, 1):  # 1: the audit found something
        sys.exit(f"{' '.join(words)} failed:\n{(room / 'log').read_text()}")
    return used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def write_films(place: Path, n: int) -> None:
    """Two classes of blurred noise, the second with a bright bar; beside them their manifest, and
    what an audit would tell of them."""
    from osteon.manifest import write_manifest
    from osteon.reading import read_source
    from osteon.types import Audit, FilmFacts
    from osteon.values import write_value

    films = place / "films"
    shutil.rmtree(films, ignore_errors=True)
    rng = np.random.default_rng(n)
    told: dict[str, tuple[int, str, float, float]] = {}
    for name in ("broken", "normal"):
        (films / name).mkdir(parents=True)
    for at in range(n):
        # So uneven that no two are alike: comparing near copies has a cost of its own.
        film = cv2.resize(rng.integers(0, 200, (20, 20), dtype=np.uint8), (SIDE_PX, SIDE_PX))
        film += rng.integers(0, 20, film.shape, dtype=np.uint8)
        name = "broken" if at % 2 else "normal"
        if at % 2:
            film[20 + at % 20, 10:50] = 255
        data = cv2.imencode(".png", film)[1].tobytes()
        (films / name / f"{at:06d}.png").write_bytes(data)
        mean, std = float(film.mean()) / 255, float(film.std()) / 255
        told[f"{at:06d}.png"] = len(data), hashlib.sha256(data).hexdigest(), mean, std
    manifest = read_source(films)
    facts = {}
    for one in manifest.radiographs:
        n_bytes, digest, mean, std = told[one.path.name]
        facts[one.id] = FilmFacts(
            id=one.id, n_bytes=n_bytes, sha256=digest, format="PNG", suffix_format="PNG",
            width_px=SIDE_PX, height_px=SIDE_PX, bit_depth=8, n_channels=1, n_frames=1,
            pixel_digest=digest, mean=mean, std=std,
        )  # fmt: skip
    audit = Audit(manifest_digest=manifest.digest, findings=(), facts=facts, clusters={})
    write_value(place / "audit.json", audit)
    write_manifest(manifest, place / "manifest.csv")


if __name__ == "__main__":
    main()

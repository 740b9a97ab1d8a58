"""Other tools on the same films and the same grouped split, for the same processor time.

    python -m benchmarks.peers RUN --scratch FOLDER --timm-python A/bin/python \
        --fastai-python B/bin/python --keras-python C/bin/python ...

RUN is a run of osteon with two classes: its split is everybody's. The films of its parts are
written to FOLDER (outside of the repository) as PNG squares, the test films without their classes,
beside the ImageNet weights of EfficientNet-Lite0 in the form that each tool reads. Each peer trains
in a Python of its own by ``peer_scripts/with_NAME.py``, one thread, keeps what is best on
validation and then scores the test films, once. Its number of epochs is what fits ``--budget-s`` of
processor time (imports, decoding, validation and scoring are in it). osteon's recipes run in the
same way, from an empty cache. What is in FOLDER is not run again. All are judged by
``osteon.compare``.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.peer_films import write_films, write_weights
from benchmarks.side_by_side import RESULTS, write_result

from osteon.batches import labels_of
from osteon.compare import compare
from osteon.errors import DataError, UsageError
from osteon.manifest import read_manifest
from osteon.metrics import METRICS
from osteon.predictions import read_predictions, write_predictions
from osteon.runs import RunFolder, log_opening
from osteon.split_file import read_split
from osteon.statistics import estimates
from osteon.types import Estimate, Manifest, Part, Predictions, Split
from osteon.values import as_json

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
SAID_WITHIN = 0.05  # Keras finds its AUROC by 200 thresholds: .792 where it is .823
JUDGED: tuple[Part, ...] = ("val", "test")
ENVIRONMENT = {
    **{f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL")},
    "HF_HUB_OFFLINE": "1",
    "YOLO_OFFLINE": "true",
    "TF_CPP_MIN_LOG_LEVEL": "2",
    # glibc keeps what is freed, as osteon makes it do for itself: timm took a third longer without.
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_TRIM_THRESHOLD_": str(2**31 - 1),
    "MALLOC_TOP_PAD_": str(64 * 2**20),
    "PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "src"))),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Contestant:
    """A tool's usual recipe: the epochs of each of its phases, and where its weights start."""

    size_px: int = 224
    epochs: tuple[int, ...] = ()
    start: str = "ImageNet"
    recipe: str = ""  # of osteon, where it is not called as the contestant


PEERS = {
    "timm": Contestant(epochs=(2,)),
    "fastai": Contestant(epochs=(1, 1)),
    "keras": Contestant(epochs=(2, 1)),
    "autogluon": Contestant(epochs=(2,)),
    "ultralytics": Contestant(epochs=(8,), start="scratch (yolo11n-cls)"),
}
RECIPES = {
    "linear-probe": Contestant(size_px=384),
    "linear-probe-224": Contestant(size_px=224, recipe="linear-probe"),  # what the peers see
    "strong": Contestant(size_px=512, start="ImageNet; boxes"),
    "finetune": Contestant(size_px=224),
    "small-cnn": Contestant(size_px=160, start="scratch"),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """What one contestant cost, and what it said of the films."""

    name: str
    of: Contestant
    cpu_s: float | None  # None: not measured
    wall_s: float | None
    versions: Mapping[str, str]
    val: Predictions
    test: Predictions


def main() -> None:
    asked = words().parse_args()
    place = asked.scratch.resolve()
    if place == ROOT or ROOT in place.parents:
        raise UsageError(f"{place} lies in the repository, where no films may be: --scratch.")
    run = RunFolder(asked.run.resolve())
    id_of = write_films(run, place, asked.films_px)
    write_weights(place / "weights")
    entries = []
    for name, of in contestants(asked).items():
        python = str(getattr(asked, f"{name}_python", None) or sys.executable)
        cost = trained(name, of, python, run, place)
        entries.append(entry(name, of, cost, place / name, run, id_of))
        print(f"{name}: {cost['cpu_s']:.0f} CPU s", flush=True)
    entries += [finished(word, entries) for word in asked.finished]
    keep_predictions(entries, RESULTS / "peers")
    write_result(
        "peers",
        " ".join(("python -m benchmarks.peers RUN --scratch FOLDER", *said(entries))),
        figures(entries, asked.against, asked.budget_s),
    )


def said(entries: Sequence[Entry]) -> Iterator[str]:
    """What was asked for, without the folders of this machine."""
    known = {**PEERS, **RECIPES}
    for each in entries:
        if each.name in PEERS:
            yield f"--{each.name}-python PYTHON"
    others = [each for each in entries if each.of.epochs != known.get(each.name, each.of).epochs]
    if others:
        yield "--epochs"
    yield from (f"{each.name}={','.join(map(str, each.of.epochs))}" for each in others)
    yield from (
        "--recipes",
        *(e.name for e in entries if e.name in RECIPES and e.cpu_s is not None),
    )
    yield from (f"--finished {e.name}=RUN" for e in entries if e.cpu_s is None)


def words() -> argparse.ArgumentParser:
    reader = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    reader.add_argument("run", type=Path, help="a finished run folder of osteon")
    reader.add_argument("--scratch", type=Path, required=True)
    reader.add_argument("--films-px", type=int, default=384, help="side of the PNG squares")
    reader.add_argument("--budget-s", type=float, default=420, help="processor time of each")
    for name in PEERS:
        reader.add_argument(f"--{name}-python", type=Path, help=f"one that has {name}")
    reader.add_argument("--recipes", nargs="*", default=["linear-probe", "strong"])
    reader.add_argument(
        "--finished", nargs="*", default=[], help="RECIPE=RUN: of the same split, taken as it is"
    )
    reader.add_argument("--against", nargs="*", default=["linear-probe", "strong"])
    reader.add_argument("--epochs", nargs="*", default=[], help="other ones, such as fastai=1,2")
    return reader


def contestants(asked: argparse.Namespace) -> dict[str, Contestant]:
    """Those that were asked for, with their epochs. Raises UsageError for a name not known."""
    epochs = dict(word.split("=", 1) for word in asked.epochs)
    if unknown := sorted({*epochs, *asked.recipes} - {*PEERS, *RECIPES}):
        raise UsageError(f"'{unknown[0]}' is none of {', '.join((*PEERS, *RECIPES))}.")
    chosen = {name: of for name, of in PEERS.items() if getattr(asked, f"{name}_python")}
    chosen |= {name: of for name, of in RECIPES.items() if name in asked.recipes}
    return {
        name: replace(of, epochs=tuple(map(int, epochs[name].split(",")))) if name in epochs else of
        for name, of in chosen.items()
    }


# --- training -------------------------------------------------------------------------------------


def trained(
    name: str, of: Contestant, python: str, run: RunFolder, place: Path
) -> Mapping[str, Any]:
    """Train and score in a process of its own, unless that was done; returns what it cost."""
    out = place / name
    done = out / "cost.json"
    if not done.is_file():
        if out.exists():
            raise UsageError(f"{out} was begun and not finished. Look at its log, and remove it.")
        out.mkdir()
        classes = read_manifest(run.manifest).classes
        told = {
            "films": str(place / "films"), "test": str(place / "test"),
            "weights": str(place / "weights"), "out": str(out), "negative": classes[0],
            "positive": classes[1], "size_px": of.size_px, "epochs": of.epochs, "seed": 0,
        }  # fmt: skip
        command = [python, str(HERE / "peer_scripts" / f"with_{name}.py"), json.dumps(told)]
        if name in RECIPES:
            command[1] = str(HERE / "peer_scripts" / "with_osteon.py")
            command.append(json.dumps({"run": str(run.path), "recipe": of.recipe or name}))
        log_opening(run, f"benchmarks.peers {name}")
        cost = measured(command, out)
        done.write_text(json.dumps({**cost, "epochs": of.epochs, "size_px": of.size_px}) + "\n")
    cost = json.loads(done.read_text())
    if (tuple(cost["epochs"]), cost["size_px"]) != (of.epochs, of.size_px):
        raise UsageError(f"{out} holds other epochs or films of another size. Remove it.")
    result: Mapping[str, Any] = cost
    return result


def measured(command: Sequence[str], out: Path) -> dict[str, float]:
    """Seconds of the processor (with those of the processes that it waited for) and of the clock.

    Raises DataError with the last words of a command that failed.
    """
    env = {**os.environ, **ENVIRONMENT, "YOLO_CONFIG_DIR": str(out)}
    log = out / "log.txt"
    begun = time.perf_counter()
    with log.open("w") as said:
        process = subprocess.Popen(command, stdout=said, stderr=said, env=env, cwd=out)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise DataError(f"{command[1]} failed: {log.read_text()[-2000:]}")
    return {"cpu_s": used.ru_utime + used.ru_stime, "wall_s": time.perf_counter() - begun}


# --- what came of it ------------------------------------------------------------------------------


def entry(
    name: str,
    of: Contestant,
    cost: Mapping[str, Any],
    out: Path,
    run: RunFolder,
    id_of: Mapping[str, str],
) -> Entry:
    manifest, parts = read_manifest(run.manifest), read_split(run.split)
    if name in RECIPES:
        on = {part: read_predictions(out / f"predictions-{part}.csv", part=part) for part in JUDGED}
    else:
        on = {
            part: as_predictions(read_scores(out / f"{part}.csv", id_of), part, manifest, parts)
            for part in JUDGED
        }
    told = json.loads((out / "told.json").read_text())
    as_it_said(name, told.get("val_auroc"), on["val"])
    return Entry(
        name=name,
        of=of,
        cpu_s=cost["cpu_s"],
        wall_s=cost["wall_s"],
        versions=told["versions"],
        val=on["val"],
        test=on["test"],
    )


def as_it_said(name: str, history: Sequence[float] | None, val: Predictions) -> None:
    """Raises DataError where a tool's best validation AUROC is not that of its scores: then these
    are of another class, or not of its best epoch."""
    found = auroc(val).value
    if history and found is not None and abs(max(history) - found) > SAID_WITHIN:
        raise DataError(
            f"{name} had a validation AUROC of {max(history):.3f}, but its scores have "
            f"{found:.3f}: are they of the positive class, and of its best epoch?"
        )


def finished(word: str, entries: Sequence[Entry]) -> Entry:
    """``RECIPE=RUN``: predictions that lie in a run; what they cost is not known.

    Raises UsageError for no such recipe, DataError where the run has another split.
    """
    name, _, path = word.partition("=")
    if name not in RECIPES:
        raise UsageError(f"'{name}' is none of {', '.join(RECIPES)}: --finished RECIPE=RUN.")
    run = RunFolder(Path(path))
    val, test = (read_predictions(run.predictions(part), part=part) for part in JUDGED)
    for each in entries:
        if (each.val.ids, each.test.ids) != (val.ids, test.ids):
            raise DataError(f"{run.path} has another split than {each.name} was told.")
    return Entry(
        name=name, of=RECIPES[name], cpu_s=None, wall_s=None,
        versions=said_versions(run), val=val, test=test,
    )  # fmt: skip


def said_versions(run: RunFolder) -> dict[str, str]:
    said = json.loads(run.environment.read_text(encoding="utf-8"))["versions"]
    return {name: said[name] for name in ("osteon", "torch")}


def read_scores(path: Path, id_of: Mapping[str, str]) -> dict[str, float]:
    """Film id -> score, of a peer's table.

    Raises DataError where a film is unknown or there twice, or a score no number in 0 to 1.
    """
    scores: dict[str, float] = {}
    with path.open(newline="", encoding="utf-8") as file:
        for number, row in enumerate(csv.DictReader(file), start=2):
            where, name = f"{path}, row {number}", row.get("name") or ""
            if name not in id_of:
                raise DataError(f"{where}: '{name}' is no film that was handed out.")
            if id_of[name] in scores:
                raise DataError(f"{where}: {name} is there twice.")
            try:
                score = float(row["score"])
            except (KeyError, TypeError, ValueError):
                raise DataError(f"{where}: {name} has no score.") from None
            if not 0 <= score <= 1:
                raise DataError(f"{where}: the score {score:g} is not in 0 to 1.")
            scores[id_of[name]] = score
    return scores


def as_predictions(
    scores: Mapping[str, float], part: Part, manifest: Manifest, parts: Split
) -> Predictions:
    """Of exactly the films of the part, in its order. Raises DataError for too few or too many."""
    ids = parts.part(part)
    missing, foreign = [id_ for id_ in ids if id_ not in scores], set(scores) - set(ids)
    if missing or foreign:
        raise DataError(
            f"Of {len(ids)} {part} films {len(missing)} have no score"
            + (f" (such as {missing[0]})" if missing else "")
            + f", and {len(foreign)} scores are of other films. All are judged on the same films."
        )
    positive = np.array([scores[id_] for id_ in ids], dtype=np.float64)
    return Predictions(
        ids=ids,
        labels=labels_of(manifest, ids).numpy(),
        scores=np.stack([1 - positive, positive], axis=1),
        groups=tuple(parts.groups[id_] for id_ in ids),
        classes=manifest.classes,
        part=part,
    )


def figures(entries: Sequence[Entry], against: Sequence[str], budget_s: float) -> dict[str, object]:
    """The table: one row a contestant; a difference is its AUROC less that of the other."""
    known = {each.name: each for each in entries}
    rows = [
        {
            "tool": each.name if each.name in PEERS else f"osteon {each.name}",
            "start": each.of.start,
            "px": each.of.size_px,
            "epochs": " + ".join(map(str, each.of.epochs)) or "its own",
            "cpu_s": "-" if each.cpu_s is None else round(each.cpu_s),
            "clock_s": "-" if each.wall_s is None else round(each.wall_s),
            "val_auroc": round(auroc(each.val).value or 0, 3),
            "test_auroc": as_json(auroc(each.test)),
            **{
                f"less_{name}": as_json(difference(each, known[name])) if name != each.name else "-"
                for name in against
                if name in known
            },
            "versions": ", ".join(f"{name} {number}" for name, number in each.versions.items()),
        }
        for each in entries
    ]
    first = entries[0].test
    return {
        "budget_cpu_s": round(budget_s),
        "test_films": len(first.ids),
        "test_groups": len(set(first.groups)),
        "tools": rows,
    }


def auroc(films: Predictions) -> Estimate:
    metric = {"auroc": METRICS["auroc"]}
    return estimates(metric, films.labels, films.scores, films.groups)["auroc"]


def difference(one: Entry, other: Entry) -> Estimate:
    """Of their test AUROC, paired on the same films, as ``osteon compare`` tells it."""
    made = compare(one.test, other.test, names=(one.name, other.name))
    (row,) = (row for row in made.metrics if row.metric == "auroc")
    return row.by_formula or row.difference


def keep_predictions(entries: Sequence[Entry], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for each in entries:
        write_predictions(each.val, folder / f"{each.name}-val.csv")
        write_predictions(each.test, folder / f"{each.name}-test.csv")


if __name__ == "__main__":
    main()

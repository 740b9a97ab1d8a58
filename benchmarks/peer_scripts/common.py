"""What each peer is told, and what it hands back; needs nothing but the standard library.

A peer's script is called with one argument, the JSON that ``Told`` reads. Under ``films`` lie
``train`` and ``val``, with a folder for each class, and under ``test`` the test films, all in one
folder: their classes are not to be had. It writes ``val.csv`` and ``test.csv`` (columns ``name``
and ``score``, the probability of the positive class) and ``told.json`` into ``out``.
"""

from __future__ import annotations

import csv
import json
import random
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

NETWORK = "tf_efficientnet_lite0"


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """``weights`` is a folder: the same ImageNet weights in the form that each tool reads."""

    films: Path
    test: Path
    weights: Path
    out: Path
    negative: str
    positive: str
    size_px: int
    epochs: tuple[int, ...]  # one number a phase of the tool's usual recipe
    seed: int

    @classmethod
    def read(cls, text: str) -> Told:
        said = json.loads(text)
        paths = {name: Path(said[name]) for name in ("films", "test", "weights", "out")}
        return cls(**{**said, **paths, "epochs": tuple(said["epochs"])})

    @property
    def classes(self) -> tuple[str, str]:
        return self.negative, self.positive

    def part(self, name: str) -> list[Path]:
        """The films of ``val`` or ``test``, in the order of their names."""
        place = self.test if name == "test" else self.films / name
        return sorted(place.rglob("*.png"), key=lambda path: path.name)


def told() -> Told:
    """What this process was called with; seeds Python's own generator."""
    read = Told.read(sys.argv[1])
    random.seed(read.seed)
    return read


def write_scores(told: Told, part: str, scores: Iterable[float]) -> None:
    """Scores of ``told.part(part)``, in that order."""
    with (told.out / f"{part}.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("name", "score"))
        for path, score in zip(told.part(part), scores, strict=True):
            rows.writerow((path.name, repr(float(score))))


def write_told(told: Told, packages: Iterable[str], **more: object) -> None:
    """Versions, and what else is to be told of the training."""
    versions = {name: version(name) for name in packages}
    (told.out / "told.json").write_text(json.dumps({"versions": versions, **more}) + "\n")

"""The run folder: everything that a run used and made, as plain files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class RunFolder:
    """Where each thing of a run lies."""

    path: Path

    @property
    def manifest(self) -> Path:  # beside it lies manifest.json: classes, source, remarks
        return self.path / "manifest.csv"

    @property
    def audit(self) -> Path:
        return self.path / "audit.json"

    @property
    def split(self) -> Path:  # beside it lies split.json: origin, seed, what it leaks
        return self.path / "split.csv"

    @property
    def recipe(self) -> Path:
        return self.path / "recipe.json"

    @property
    def preparation(self) -> Path:  # share of boxes cut, where the cache lies
        return self.path / "preparation.json"

    @property
    def environment(self) -> Path:
        return self.path / "environment.json"

    @property
    def checkpoints(self) -> Path:  # best.safetensors, last.safetensors
        return self.path / "checkpoints"

    @property
    def history(self) -> Path:
        return self.path / "history.csv"

    @property
    def tensorboard(self) -> Path:
        return self.path / "tensorboard"

    @property
    def openings(self) -> Path:  # one line each time that the test part was opened
        return self.path / "openings.log"

    @property
    def report(self) -> Path:
        return self.path / "report.html"

    def predictions(self, part: str) -> Path:
        return self.path / f"predictions-{part}.csv"

    def evaluation(self, part: str) -> Path:
        return self.path / f"evaluation-{part}.json"

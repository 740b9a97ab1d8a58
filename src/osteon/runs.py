"""The run folder: everything that a run used and made, as plain files."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from osteon.errors import DataError, UsageError
from osteon.files import write_text


@dataclass(frozen=True, slots=True)
class RunFolder:
    """Where each thing of a run lies."""

    path: Path

    @property
    def request(self) -> Path:  # data, recipe and split that were asked for
        return self.path / "run.json"

    @property
    def foreign(self) -> Path:  # in its place, where another model's predictions were judged
        return self.path / "foreign.json"

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
    def weights(self) -> Path:  # of the best epoch; a model card's folder has them on top
        alone = self.path / "model.safetensors"
        return alone if alone.is_file() else self.checkpoints / "best.safetensors"

    @property
    def trained(self) -> Path:  # exists once training has ended
        return self.checkpoints / "trained"

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
    def plots(self) -> Path:  # the figures of the report as SVG and PNG files
        return self.path / "plots"

    @property
    def report(self) -> Path:
        return self.path / "report.html"

    def predictions(self, part: str) -> Path:
        return self.path / f"predictions-{part}.csv"

    def evaluation(self, part: str) -> Path:
        return self.path / f"evaluation-{part}.json"


def begin_folder(out: Path, digest: str, what: str) -> None:
    """Mark ``out`` as made for ``digest``; the same folder goes on with the same work only.

    ``what`` names the work, such as "search". Raises UsageError where ``out`` holds another one, or
    something else altogether.
    """
    mark = out / "made-for"
    if mark.exists() and mark.read_text().strip() != digest:
        raise UsageError(
            f"{out} holds another {what} (other data, recipe, seeds, space or split). Name another "
            "folder: --out."
        )
    if not mark.exists() and out.is_dir() and any(out.iterdir()):
        raise UsageError(f"{out} is not empty and no {what}. Name another folder: --out.")
    write_text(mark, digest + "\n")


def no_run(folder: RunFolder) -> DataError:
    """Of a folder without run.json: what it is instead."""
    if folder.foreign.exists():
        return DataError(
            f"{folder.path} holds another model's predictions, judged, and no run: it has its "
            f"report already. To write it anew: osteon evaluate --predictions FILE --out "
            f"{folder.path}"
        )
    return DataError(f"{folder.path} is no run folder: it has no {folder.request.name}.")


def default_cache() -> Path:
    """Where prepared films and features are kept: $OSTEON_CACHE, or the user's cache folder."""
    if named := os.environ.get("OSTEON_CACHE"):
        return Path(named)
    import platformdirs

    return Path(platformdirs.user_cache_dir("osteon"))


def log_opening(folder: RunFolder, why: str) -> None:
    """Add a line to openings.log: the test part is about to be opened."""
    with folder.openings.open("a", encoding="utf-8") as log:
        log.write(f"{datetime.now(UTC).isoformat(timespec='seconds')} {why}\n")
        log.flush()
        os.fsync(log.fileno())

"""What a run folder holds, read for the report; what is not there yet is None."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from osteon.environment import Environment
from osteon.errors import DataError
from osteon.manifest import read_manifest
from osteon.placement import CropLoss
from osteon.predictions import read_predictions
from osteon.recipe import recipe_from_json
from osteon.runs import RunFolder, no_run
from osteon.split_file import read_split
from osteon.train import read_history
from osteon.types import Audit, Evaluation, History, Manifest, Predictions, Recipe, Split
from osteon.values import read_value

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class Material:
    """Everything that the report shows."""

    folder: RunFolder
    manifest: Manifest
    audit: Audit
    split: Split | None
    recipe: Recipe | None
    crop_loss: CropLoss | None
    environment: Environment | None
    history: tuple[History, ...]
    predictions: Predictions | None  # of the test part
    val: Evaluation | None
    test: Evaluation | None
    openings: tuple[str, ...]


def gather(run: Path) -> Material:
    """Raises DataError if there is not even an audit."""
    folder = RunFolder(run)
    if not folder.manifest.is_file() or not folder.audit.is_file():
        if not folder.request.is_file():
            raise no_run(folder)
        raise DataError(f"{run} has no audit yet: nothing to report. Start with: osteon run DATA")
    test = folder.predictions("test")
    manifest = read_manifest(folder.manifest)
    return Material(
        folder=folder,
        manifest=manifest,
        audit=read_value(Audit, folder.audit),
        split=read_split(folder.split, manifest) if folder.split.is_file() else None,
        recipe=recipe_from_json(folder.recipe.read_text()) if folder.recipe.is_file() else None,
        crop_loss=_value(CropLoss, folder.preparation),
        environment=_value(Environment, folder.environment),
        history=read_history(folder.history) if folder.history.is_file() else (),
        predictions=read_predictions(test, part="test") if test.is_file() else None,
        val=_value(Evaluation, folder.evaluation("val")),
        test=_value(Evaluation, folder.evaluation("test")),
        openings=_lines(folder.openings),
    )


def _value(kind: type[T], path: Path) -> T | None:
    return read_value(kind, path) if path.is_file() else None


def _lines(path: Path) -> tuple[str, ...]:
    return tuple(path.read_text(encoding="utf-8").splitlines()) if path.is_file() else ()

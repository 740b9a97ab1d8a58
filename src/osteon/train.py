"""Drives the loop: checkpoints, early stopping, logs; goes on where a killed run stopped."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from osteon.backbones.blocks import check_size
from osteon.checkpoint import Checkpoint, read_checkpoint, write_checkpoint
from osteon.classifier import Classifier
from osteon.device import device_at_hand
from osteon.environment import Environment, Pace, this_environment
from osteon.errors import Interrupted, UsageError
from osteon.files import write_text
from osteon.fit import fit
from osteon.pace import kept, probed_pace, usual_pace
from osteon.progress import say
from osteon.recipe import recipe_to_json
from osteon.runs import RunFolder
from osteon.types import History, Manifest, Recipe, Split
from osteon.values import read_value, write_value
from osteon.watch import best_of, is_over
from osteon.words import counted

if TYPE_CHECKING:
    from osteon.prepare import Prepared


def train(
    recipe: Recipe,
    prepared: Prepared,
    manifest: Manifest,
    split: Split,
    run: Path,
    *,
    resume: bool = False,
) -> Classifier:
    """Train by ``recipe`` and return the classifier of the best epoch on ``split.val``.

    ``split.test`` is not looked at. The folder ``run`` gets recipe.json, history.csv,
    checkpoints/best.safetensors and last.safetensors and, if TensorBoard is installed, its logs.
    How the machine trains it fastest is probed (``osteon.pace``) and kept in environment.json.
    With ``resume`` training goes on after the last whole epoch; on a CPU to the same bits as if it
    had never been stopped.

    Raises Interrupted on Ctrl-C (what was done is kept), UsageError when ``run`` was begun with
    another recipe, split or data, or where the network takes no films of this size.
    """
    folder = RunFolder(run)
    made_for = _made_for(recipe, split, manifest)
    # Also where all begins anew: an evaluation in the folder would be of other weights.
    known = _last(folder, made_for)
    start = known if resume else None
    history = list(start.history) if start else []
    if start is None:
        check_size(recipe.backbone, prepared.rules.size_px)
    write_text(folder.recipe, recipe_to_json(recipe))
    pace = _pace(recipe, folder, manifest, len(split.train), resume=resume, begun=start is not None)
    try:
        with _board(folder, history) as board, kept(pace):
            if not is_over(history, recipe):
                for epoch in fit(recipe, prepared, manifest, split, start=start, pace=pace):
                    history.append(epoch.history)
                    checkpoint = Checkpoint(
                        made_for=made_for,
                        classes=manifest.classes,
                        history=tuple(history),
                        model=epoch.model,
                        optimiser=epoch.optimiser,
                    )
                    _keep(checkpoint, folder, recipe.monitor)
                    _log(board, epoch.history)
                    if is_over(history, recipe):
                        break
    except KeyboardInterrupt:
        raise Interrupted(
            f"Stopped after {counted(len(history), 'epoch')}, which are kept in {run}. The same "
            "command goes on."
        ) from None
    write_history(history, folder.history)
    return Classifier.load(run)


def _pace(
    recipe: Recipe,
    folder: RunFolder,
    manifest: Manifest,
    n_films: int,
    *,
    resume: bool,
    begun: bool,
) -> Pace:
    """That which the run began with, even if it was killed in its first epoch, for it goes on to
    the same bits with no other; else probed, and written to environment.json."""
    known = None
    if folder.environment.is_file():
        known = read_value(Environment, folder.environment)
    if known and known.pace and resume:
        return known.pace
    if begun:  # by a version that did not probe
        return usual_pace(recipe)
    pace = probed_pace(recipe, len(manifest.classes), n_films, device_at_hand())
    known = known or this_environment(seed=recipe.seed)
    write_value(folder.environment, replace(known, pace=pace))
    return pace


def _keep(checkpoint: Checkpoint, folder: RunFolder, monitor: str) -> None:
    """The last checkpoint is written last: what it tells is then on the disk already."""
    row = checkpoint.history[-1]
    is_best = best_of(checkpoint.history, monitor) is row
    if is_best:
        write_checkpoint(checkpoint, folder.checkpoints / "best.safetensors")
    write_history(checkpoint.history, folder.history)
    write_checkpoint(checkpoint, folder.checkpoints / "last.safetensors")
    say(
        f"epoch {row.epoch}: train loss {row.train_loss:.4f}, validation loss {row.val_loss:.4f}, "
        f"AUROC {row.val_auroc:.4f}{' (best so far)' if is_best else ''}"
    )


def _made_for(recipe: Recipe, split: Split, manifest: Manifest) -> str:
    said = [recipe_to_json(recipe), split.train, split.val, manifest.digest]
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()


def _last(folder: RunFolder, made_for: str) -> Checkpoint | None:
    path = folder.checkpoints / "last.safetensors"
    if not path.exists():
        return None
    last = read_checkpoint(path)
    if last.made_for != made_for:
        raise UsageError(
            f"{folder.path} was begun with another recipe, split or data and cannot be gone on "
            "with. Start anew in another folder: --out."
        )
    return last


# --- logs -----------------------------------------------------------------------------------------


def write_history(history: Sequence[History], path: Path) -> None:
    text = io.StringIO()
    rows = csv.DictWriter(text, [field.name for field in fields(History)], lineterminator="\n")
    rows.writeheader()
    rows.writerows(asdict(row) for row in history)
    write_text(path, text.getvalue())


def read_history(path: Path) -> tuple[History, ...]:
    """The rows of a history.csv."""
    with path.open(newline="", encoding="utf-8") as file:
        return tuple(
            History(epoch=int(row.pop("epoch")), **{k: float(v) for k, v in row.items()})
            for row in csv.DictReader(file)
        )


@contextmanager
def _board(folder: RunFolder, history: Sequence[History]) -> Iterator[Any]:
    """A TensorBoard writer, or None where TensorBoard is not installed."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        yield None
        return
    # Steps after the last whole epoch, of a killed run, are purged.
    first = history[-1].epoch + 1 if history else 0
    with SummaryWriter(str(folder.tensorboard), purge_step=first) as board:
        yield board


def _log(board: Any, row: History) -> None:
    if board is None:
        return
    for name, value in asdict(row).items():
        if name != "epoch":
            board.add_scalar(name.replace("_", "/", 1), value, row.epoch)

"""A checkpoint is one safetensors file: tensors, and the rest as JSON in its metadata.

One file is replaced in one rename, so a killed run finds either the old or the new one whole.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from osteon.errors import DataError
from osteon.files import write_bytes
from osteon.types import History

VERSION = 1
_MODEL, _OPTIMISER = "model.", "optimiser."


@dataclass(frozen=True, kw_only=True, slots=True)
class Checkpoint:
    """The state at the end of an epoch. Random numbers need no state: they follow the epoch."""

    made_for: str  # digest of recipe, split and manifest
    classes: tuple[str, ...]
    history: tuple[History, ...]
    model: Mapping[str, Tensor]
    optimiser: Mapping[str, Tensor]  # "PARAMETER.NAME" -> tensor; empty for a probe

    @property
    def epoch(self) -> int:
        return self.history[-1].epoch


def write_checkpoint(checkpoint: Checkpoint, path: Path) -> Path:
    from safetensors.torch import save

    tensors = {_MODEL + name: _plain(value) for name, value in checkpoint.model.items()}
    tensors |= {_OPTIMISER + name: _plain(value) for name, value in checkpoint.optimiser.items()}
    said = {
        "version": VERSION,
        "made_for": checkpoint.made_for,
        "classes": checkpoint.classes,
        "history": [asdict(row) for row in checkpoint.history],
    }
    return write_bytes(path, save(tensors, metadata={"osteon": json.dumps(said)}))


def read_checkpoint(path: Path) -> Checkpoint:
    """Raises DataError if ``path`` is missing or is no checkpoint of osteon."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            said: dict[str, Any] = json.loads((file.metadata() or {})["osteon"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except FileNotFoundError:
        raise DataError(f"There is no checkpoint {path}. Train first: osteon train") from None
    except (SafetensorError, KeyError, ValueError, OSError) as error:
        raise DataError(f"{path} is no checkpoint of osteon: {error}.") from None
    if said["version"] != VERSION:
        raise DataError(f"{path} was written by another version of osteon ({said['version']}).")
    return Checkpoint(
        made_for=said["made_for"],
        classes=tuple(said["classes"]),
        history=tuple(History(**row) for row in said["history"]),
        model=_part(tensors, _MODEL),
        optimiser=_part(tensors, _OPTIMISER),
    )


def _plain(value: Tensor) -> Tensor:
    return value.detach().cpu().contiguous().clone()


def _part(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {
        name.removeprefix(prefix): value
        for name, value in tensors.items()
        if name.startswith(prefix)
    }

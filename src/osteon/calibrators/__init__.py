"""Calibrators, one file each: a new file is a new candidate wherever calibration is judged.

A calibrator is a frozen dataclass: its fields are its state, as JSON. It is fitted on validation
alone and maps scores to scores. Legend: N films, C classes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from osteon.errors import DataError
from osteon.registry import Registry
from osteon.values import as_json, from_json

if TYPE_CHECKING:
    from osteon.types import Floats, Ints

NONE = "none"


class Calibrator(Protocol):
    """What every calibrator does. Rows of scores sum to 1, before and after."""

    binary_only: ClassVar[bool]
    simplicity: ClassVar[int]  # of two that are as good, the one with the lower number is taken

    @classmethod
    def fit(cls, labels: Ints, scores: Floats) -> Calibrator:
        """From labels (N,), all known, and scores (N, C) of validation."""
        ...

    def apply(self, scores: Floats) -> Floats:
        """Scores (N, C) to calibrated scores (N, C)."""
        ...


CALIBRATORS: Registry[type[Calibrator]] = Registry("calibrator", package="osteon.calibrators")


def candidates(n_classes: int) -> dict[str, type[Calibrator]]:
    """The calibrators that fit so many classes, the simplest first."""
    fitting = [(kind.simplicity, name) for name, kind in CALIBRATORS.items()
               if n_classes == 2 or not kind.binary_only]  # fmt: skip
    return {name: CALIBRATORS[name] for _, name in sorted(fitting)}


def name_of(calibrator: Calibrator) -> str:
    """The name under which its kind is registered."""
    return next(name for name, kind in CALIBRATORS.items() if type(calibrator) is kind)


def state_of(calibrator: Calibrator) -> dict[str, Any]:
    """The fitted numbers, as JSON can hold them."""
    return as_json(calibrator)


def calibrator_of(name: str, state: Mapping[str, Any]) -> Calibrator:
    """What ``state_of`` came from. Raises UnknownName for the name, DataError for the state."""
    kind = CALIBRATORS[name]
    try:
        return from_json(kind, json.dumps(dict(state)))
    except DataError as error:
        raise DataError(f"The state of the calibrator '{name}' cannot be used: {error}") from None

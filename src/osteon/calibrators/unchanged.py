"""No calibrator: the scores as they are. A candidate like the others, and the simplest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from osteon.calibrators import CALIBRATORS, NONE

if TYPE_CHECKING:
    from osteon.types import Floats, Ints


@CALIBRATORS.register(NONE)
@dataclass(frozen=True, kw_only=True, slots=True)
class Unchanged:
    """Leaves every score as it is."""

    binary_only: ClassVar[bool] = False
    simplicity: ClassVar[int] = 0

    @classmethod
    def fit(cls, labels: Ints, scores: Floats) -> Unchanged:  # noqa: ARG003
        return cls()

    def apply(self, scores: Floats) -> Floats:
        return scores

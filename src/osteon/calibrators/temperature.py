"""Temperature scaling: one number for all classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from osteon.calibrators import CALIBRATORS
from osteon.calibrators.logits import SMALLEST, softmax

if TYPE_CHECKING:
    from osteon.types import Floats, Ints

COLDEST, HOTTEST = 0.05, 50.0  # beyond, scores are answers, or say nothing


@CALIBRATORS.register("temperature")
@dataclass(frozen=True, kw_only=True, slots=True)
class Temperature:
    """Logits divided by one temperature, that with the least log loss; above 1 it makes scores
    less sure. The order of the classes of a film stays, of two classes that of the films too.

    Guo et al., ICML 2017, PMLR 70:1321.
    """

    temperature: float
    binary_only: ClassVar[bool] = False
    simplicity: ClassVar[int] = 1

    @classmethod
    def fit(cls, labels: Ints, scores: Floats) -> Temperature:
        from scipy.optimize import minimize_scalar

        logs = np.log(np.maximum(scores, SMALLEST))
        truth = np.arange(len(labels)), labels

        def loss(inverse: float) -> float:
            scaled = logs * inverse
            highest = scaled.max(1)
            total = np.log(np.exp(scaled - highest[:, None]).sum(1)) + highest
            return float((total - scaled[truth]).mean())

        # Of the inverse, the loss is convex: there is one lowest point.
        found = minimize_scalar(
            loss, bounds=(1 / HOTTEST, 1 / COLDEST), method="bounded", options={"xatol": 1e-9}
        )
        return cls(temperature=float(1 / found.x))

    def apply(self, scores: Floats) -> Floats:
        return softmax(np.log(np.maximum(scores, SMALLEST)) / self.temperature)

"""Isotonic regression: any rising curve; needs many films."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from osteon.calibrators import CALIBRATORS
from osteon.calibrators.logits import of_two

if TYPE_CHECKING:
    from osteon.types import Floats, Ints


@CALIBRATORS.register("isotonic")
@dataclass(frozen=True, kw_only=True, slots=True)
class Isotonic:
    """The rising curve with the least squared error, straight between its knots; of more than two
    classes one a class, against the rest, and rows made to sum to 1.

    It ends at 1 / (n + 2) and 1 - 1 / (n + 2) of n films, since it would else be certain of what it
    saw a few times, and one film could cost an infinite log loss. Films may come to tie.
    Zadrozny and Elkan, KDD 2002, p. 694.
    """

    knots: tuple[tuple[float, ...], ...]  # of each curve, rising
    values: tuple[tuple[float, ...], ...]
    binary_only: ClassVar[bool] = False
    simplicity: ClassVar[int] = 3

    @classmethod
    def fit(cls, labels: Ints, scores: Floats) -> Isotonic:
        classes = [1] if scores.shape[1] == 2 else range(scores.shape[1])
        curves = [_curve((labels == index).astype(float), scores[:, index]) for index in classes]
        return cls(
            knots=tuple(tuple(knots.tolist()) for knots, _ in curves),
            values=tuple(tuple(values.tolist()) for _, values in curves),
        )

    def apply(self, scores: Floats) -> Floats:
        if len(self.knots) == 1:
            return of_two(np.interp(scores[:, 1], self.knots[0], self.values[0]))
        raised = np.stack(
            [
                np.interp(scores[:, index], knots, values)
                for index, (knots, values) in enumerate(zip(self.knots, self.values, strict=True))
            ],
            axis=1,
        )
        even: Floats = raised / raised.sum(1, keepdims=True)
        return even


def _curve(hit: Floats, score: Floats) -> tuple[Floats, Floats]:
    from sklearn.isotonic import IsotonicRegression

    least = 1 / (len(hit) + 2)
    fitted = IsotonicRegression(y_min=0.0, y_max=1.0, out_of_bounds="clip").fit(score, hit)
    values = np.clip(fitted.y_thresholds_, least, 1 - least)
    return np.asarray(fitted.X_thresholds_, dtype=np.float64), values

"""Platt scaling: a line through the logits, of two classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from osteon.calibrators import CALIBRATORS
from osteon.calibrators.logits import logit, of_two, sigmoid

if TYPE_CHECKING:
    from osteon.types import Floats, Ints


@CALIBRATORS.register("platt")
@dataclass(frozen=True, kw_only=True, slots=True)
class Platt:
    """sigmoid(slope * logit + intercept), with Platt's smoothed targets: (n+ + 1) / (n+ + 2) for
    the positives and 1 / (n- + 2) for the negatives, so that few films cannot claim certainty.

    The slope is kept at 0 or above, so that no two films change places. Platt, in Advances in
    Large Margin Classifiers (MIT Press, 2000), p. 61; Lin et al., Mach Learn 68:267 (2007).
    """

    slope: float
    intercept: float
    binary_only: ClassVar[bool] = True
    simplicity: ClassVar[int] = 2

    @classmethod
    def fit(cls, labels: Ints, scores: Floats) -> Platt:
        from scipy.optimize import minimize

        odds = logit(scores[:, 1])
        n_positive = int((labels == 1).sum())
        n_negative = len(labels) - n_positive
        target = np.where(labels == 1, (n_positive + 1) / (n_positive + 2), 1 / (n_negative + 2))

        def loss(line: Floats) -> tuple[float, Floats]:
            raised = line[0] * odds + line[1]
            wrong = sigmoid(raised) - target
            value = np.logaddexp(0, raised) - target * raised
            return float(value.mean()), np.array([(wrong * odds).mean(), wrong.mean()])

        found = minimize(
            loss, np.array([1.0, 0.0]), jac=True, method="L-BFGS-B",
            bounds=[(0.0, None), (None, None)], options={"ftol": 1e-15, "gtol": 1e-10},
        )  # fmt: skip
        return cls(slope=float(found.x[0]), intercept=float(found.x[1]))

    def apply(self, scores: Floats) -> Floats:
        return of_two(sigmoid(self.slope * logit(scores[:, 1]) + self.intercept))

"""What was found about calibration: RUN/calibration.json."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from osteon.types import CalibrationBin, Estimate

FILE = "calibration.json"  # in a run folder


@dataclass(frozen=True, kw_only=True, slots=True)
class Tried:
    """One calibrator: fitted on all of validation, judged on test; chosen without test."""

    name: str
    state: Mapping[str, Any]  # its fitted numbers
    on_validation: Estimate  # log loss of films left out of its fit, by grouped cross-validation
    on_test: Mapping[str, Estimate]  # of the calibrated scores; see TITLES
    gain: Estimate | None  # log loss on test minus that of the scores as they are, paired


@dataclass(frozen=True, kw_only=True, slots=True)
class Calibrated:
    """How far the scores of a run can be read as probabilities, and which calibrator it uses."""

    classes: tuple[str, ...]
    chosen: str  # on validation alone
    reason: str
    tried: tuple[Tried, ...]  # the simplest first; "none" are the scores as they are
    n_validation: int
    n_groups_validation: int
    before: tuple[CalibrationBin, ...]  # bins of equal mass on test
    after: tuple[CalibrationBin, ...]  # by the chosen one
    remarks: tuple[str, ...] = ()

    def of(self, name: str) -> Tried:
        return next(one for one in self.tried if one.name == name)


TITLES = {
    "log_loss": "Log loss",
    "brier_loss": "Brier loss",
    "reliability": "Brier: reliability",
    "resolution": "Brier: resolution",
    "uncertainty": "Brier: uncertainty",
    "residual": "Brier: within bins",
    "ece_width": "ECE, equal width",
    "ece_mass": "ECE, equal mass",
    "rms_error_debiased": "RMS error, debiased",
    "ece_smooth": "ECE, smooth",
    "slope": "Slope",
    "intercept": "Intercept",
}
"""How a table calls each figure, in the order to show them."""

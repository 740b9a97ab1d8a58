"""Calibration errors with intervals; chance can only raise most of them, and is told apart.

Legend: N films, B resamples or draws.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from osteon.calibrate.binned import ece, equal_mass, equal_width, squared_errors, sums
from osteon.calibrate.smooth import smooth_ece
from osteon.statistics import RESAMPLES, percentiles, resamples
from osteon.types import Estimate

if TYPE_CHECKING:
    from osteon.types import Floats

DRAWS = 500  # of outcomes by chance


def calibration_errors(score: Floats, gaps: Floats, total: Floats) -> dict[str, Floats]:
    """The errors that are sizes of gaps: each (B,). ``gaps`` (B, N) are weight * (score - hit)."""
    return {
        "ece_width": ece(gaps, total, equal_width(score)),
        "ece_mass": ece(gaps, total, equal_mass(score)),
        "ece_smooth": smooth_ece(score, gaps, total),
    }


def by_chance(score: Floats, groups: Sequence[str], *, seed: int = 0) -> dict[str, float]:
    """What each error reaches in 95 of 100 draws though every score be true.

    Outcomes are drawn by the scores themselves, with one number for all films of a group, as if
    they were copies: consistency resampling, Broecker and Smith, Weather Forecast 22:651 (2007).
    """
    names, of = np.unique(np.asarray(groups), return_inverse=True)
    numbers = np.random.default_rng(seed).random((DRAWS, len(names)))
    gaps = score - (numbers[:, of] < score)
    errors = calibration_errors(score, gaps, np.full(DRAWS, float(len(score))))
    return {name: float(np.quantile(drawn, 0.95)) for name, drawn in errors.items()}


def debiased_rms_error(
    score: Floats,
    hit: Floats,
    groups: Sequence[str],
    *,
    n_resamples: int = RESAMPLES,
    seed: int = 0,
) -> Estimate:
    """Root of the mean squared gap in bins of equal mass, less what chance adds; see
    ``osteon.calibrate.binned.squared_errors``. Below 0 it is 0.

    The interval is the basic one, of the squares. What a resample is drawn from has the plain
    squared gap as its truth, so the debiased squares of resamples spread round that.
    """
    bins = equal_mass(score)

    def squares(weights: Floats) -> tuple[Floats, Floats]:
        return squared_errors(sums(score, hit, bins, weights))

    plain, debiased = (float(each[0]) for each in squares(np.ones((1, len(score)))))
    n_groups = len(set(groups))
    low, high, method = None, None, "no interval: all films are of one group"
    if n_groups > 1:
        drawn = [squares(weights)[1] for weights in resamples(
            groups, resamples=n_resamples, seed=seed)]  # fmt: skip
        low, high = percentiles(np.concatenate(drawn))
        method = f"grouped bootstrap, {n_resamples:,} resamples, basic, of the squares"
    if low is not None and high is not None:
        low, high = (_root(debiased - end + plain) for end in (high, low))
    return Estimate(
        value=_root(debiased), low=low, high=high, n=len(score), n_groups=n_groups, method=method
    )


def _root(square: float) -> float:
    return math.sqrt(max(square, 0.0))

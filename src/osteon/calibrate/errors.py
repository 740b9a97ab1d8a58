"""Calibration errors with intervals; chance can only raise most of them, and is told apart.

Legend: N films, B resamples or draws.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from osteon.calibrate.binned import (
    InBins,
    ece,
    equal_mass,
    equal_width,
    squared_errors,
    sums,
)
from osteon.calibrate.smooth import cosines, smooth_ece
from osteon.statistics import RESAMPLES, collapsed, percentiles, resamples
from osteon.types import Estimate

if TYPE_CHECKING:
    from osteon.types import Floats

DRAWS = 500  # of outcomes by chance
CELLS_AT_ONCE = 250_000  # outcomes held at a time: what fits into a core's cache


def calibration_errors(score: Floats) -> Callable[[Floats, Floats], dict[str, Floats]]:
    """What gives the errors that are sizes of gaps, each (B,), from ``gaps`` (B, N), which are
    weight * (score - hit), and the weights' ``total`` (B,)."""
    widths, masses, basis = equal_width(score), equal_mass(score), cosines(score)

    def errors(gaps: Floats, total: Floats) -> dict[str, Floats]:
        return {
            "ece_width": ece(gaps, total, widths),
            "ece_mass": ece(gaps, total, masses),
            "ece_smooth": smooth_ece(basis, gaps, total),
        }

    return errors


def by_chance(score: Floats, groups: Sequence[str], *, seed: int = 0) -> dict[str, float]:
    """What each error reaches in 95 of 100 draws though every score be true.

    Outcomes are drawn by the scores themselves, with one number for all films of a group, as if
    they were copies: consistency resampling, Broecker and Smith, Weather Forecast 22:651 (2007).
    """
    names, of = np.unique(np.asarray(groups), return_inverse=True)
    errors, rng = calibration_errors(score), np.random.default_rng(seed)
    at_once = max(1, CELLS_AT_ONCE // len(score))
    drawn: dict[str, list[Floats]] = {}
    for begun in range(0, DRAWS, at_once):
        numbers = rng.random((min(at_once, DRAWS - begun), len(names)))
        gaps = score - (numbers[:, of] < score)
        for name, values in errors(gaps, np.full(len(gaps), float(len(score)))).items():
            drawn.setdefault(name, []).append(values)
    return {name: float(np.quantile(np.concatenate(each), 0.95)) for name, each in drawn.items()}


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
    _, firsts, of = np.unique(np.asarray(groups), return_index=True, return_inverse=True)
    inside = InBins.of(hit, bins, of)

    def squares(weights: Floats) -> tuple[Floats, Floats]:
        return squared_errors(sums(score, hit, bins, weights), inside, weights[:, firsts])

    plain, debiased = (float(each[0]) for each in squares(np.ones((1, len(score)))))
    n_groups = len(set(groups))
    low, high, method = None, None, "no interval: all films are of one group"
    if n_groups > 1:
        drawn = [squares(weights)[1] for weights in resamples(
            groups, resamples=n_resamples, seed=seed)]  # fmt: skip
        low, high = percentiles(np.concatenate(drawn))
        method = f"grouped bootstrap, {n_resamples:,} resamples, basic, of the squares"
    if low is not None and high is not None:
        # Near 0 the basic upper end can lie below 0; the resamples' own does not.
        low, high = _root(debiased - high + plain), _root(max(debiased - low + plain, high))
        if collapsed(low, high):
            low, high, method = None, None, "no interval (the bootstrap collapsed)"
    return Estimate(
        value=_root(debiased), low=low, high=high, n=len(score), n_groups=n_groups, method=method
    )


def _root(square: float) -> float:
    return math.sqrt(max(square, 0.0))

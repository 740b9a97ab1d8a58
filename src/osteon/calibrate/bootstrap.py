"""Intervals of figures that share one pass over the resamples of groups.

Legend: N films, B resamples.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from osteon.statistics import (
    RESAMPLES,
    collapsed,
    percentiles,
    resamples,
    why_none,
)
from osteon.types import Estimate

if TYPE_CHECKING:
    from osteon.types import Floats

Figures = Callable[["Floats"], Mapping[str, "Floats"]]  # weights (B, N) -> name -> (B,)


def bootstrapped(
    figures: Figures,
    groups: Sequence[str],
    *,
    raised: Mapping[str, float] | None = None,
    n_resamples: int = RESAMPLES,
    seed: int = 0,
) -> dict[str, Estimate]:
    """Every figure with its 95 % interval by the grouped bootstrap.

    Figures that chance can only raise, such as an ECE, are in ``raised``, with what chance alone
    reaches in 95 of 100 draws (0: unknown); see ``_lowered``. A figure that every resample repeats
    gets no interval.
    """
    n, n_groups = len(groups), len(set(groups))
    whole = {name: float(value[0]) for name, value in figures(np.ones((1, n))).items()}
    drawn: dict[str, list[Floats]] = {name: [] for name in whole}
    if n_groups > 1:
        for weights in resamples(groups, resamples=n_resamples, seed=seed):
            for name, values in figures(weights).items():
                drawn[name].append(values)
    made = {}
    for name, value in whole.items():
        low, high, method = None, None, "no interval: all films are of one group"
        if drawn[name]:
            replicates = np.concatenate(drawn[name])
            low, high = percentiles(replicates)
            kind = "basic, chance taken off" if raised and name in raised else "percentile"
            method = f"grouped bootstrap, {n_resamples:,} resamples, {kind}"
            if low is None or high is None:
                method = why_none(replicates)
            elif collapsed(low, high):
                low, high, method = None, None, "no interval (the bootstrap collapsed)"
            elif raised and name in raised:
                low, high = _lowered(value, raised[name], replicates)
            else:  # the highest that a figure can have lies above all of its resamples
                low, high = min(low, value), max(high, value)
        made[name] = Estimate(
            value=value if math.isfinite(value) else None,
            low=low, high=high, n=n, n_groups=n_groups, method=method,
        )  # fmt: skip
    return made


def _lowered(value: float, by_chance: float, drawn: Floats) -> tuple[float, float]:
    """The basic interval (Davison and Hinkley, Bootstrap Methods, 1997, section 5.2) of a figure
    that chance can only raise, made wider.

    Each resample adds to such a figure what the films added already, so that percentiles lie too
    high. The lower end has that taken off twice, since near 0 the resamples show less than half of
    it; and is 0 where chance alone would reach the value. The upper end is the higher of the basic
    and the percentile one.
    """
    low, high = percentiles(drawn)
    assert low is not None  # asked before
    assert high is not None
    added = float(np.nanmean(drawn)) - value
    lowest = value - (high - value) - max(added, 0.0)
    lowest = 0.0 if value <= by_chance else max(0.0, lowest)
    return min(lowest, value), max(2 * value - low, high, value)

"""Intervals of figures that share one pass over the resamples of groups.

Legend: N films, B resamples.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from osteon.statistics import RESAMPLES, percentiles, resamples, wilson
from osteon.types import Estimate

if TYPE_CHECKING:
    from osteon.types import Floats

Figures = Callable[["Floats"], Mapping[str, "Floats"]]  # weights (B, N) -> name -> (B,)


def bootstrapped(
    figures: Figures,
    groups: Sequence[str],
    *,
    basic: Collection[str] = (),
    witnesses: Mapping[str, int] | None = None,
    n_resamples: int = RESAMPLES,
    seed: int = 0,
) -> dict[str, Estimate]:
    """Every figure with its 95 % interval by the grouped bootstrap.

    Figures that chance can only raise, such as an ECE, are named in ``basic``: each resample adds
    to them what the films added already, so that their percentiles lie too high. They get the
    basic interval, 2 * value - percentile, which takes that off (Davison and Hinkley, Bootstrap
    Methods, 1997, section 5.2), cut at 0 and reaching to the value at least. Of the shares in
    ``witnesses`` (how many groups each rests on), one that is 0 or 1 in every resample gets
    Wilson's interval.
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
            low, high = percentiles(np.concatenate(drawn[name]))
            kind = "basic" if name in basic else "percentile"
            method = f"grouped bootstrap, {n_resamples:,} resamples, {kind}"
        if low is not None and high is not None and name in basic:
            low, high = _basic(value, low, high)
        elif low is not None and low == high and value in (0.0, 1.0):
            low, high, method = _collapsed(value, (witnesses or {}).get(name, 0))
        made[name] = Estimate(
            value=None if math.isnan(value) else value,
            low=low, high=high, n=n, n_groups=n_groups, method=method,
        )  # fmt: skip
    return made


def _basic(value: float, low: float, high: float) -> tuple[float, float]:
    return min(max(0.0, 2 * value - high), value), max(2 * value - low, value)


def _collapsed(value: float, witnesses: int) -> tuple[float | None, float | None, str]:
    if not witnesses:
        return None, None, "no interval (the bootstrap collapsed)"
    low, high = wilson(value * witnesses, witnesses)
    method = f"Wilson on the {witnesses:,} groups it rests on (the bootstrap collapsed)"
    return low, high, method

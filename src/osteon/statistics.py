"""Intervals: the grouped bootstrap, and Wilson's interval where the bootstrap has none.

Legend: N films, C classes, B resamples, G groups.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from osteon.types import Estimate

if TYPE_CHECKING:
    from osteon.metrics import Metric
    from osteon.types import Floats, Ints

LEVEL = 0.95
RESAMPLES = 2000
FEWEST_DEFINED = 0.8  # share of resamples on which a metric must be defined to get an interval
CELLS_AT_ONCE = 2_000_000  # weights held in memory at a time
OF_FILMS = frozenset(  # shares, or nearly so: Wilson's interval can stand in for the bootstrap's
    (
        "auroc",
        "average_precision",
        "accuracy",
        "balanced_accuracy",
        "sensitivity",
        "specificity",
        "precision",
        "npv",
        "f1",
    )
)
Z = 1.959963984540054  # 97.5 % of a standard normal variable lies below


def resamples(
    groups: Sequence[str], *, resamples: int = RESAMPLES, seed: int = 0
) -> Iterator[Floats]:
    """Bootstrap weights in chunks (b, N): how often each film is drawn.

    Whole groups (patients, or clusters of copies) are drawn, as many as there are, with
    replacement, since films of one group are no independent witnesses.
    Field and Welsh, J R Stat Soc B 69:369 (2007), the cluster bootstrap.
    """
    names, group_of = np.unique(np.asarray(groups, dtype=object).astype(str), return_inverse=True)
    rng = np.random.default_rng(seed)
    shares = np.full(len(names), 1 / len(names))
    at_once = max(1, CELLS_AT_ONCE // max(len(groups), 1))
    for begun in range(0, resamples, at_once):
        count = min(at_once, resamples - begun)
        drawn = rng.multinomial(len(names), shares, size=count)
        yield drawn[:, group_of].astype(np.float64)


def estimates(
    metrics: Mapping[str, Metric],
    labels: Ints,
    scores: Floats,
    groups: Sequence[str],
    *,
    n_resamples: int = RESAMPLES,
    seed: int = 0,
) -> dict[str, Estimate]:
    """Each metric's value on the films, with its 95 % percentile interval."""
    whole = np.ones((1, len(labels)))
    values = {name: float(metric(labels, scores, whole)[0]) for name, metric in metrics.items()}
    drawn: dict[str, list[Floats]] = {name: [] for name in metrics}
    for weights in resamples(groups, resamples=n_resamples, seed=seed):
        for name, metric in metrics.items():
            drawn[name].append(metric(labels, scores, weights))
    n_groups = len(set(groups))
    smallest = _smallest_class(labels, groups)
    return {
        name: _estimate(name, value, np.concatenate(drawn[name]), len(labels), n_groups, smallest)
        for name, value in values.items()
    }


def differences(
    metrics: Mapping[str, Metric],
    labels: Ints,
    scores: Floats,
    other: Floats,
    groups: Sequence[str],
    *,
    n_resamples: int = RESAMPLES,
    seed: int = 0,
) -> dict[str, Estimate]:
    """Metric on ``scores`` minus metric on ``other``, paired: the same films in each resample."""

    def difference(metric: Metric) -> Metric:
        return lambda truth, mine, weights: (
            metric(truth, mine, weights) - metric(truth, other, weights)
        )

    paired = {name: difference(metric) for name, metric in metrics.items()}
    whole = np.ones((1, len(labels)))
    drawn: dict[str, list[Floats]] = {name: [] for name in metrics}
    for weights in resamples(groups, resamples=n_resamples, seed=seed):
        for name, metric in paired.items():
            drawn[name].append(metric(labels, scores, weights))
    method = f"paired grouped bootstrap, {n_resamples:,} resamples, percentile"
    n, n_groups = len(labels), len(set(groups))
    made = {}
    for name, metric in paired.items():
        value = float(metric(labels, scores, whole)[0])
        low, high = _percentiles(np.concatenate(drawn[name]))
        made[name] = Estimate(
            value=_known(value), low=low, high=high, n=n, n_groups=n_groups, method=method
        )
    return made


def _estimate(
    name: str, value: float, drawn: Floats, n: int, n_groups: int, smallest: int
) -> Estimate:
    low, high = _percentiles(drawn)
    method = f"grouped bootstrap, {len(drawn):,} resamples, percentile"
    if low is not None and low == high and value in (0.0, 1.0) and name in OF_FILMS:
        # Every resample scores the same; the interval would claim a certainty that is not there.
        low, high = wilson(value * smallest, smallest)
        method = f"Wilson on the {smallest} groups of the smallest class (bootstrap collapsed)"
    return Estimate(value=_known(value), low=low, high=high, n=n, n_groups=n_groups, method=method)


def _percentiles(drawn: Floats) -> tuple[float | None, float | None]:
    defined = drawn[~np.isnan(drawn)]
    if len(defined) < FEWEST_DEFINED * len(drawn) or not len(defined):
        return None, None
    low, high = np.quantile(defined, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value


def _smallest_class(labels: Ints, groups: Sequence[str]) -> int:
    of_class: dict[int, set[str]] = {}
    for label, group in zip(labels.tolist(), groups, strict=True):
        of_class.setdefault(label, set()).add(group)
    return min((len(inside) for inside in of_class.values()), default=0)


def wilson(successes: float, n: int) -> tuple[float, float]:
    """Wilson's score interval of a proportion, 95 % (J Am Stat Assoc 22:209, 1927).

    Raises ValueError for n below 1 or successes outside 0 to n.
    """
    if n < 1 or not 0 <= successes <= n:
        raise ValueError(f"{successes} of {n} is no proportion.")
    share = successes / n
    middle = (share + Z**2 / (2 * n)) / (1 + Z**2 / n)
    half = Z / (1 + Z**2 / n) * math.sqrt(share * (1 - share) / n + Z**2 / (4 * n**2))
    return max(0.0, middle - half), min(1.0, middle + half)

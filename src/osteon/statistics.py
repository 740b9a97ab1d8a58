"""Intervals: the grouped bootstrap, and Wilson's interval where the bootstrap has none.

Legend: N films, C classes, B resamples, G groups.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
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
SHARES = frozenset(  # 0 to 1, or nearly shares: Wilson's interval can stand in for the bootstrap's
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
    """Each metric's value on the films, with its 95 % percentile interval.

    Where every resample gives the same perfect (or worst) figure the bootstrap would claim a
    certainty that is not there: shares then get Wilson's interval on the groups that they rest on,
    other metrics none. ``method`` says so.
    """
    draws = _draws(metrics, labels, scores, groups, n_resamples, seed)
    n, n_groups = len(labels), len(set(groups))
    made = {}
    for name, drawn in draws.items():
        value, low, high, method = drawn.value, drawn.low, drawn.high, drawn.method
        if drawn.collapsed and value in (0.0, 1.0) and name in SHARES:
            witnesses = _witnesses(name, labels, scores, groups)
            low, high = wilson(value * witnesses, witnesses)
            method = f"Wilson on the {witnesses:,} groups it rests on (the bootstrap collapsed)"
        elif drawn.collapsed and (value in (-1.0, 1.0) or name.endswith("_loss")):
            low, high, method = None, None, "no interval (the bootstrap collapsed)"
        made[name] = Estimate(
            value=value, low=low, high=high, n=n, n_groups=n_groups, method=method
        )
    return made


def standard_error(
    metric: Metric,
    labels: Ints,
    scores: Floats,
    groups: Sequence[str],
    *,
    n_resamples: int = RESAMPLES // 4,
    seed: int = 0,
) -> float:
    """The standard deviation of a metric over resamples of the groups; NaN where undefined."""
    chunks = resamples(groups, resamples=n_resamples, seed=seed)
    drawn = np.concatenate([metric(labels, scores, weights) for weights in chunks])
    defined = drawn[~np.isnan(drawn)]
    return float(defined.std(ddof=1)) if len(defined) > 1 else math.nan


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
    draws = _draws(paired, labels, scores, groups, n_resamples, seed)
    n, n_groups = len(labels), len(set(groups))
    made = {}
    for name, drawn in draws.items():
        low, high, method = drawn.low, drawn.high, f"paired {drawn.method}"
        if drawn.collapsed and drawn.value != 0:  # of 0 both are the same classifier
            low, high, method = None, None, "no interval (the paired bootstrap collapsed)"
        made[name] = Estimate(
            value=drawn.value, low=low, high=high, n=n, n_groups=n_groups, method=method
        )
    return made


@dataclass(frozen=True, kw_only=True, slots=True)
class _Draws:
    """One metric on the films and on all resamples of them."""

    value: float | None
    low: float | None
    high: float | None
    method: str

    @property
    def collapsed(self) -> bool:
        return self.low is not None and self.low == self.high


def _draws(
    metrics: Mapping[str, Metric],
    labels: Ints,
    scores: Floats,
    groups: Sequence[str],
    n_resamples: int,
    seed: int,
) -> dict[str, _Draws]:
    drawn: dict[str, list[Floats]] = {name: [] for name in metrics}
    for weights in resamples(groups, resamples=n_resamples, seed=seed):
        for name, metric in metrics.items():
            drawn[name].append(metric(labels, scores, weights))
    whole = np.ones((1, len(labels)))
    made = {}
    for name, metric in metrics.items():
        value = float(metric(labels, scores, whole)[0])
        low, high, method = None, None, "no interval: all films are of one group"
        if len(set(groups)) > 1:
            low, high = percentiles(np.concatenate(drawn[name]))
            method = f"grouped bootstrap, {n_resamples:,} resamples, percentile"
        known = None if math.isnan(value) else value
        made[name] = _Draws(value=known, low=low, high=high, method=method)
    return made


def percentiles(drawn: Floats) -> tuple[float | None, float | None]:
    """The ends of the 95 % interval; None where the figure is undefined on too many resamples."""
    defined = drawn[~np.isnan(drawn)]
    if len(defined) < FEWEST_DEFINED * len(drawn) or not len(defined):
        return None, None
    low, high = np.quantile(defined, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def _witnesses(name: str, labels: Ints, scores: Floats, groups: Sequence[str]) -> int:
    """How many groups a share rests on; where it rests on every class, those of the smallest."""
    if name == "accuracy":
        return len(set(groups))
    held = np.asarray(groups)
    answered = scores.argmax(1)
    of_two = {
        "sensitivity": labels == 1,
        "specificity": labels == 0,
        "precision": answered == 1,
        "npv": answered == 0,
    }
    if scores.shape[1] == 2 and name in of_two:
        return len(set(held[of_two[name]]))
    return min(len(set(held[labels == label])) for label in np.unique(labels))


def wilson(successes: float, n: int) -> tuple[float, float]:
    """Wilson's score interval of a proportion, 95 % (J Am Stat Assoc 22:209, 1927).

    Raises ValueError for n below 1 or successes outside 0 to n.
    """
    if n < 1 or not 0 <= successes <= n:
        raise ValueError(f"{successes} of {n} is no proportion.")
    share = successes / n
    middle = (share + Z**2 / (2 * n)) / (1 + Z**2 / n)
    half = Z / (1 + Z**2 / n) * math.sqrt(share * (1 - share) / n + Z**2 / (4 * n**2))
    low = 0.0 if successes == 0 else max(0.0, middle - half)
    high = 1.0 if successes == n else min(1.0, middle + half)
    return low, high

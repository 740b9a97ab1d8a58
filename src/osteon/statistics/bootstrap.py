"""The grouped bootstrap: intervals of any metric, and of differences between two classifiers.

Legend: N films, C classes, B resamples, G groups.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from osteon.metrics.shared import Films, Weighted, figures_on
from osteon.statistics.levels import LEVEL, numbered
from osteon.statistics.proportions import wilson
from osteon.types import Estimate

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from osteon.metrics import Metric
    from osteon.types import Floats, Ints

RESAMPLES = 2000
FEWEST_DEFINED = 0.8  # share of resamples on which a metric must be defined to get an interval
UNDEFINED = "no interval (undefined on more than a fifth of the resamples: a class of few groups)"
UNBOUNDED = "no interval (without end on more than one resample in forty)"
ROUNDING = 1e-9  # of a mean over films or seeds: closer figures are the same
CELLS_AT_ONCE = 250_000  # weights held at a time: what fits into a core's cache
CELLS_KEPT = 2**25  # of one set of draws, a byte each; larger sets are drawn anew each time
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
        "top_2_accuracy",
        "top_3_accuracy",
    )
)
# Shares of two classes that are not of all films: of those with this label, of those answered so.
OF_LABEL = {"specificity": 0, "sensitivity": 1}
OF_ANSWER = {"npv": 0, "precision": 1}


def resamples(
    groups: Sequence[str], *, resamples: int = RESAMPLES, seed: int = 0
) -> Iterator[Floats]:
    """Bootstrap weights in chunks (b, N): how often each film is drawn.

    Whole groups (patients, or clusters of copies) are drawn, as many as there are, with
    replacement, since films of one group are no independent witnesses.
    Field and Welsh, J R Stat Soc B 69:369 (2007), the cluster bootstrap.
    """
    group_of, n_groups = numbered(groups)
    for drawn in group_draws(n_groups, resamples=resamples, seed=seed):
        yield drawn[:, group_of]


def group_draws(n_groups: int, *, resamples: int = RESAMPLES, seed: int = 0) -> Iterator[Floats]:
    """Bootstrap weights in chunks (b, G): how often each group is drawn, G times in all.

    They follow from the three numbers alone, and drawing costs far more than most figures do: the
    last few sets are kept, a byte a weight.
    """
    if n_groups * resamples > CELLS_KEPT:
        for chunk in _drawn(n_groups, resamples, seed):
            yield chunk.astype(np.float64)
        return
    kept = _kept(n_groups, resamples, seed)
    at_once = _at_once(n_groups)
    for begun in range(0, resamples, at_once):
        yield kept[begun : begun + at_once].astype(np.float64)


def _drawn(n_groups: int, resamples: int, seed: int) -> Iterator[Ints]:
    """Group by group by lot, then counted: ten times as fast as multinomial counts, and exact."""
    rng = np.random.default_rng(seed)
    at_once = _at_once(n_groups)
    for begun in range(0, resamples, at_once):
        rows = min(at_once, resamples - begun)
        lots = rng.integers(n_groups, size=(rows, n_groups))
        lots += n_groups * np.arange(rows)[:, None]
        yield np.bincount(lots.ravel(), minlength=rows * n_groups).reshape(rows, n_groups)


@lru_cache(maxsize=4)
def _kept(n_groups: int, resamples: int, seed: int) -> NDArray[np.uint8] | Ints:
    kept = np.empty((resamples, n_groups), np.uint8)
    begun = 0
    for chunk in _drawn(n_groups, resamples, seed):
        if chunk.size and chunk.max() > np.iinfo(np.uint8).max:  # beyond all likelihood
            return np.concatenate([*_drawn(n_groups, resamples, seed)])
        kept[begun : begun + len(chunk)] = chunk
        begun += len(chunk)
    return kept


def _at_once(n_groups: int) -> int:
    return max(1, CELLS_AT_ONCE // max(n_groups, 1))


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

    Where every resample gives the same figure the bootstrap would claim a certainty that is not
    there: shares of 0 or 1 then get Wilson's interval on the groups that they rest on, other
    figures none, but for a classifier that gives every film the same scores: its AUROC of 0.5 is
    certain. ``method`` says so.
    """
    draws = _draws(metrics, labels, (scores,), groups, n_resamples, seed)
    group_of, _ = numbered(groups)
    told_apart = bool((scores != scores[:1]).any())
    made = {}
    for name, drawn in draws.items():
        value, low, high, method = drawn.value, drawn.low, drawn.high, drawn.method
        if drawn.collapsed and name in SHARES and (end := extreme(value)) is not None:
            n_there = witnesses(name, labels, scores, groups)
            low, high = wilson(end * n_there, n_there)
            method = f"Wilson on the {n_there:,} groups it rests on (the bootstrap collapsed)"
        elif drawn.collapsed and (told_apart or name.endswith("_loss")):
            low, high, method = None, None, "no interval (the bootstrap collapsed)"
        there = rests_on(name, labels, scores)
        made[name] = _estimate(drawn, (low, high, method), group_of[there])
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
    """The standard deviation of a metric over resamples of the groups; NaN where it is undefined,
    and where every resample gives the same figure, which is no certainty."""
    group_of, n_groups = numbered(groups)
    films = Films(labels, scores, group_of)
    chunks = group_draws(n_groups, resamples=n_resamples, seed=seed)
    drawn = np.concatenate([figures_on(metric, Weighted(films, chunk)) for chunk in chunks])
    defined = drawn[~np.isnan(drawn)]
    known = len(defined) > 1 and not collapsed(float(defined.min()), float(defined.max()))
    return float(defined.std(ddof=1)) if known else math.nan


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
    """Metric on ``scores`` minus metric on ``other``, paired: the same films in each resample.

    Where no resample gives another difference there is no interval, but for a classifier and one
    that puts the films into the same order, class by class: there the difference is 0 for sure.
    """
    draws = _draws(metrics, labels, (scores, other), groups, n_resamples, seed)
    return {
        name: _difference(name, drawn, labels, (scores, other), groups)
        for name, drawn in draws.items()
    }


def contrasts(
    metrics: Mapping[str, Metric],
    labels: Ints,
    scores: Floats,
    other: Floats,
    groups: Sequence[str],
    *,
    n_resamples: int = RESAMPLES,
    seed: int = 0,
) -> dict[str, tuple[Estimate, float | None]]:
    """``differences``, each with its p: twice the share of resamples on the rarer side of 0, at
    least 2 / (resamples + 1); None where the difference has no interval.

    Efron and Tibshirani, An Introduction to the Bootstrap (1993), section 15.4; with the observed
    films counted among the resamples, as Davison and Hinkley, Bootstrap Methods (1997), 4.11.
    """
    draws = _draws(metrics, labels, (scores, other), groups, n_resamples, seed)
    made = {}
    for name, drawn in draws.items():
        difference = _difference(name, drawn, labels, (scores, other), groups)
        known = difference.low is not None
        made[name] = difference, (_two_sided(drawn.drawn) if known else None)
    return made


def ranked_alike(scores: Floats, other: Floats) -> bool:
    """Whether both (N, C) put the films into the same order, ties among them, class by class."""
    return all(
        np.array_equal(_order(one), _order(two)) for one, two in zip(scores.T, other.T, strict=True)
    )


def _order(score: Floats) -> Ints:
    return np.unique(score, return_inverse=True)[1].astype(np.int64)


def _difference(
    name: str, drawn: _Draws, labels: Ints, sides: tuple[Floats, Floats], groups: Sequence[str]
) -> Estimate:
    low, high, method = drawn.low, drawn.high, f"paired {drawn.method}"
    if drawn.collapsed and not (extreme(drawn.value) == 0 and ranked_alike(*sides)):
        low, high, method = None, None, "no interval (the paired bootstrap collapsed)"
    there = rests_on(name, labels, sides[0]) | rests_on(name, labels, sides[1])
    return _estimate(drawn, (low, high, method), numbered(groups)[0][there])


def _estimate(
    drawn: _Draws, interval: tuple[float | None, float | None, str], groups: Ints
) -> Estimate:
    """With the films that it is of: their groups (n,) are handed in."""
    low, high, method = interval
    return Estimate(
        value=drawn.value,
        low=low,
        high=high,
        n=len(groups),
        n_groups=len(np.unique(groups)),
        method=method,
    )


def _two_sided(drawn: Floats) -> float:
    defined = drawn[~np.isnan(drawn)]
    rarer = min((defined <= 0).sum(), (defined >= 0).sum())
    return min(1.0, 2 * (float(rarer) + 1) / (len(defined) + 1))


@dataclass(frozen=True, kw_only=True, slots=True)
class _Draws:
    """One metric on the films and on all resamples of them."""

    value: float | None
    low: float | None
    high: float | None
    method: str
    drawn: Floats  # (B,)

    @property
    def collapsed(self) -> bool:
        return collapsed(self.low, self.high)


def _draws(
    metrics: Mapping[str, Metric],
    labels: Ints,
    sides: Sequence[Floats],
    groups: Sequence[str],
    n_resamples: int,
    seed: int,
) -> dict[str, _Draws]:
    """Of one side's scores, or of the first side less the second."""
    group_of, n_groups = numbered(groups)
    films = [Films(labels, scores, group_of) for scores in sides]
    drawn: dict[str, list[Floats]] = {name: [] for name in metrics}
    for chunk in group_draws(n_groups, resamples=n_resamples, seed=seed):
        for name, figures in _figures(metrics, films, chunk):
            drawn[name].append(figures)
    made = {}
    for name, figures in _figures(metrics, films, np.ones((1, n_groups))):
        low, high, method = None, None, "no interval: all films are of one group"
        replicates = np.concatenate(drawn[name])
        if n_groups > 1:
            low, high = percentiles(replicates)
            method = f"grouped bootstrap, {n_resamples:,} resamples, percentile"
            method = why_none(replicates) if low is None else method
        value = float(figures[0]) if math.isfinite(figures[0]) else None
        made[name] = _Draws(value=value, low=low, high=high, method=method, drawn=replicates)
    return made


def _figures(
    metrics: Mapping[str, Metric], films: Sequence[Films], drawn: Floats
) -> Iterator[tuple[str, Floats]]:
    samples = [Weighted(side, drawn) for side in films]
    for name, metric in metrics.items():
        first, *others = (figures_on(metric, sample) for sample in samples)
        yield name, first - others[0] if others else first


def percentiles(drawn: Floats) -> tuple[float | None, float | None]:
    """The ends of the 95 % interval; None where the figure is undefined on too many resamples, and
    where an end is infinite."""
    defined = drawn[~np.isnan(drawn)]
    if len(defined) < FEWEST_DEFINED * len(drawn) or not len(defined):
        return None, None
    with np.errstate(invalid="ignore"):  # between two infinite resamples
        low, high = np.quantile(defined, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return (float(low), float(high)) if np.isfinite([low, high]).all() else (None, None)


def why_none(drawn: Floats) -> str:
    """Why ``percentiles`` has no interval."""
    return UNBOUNDED if np.isinf(drawn).any() else UNDEFINED


def collapsed(low: float | None, high: float | None) -> bool:
    """Whether an interval has no width, but for rounding."""
    return low is not None and high is not None and high - low <= ROUNDING


def extreme(value: float | None) -> float | None:
    """0 or 1 for a figure that is so, but for rounding."""
    near = [end for end in (0.0, 1.0) if value is not None and abs(value - end) <= ROUNDING]
    return near[0] if near else None


def witnesses(name: str, labels: Ints, scores: Floats, groups: Sequence[str]) -> int:
    """How many groups a share rests on; where it rests on every class, those of the smallest."""
    if name.endswith("accuracy") and name != "balanced_accuracy":
        return len(set(groups))
    held = np.asarray(groups)
    if scores.shape[1] == 2 and name in OF_LABEL | OF_ANSWER:
        return len(set(held[rests_on(name, labels, scores)]))
    return min(len(set(held[labels == label])) for label in np.unique(labels))


def rests_on(name: str, labels: Ints, scores: Floats) -> NDArray[np.bool_]:
    """The films (N,) that a figure is of. Of two classes, a sensitivity is of the positive films
    and a precision of those answered so; most other figures are of all films."""
    two_classes = scores.shape[1] == 2
    if two_classes and name in OF_LABEL:
        return np.asarray(labels == OF_LABEL[name])
    if two_classes and name in OF_ANSWER:
        return np.asarray(scores.argmax(1) == OF_ANSWER[name])
    return np.ones(len(labels), bool)

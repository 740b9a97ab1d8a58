"""Figures of a training that was repeated with several seeds, and differences between two such.

Legend: S seeds, N films, C classes, B resamples, G groups.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from osteon.metrics import METRICS, Metric
from osteon.statistics import (
    RESAMPLES,
    SHARES,
    UNDEFINED,
    collapsed,
    extreme,
    percentiles,
    ranked_alike,
    rests_on,
    wilson,
    witnesses,
)
from osteon.types import Estimate, Predictions
from osteon.words import counted

if TYPE_CHECKING:
    from osteon.types import Floats

CORRELATIONS = frozenset(("mcc", "kappa", "quadratic_kappa"))  # -1 to 1
AT_ONCE = 250  # resamples held in memory

_Terms = Sequence[tuple[float, Sequence[Predictions]]]


def repeated(
    metrics: Sequence[str],
    runs: Sequence[Predictions],
    *,
    of: str = "seed",
    n_resamples: int = RESAMPLES,
    seed: int = 0,
) -> dict[str, Estimate]:
    """The mean of each metric over the seeds' predictions, with its 95 % interval.

    It holds both: what other films would give, by the grouped bootstrap (one draw for all seeds,
    since films are shared), and what other seeds would, by how these differ. The test parts may
    differ between seeds. One seed knows nothing of others, and its interval is of the films alone.
    What the bootstrap cannot tell (one group, the same perfect or worst figure in every resample)
    is as in ``estimates``. ``of`` is what the runs are of: "fold" for those of a cross-validation.
    """
    return _estimates(
        metrics, [(1.0, runs)], n_resamples, seed, f"mean of {counted(len(runs), of)}"
    )


def repeated_differences(
    metrics: Sequence[str],
    mine: Sequence[Predictions],
    theirs: Sequence[Predictions],
    *,
    of: str = "seed",
    n_resamples: int = RESAMPLES,
    seed: int = 0,
) -> dict[str, Estimate]:
    """Mean metric of ``mine`` minus that of ``theirs``, paired: by seed, and by the draw of groups.

    On equal films this is the paired bootstrap; where the films differ (two protocols), what they
    share is paired still, and groups of one alone add their own uncertainty.
    Raises ValueError where there are not as many of both.
    """
    if len(mine) != len(theirs):
        raise ValueError(f"{len(mine)} runs cannot be paired with {len(theirs)}.")
    terms = [(1.0, mine), (-1.0, theirs)]
    what = f"paired difference of {counted(len(mine), of)}"
    return _estimates(metrics, terms, n_resamples, seed, what)


def _estimates(
    metrics: Sequence[str], terms: _Terms, n_resamples: int, seed: int, what: str
) -> dict[str, Estimate]:
    known = {name: METRICS[name] for name in metrics}
    drawn: dict[str, list[Floats]] = {name: [] for name in known}
    for draw in _draws(terms, n_resamples, seed):
        for name, metric in known.items():
            drawn[name].append(_values(metric, terms, draw))
    every = [run for _, runs in terms for run in runs]
    made = {}
    for name, metric in known.items():
        seen = _values(metric, terms, _ones)
        value = float(seen.mean())
        of_films = np.concatenate(drawn[name], axis=1)
        low, high = percentiles(of_films.mean(0) + _of_seeds(seen, of_films, seed))
        if low is not None and high is not None:
            least, most = _range(name, len(terms))
            low, high = max(low, least), min(high, most)
        of = [np.flatnonzero(rests_on(name, run.labels, run.scores)) for run in every]
        each = list(zip(every, of, strict=True))
        found = Estimate(
            value=None if np.isnan(value) else value,
            low=low,
            high=high,
            n=len({run.ids[at] for run, there in each for at in there}),
            n_groups=len({run.groups[at] for run, there in each for at in there}),
            method=UNDEFINED if low is None else f"{what}, {_how(len(seen), n_resamples)}",
        )
        made[name] = _modest(found, name, terms)
    return made


def _range(name: str, n_terms: int) -> tuple[float, float]:
    """What the metric, or the difference of two, can be."""
    if name.endswith("_loss"):
        return (0.0, math.inf) if n_terms == 1 else (-math.inf, math.inf)
    if name in SHARES:
        return 1.0 - n_terms, 1.0
    most = float(n_terms) if name in CORRELATIONS else math.inf
    return -most, most


def _modest(found: Estimate, name: str, terms: _Terms) -> Estimate:
    """Without a certainty that is not there; as ``osteon.statistics.estimates`` has it."""
    if found.n_groups == 1:
        why = "no interval: all films are of one group"
        return replace(found, low=None, high=None, method=why)
    if not collapsed(found.low, found.high):
        return found
    runs, *others = (runs for _, runs in terms)
    end = extreme(found.value)
    if not others and name in SHARES and end is not None:
        n = min(witnesses(name, run.labels, run.scores, run.groups) for run in runs)
        low, high = wilson(end * n, n)
        method = f"Wilson on the {n:,} groups it rests on (the bootstrap collapsed)"
        return replace(found, low=low, high=high, method=method)
    alike = all(
        mine.ids == theirs.ids and ranked_alike(mine.scores, theirs.scores)
        for other in others
        for mine, theirs in zip(runs, other, strict=True)
    )
    if others and not (end == 0 and alike):
        why = "no interval (the paired bootstrap collapsed)"
        return replace(found, low=None, high=None, method=why)
    if not others and any((run.scores != run.scores[:1]).any() for run in runs):
        return replace(found, low=None, high=None, method="no interval (the bootstrap collapsed)")
    return found


def _ones(run: Predictions) -> Floats:
    return np.ones((1, len(run.ids)))


def _values(metric: Metric, terms: _Terms, weights_of: Callable[[Predictions], Floats]) -> Floats:
    """(S, B)."""
    total: Floats = np.zeros((1, 1))
    for sign, runs in terms:
        each = [metric(run.labels, run.scores, weights_of(run)) for run in runs]
        total = total + sign * np.stack(each)
    return total


def _how(n_seeds: int, n_resamples: int) -> str:
    films = f"grouped bootstrap, {n_resamples:,} resamples, percentile"
    return films if n_seeds < 2 else f"{films}, and the spread between them"


def _of_seeds(seen: Floats, drawn: Floats, seed: int) -> Floats:
    """What other seeds could have added to the mean over S of them: draws (B,).

    ``seen`` (S, 1), ``drawn`` (S, B). The seeds' figures differ by the films that each was judged
    on, too, as the draws of films tell; what is beyond that is the seeds'. So few seeds know their
    variance badly: it is drawn as well, from its fiducial distribution, so that with films without
    end the interval is Student's with S - 1 degrees of freedom. Hannig, Iyer and Patterson, J Am
    Stat Assoc 101:254 (2006), for two components of variance.
    """
    n_seeds, n_resamples = drawn.shape
    if n_seeds < 2:
        return np.zeros(n_resamples)
    rng = np.random.default_rng((seed, n_seeds))
    by_draw = (drawn - seen).var(axis=0, ddof=1)
    by_films = np.mean(by_draw, where=~np.isnan(by_draw)) if np.isfinite(by_draw).any() else np.nan
    in_all = (n_seeds - 1) * seen.var(ddof=1) / rng.chisquare(n_seeds - 1, n_resamples)
    variance = np.maximum(0.0, in_all - by_films) / n_seeds
    found: Floats = np.sqrt(variance) * rng.standard_normal(n_resamples)
    return found


def _draws(terms: _Terms, n_resamples: int, seed: int) -> Iterator[Callable[[Predictions], Floats]]:
    """How often each film of a run is drawn: (b, N)."""
    names = sorted({group for _, runs in terms for run in runs for group in run.groups})
    place: Mapping[str, int] = {name: at for at, name in enumerate(names)}
    columns = {
        id(run): np.array([place[group] for group in run.groups])
        for _, runs in terms
        for run in runs
    }
    rng = np.random.default_rng(seed)
    for begun in range(0, n_resamples, AT_ONCE):
        count = min(AT_ONCE, n_resamples - begun)
        shares = np.full(len(names), 1 / len(names))
        groups = rng.multinomial(len(names), shares, size=count).astype(np.float64)

        def weights_of(run: Predictions, drawn: Floats = groups) -> Floats:
            weights: Floats = drawn[:, columns[id(run)]]
            return weights

        yield weights_of

"""Figures of a training that was repeated with several seeds, and differences between two such.

Legend: S seeds, N films, C classes, B resamples, G groups.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from osteon.metrics import METRICS, Metric
from osteon.statistics import RESAMPLES, SHARES, percentiles, rests_on, wilson, witnesses
from osteon.types import Estimate, Predictions
from osteon.words import counted

if TYPE_CHECKING:
    from osteon.types import Floats

AT_ONCE = 250  # resamples held in memory

_Terms = Sequence[tuple[float, Sequence[Predictions]]]


def repeated(
    metrics: Sequence[str],
    runs: Sequence[Predictions],
    *,
    n_resamples: int = RESAMPLES,
    seed: int = 0,
) -> dict[str, Estimate]:
    """The mean of each metric over the seeds' predictions, with its 95 % interval.

    Both levels are resampled: the groups of films (one draw for all seeds, since the films are
    shared), and the seeds. The test parts may differ between seeds. What the bootstrap cannot tell
    (one group, the same perfect or worst figure in every resample) is as in ``estimates``.
    """
    return _estimates(metrics, [(1.0, runs)], n_resamples, seed, "mean")


def repeated_differences(
    metrics: Sequence[str],
    mine: Sequence[Predictions],
    theirs: Sequence[Predictions],
    *,
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
    return _estimates(metrics, terms, n_resamples, seed, "paired difference")


def _estimates(
    metrics: Sequence[str], terms: _Terms, n_resamples: int, seed: int, what: str
) -> dict[str, Estimate]:
    known = {name: METRICS[name] for name in metrics}
    n_seeds = len(terms[0][1])
    drawn: dict[str, list[Floats]] = {name: [] for name in known}
    for draw, seeds in _draws(terms, n_resamples, seed):
        for name, metric in known.items():
            drawn[name].append((seeds * _values(metric, terms, draw)).sum(0))
    every = [run for _, runs in terms for run in runs]
    made = {}
    for name, metric in known.items():
        value = float(_values(metric, terms, _ones).mean())
        low, high = percentiles(np.concatenate(drawn[name]))
        of = [np.flatnonzero(rests_on(name, run.labels, run.scores)) for run in every]
        each = list(zip(every, of, strict=True))
        found = Estimate(
            value=None if np.isnan(value) else value,
            low=low,
            high=high,
            n=len({run.ids[at] for run, there in each for at in there}),
            n_groups=len({run.groups[at] for run, there in each for at in there}),
            method=f"{what} of {counted(n_seeds, 'seed')}, bootstrap of groups "
            f"and seeds, {n_resamples:,} resamples, percentile",
        )
        made[name] = _modest(found, name, terms)
    return made


def _modest(found: Estimate, name: str, terms: _Terms) -> Estimate:
    """Without a certainty that is not there; as ``osteon.statistics.estimates`` has it."""
    if found.n_groups == 1:
        why = "no interval: all films are of one group"
        return replace(found, low=None, high=None, method=why)
    if found.low is None or found.low != found.high:
        return found
    runs, *others = (runs for _, runs in terms)
    if not others and name in SHARES and found.value in (0.0, 1.0):
        n = min(witnesses(name, run.labels, run.scores, run.groups) for run in runs)
        low, high = wilson(found.value * n, n)
        method = f"Wilson on the {n:,} groups it rests on (the bootstrap collapsed)"
        return replace(found, low=low, high=high, method=method)
    same_films = all(
        mine.ids == theirs.ids for other in others for mine, theirs in zip(runs, other, strict=True)
    )
    if others and (found.value != 0 or not same_films):  # else both are the same classifier
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


def _draws(
    terms: _Terms, n_resamples: int, seed: int
) -> Iterator[tuple[Callable[[Predictions], Floats], Floats]]:
    """How often each film of a run is drawn (b, N), and the weights of the seeds (S, b)."""
    names = sorted({group for _, runs in terms for run in runs for group in run.groups})
    place: Mapping[str, int] = {name: at for at, name in enumerate(names)}
    columns = {
        id(run): np.array([place[group] for group in run.groups])
        for _, runs in terms
        for run in runs
    }
    n_seeds = len(terms[0][1])
    rng = np.random.default_rng(seed)
    for begun in range(0, n_resamples, AT_ONCE):
        count = min(AT_ONCE, n_resamples - begun)
        shares = np.full(len(names), 1 / len(names))
        groups = rng.multinomial(len(names), shares, size=count).astype(np.float64)
        seeds = rng.multinomial(n_seeds, np.full(n_seeds, 1 / n_seeds), size=count) / n_seeds

        def weights_of(run: Predictions, drawn: Floats = groups) -> Floats:
            weights: Floats = drawn[:, columns[id(run)]]
            return weights

        yield weights_of, seeds.T

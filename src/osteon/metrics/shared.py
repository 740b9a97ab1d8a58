"""What several metrics need of the same films and weights, computed once: a bootstrap of all
metrics sorts the scores once, and counts the answers once.

Legend: N films, C classes, B resamples, G groups, P distinct scores that a positive has.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from osteon.metrics import Metric
    from osteon.types import Floats, Ints

FigureOfFilms = Callable[["Ints", "Floats"], "Floats"]  # labels (N,), scores (N, C) -> (N,)


class Films:
    """Labels (N,) and scores (N, C) in groups: all that does not change between resamples.

    ``group_of`` (N,) counts from 0; without it each film is a group of its own.
    """

    def __init__(self, labels: Ints, scores: Floats, group_of: Ints | None = None) -> None:
        self.labels, self.scores, self.group_of = labels, scores, group_of
        self.n_classes = int(scores.shape[1])
        self._ranks: dict[int, _Ranks] = {}
        self._sums: dict[FigureOfFilms, Floats] = {}

    @cached_property
    def _grouping(self) -> tuple[Ints, Ints]:
        """The films in the order of their groups, and where each group starts."""
        group_of = np.arange(len(self.labels)) if self.group_of is None else self.group_of
        order = np.argsort(group_of, kind="stable")
        return order, np.flatnonzero(np.diff(group_of[order], prepend=-1))

    def _by_group(self, values: Floats) -> Floats:
        """Sums over the films of each group: (N, K) to (G, K)."""
        if self.group_of is None:
            return values
        order, starts = self._grouping
        sums: Floats = np.add.reduceat(values[order], starts, axis=0)
        return sums

    @cached_property
    def cells(self) -> Floats:
        """(G, C * C): films of each group in each cell of the confusion table."""
        cell = self.labels * self.n_classes + self.scores.argmax(1)
        return self._by_group(np.eye(self.n_classes**2)[cell])

    def sums(self, of_each: FigureOfFilms) -> Floats:
        """(G, 2): the sum of a figure over the films of each group, and how many they are."""
        if of_each not in self._sums:
            both = np.stack([of_each(self.labels, self.scores), np.ones(len(self.labels))], axis=1)
            self._sums[of_each] = self._by_group(both)
        return self._sums[of_each]

    def ranks(self, index: int) -> _Ranks:
        if index not in self._ranks:
            positive = self.labels == index
            self._ranks[index] = _Ranks.of(positive, self.scores[:, index], self.group_of)
        return self._ranks[index]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Ranks:
    """Positives and negatives of one class in the order of their scores, ascending."""

    positives: Ints  # group of each
    negatives: Ints
    starts: Ints  # (P,) the first positive of each distinct score
    cuts: Ints  # the first negative of each stretch that no positive's score divides
    below: Ints  # (P,) how many stretches of negatives score less
    through: Ints  # (P,) how many score less or the same
    tied: bool  # a negative has the score of a positive

    @classmethod
    def of(cls, positive: Ints, score: Floats, group_of: Ints | None) -> _Ranks:
        ups, downs = np.flatnonzero(positive), np.flatnonzero(~positive)
        ups = ups[np.argsort(score[ups], kind="stable")]
        downs = downs[np.argsort(score[downs], kind="stable")]
        high, low = score[ups], score[downs]
        starts = np.flatnonzero(np.r_[True, high[1:] != high[:-1]][: len(high)])
        below = np.searchsorted(low, high[starts], side="left")
        through = np.searchsorted(low, high[starts], side="right")
        # Summed by stretches, and only those cumulated: positives are few.
        cuts = np.unique(np.r_[0, below, through])
        cuts = cuts[cuts < len(low)]
        return cls(
            positives=ups if group_of is None else group_of[ups],
            negatives=downs if group_of is None else group_of[downs],
            starts=starts,
            cuts=cuts,
            below=np.searchsorted(cuts, below),
            through=np.searchsorted(cuts, through),
            tied=bool((below < through).any()),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Ranking:
    """Weights at each distinct score of a positive, ascending."""

    up: Floats  # (B, P) of the positives with this score
    below: Floats  # (B, P) of the negatives that score less
    through: Floats  # (B, P) of the negatives that score less or the same
    positives: Floats  # (B,) of all
    negatives: Floats  # (B,)


class Weighted:
    """Films weighted B times over; every summary is made when first asked for."""

    def __init__(self, films: Films, drawn: Floats) -> None:
        self.films = films
        self.drawn = drawn  # (B, G): weight of each film of each group
        self._rankings: dict[int, Ranking] = {}

    @property
    def n_classes(self) -> int:
        return self.films.n_classes

    @cached_property
    def weights(self) -> Floats:
        """(B, N): of each film."""
        of_films = self.films.group_of
        return self.drawn if of_films is None else self.drawn[:, of_films]

    @cached_property
    def table(self) -> Floats:
        """(B, C, C): weight of the films of each true class (first) answered as each (second)."""
        counts: Floats = self.drawn @ self.films.cells
        return counts.reshape(-1, self.n_classes, self.n_classes)

    def mean(self, of_each: FigureOfFilms) -> Floats:
        """(B,): the weighted mean of a figure that each film has; NaN without any film."""
        total = self.drawn @ self.films.sums(of_each)
        return ratio(total[:, 0], total[:, 1])

    def ranking(self, index: int) -> Ranking:
        """The order of the scores of one class, those of this class against the rest."""
        if index not in self._rankings:
            self._rankings[index] = self._ranked(self.films.ranks(index))
        return self._rankings[index]

    def _ranked(self, ranks: _Ranks) -> Ranking:
        up = self.drawn.take(ranks.positives, axis=1)
        if len(ranks.starts) < len(ranks.positives):
            up = np.add.reduceat(up, ranks.starts, axis=1)
        down = self.drawn.take(ranks.negatives, axis=1)
        if len(ranks.cuts) < len(ranks.negatives):
            down = np.add.reduceat(down, ranks.cuts, axis=1)
        passed = np.zeros((len(down), len(ranks.cuts) + 1))
        np.cumsum(down, axis=1, out=passed[:, 1:])
        below = passed.take(ranks.below, axis=1)
        return Ranking(
            up=up,
            below=below,
            through=passed.take(ranks.through, axis=1) if ranks.tied else below,
            positives=up.sum(1),
            negatives=passed[:, -1],
        )


def ratio(part: Floats, whole: Floats) -> Floats:
    """The one by the other; NaN where there is no whole."""
    result: Floats = np.divide(part, whole, out=np.full(part.shape, np.nan), where=whole > 0)
    return result


@dataclass(frozen=True, slots=True)
class SharedMetric:
    """A metric as a function of ``Weighted``; it can be called as any other metric, too.

    ``fewest_classes``: with fewer it is NaN, and no table shows it. ``ordered``: it means something
    only where the classes have an order, and is shown where a user says that they do.
    """

    figure: Callable[[Weighted], Floats]
    fewest_classes: int = 2
    ordered: bool = False

    def __call__(self, labels: Ints, scores: Floats, weights: Floats) -> Floats:
        return self.figure(Weighted(Films(labels, scores), weights))


def shared(figure: Callable[[Weighted], Floats]) -> SharedMetric:
    """Decorate a metric that is written as a function of ``Weighted``."""
    return SharedMetric(figure)


def figures_on(metric: Metric, sample: Weighted) -> Floats:
    """(B,): any metric, whether it shares summaries or not."""
    if isinstance(metric, SharedMetric):
        return metric.figure(sample)
    return metric(sample.films.labels, sample.films.scores, sample.weights)


def applies(metric: Metric, n_classes: int, *, ordered: bool = False) -> bool:
    """Whether a table of so many classes should show it; ``ordered``: if they have an order."""
    if not isinstance(metric, SharedMetric):
        return True
    return n_classes >= metric.fewest_classes and (ordered or not metric.ordered)

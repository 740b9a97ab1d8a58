"""Some films against all others: the difference of a figure, with an interval and a p value.

Legend: N films, C classes, B resamples.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from osteon.metrics import METRICS
from osteon.metrics.shared import Films, Weighted, figures_on, ratio
from osteon.operating_point import answers_at
from osteon.shortcuts.signs import Share, newcombe
from osteon.statistics import group_draws, percentiles
from osteon.statistics.levels import numbered
from osteon.types import Estimate, OperatingPoint, Predictions

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from osteon.types import Floats, Ints

    Mask = NDArray[np.bool_]  # (N,)

OF_ANSWERS = ("sensitivity", "specificity", "accuracy", "balanced_accuracy")


@dataclass(frozen=True, kw_only=True, slots=True)
class Judged:
    """The films of a part that have a label, their scores and the answers to them (both (N, C)),
    and how intervals are made."""

    ids: tuple[str, ...]
    labels: Ints
    scores: Floats
    answers: Floats
    groups: tuple[str, ...]
    group_of: Ints  # (N,) their numbers, in the order of their names
    classes: tuple[str, ...]
    n_resamples: int
    seed: int

    @classmethod
    def of(
        cls, given: Predictions, point: OperatingPoint | None, n_resamples: int, seed: int
    ) -> Judged:
        known = np.flatnonzero(given.labels >= 0)
        scores = given.scores[known]
        groups = tuple(given.groups[i] for i in known)
        return cls(
            ids=tuple(given.ids[i] for i in known),
            labels=given.labels[known],
            scores=scores,
            answers=answers_at(scores, point) if point else scores,
            groups=groups,
            group_of=numbered(groups)[0],
            classes=given.classes,
            n_resamples=n_resamples,
            seed=seed,
        )

    def looked_at(self, metric: str) -> Floats:
        return self.answers if metric in OF_ANSWERS else self.scores

    def held(self, mask: Mask) -> tuple[str, ...]:
        """The group of each film that is masked."""
        return tuple(self.groups[i] for i in np.flatnonzero(mask))

    def n_groups(self, mask: Mask) -> int:
        return int(np.count_nonzero(np.bincount(self.group_of[mask])))

    def bearing(self, metric: str) -> Mask:
        """The films that a figure is of: positives alone of a sensitivity."""
        if metric in ("sensitivity", "specificity"):
            of_class: Mask = self.labels == int(metric == "sensitivity")
            return of_class
        return np.ones(len(self.labels), dtype=bool)

    def value(self, metric: str, side: Mask) -> float:
        """NaN where it is undefined."""
        whole = np.ones((1, int(side.sum())))
        return float(METRICS[metric](self.labels[side], self.looked_at(metric)[side], whole)[0])

    @property
    def right(self) -> Mask:
        right: Mask = self.answers.argmax(1) == self.labels
        return right


def contrast(
    judged: Judged, metric: str, inside: Mask, others: Mask
) -> tuple[Estimate, float] | None:
    """The figure of ``inside`` less that of ``others``, and p; None where either is undefined.

    ``metric`` is auroc, sensitivity, specificity or accuracy. Groups are resampled once for both
    sides. Where a share is 0 or 1 on one side the bootstrap does not see how unsure it is, and
    Newcombe's interval stands in for it.
    """
    one, other = (side & judged.bearing(metric) for side in (inside, others))
    values = [judged.value(metric, side) if side.any() else math.nan for side in (one, other)]
    difference = values[0] - values[1]
    if math.isnan(difference):
        return None
    drawn = _drawn(judged, metric, one, other)
    low, high = percentiles(drawn)
    method = f"grouped bootstrap of both sides, {judged.n_resamples:,} resamples, percentile"
    perfect = bool({0.0, 1.0} & set(values))
    if metric == "auroc":
        if perfect:
            low, high, method = None, None, "no interval (the bootstrap collapsed)"
        p = _p_of_auroc(judged, difference, one, other, drawn)
    else:
        if perfect:
            low, high = newcombe(_share(judged, one), _share(judged, other))
            method = "Newcombe, from Wilson's intervals on the groups of either side"
        p = _p_of_share(judged, one, other)
    either = one | other
    estimate = Estimate(
        value=difference,
        low=low,
        high=high,
        n=int(either.sum()),
        n_groups=judged.n_groups(either),
        method=method,
    )
    return estimate, p


def _drawn(judged: Judged, metric: str, one: Mask, other: Mask) -> Floats:
    """The difference on each resample (B,) of the groups of both sides."""
    both = one | other
    names, of_both = np.unique(judged.group_of[both], return_inverse=True)
    n_groups = len(names)
    group_of = np.full(len(both), -1)
    group_of[both] = of_both
    figures = [
        _Ranked(
            films=Films(judged.labels[side], judged.scores[side], group_of[side])
        ) if metric == "auroc" else _Right(
            counts=np.stack(
                [
                    np.bincount(group_of[held], minlength=n_groups).astype(np.float64)
                    for held in (side & judged.right, side)
                ],
                axis=1,
            )
        )
        for side in (one, other)
    ]  # fmt: skip
    chunks = group_draws(n_groups, resamples=judged.n_resamples, seed=judged.seed)
    drawn = [[figure.drawn(weights) for figure in figures] for weights in chunks]
    return np.concatenate([mine - theirs for mine, theirs in drawn])


@dataclass(frozen=True, kw_only=True, slots=True)
class _Right:
    """Of the films that bear on it, any share is that of those answered right."""

    counts: Floats  # (G, 2): films of each group answered right, and all

    def drawn(self, weights: Floats) -> Floats:
        """(B, G) weights of the groups -> (B,)."""
        total = weights @ self.counts
        return ratio(total[:, 0], total[:, 1])


@dataclass(frozen=True, kw_only=True, slots=True)
class _Ranked:
    """The AUROC of one side. A ranking takes the weights of its films' groups from those of all."""

    films: Films

    def drawn(self, weights: Floats) -> Floats:
        """(B, G) weights of the groups -> (B,)."""
        return figures_on(METRICS["auroc"], Weighted(self.films, weights))


def _share(judged: Judged, side: Mask) -> Share:
    right = judged.right[side]
    return Share(n_with=int(right.sum()), value=float(right.mean()), n_groups=judged.n_groups(side))


def _p_of_share(judged: Judged, one: Mask, other: Mask) -> float:
    """Fisher's exact test, two-sided, on one film of each group and side, by lot."""
    from scipy.stats import fisher_exact

    by_id = np.argsort(np.asarray(judged.ids))  # the lot must not hang on the order of the rows
    order = by_id[np.random.default_rng(judged.seed).permutation(len(judged.ids))]
    right = judged.right
    table = np.zeros((2, 2), dtype=np.int64)
    for row, side in enumerate((one, other)):
        drawn = order[side[order]]
        _, firsts = np.unique(judged.group_of[drawn], return_index=True)
        table[row] = np.bincount(right[drawn[firsts]], minlength=2)
    return float(fisher_exact(table).pvalue)


def _p_of_auroc(judged: Judged, difference: float, one: Mask, other: Mask, drawn: Floats) -> float:
    """Two-sided, of z. The bootstrap alone is too sure where few films are ranked perfectly."""
    both = judged.value("auroc", one | other)
    errors = []
    for side in (one, other):
        positives, negatives = (judged.n_groups(side & (judged.labels == at)) for at in (1, 0))
        errors.append(hanley_mcneil(both, positives, negatives))
    error = max(math.hypot(*errors), float(np.nanstd(drawn, ddof=1)))
    return math.erfc(abs(difference) / error / math.sqrt(2)) if error > 0 else 1.0


def hanley_mcneil(area: float, positives: int, negatives: int) -> float:
    """The standard error of an AUROC of ``area`` (Radiology 143:29, 1982, equation 1)."""
    q1, q2 = area / (2 - area), 2 * area**2 / (1 + area)
    spread = area * (1 - area) + (positives - 1) * (q1 - area**2) + (negatives - 1) * (q2 - area**2)
    return math.sqrt(max(spread, 0.0) / (positives * negatives))

"""Two classifiers' answers on the same films: McNemar's test, exact, or of groups."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from osteon.statistics.levels import numbered

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Bools = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True, slots=True)
class McNemar:
    """Films by which of two classifiers answered them right.

    ``p`` is the one to cite: two-sided, mid-p where each film is its own group, else of groups.
    """

    both_right: int
    only_first: int
    only_second: int
    neither: int
    n_groups: int
    p: float
    p_exact: float  # as if films were independent; too cautious then, too sure in groups
    method: str

    @property
    def n(self) -> int:
        return self.both_right + self.only_first + self.only_second + self.neither


def mcnemar(first: Bools, second: Bools, groups: Sequence[str]) -> McNemar:
    """Are two classifiers right equally often? ``first`` and ``second`` (N,) say when each was.

    Of independent films the mid-p test on the films that only one got right: Fagerland, Lydersen
    and Laake, BMC Med Res Methodol 13:91 (2013); McNemar, Psychometrika 12:153 (1947). Where groups
    hold several films, Durkalski et al., Stat Med 22:2417 (2003), in which each group counts once.
    """
    group_of, n_groups = numbered(groups)
    one, other = int((first & ~second).sum()), int((second & ~first).sum())
    exact, mid = exact_p(one, other)
    if n_groups == len(first):
        p, method = mid, "McNemar, exact mid-p"
    else:
        gain = first.astype(float) - second
        films = np.bincount(group_of)
        p = _clustered(np.bincount(group_of, weights=gain) / films)
        method = "McNemar, clustered (Durkalski)"
    return McNemar(
        both_right=int((first & second).sum()),
        only_first=one,
        only_second=other,
        neither=int((~first & ~second).sum()),
        n_groups=n_groups,
        p=p,
        p_exact=exact,
        method=method,
    )


def exact_p(one: int, other: int) -> tuple[float, float]:
    """Two-sided binomial p that ``one`` and ``other`` are equally likely: exact, and mid-p."""
    from scipy.stats import binom

    total, fewer = one + other, min(one, other)
    if not total:
        return 1.0, 1.0
    tail, point = float(binom.cdf(fewer, total, 0.5)), float(binom.pmf(fewer, total, 0.5))
    # Of equal halves the point would be counted from both sides.
    mid = 1 - point / 2 if one == other else 2 * tail - point
    return min(1.0, 2 * tail), mid


def durkalski(gains: NDArray[np.float64]) -> float:
    """Chi-square, one degree of freedom: each group's share that only the first got right less its
    share that only the second did."""
    spread = float((gains**2).sum())
    return float(gains.sum()) ** 2 / spread if spread else 0.0


def _clustered(gains: NDArray[np.float64]) -> float:
    return math.erfc(math.sqrt(durkalski(gains) / 2))

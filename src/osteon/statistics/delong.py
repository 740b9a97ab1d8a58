"""AUROCs with their covariance: DeLong's, and Obuchowski's where groups hold several films.

Legend: N films, K classifiers, P positives, Q negatives, G groups.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from osteon.statistics.bootstrap import ranked_alike
from osteon.statistics.levels import Z, numbered
from osteon.types import Estimate

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from osteon.types import Floats, Ints

    Bools = NDArray[np.bool_]

FEWEST_GROUPS = 2  # of each class, for a variance to be seen


@dataclass(frozen=True, slots=True)
class Aurocs:
    """AUROCs of K classifiers on the same films."""

    values: Floats  # (K,)
    covariance: Floats  # (K, K); NaN where a class has fewer than two groups
    n: int
    n_groups: int
    method: str


def delong(positive: Bools, scores: Floats, groups: Sequence[str]) -> Aurocs:
    """AUROCs of K classifiers, ``scores`` (K, N), with the covariance of their errors.

    DeLong, DeLong and Clarke-Pearson, Biometrics 44:837 (1988), in O(N log N) by mid-ranks after
    Sun and Xu, IEEE Signal Process Lett 21:1389 (2014). Where a group holds several films, the
    clustered variance of Obuchowski, Biometrics 53:567 (1997), of which DeLong's is the case of one
    film a group.

    Raises ValueError without a positive or without a negative.
    """
    if positive.all() or not positive.any():
        raise ValueError("An AUROC needs films of both classes.")
    group_of, n_groups = numbered(groups)
    of_positives, of_negatives = _placements(positive, scores)
    values: Floats = of_positives.mean(1)
    n, n_classifiers = len(positive), len(scores)
    method = "DeLong" if n_groups == n else "DeLong, clustered (Obuchowski)"
    witnesses = [len(np.unique(group_of[of])) for of in (positive, ~positive)]
    if min(witnesses) < FEWEST_GROUPS:
        covariance = np.full((n_classifiers, n_classifiers), np.nan)
    else:
        up = _sums(of_positives - values[:, None], group_of[positive], n_groups)
        down = _sums(of_negatives - values[:, None], group_of[~positive], n_groups)
        covariance = _covariance(up / len(of_positives[0]), down / len(of_negatives[0]), witnesses)
    return Aurocs(values=values, covariance=covariance, n=n, n_groups=n_groups, method=method)


def _placements(positive: Bools, scores: Floats) -> tuple[Floats, Floats]:
    """For each positive the share of negatives below it (K, P); for each negative the share of
    positives above it (K, Q); ties count a half."""
    from scipy.stats import rankdata

    of_positives, of_negatives = scores[:, positive], scores[:, ~positive]
    n_positives, n_negatives = of_positives.shape[1], of_negatives.shape[1]
    among_all = rankdata(np.concatenate([of_positives, of_negatives], axis=1), axis=1)
    above = among_all[:, :n_positives] - rankdata(of_positives, axis=1)
    below = among_all[:, n_positives:] - rankdata(of_negatives, axis=1)
    return above / n_negatives, 1 - below / n_positives


def _sums(deviations: Floats, group_of: Ints, n_groups: int) -> Floats:
    """(K, G): each group's part."""
    return np.stack(
        [np.bincount(group_of, weights=each, minlength=n_groups) for each in deviations]
    )


def _covariance(up: Floats, down: Floats, witnesses: Sequence[int]) -> Floats:
    """Of what positives and negatives of each group add (K, G); a group may hold both."""
    n_groups = up.shape[1]
    first, second = (n / (n - 1) for n in witnesses)
    both = n_groups / (n_groups - 1)
    mixed = up @ down.T
    covariance: Floats = first * up @ up.T + second * down @ down.T + both * (mixed + mixed.T)
    return covariance


def auroc_interval(positive: Bools, score: Floats, groups: Sequence[str]) -> Estimate:
    """One classifier's AUROC, ``score`` (N,), with its interval on the logit scale.

    The logit keeps the interval within 0 to 1 and covers better near 1: Qin and Hotilovac, Stat
    Methods Med Res 17:207 (2008). A perfect AUROC has no variance, and so no interval here.

    Raises ValueError without a positive or without a negative.
    """
    made = delong(positive, score[None], groups)
    value, variance = float(made.values[0]), float(made.covariance[0, 0])
    low = high = None
    method = f"{made.method}, logit"
    if 0 < value < 1 and variance > 0:
        middle = math.log(value / (1 - value))
        half = Z * math.sqrt(variance) / (value * (1 - value))
        low, high = (1 / (1 + math.exp(-middle - step)) for step in (-half, half))
    else:
        method = f"no interval ({made.method} sees no variance)"
    return Estimate(
        value=value, low=low, high=high, n=made.n, n_groups=made.n_groups, method=method
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class AurocTest:
    """Two classifiers on the same films: first less second. ``z`` and ``p`` are None where the
    difference has no variance, as between equal rankings."""

    difference: Estimate
    z: float | None
    p: float | None  # two-sided
    standard_error: float | None


def auroc_difference(
    positive: Bools, score: Floats, other: Floats, groups: Sequence[str]
) -> AurocTest:
    """DeLong's test of two correlated AUROCs; ``score`` and ``other`` are (N,).

    Raises ValueError without a positive or without a negative.
    """
    made = delong(positive, np.stack([score, other]), groups)
    value = float(made.values[0] - made.values[1])
    contrast = np.array([1.0, -1.0])
    variance = float(contrast @ made.covariance @ contrast)
    same = ranked_alike(score[:, None], other[:, None])
    low = high = error = z = p = None
    method = f"paired {made.method}"
    if same:
        low = high = value
    elif variance > 1e-15:
        error = math.sqrt(variance)
        low, high = max(-1.0, value - Z * error), min(1.0, value + Z * error)
        z = value / error
        p = math.erfc(abs(z) / math.sqrt(2))
    else:
        method = f"no interval ({method} sees no variance)"
    difference = Estimate(
        value=value, low=low, high=high, n=made.n, n_groups=made.n_groups, method=method
    )
    return AurocTest(difference=difference, z=z, p=p, standard_error=error)

"""Intervals of shares: of independent films, and of films in groups.

Films of one group are no independent witnesses. Where groups hold several films, the variance of a
share is that of a ratio of sums over groups, and the interval is made as if there were fewer films:
as many as independent ones with that variance would be (Rao and Scott, Biometrics 48:577 (1992)),
and fewer still where there are few groups (Korn and Graubard, Surv Methodol 24:193 (1998)).

Legend: N films, G groups.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from osteon.statistics.levels import LEVEL, Z, numbered
from osteon.types import Estimate

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from osteon.types import Ints

    Bools = NDArray[np.bool_]

Rule = Literal["Clopper-Pearson", "Wilson"]
RULES: tuple[Rule, ...] = ("Clopper-Pearson", "Wilson")
MEASURES = ("sensitivity", "specificity", "precision", "npv", "accuracy")


def wilson(successes: float, n: float) -> tuple[float, float]:
    """Wilson's score interval of a proportion, 95 % (J Am Stat Assoc 22:209, 1927).

    Raises ValueError for n not above 0 or successes outside 0 to n.
    """
    _refuse_nonsense(successes, n)
    share = successes / n
    middle = (share + Z**2 / (2 * n)) / (1 + Z**2 / n)
    half = Z / (1 + Z**2 / n) * math.sqrt(share * (1 - share) / n + Z**2 / (4 * n**2))
    low = 0.0 if successes == 0 else max(0.0, middle - half)
    high = 1.0 if successes == n else min(1.0, middle + half)
    return low, high


def clopper_pearson(successes: float, n: float) -> tuple[float, float]:
    """The exact interval of a proportion, 95 % or more by design (Biometrika 26:404, 1934).

    Counts need not be whole. Raises ValueError for n not above 0 or successes outside 0 to n.
    """
    from scipy.special import betaincinv

    _refuse_nonsense(successes, n)
    tail, failures = (1 - LEVEL) / 2, n - successes
    low = 0.0 if successes == 0 else float(betaincinv(successes, failures + 1, tail))
    high = 1.0 if failures == 0 else float(betaincinv(successes + 1, failures, 1 - tail))
    return low, high


def _refuse_nonsense(successes: float, n: float) -> None:
    if n <= 0 or not 0 <= successes <= n:
        raise ValueError(f"{successes} of {n} is no proportion.")


def share(hits: Bools, groups: Sequence[str], *, rule: Rule = "Wilson") -> Estimate:
    """How many of the films (N,) are hits; clustered where a group holds several of them.

    No interval of G groups reaches less far than that of G groups that all agree: a miss more never
    raises the lower end above that of none.
    """
    n = len(hits)
    if not n:
        return _undefined("no film to judge by")
    group_of, n_groups = numbered(groups)
    value = float(hits.mean())
    effective, method = effective_n(hits, group_of), str(rule)
    if n_groups < n:
        method += f", clustered: as {effective:.1f} independent films"
    limits = clopper_pearson if rule == "Clopper-Pearson" else wilson
    low, high = limits(value * effective, effective)
    low, high = min(low, limits(n_groups, n_groups)[0]), max(high, limits(0, n_groups)[1])
    return Estimate(value=value, low=low, high=high, n=n, n_groups=n_groups, method=method)


def effective_n(hits: Bools, group_of: Ints) -> float:
    """As many independent films would know the share as well as these: at most N.

    Where all films agree, so that no variance is seen, as many as there are groups.
    """
    n, value = len(hits), float(hits.mean())
    _, group_of = np.unique(group_of, return_inverse=True)
    films = np.bincount(group_of).astype(float)
    residuals = np.bincount(group_of, weights=hits) - value * films
    n_groups = len(films)
    if n_groups == n:
        return float(n)
    if value in (0.0, 1.0) or n_groups < 2:
        return float(n_groups)
    variance = n_groups / (n_groups - 1) * float((residuals**2).sum()) / n**2
    independent = n if variance == 0 else min(n, value * (1 - value) / variance)
    return max(1.0, independent * (Z / _t(n_groups - 1)) ** 2)


def _t(freedom: int) -> float:
    from scipy.special import stdtrit

    return float(stdtrit(freedom, (1 + LEVEL) / 2))


def _undefined(why: str) -> Estimate:
    return Estimate(value=None, low=None, high=None, n=0, n_groups=0, method=f"undefined: {why}")


# --- a test against the truth ---------------------------------------------------------------------


def diagnostic_shares(
    positive: Bools, answered: Bools, groups: Sequence[str], *, rule: Rule = "Wilson"
) -> dict[str, Estimate]:
    """Sensitivity, specificity, PPV (``precision``), NPV and accuracy, each with an interval.

    ``positive`` (N,) is the truth, ``answered`` (N,) whether the answer was positive. Undefined
    (None) where there is no film to judge by.
    """
    judged = {
        "sensitivity": (answered, positive),
        "specificity": (~answered, ~positive),
        "precision": (positive, answered),
        "npv": (~positive, ~answered),
        "accuracy": (positive == answered, np.ones(len(positive), dtype=bool)),
    }
    held = np.asarray(groups, dtype=object)
    return {
        name: share(hits[among], held[among].tolist(), rule=rule)
        for name, (hits, among) in judged.items()
    }


def shares_of_counts(
    *, tp: int, fp: int, fn: int, tn: int, rule: Rule = "Wilson"
) -> dict[str, Estimate]:
    """``diagnostic_shares`` of a published table, taken as independent films."""
    positive = np.repeat([True, False, True, False], [tp, fp, fn, tn])
    answered = np.repeat([True, True, False, False], [tp, fp, fn, tn])
    films = [str(at) for at in range(len(positive))]
    return diagnostic_shares(positive, answered, films, rule=rule)


# --- PPV and NPV elsewhere ------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class PredictiveValues:
    """What an answer is worth where fractures are as common as ``prevalence``."""

    prevalence: float  # in (0, 1), as the user says
    ppv: Estimate
    npv: Estimate


def predictive_values(
    positive: Bools, answered: Bools, groups: Sequence[str], *, prevalence: float
) -> PredictiveValues:
    """PPV and NPV at a prevalence, from sensitivity and specificity as seen on these films.

    Logit intervals of Mercaldo, Lau and Zhou, Stat Med 26:2170 (2007); their adjusted ones (half of
    z^2 films more in each cell) where a cell of the table is empty. Where groups hold several
    films, each class counts as so many independent ones (``effective_n``), and the covariance of
    the two within groups is taken off.

    Raises ValueError for a prevalence outside (0, 1). None without a film of either class.
    """
    if not 0 < prevalence < 1:
        raise ValueError(f"A prevalence of {prevalence} is not in (0, 1).")
    if positive.all() or not positive.any():
        nothing = _undefined("films of one class only")
        return PredictiveValues(prevalence=prevalence, ppv=nothing, npv=nothing)
    odds = math.log(prevalence / (1 - prevalence))
    ppv = _predictive(answered, positive, groups, odds)
    npv = _predictive(~answered, ~positive, groups, -odds)
    return PredictiveValues(prevalence=prevalence, ppv=ppv, npv=npv)


def _predictive(given: Bools, meant: Bools, groups: Sequence[str], odds: float) -> Estimate:
    """Of those given an answer, the share that it is meant for; log odds of being meant."""
    group_of, n_groups = numbered(groups)
    rates = [float(given[of].mean()) for of in (meant, ~meant)]
    sizes = [effective_n(given[of], group_of[of]) for of in (meant, ~meant)]
    empty = any(rate in (0.0, 1.0) for rate in rates)
    more = Z**2 / 2 if empty else 0.0
    filled = [size + 2 * more for size in sizes]
    right, wrong = ((p * n + more) / m for p, n, m in zip(rates, sizes, filled, strict=True))
    variance = (1 - right) / (right * filled[0]) + (1 - wrong) / (wrong * filled[1])
    kind = "logit, adjusted" if empty else "logit"
    if n_groups < len(given):
        kind += ", clustered"
        variance += 0.0 if empty else _of_mixed_groups(given, meant, group_of)
    middle = math.log(right / wrong) + odds
    width = Z * math.sqrt(variance)
    value = rates[0] * math.exp(odds)
    total = value + rates[1]
    known = value / total if total else None
    low, high = (1 / (1 + math.exp(step - middle)) for step in (width, -width))
    made = Estimate(
        value=known,
        low=low if known is None else min(low, known),
        high=high if known is None else max(high, known),
        n=len(given),
        n_groups=n_groups,
        method=f"{kind} (Mercaldo, Lau and Zhou)",
    )
    if all(len(np.unique(group_of[of])) > 1 for of in (meant, ~meant)):
        return made
    alone = "no interval: all films of a class are of one group"
    return replace(made, low=None, high=None, method=alone)


def _of_mixed_groups(given: Bools, meant: Bools, group_of: Ints) -> float:
    """What groups with films of both classes add to the variance of log(right / wrong), or take
    off it: less twice the covariance of the two."""
    n_groups = int(group_of.max()) + 1
    of_meant, of_others = (
        np.bincount(
            group_of[of], weights=given[of] / given[of].sum() - 1 / of.sum(), minlength=n_groups
        )
        for of in (meant, ~meant)
    )
    return -2 * n_groups / max(n_groups - 1, 1) * float(of_meant @ of_others)

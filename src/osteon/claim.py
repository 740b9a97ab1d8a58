"""Can a published figure be, and what does it show? Arithmetic alone, no data needed."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from osteon.errors import UsageError
from osteon.statistics import wilson

MOST_FITTING = 5  # sizes named
SIGNIFICANT = 0.05
MOST_FILMS = 10**12
FARTHEST = 10_000  # films up to which a size is looked for
DIGITS_READ = 12  # of a share, in whole numbers
DIGITS_OF_SINGLE = 7  # of a share; one with as many may have been printed in single precision
SINGLE = 2.0**-23  # how far off that may be, as a percentage too


@dataclass(frozen=True, kw_only=True, slots=True)
class Share:
    """A figure as printed: 89.34 % has two decimals of a percentage, .893 has one."""

    value: float
    decimals: int

    def __str__(self) -> str:
        return f"{100 * self.value:.{max(self.decimals, 0)}f} %"


@dataclass(frozen=True, kw_only=True, slots=True)
class Claim:
    """What a figure of ``n`` films is worth."""

    said: str
    n: int
    possible: bool
    right: int  # films right: the number that fits best, or the nearest
    fewest: int  # films right that fit; both are ``right`` where one alone does, or none
    most: int
    value: float  # right / n
    low: float  # Wilson's interval, 95 %
    high: float
    nearest: tuple[str, ...]  # where impossible: the figures on both sides, as k/n = share
    fitting_n: tuple[int, ...]  # sizes near n that the figure fits
    baseline: float | None = None
    p_above: float | None = None  # of ``right``; one-sided, exact binomial
    sentences: tuple[str, ...] = ()


def parse_share(text: str) -> Share:
    """``89.34%``, ``89.34 %`` or ``0.8934``.

    Raises UsageError for what is no share of 0 to 100 %.
    """
    found = re.fullmatch(r"\s*(\d*\.?\d+)\s*(%?)\s*", text)
    if not found:
        raise UsageError(f"'{text}' is no share: write 89.34% or 0.8934.")
    number, percent = found.groups()
    decimals = len(number.partition(".")[2]) - (0 if percent else 2)
    if number in ("0", "1"):  # none and all: nobody means a share rounded to whole ones
        decimals = 0
    value = float(number) / (100 if percent else 1)
    if value > 1:
        hint = f" Is it {number}%?" if value <= 100 and not percent else ""
        raise UsageError(f"{text} is more than all films.{hint}")
    return Share(value=value, decimals=decimals)


def possible(value: float, n: int, decimals: int) -> int | None:
    """A number of films right out of ``n`` whose share is printed as ``value``, if there is one.

    That number may be 0; None says that there is none. Both rounding and cutting off after
    ``decimals`` of a percentage are allowed.
    """
    fits = _fitting_right(value, n, decimals)
    return min(max(round(value * n), fits[0]), fits[-1]) if fits else None


def _fitting_right(value: float, n: int, decimals: int, *, single: bool = True) -> range:
    """All numbers of films right whose share is printed as ``value``, in whole numbers; if
    ``single``, also by a program that computes in single precision."""
    digits = decimals + 2
    if digits <= DIGITS_READ:
        whole = 10**digits
        printed = round(value * whole)
        least = -((1 - 2 * printed) * n // (2 * whole))  # right / n >= (printed - 1/2) / whole
        beyond = -(-(printed + 1) * n // whole)  # right / n < (printed + 1) / whole
        fits = range(max(least, 0), min(beyond, n + 1))
        if fits or digits < DIGITS_OF_SINGLE or not single:
            return fits
    near = round(value * n)
    is_single = abs(near / n - value) <= SINGLE + 10.0**-digits
    return range(near, near + 1) if is_single else range(0)


def of_fraction(text: str) -> tuple[int, int]:
    """``98/110`` as (98, 110). Raises UsageError for what is no such fraction."""
    found = re.fullmatch(r"\s*(\d+)\s*/\s*(\d+)\s*", text)
    if not found or int(found[1]) > int(found[2]):
        raise UsageError(f"'{text}' is no share of films: write 98/110.")
    return int(found[1]), int(found[2])


def judge(
    share: Share | None, n: int, *, right: int | None = None, baseline: Share | None = None
) -> Claim:
    """Whether ``share`` of ``n`` films can be, which sizes it fits, and whether it is above
    ``baseline`` (a majority class's share, say): exact one-sided binomial test.

    Where ``right`` is told as well, only right/n is ``share``. Raises UsageError for n below 1 or
    above 10^12, and for neither a share nor a number of films right.
    """
    if n < 1:
        raise UsageError(f"{n} films are none.")
    if n > MOST_FILMS:
        raise UsageError(f"{n:,} films are more than there are in the world.")
    if share is None:
        if right is None:
            raise UsageError("A claim needs a share, or a number of films right.")
        share = Share(value=right / n, decimals=2)
    fits = _fitting_right(share.value, n, share.decimals)
    told = right is not None
    if right is not None:
        fits = range(right, right + 1) if right in fits else range(0)
    else:
        right = possible(share.value, n, share.decimals)
        right = round(share.value * n) if right is None else right
    low, high = wilson(right, n)
    p_above = None
    if baseline is not None:
        p_above = _p_above(right, n, baseline)
    claim = Claim(
        said=str(share),
        n=n,
        possible=bool(fits),
        right=right,
        fewest=fits[0] if fits else right,
        most=fits[-1] if fits else right,
        value=right / n,
        low=low,
        high=high,
        nearest=() if fits else _nearest(share, n),
        fitting_n=_fitting(share, n),
        baseline=baseline.value if baseline else None,
        p_above=p_above,
    )
    return replace(claim, sentences=(*_whether(claim, share, told), *_worth(claim, baseline)))


def _p_above(right: int, n: int, baseline: Share) -> float:
    from scipy.stats import binomtest

    return float(binomtest(right, n, baseline.value, alternative="greater").pvalue)


def _nearest(share: Share, n: int) -> tuple[str, ...]:
    below = math.floor(share.value * n)
    decimals = min(max(share.decimals, 2), DIGITS_READ)
    shown = ((k, f"{100 * k / n:.{decimals}f}") for k in (below, below + 1) if k <= n)
    return tuple(f"{k}/{n} = {figure} %" for k, figure in shown)


def _fitting(share: Share, n: int) -> tuple[int, ...]:
    """Sizes that the figure fits, those nearest to ``n`` first."""
    found: list[int] = []
    for away in range(1, FARTHEST):
        sizes = [size for size in (n - away, n + away) if size >= 1]
        found += [n for n in sizes if _fitting_right(share.value, n, share.decimals, single=False)]
        if len(found) >= MOST_FITTING:
            break
    return tuple(found[:MOST_FITTING])


def _whether(claim: Claim, share: Share, told: bool) -> Iterator[str]:
    """Whether it can be; ``told``: the number of films right was told as well."""
    if claim.possible:
        yield f"{claim.said} of {claim.n:,} can be: {_it_is(claim)}."
        return
    others = _fitting_right(share.value, claim.n, share.decimals)
    if told:
        figure = f"{100 * claim.value:.{min(max(share.decimals, 2), DIGITS_READ)}f} %"
        yield f"{claim.said} cannot be {claim.right:,}/{claim.n:,}, which is {figure}."
    if others:
        yield f"It would be {_one_of(others[0], others[-1], claim.n)}."
        return
    none = f"{claim.said} of {claim.n:,} cannot be: no whole number of films gives it."
    yield f"{'' if told else none + ' '}Nearest: {' and '.join(claim.nearest)}."
    if claim.fitting_n:
        yield f"It fits {', '.join(f'{n:,}' for n in claim.fitting_n)} films, for instance."
    else:
        yield f"Nor does any number of films up to {claim.n + FARTHEST - 1:,} give it."


def _it_is(claim: Claim) -> str:
    if claim.fewest == claim.most:
        return f"it is {claim.right:,}/{claim.n:,}"
    fits = _one_of(claim.fewest, claim.most, claim.n)
    return f"{fits} are printed so; taken as {claim.right:,}/{claim.n:,}"


def _one_of(fewest: int, most: int, n: int) -> str:
    return f"{fewest:,}/{n:,}" if fewest == most else f"{fewest:,} to {most:,} of {n:,}"


def _worth(claim: Claim, baseline: Share | None) -> Iterator[str]:
    yield (
        f"95 % interval of {claim.right:,}/{claim.n:,}: {100 * claim.low:.2f} to "
        f"{100 * claim.high:.2f} % (Wilson)."
    )
    if baseline is None or claim.p_above is None:
        return
    gain = 100 * (claim.value - baseline.value)
    told = f"{gain:+.2f} points against {baseline}, one-sided p = {claim.p_above:.3g} (binomial)"
    ends = [_p_above(right, claim.n, baseline) for right in (claim.fewest, claim.most)]
    if ends[0] < SIGNIFICANT:
        one_sided = "" if claim.low > baseline.value else (
            " by a one-sided test of 5 %, though not by the 95 % interval, which is two-sided"
        )  # fmt: skip
        yield f"It is above the baseline{one_sided}: {told}."
    elif ends[1] < SIGNIFICANT:
        yield (
            f"Its rounding leaves open whether it is above the baseline: {told}; "
            f"{ends[0]:.3g} with {claim.fewest:,} right, {ends[1]:.3g} with {claim.most:,}."
        )
    else:
        yield f"It is not shown to be above the baseline: {told}."
    yield (
        "The baseline is taken as known; on the same films a paired test says more, and films of "
        "one patient are fewer witnesses than they seem."
    )

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
FARTHEST = 10_000  # films up to which a size is looked for


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
    right: int  # films right: the number that fits, or the nearest
    value: float  # right / n
    low: float  # Wilson's interval, 95 %
    high: float
    nearest: tuple[str, ...]  # where impossible: the figures on both sides, as k/n = share
    fitting_n: tuple[int, ...]  # sizes near n that the figure fits
    baseline: float | None = None
    p_above: float | None = None  # one-sided, exact binomial
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
    for right in (math.floor(value * n), math.ceil(value * n)):
        if 0 <= right <= n and _prints_as(right / n, value, decimals):
            return right
    return None


def _prints_as(share: float, value: float, decimals: int) -> bool:
    unit = 10.0 ** -(decimals + 2)
    return value - unit / 2 - 1e-12 <= share < value + unit - 1e-12


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

    Where ``right`` is told as well, only right/n is ``share``. Raises UsageError for n below 1, and
    for neither a share nor a number of films right.
    """
    from scipy.stats import binomtest

    if n < 1:
        raise UsageError(f"{n} films are none.")
    if share is None:
        if right is None:
            raise UsageError("A claim needs a share, or a number of films right.")
        share = Share(value=right / n, decimals=2)
    fits = possible(share.value, n, share.decimals)
    if right is not None:
        fits = right if _prints_as(right / n, share.value, share.decimals) else None
    right = right if right is not None else fits
    right = round(share.value * n) if right is None else right
    low, high = wilson(right, n)
    p_above = None
    if baseline is not None:
        p_above = float(binomtest(right, n, baseline.value, alternative="greater").pvalue)
    claim = Claim(
        said=str(share),
        n=n,
        possible=fits is not None,
        right=right,
        value=right / n,
        low=low,
        high=high,
        nearest=_nearest(share, n) if fits is None else (),
        fitting_n=_fitting(share, n),
        baseline=baseline.value if baseline else None,
        p_above=p_above,
    )
    return replace(claim, sentences=tuple(_sentences(claim, baseline)))


def _nearest(share: Share, n: int) -> tuple[str, ...]:
    below = math.floor(share.value * n)
    return tuple(f"{k}/{n} = {100 * k / n:.2f} %" for k in (below, below + 1) if k <= n)


def _fitting(share: Share, n: int) -> tuple[int, ...]:
    """Sizes that the figure fits, those nearest to ``n`` first."""
    found: list[int] = []
    for away in range(1, FARTHEST):
        sizes = [size for size in (n - away, n + away) if size >= 1]
        found += [n for n in sizes if possible(share.value, n, share.decimals) is not None]
        if len(found) >= MOST_FITTING:
            break
    return tuple(found[:MOST_FITTING])


def _sentences(claim: Claim, baseline: Share | None) -> Iterator[str]:
    if claim.possible:
        yield f"{claim.said} of {claim.n:,} can be: it is {claim.right:,}/{claim.n:,}."
    else:
        yield (
            f"{claim.said} of {claim.n:,} cannot be: no whole number of films gives it. Nearest: "
            f"{' and '.join(claim.nearest)}."
        )
        yield f"It fits {', '.join(f'{n:,}' for n in claim.fitting_n)} films, for instance."
    yield (
        f"95 % interval of {claim.right:,}/{claim.n:,}: {100 * claim.low:.2f} to "
        f"{100 * claim.high:.2f} % (Wilson)."
    )
    if baseline is None or claim.p_above is None:
        return
    gain = 100 * (claim.value - baseline.value)
    told = f"{gain:+.2f} points against {baseline}, one-sided p = {claim.p_above:.3g} (binomial)"
    if claim.p_above < SIGNIFICANT:
        yield f"It is above the baseline: {told}."
    else:
        yield f"It is not shown to be above the baseline: {told}."
    yield (
        "The baseline is taken as known; on the same films a paired test says more, and films of "
        "one patient are fewer witnesses than they seem."
    )

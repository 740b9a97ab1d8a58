"""Shares."""

from __future__ import annotations

import math

from osteon.statistics.levels import Z


def wilson(successes: float, n: float) -> tuple[float, float]:
    """Wilson's score interval of a proportion, 95 % (J Am Stat Assoc 22:209, 1927).

    Raises ValueError for n below 1 or successes outside 0 to n.
    """
    if n < 1 or not 0 <= successes <= n:
        raise ValueError(f"{successes} of {n} is no proportion.")
    share = successes / n
    middle = (share + Z**2 / (2 * n)) / (1 + Z**2 / n)
    half = Z / (1 + Z**2 / n) * math.sqrt(share * (1 - share) / n + Z**2 / (4 * n**2))
    low = 0.0 if successes == 0 else max(0.0, middle - half)
    high = 1.0 if successes == n else min(1.0, middle + half)
    return low, high

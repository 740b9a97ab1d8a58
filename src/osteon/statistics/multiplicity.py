"""Many comparisons: p values that count how many were made."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def holm(p: Sequence[float]) -> list[float]:
    """Adjusted p values: the chance of one false find or more stays below the level.

    Holm, Scand J Stat 6:65 (1979). Needs no independence. Raises ValueError outside 0 to 1.
    """
    values = _checked(p)
    order = np.argsort(values, kind="stable")
    stepped = np.maximum.accumulate(values[order] * np.arange(len(values), 0, -1))
    return _placed(stepped, order)


def benjamini_hochberg(p: Sequence[float]) -> list[float]:
    """Adjusted p values: of what is called found, the expected share of false finds stays below.

    Benjamini and Hochberg, J R Stat Soc B 57:289 (1995); of independent or positively dependent
    tests. Raises ValueError outside 0 to 1.
    """
    values = _checked(p)
    order = np.argsort(values, kind="stable")[::-1]
    n = len(values)
    stepped = np.minimum.accumulate(values[order] * n / np.arange(n, 0, -1))
    return _placed(stepped, order)


def _checked(p: Sequence[float]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    values = np.asarray(p, dtype=np.float64)
    if not ((values >= 0) & (values <= 1)).all():
        raise ValueError("A p value is not in 0 to 1.")
    return values


def _placed(
    stepped: np.ndarray[tuple[int], np.dtype[np.float64]],
    order: np.ndarray[tuple[int], np.dtype[np.int64]],
) -> list[float]:
    placed = np.empty(len(stepped))
    placed[order] = np.minimum(stepped, 1.0)
    return [float(each) for each in placed]

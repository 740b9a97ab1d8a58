"""The best of many tries looks better than it is: by how much, and what is left.

Legend: K tries, N films, C classes, B resamples.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from osteon.metrics import METRICS
from osteon.statistics import RESAMPLES, resamples

if TYPE_CHECKING:
    from osteon.types import Floats, Ints


@dataclass(frozen=True, kw_only=True, slots=True)
class Optimism:
    """What choosing the best of ``n_tries`` on the very films that judge it adds to its score."""

    n_tries: int
    best: float  # as seen
    corrected: float | None  # what its choice can be expected to give on other films
    optimism: float | None  # the difference, 0 or more, in units of the metric


def optimism(
    metric: str,
    labels: Ints,
    scores: Sequence[Floats],
    groups: Sequence[str],
    *,
    n_resamples: int = RESAMPLES // 2,
    seed: int = 0,
) -> Optimism:
    """Bootstrap bias-corrected choice: in each resample of the groups the best try is chosen on the
    films drawn and scored on those left out. Tsamardinos, Greasidou and Borboudakis, Mach Learn
    107:1895 (2018).

    ``scores`` are each try's (N, C). A metric whose name ends in ``_loss`` is better when lower.
    Of too few groups to leave any out, what choosing adds cannot be told, and is None.
    """
    compute = METRICS[metric]
    sign = -1.0 if metric.endswith("_loss") else 1.0
    once = np.ones((1, len(labels)))
    seen = sign * np.array([compute(labels, each, once)[0] for each in scores])
    best = float(np.nanmax(seen))
    left_out = []
    for weights in resamples(groups, resamples=n_resamples, seed=seed):
        others = (weights == 0).astype(np.float64)
        inside = sign * np.stack([compute(labels, each, weights) for each in scores])  # (K, b)
        outside = sign * np.stack([compute(labels, each, others) for each in scores])
        chosen = np.where(np.isnan(inside), -np.inf, inside).argmax(0)
        left_out.append(np.take_along_axis(outside, chosen[None], axis=0)[0])
    told = np.concatenate(left_out)
    told = told[~np.isnan(told)]
    if not len(told) and len(scores) > 1:
        return Optimism(n_tries=len(scores), best=sign * best, corrected=None, optimism=None)
    gap = max(0.0, best - float(told.mean())) if len(scores) > 1 else 0.0
    return Optimism(
        n_tries=len(scores), best=sign * best, corrected=sign * (best - gap), optimism=gap
    )

"""Intervals and tests, each with its source; ``docs/statistics.md`` says which to cite when."""

from osteon.statistics.bootstrap import (
    RESAMPLES,
    SHARES,
    UNDEFINED,
    collapsed,
    contrasts,
    differences,
    estimates,
    extreme,
    group_draws,
    percentiles,
    ranked_alike,
    resamples,
    rests_on,
    standard_error,
    witnesses,
)
from osteon.statistics.delong import Aurocs, AurocTest, auroc_difference, auroc_interval, delong
from osteon.statistics.levels import LEVEL, Z
from osteon.statistics.multiplicity import benjamini_hochberg, holm
from osteon.statistics.paired import McNemar, mcnemar
from osteon.statistics.proportions import (
    PredictiveValues,
    clopper_pearson,
    diagnostic_shares,
    predictive_values,
    share,
    shares_of_counts,
    wilson,
)

__all__ = [
    "LEVEL",
    "RESAMPLES",
    "SHARES",
    "UNDEFINED",
    "AurocTest",
    "Aurocs",
    "McNemar",
    "PredictiveValues",
    "Z",
    "auroc_difference",
    "auroc_interval",
    "benjamini_hochberg",
    "clopper_pearson",
    "collapsed",
    "contrasts",
    "delong",
    "diagnostic_shares",
    "differences",
    "estimates",
    "extreme",
    "group_draws",
    "holm",
    "mcnemar",
    "percentiles",
    "predictive_values",
    "ranked_alike",
    "resamples",
    "rests_on",
    "share",
    "shares_of_counts",
    "standard_error",
    "wilson",
    "witnesses",
]

"""Intervals and tests, each with its source; ``docs/statistics.md`` says which to cite when."""

from osteon.statistics.bootstrap import (
    RESAMPLES,
    differences,
    estimates,
    percentiles,
    resamples,
    standard_error,
    tested_differences,
)
from osteon.statistics.levels import LEVEL, Z
from osteon.statistics.proportions import wilson

__all__ = [
    "LEVEL",
    "RESAMPLES",
    "Z",
    "differences",
    "estimates",
    "percentiles",
    "resamples",
    "standard_error",
    "tested_differences",
    "wilson",
]

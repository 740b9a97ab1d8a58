"""Metrics, one file per family. Each takes weights, so that a bootstrap is one call.

Legend: N films, C classes, B resamples.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from osteon.registry import Registry

if TYPE_CHECKING:
    from osteon.types import Floats, Ints

# (labels (N,), scores (N, C), weights (B, N)) -> (B,); NaN where undefined
Metric = Callable[["Ints", "Floats", "Floats"], "Floats"]
METRICS: Registry[Metric] = Registry("metric", package="osteon.metrics")

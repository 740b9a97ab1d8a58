"""Metrics, one file per family. Each takes weights, so that a bootstrap is one call.

A metric is a function of labels, scores and weights; or, faster among many, one of ``Weighted``
(``osteon.metrics.shared``), which sorts and counts once for all metrics.

Those whose name ends in ``_loss`` are better when lower, all others when higher.
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

TITLES = {
    "auroc": "AUROC",
    "average_precision": "Average precision",
    "accuracy": "Accuracy",
    "top_2_accuracy": "Top-2 accuracy",
    "top_3_accuracy": "Top-3 accuracy",
    "balanced_accuracy": "Balanced accuracy",
    "sensitivity": "Sensitivity",
    "specificity": "Specificity",
    "precision": "Precision (PPV)",
    "npv": "NPV",
    "f1": "F1",
    "mcc": "MCC",
    "kappa": "Cohen's kappa",
    "quadratic_kappa": "Quadratic weighted kappa",
    "log_loss": "Log loss",
    "brier_loss": "Brier loss",
}
"""How a table or a figure calls each metric, in the order to show them (where they apply)."""

"""The contract of a metric: one figure a row of weights, where a weight counts a film so often."""

from __future__ import annotations

import numpy as np

from osteon.metrics import Metric


def check_metric(metric: Metric) -> None:
    """Raise AssertionError unless the metric keeps its contract.

    A weight of k is the film k times; all weights times a constant change nothing; no row of
    weights touches another.
    """
    rng = np.random.default_rng(1)
    for n_classes in (2, 4):
        labels = np.r_[np.arange(n_classes), rng.integers(n_classes, size=26)].astype(np.int64)
        scores = rng.integers(1, 9, size=(len(labels), n_classes)).astype(float)
        scores /= scores.sum(1, keepdims=True)
        times = rng.integers(1, 4, size=len(labels))
        repeated = np.repeat(np.arange(len(labels)), times)
        rows = np.stack([times, 3.0 * times, np.ones(len(labels))])
        figures = metric(labels, scores, rows)
        assert figures.shape == (3,)
        again = metric(labels[repeated], scores[repeated], np.ones((1, len(repeated))))
        np.testing.assert_allclose(figures[:2], [again[0]] * 2, atol=1e-12)

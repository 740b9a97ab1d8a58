"""The contract of a metric: one figure a row of weights, where a weight counts a film so often."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from osteon.metrics import METRICS, TITLES, Metric
from osteon.metrics.shared import applies

if TYPE_CHECKING:
    from osteon.types import Floats, Ints


def check_metric(name: str) -> None:
    """Raise AssertionError, naming the law, unless the registered metric keeps its contract."""
    metric = METRICS[name]
    assert name in TITLES, f"give {name} a title in osteon.metrics.TITLES"
    for n_classes in (2, 4):
        if not applies(metric, n_classes, ordered=True):
            check_undefined(metric, *_films(n_classes))
            continue
        labels, scores = _films(n_classes)
        check_weights(metric, labels, scores)
        check_absence(metric, labels, scores)
        check_direction(metric, labels, scores, lower_is_better=name.endswith("_loss"))


def _films(n_classes: int) -> tuple[Ints, Floats]:
    """Films of every class, with scores so coarse that many are tied."""
    rng = np.random.default_rng(1)
    labels = np.r_[np.arange(n_classes), rng.integers(n_classes, size=26)].astype(np.int64)
    scores = rng.integers(1, 9, size=(len(labels), n_classes)).astype(float)
    return labels, scores / scores.sum(1, keepdims=True)


def check_weights(metric: Metric, labels: Ints, scores: Floats) -> None:
    """A weight of k is the film k times; only the proportions count; films have no order."""
    times = np.random.default_rng(2).integers(1, 4, size=len(labels))
    repeated = np.repeat(np.arange(len(labels)), times)
    given = (labels.copy(), scores.copy())
    rows = np.stack([times, 0.3 * times, np.ones(len(labels))])
    figures = metric(labels, scores, rows)
    assert figures.shape == (3,), "one figure a row of weights"
    again = metric(labels[repeated], scores[repeated], np.ones((1, len(repeated))))
    turned = metric(labels[::-1], scores[::-1], rows[:, ::-1])
    np.testing.assert_allclose(figures[:2], [again[0]] * 2, atol=1e-12, err_msg="weights count")
    np.testing.assert_allclose(figures, turned, atol=1e-12, err_msg="films have no order")
    assert (labels == given[0]).all(), "labels are not changed"
    assert (scores == given[1]).all(), "scores are not changed"


def check_undefined(metric: Metric, labels: Ints, scores: Floats) -> None:
    """A metric that does not apply to so few classes says so."""
    figures = metric(labels, scores, np.ones((2, len(labels))))
    assert np.isnan(figures).all(), "NaN where the metric does not apply"


def check_absence(metric: Metric, labels: Ints, scores: Floats) -> None:
    """A film of weight 0 is not there; without any film there is no figure."""
    kept = np.arange(len(labels)) % 3 > 0
    weighted = metric(labels, scores, np.stack([kept, 0 * kept]).astype(float))
    there = metric(labels[kept], scores[kept], np.ones((1, kept.sum())))
    np.testing.assert_allclose(weighted[0], there[0], atol=1e-12, err_msg="weight 0 is absence")
    assert np.isnan(weighted[1]), "NaN where there is no film"


def check_direction(metric: Metric, labels: Ints, scores: Floats, *, lower_is_better: bool) -> None:
    """No scores are better than the truth itself."""
    once = np.ones((1, len(labels)))
    best = metric(labels, np.eye(scores.shape[1])[labels], once)[0]
    seen = metric(labels, scores, once)[0]
    better = best < seen if lower_is_better else best > seen
    assert better, "a metric ends in _loss if it is better when lower, and else is not"

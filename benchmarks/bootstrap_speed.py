"""CPU time of the grouped bootstrap of all metrics, against a loop of scikit-learn calls.

    python benchmarks/bootstrap_speed.py

2,000 resamples of 10,000 predictions, on one core. The loop resamples rows and calls scikit-learn
for each metric; it is timed on a few resamples and multiplied up, and its figures are compared with
ours on the same rows.
"""

from __future__ import annotations

import argparse
import os

for _threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_threads] = "1"  # before numpy is imported: one core

import time  # noqa: E402
import warnings  # noqa: E402
from collections.abc import Callable, Sequence  # noqa: E402

import numpy as np  # noqa: E402
from numpy.typing import NDArray  # noqa: E402
from sklearn import metrics as sk  # noqa: E402

from osteon.metrics import METRICS  # noqa: E402
from osteon.metrics.shared import applies  # noqa: E402
from osteon.statistics import estimates, resamples  # noqa: E402

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


def scored(n: int, n_classes: int, each: int) -> tuple[Ints, Floats, list[str]]:
    """Films, ``each`` of a patient; of two classes a fifth is positive."""
    rng = np.random.default_rng(0)
    shares = [0.8, 0.2] if n_classes == 2 else [1 / n_classes] * n_classes
    labels = rng.choice(n_classes, size=n, p=shares)
    odds = np.exp(rng.normal(size=(n, n_classes)) + 1.2 * np.eye(n_classes)[labels])
    return labels, odds / odds.sum(1, keepdims=True), [f"patient {at // each}" for at in range(n)]


def sklearn_metrics(n_classes: int) -> dict[str, Callable[[Ints, Floats], float]]:
    """The same figures, each by scikit-learn, as one would write it."""
    two, known = n_classes == 2, range(n_classes)
    average = "binary" if two else "macro"

    def answers(s: Floats) -> Ints:
        return np.asarray(s.argmax(1))

    def of_rest(score: Callable[..., float], y: Ints, s: Floats) -> float:
        classes = [1] if two else known
        return float(np.mean([score(y != c, answers(s) != c) for c in classes]))

    calls: dict[str, Callable[[Ints, Floats], float]] = {
        "auroc": lambda y, s: (
            sk.roc_auc_score(y, s[:, 1]) if two else sk.roc_auc_score(y, s, multi_class="ovr")
        ),
        "average_precision": lambda y, s: (
            sk.average_precision_score(y, s[:, 1])
            if two
            else sk.average_precision_score(np.eye(n_classes)[y], s)
        ),
        "accuracy": lambda y, s: sk.accuracy_score(y, answers(s)),
        "balanced_accuracy": lambda y, s: sk.balanced_accuracy_score(y, answers(s)),
        "sensitivity": lambda y, s: sk.recall_score(y, answers(s), average=average),
        "precision": lambda y, s: sk.precision_score(y, answers(s), average=average),
        "f1": lambda y, s: sk.f1_score(y, answers(s), average=average),
        "specificity": lambda y, s: of_rest(sk.recall_score, y, s),
        "npv": lambda y, s: of_rest(sk.precision_score, y, s),
        "mcc": lambda y, s: sk.matthews_corrcoef(y, answers(s)),
        "kappa": lambda y, s: sk.cohen_kappa_score(y, answers(s)),
        "log_loss": lambda y, s: sk.log_loss(y, s, labels=known),
        "brier_loss": lambda y, s: (
            sk.brier_score_loss(y, s[:, 1]) if two else sk.brier_score_loss(y, s, labels=known)
        ),
    }
    if n_classes > 2:
        calls["top_2_accuracy"] = lambda y, s: sk.top_k_accuracy_score(y, s, k=2, labels=known)
    if n_classes > 3:
        calls["top_3_accuracy"] = lambda y, s: sk.top_k_accuracy_score(y, s, k=3, labels=known)
    return calls


def by_loop(
    calls: dict[str, Callable[[Ints, Floats], float]],
    labels: Ints,
    scores: Floats,
    groups: Sequence[str],
    count: int,
) -> tuple[dict[str, list[float]], float]:
    """Each figure on ``count`` resamples, and the CPU seconds that scikit-learn took for them."""
    weights = next(iter(resamples(groups, resamples=count))).astype(int)
    figures: dict[str, list[float]] = {name: [] for name in calls}
    begun = time.process_time()
    for row in weights[:count]:
        drawn = np.repeat(np.arange(len(labels)), row)
        y, s = labels[drawn], scores[drawn]
        for name, call in calls.items():
            figures[name].append(float(call(y, s)))
    return figures, time.process_time() - begun


def measure(n: int, n_classes: int, each: int, loops: int, total: int) -> None:
    labels, scores, groups = scored(n, n_classes, each)
    calls = sklearn_metrics(n_classes)
    metrics = {name: metric for name, metric in METRICS.items() if applies(metric, n_classes)}
    assert set(calls) == set(metrics)
    seconds = []
    for _ in range(3):
        begun = time.process_time()
        estimates(metrics, labels, scores, groups, n_resamples=total)
        seconds.append(time.process_time() - begun)
    theirs, looped = by_loop(calls, labels, scores, groups, loops)
    weights = next(iter(resamples(groups, resamples=loops)))[:loops]
    apart = max(
        float(np.abs(metrics[name](labels, scores, weights) - theirs[name]).max())
        for name in metrics
    )
    slow, fast = looped / loops * total, min(seconds)
    tried = ", ".join(f"{second:.2f}" for second in seconds)
    print(
        f"{n:,} films, {each} a group, {n_classes} classes, {len(metrics)} metrics, {total:,} "
        f"resamples: osteon {fast:.2f} s (of {tried}); scikit-learn {looped / loops:.3f} s a "
        f"resample, so {slow:,.0f} s: {slow / fast:.0f} times; figures differ by up to {apart:.1e}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--films", type=int, default=10_000)
    parser.add_argument("--resamples", type=int, default=2_000)
    parser.add_argument("--loops", type=int, default=10, help="resamples that scikit-learn does")
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    for n_classes, each in ((2, 1), (2, 2), (10, 1)):
        measure(given.films, n_classes, each, given.loops, given.resamples)


if __name__ == "__main__":
    main()

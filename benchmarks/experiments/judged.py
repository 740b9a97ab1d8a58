"""What out-of-fold scores are worth: figures with intervals, and paired gains on other scores."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from benchmarks.side_by_side import machine, versions

from osteon.metrics import METRICS, Metric
from osteon.predictions import selected
from osteon.statistics import differences, estimates
from osteon.types import Estimate, Predictions

if TYPE_CHECKING:
    from osteon.types import Floats

LEAST = 1e-12  # a probability below it is taken for it


def judged(found: Predictions) -> dict[str, object]:
    """AUROC and accuracy, each with its interval."""
    metrics = _metrics(found)
    scored = estimates(metrics, found.labels, found.scores, found.groups)
    return {name: said(each) for name, each in scored.items()}


def gained(found: Predictions, other: Predictions) -> dict[str, object]:
    """How much better ``found`` is, paired. The other may hold its films in another order."""
    place = {id_: at for at, id_ in enumerate(other.ids)}
    same = selected(other, [place[id_] for id_ in found.ids])
    metrics = _metrics(found)
    paired = differences(metrics, found.labels, found.scores, same.scores, found.groups)
    return {name: said(each) for name, each in paired.items()}


def _metrics(found: Predictions) -> dict[str, Metric]:
    names = ["auroc"] if len(found.classes) == 2 else ["accuracy", "auroc"]
    return {name: METRICS[name] for name in names}


def said(estimate: Estimate) -> list[float | None]:
    """Value, low and high."""
    three = (estimate.value, estimate.low, estimate.high)
    return [None if each is None else round(each, 6) for each in three]


def told(
    path: Path, found: Predictions, sizes: Sequence[int], others: Mapping[str, Predictions],
    facts: Mapping[str, object],
) -> None:  # fmt: skip
    """Write PATH's scores' worth beside it, as JSON, and print it."""
    edges = np.cumsum([0, *sizes])
    spans = [range(edges[at], edges[at + 1]) for at in range(len(sizes))]
    figures: dict[str, object] = {
        "command": command(),
        "films": len(found.ids),
        "groups": len(set(found.groups)),
        **facts,
        **judged(found),
        "by_fold": [judged(selected(found, span)) for span in spans],
        "gain": {name: gained(found, other) for name, other in others.items()},
    }
    if len(found.classes) == 2:
        figures["sensitivity_at_specificity_0.85"] = round(_sensitivity(found), 4)
    told_of = {**figures, "machine": machine(), "versions": versions()}
    path.with_suffix(".json").write_text(json.dumps(told_of, indent=1) + "\n")
    shown = {name: value for name, value in figures.items() if name not in ("epochs", "by_fold")}
    print(json.dumps(shown))


def _sensitivity(found: Predictions) -> float:
    """At the threshold that gives these same scores a specificity of 0.85."""
    score = found.scores[:, 1]
    threshold = np.quantile(score[found.labels == 0], 0.85)
    return float((score[found.labels == 1] > threshold).mean())


def mean_of_log_odds(scores: Sequence[Floats]) -> Floats:
    """(N, C) probabilities whose logits are the mean of those of ``scores``, each (N, C)."""
    logits = np.mean([np.log(np.maximum(each, LEAST)) for each in scores], axis=0)
    raised = np.exp(logits - logits.max(1, keepdims=True))
    mean: Floats = raised / raised.sum(1, keepdims=True)
    return mean


def command() -> str:
    """As it was typed, but for the folders above each file."""
    said = [Path(each).name if each.startswith("/") else each for each in sys.argv[1:]]
    return " ".join(["python -m benchmarks.experiments." + Path(sys.argv[0]).stem, *said])

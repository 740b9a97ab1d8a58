"""Predictions to figures: each with its interval, its n, and what it must be compared with."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from osteon.curves import calibration, curves
from osteon.errors import DataError, UsageError
from osteon.metrics import METRICS, TITLES, Metric
from osteon.metrics.answers import confusion_table
from osteon.metrics.shared import applies
from osteon.operating_point import answers_at, choose_operating_point
from osteon.statistics import (
    RESAMPLES,
    auroc_interval,
    diagnostic_shares,
    differences,
    estimates,
)
from osteon.statistics.proportions import RULES
from osteon.types import Estimate, Evaluation, OperatingPoint, Predictions
from osteon.words import counted

if TYPE_CHECKING:
    from osteon.types import Floats

__all__ = ["choose_operating_point", "evaluate"]

AT_POINT = ("sensitivity", "specificity", "precision", "npv", "f1", "accuracy")
PER_CLASS = ("auroc", "average_precision", "sensitivity", "specificity", "precision", "f1")
OF_ANSWERS = ("sensitivity", "specificity", "precision", "f1")
ANALYTIC_AT_POINT = ("sensitivity", "specificity", "precision", "npv")
COMPARED = ("auroc", "balanced_accuracy", "accuracy")
FEW_FILMS = 10
FEW_GROUPS = 10


def evaluate(
    predictions: Predictions,
    *,
    operating_point: OperatingPoint | None = None,
    baselines: Mapping[str, Floats] | None = None,
    remarks: Iterable[str] = (),
    ordered: bool = False,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Evaluation:
    """All figures of one part.

    ``operating_point`` was chosen on validation and is applied as it is. ``baselines`` are scores
    (N, C) for the same films, by name; ``remarks`` on them follow those made here. ``ordered``: the
    classes are listed in an order, such as grades. Films without a label (-1) are left out.

    Raises DataError when no film has a label, UsageError for an operating point of more than two
    classes.
    """
    if operating_point is not None and len(predictions.classes) != 2:
        raise UsageError("An operating point needs two classes.")
    known, others = _labelled(predictions, baselines or {})
    metrics = _shown(len(known.classes), ordered)
    how = _How(known, resamples, seed)
    scores = how.estimates(metrics, known.scores)
    at_point, table_at_point = _at(operating_point, known, how)
    compared = {name: METRICS[name] for name in COMPARED}
    evaluation = Evaluation(
        part=known.part,
        classes=known.classes,
        n=len(known.ids),
        n_groups=len(set(known.groups)),
        class_counts={
            name: int((known.labels == index).sum()) for index, name in enumerate(known.classes)
        },
        scores=scores,
        baselines={name: how.estimates(metrics, other) for name, other in others.items()},
        per_class=dict(_per_class(known, how)),
        confusion=confusion_table(known.labels, known.scores),
        operating_point=operating_point,
        at_operating_point=at_point,
        confusion_at_operating_point=table_at_point,
        curves=curves(known),
        calibration=calibration(known),
        gains={name: how.gains(compared, other) for name, other in others.items()},
        analytic=dict(_analytic(known, operating_point)),
    )
    told = (*_remarks(evaluation), *_on_few_groups(known), *remarks)
    return replace(evaluation, remarks=told)


@dataclass(frozen=True, slots=True)
class _How:
    """How intervals of one part are made: the same films and resamples for every figure."""

    known: Predictions
    n_resamples: int
    seed: int

    def estimates(self, metrics: Mapping[str, Metric], scores: Floats) -> dict[str, Estimate]:
        return self.against_rest(metrics, self.known.labels, scores)

    def against_rest(
        self, metrics: Mapping[str, Metric], labels: object, scores: Floats
    ) -> dict[str, Estimate]:
        return estimates(
            metrics,
            np.asarray(labels, dtype=np.int64),
            scores,
            self.known.groups,
            n_resamples=self.n_resamples,
            seed=self.seed,
        )

    def gains(self, metrics: Mapping[str, Metric], other: Floats) -> dict[str, Estimate]:
        return differences(
            metrics,
            self.known.labels,
            self.known.scores,
            other,
            self.known.groups,
            n_resamples=self.n_resamples,
            seed=self.seed,
        )


def _labelled(
    predictions: Predictions, baselines: Mapping[str, Floats]
) -> tuple[Predictions, dict[str, Floats]]:
    has = predictions.labels >= 0
    if not has.any():
        raise DataError(f"No film of {predictions.part} has a label: there is nothing to compare.")
    kept = np.flatnonzero(has)
    known = Predictions(
        ids=tuple(predictions.ids[i] for i in kept),
        labels=predictions.labels[kept],
        scores=predictions.scores[kept],
        groups=tuple(predictions.groups[i] for i in kept),
        classes=predictions.classes,
        part=predictions.part,
    )
    return known, {name: scores[kept] for name, scores in baselines.items()}


def _at(
    point: OperatingPoint | None, known: Predictions, how: _How
) -> tuple[dict[str, Estimate], tuple[tuple[int, ...], ...]]:
    if point is None:
        return {}, ()
    answers = answers_at(known.scores, point)
    figures = how.estimates({name: METRICS[name] for name in AT_POINT}, answers)
    return figures, confusion_table(known.labels, answers)


def _shown(n_classes: int, ordered: bool) -> dict[str, Metric]:
    """Every metric that means something here: those with a title in their order, then the rest."""
    names = [*(name for name in TITLES if name in METRICS), *METRICS]
    return {
        name: METRICS[name]
        for name in dict.fromkeys(names)
        if applies(METRICS[name], n_classes, ordered=ordered)
    }


def _analytic(
    known: Predictions, point: OperatingPoint | None
) -> Iterator[tuple[str, tuple[Estimate, ...]]]:
    positive = known.labels == 1
    if len(known.classes) != 2 or positive.all() or not positive.any():
        return
    yield "auroc", (auroc_interval(positive, known.scores[:, 1], known.groups),)
    if point is None:
        return
    answered = answers_at(known.scores, point)[:, 1] == 1
    by_rule = [diagnostic_shares(positive, answered, known.groups, rule=rule) for rule in RULES]
    for name in ANALYTIC_AT_POINT:
        yield name, tuple(shares[name] for shares in by_rule)


def _per_class(known: Predictions, how: _How) -> Iterator[tuple[str, dict[str, Estimate]]]:
    """Each class against the rest; its answers are those films whose highest score it has."""
    answered = known.scores.argmax(1)
    for index, name in enumerate(known.classes):
        labels = (known.labels == index).astype(np.int64)
        score = known.scores[:, index]
        soft = np.stack([1 - score, score], axis=1)
        hard = np.eye(2)[(answered == index).astype(int)]
        ranked = {n: METRICS[n] for n in PER_CLASS if n not in OF_ANSWERS}
        figures = how.against_rest(ranked, labels, soft)
        figures |= how.against_rest({n: METRICS[n] for n in OF_ANSWERS}, labels, hard)
        yield name, {metric: figures[metric] for metric in PER_CLASS}


# --- what a reader must know ----------------------------------------------------------------------


def _remarks(evaluation: Evaluation) -> Iterator[str]:
    for name, count in evaluation.class_counts.items():
        if count < FEW_FILMS:
            yield (
                f"Only {counted(count, 'film')} of '{name}' in "
                f"{evaluation.part}: read the intervals, not the values."
            )
    auroc = evaluation.scores["auroc"]
    if auroc.high is not None and auroc.high < 0.5:
        yield (
            "The whole interval of the AUROC is below 0.5: worse than chance, as where classes "
            "were swapped."
        )
    elif auroc.low is not None and auroc.low <= 0.5:
        yield "The interval of the AUROC includes 0.5: no better than chance, as far as seen here."
    yield from _against_baselines(evaluation)


def _against_baselines(evaluation: Evaluation) -> Iterator[str]:
    gain = evaluation.gains.get("majority", {}).get("accuracy")
    if gain is not None and _none_shown(gain):
        yield "The accuracy is not shown to be above always answering the most frequent class."
    metadata = evaluation.baselines.get("metadata_only", {}).get("auroc")
    if metadata is None or metadata.low is None:
        return
    if metadata.low > 0.5:
        yield (
            f"File metadata alone, without any picture, reach an AUROC of {metadata.value:.3f} "
            f"({metadata.low:.3f} to {metadata.high:.3f}; {metadata.n:,} films): part of the label "
            "can be read without the bone."
        )
    gain = evaluation.gains["metadata_only"]["auroc"]
    if _none_shown(gain):
        yield "The AUROC is not shown to be above that of file metadata alone."


def _on_few_groups(known: Predictions) -> Iterator[str]:
    """Where films are enough and patients are not; of few films it was said already."""
    held = np.asarray(known.groups)
    for index, name in enumerate(known.classes):
        of_class = held[known.labels == index]
        n_groups = len(np.unique(of_class))
        if n_groups < FEW_GROUPS and len(of_class) >= FEW_FILMS:
            yield (
                f"The {len(of_class):,} films of '{name}' in {known.part} are of only "
                f"{counted(n_groups, 'independent group')}: intervals that rest on so few are too "
                "narrow."
            )


def _none_shown(gain: Estimate) -> bool:
    """By the interval; where there is none, by what was seen."""
    least = gain.value if gain.low is None else gain.low
    return least is not None and least <= 0

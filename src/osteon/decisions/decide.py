"""All decisions of a run: chosen on validation, judged on test."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypedDict

import numpy as np

from osteon.calibrate.labelled import labelled
from osteon.calibrators import NONE, Calibrator, name_of
from osteon.decisions.answers import three_answers
from osteon.decisions.conformal import conformal_sets
from osteon.decisions.curve import at_prevalence, decision_curve
from osteon.decisions.savings import saving
from osteon.decisions.values import DecisionCurve, Decisions
from osteon.errors import UsageError
from osteon.statistics import RESAMPLES
from osteon.types import Predictions

SENSITIVITIES = (0.90, 0.95, 0.98, 1.0)  # that work saved is told for


@dataclass(frozen=True, kw_only=True, slots=True)
class Goals:
    """What a user wants: sensitivity of "negative", specificity of "positive", coverage of the sets
    for each class, and how frequent the positive class is where the classifier will be used.

    Raises UsageError for a target that cannot be.
    """

    sensitivity: float = 0.95
    specificity: float = 0.95
    coverage: float = 0.90
    prevalence: float | None = None  # None: as in the test part

    def __post_init__(self) -> None:
        for name in ("sensitivity", "specificity"):
            if not 0 < getattr(self, name) <= 1:
                raise UsageError(f"A {name} of {getattr(self, name)} cannot be: it is in (0, 1].")
        if not 0 < self.coverage < 1:
            raise UsageError(f"A coverage of {self.coverage} cannot be promised: it is in (0, 1).")
        if self.prevalence is not None and not 0 < self.prevalence < 1:
            raise UsageError(f"A prevalence of {self.prevalence} cannot be: it is in (0, 1).")


class _Shared(TypedDict):
    """What every figure of two classes is told."""

    prevalence: float | None
    n_resamples: int
    seed: int


def decide(
    validation: Predictions,
    test: Predictions,
    *,
    calibrator: Calibrator | None = None,
    sensitivity: float = 0.95,
    specificity: float = 0.95,
    coverage: float = 0.90,
    prevalence: float | None = None,
    n_resamples: int = RESAMPLES,
    seed: int = 0,
) -> Decisions:
    """Three answers, prediction sets, decision curve and work saved.

    Thresholds are chosen on ``validation`` and apply to raw scores: a calibrator keeps their order,
    and isotonic regression would make films tie. Only the decision curve is of calibrated scores.
    Films without a label (-1) are left out. Of more than two classes there are prediction sets
    alone.

    Raises UsageError when the two parts are of other classes or a target is out of range, DataError
    when a part has no label.
    """
    if validation.classes != test.classes:
        raise UsageError("Validation and test are of other classes: nothing can be carried over.")
    goals = Goals(
        sensitivity=sensitivity, specificity=specificity, coverage=coverage, prevalence=prevalence
    )
    return _decided(labelled(validation), labelled(test), calibrator, goals, n_resamples, seed)


def _decided(
    val: Predictions,
    test: Predictions,
    calibrator: Calibrator | None,
    goals: Goals,
    n_resamples: int,
    seed: int,
) -> Decisions:
    unfit = _unfit(val)
    shared = _Shared(prevalence=goals.prevalence, n_resamples=n_resamples, seed=seed)
    own = float((test.labels == 1).mean())
    return Decisions(
        classes=val.classes,
        n=len(test.ids),
        n_groups=len(set(test.groups)),
        prevalence=own if goals.prevalence is None else goals.prevalence,
        of_test=goals.prevalence is None,
        three=None
        if unfit
        else three_answers(
            val, test, sensitivity=goals.sensitivity, specificity=goals.specificity, **shared
        ),
        curve=None if unfit else _curve(val, test, calibrator, shared),
        savings=()
        if unfit
        else tuple(
            saving(val, test, target, **shared)
            for target in sorted({*SENSITIVITIES, goals.sensitivity})
        ),
        conformal=conformal_sets(
            val, test, coverage=goals.coverage, n_resamples=n_resamples, seed=seed
        ),
        remarks=(unfit,) if unfit else tuple(_remarks(val, calibrator)),
    )


def _unfit(validation: Predictions) -> str:
    """Why there are prediction sets alone; empty where there is more."""
    if len(validation.classes) != 2:
        return (
            f"Three answers, decision curve and work saved need two classes; these are "
            f"{len(validation.classes)}."
        )
    absent = [name for index, name in enumerate(validation.classes)
              if not (validation.labels == index).any()]  # fmt: skip
    return f"Validation has no film of '{absent[0]}': no threshold can be chosen." if absent else ""


def _curve(
    validation: Predictions,
    test: Predictions,
    calibrator: Calibrator | None,
    shared: _Shared,
) -> DecisionCurve:
    prevalence = shared["prevalence"]
    score = (calibrator.apply(test.scores) if calibrator else test.scores)[:, 1]
    if prevalence is not None:
        score = at_prevalence(score, float(np.mean(validation.labels == 1)), prevalence)
    return decision_curve(
        test.labels,
        score,
        test.groups,
        calibrator=name_of(calibrator) if calibrator else NONE,
        **shared,
    )


def _remarks(validation: Predictions, calibrator: Calibrator | None) -> Iterator[str]:
    n_positive = int((validation.labels == 1).sum())
    if n_positive < 50:
        yield (
            f"Validation has only {n_positive:,} films of '{validation.classes[1]}': a threshold "
            "for a high sensitivity hangs on one or two of them."
        )
    if calibrator is None:
        yield "The decision curve is of scores that were not calibrated: its thresholds may lie."

"""Every calibrator fitted on validation and judged on test; one of them chosen without test."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from osteon.calibrate.binned import brier_parts, equal_mass, score_and_hit
from osteon.calibrate.bootstrap import bootstrapped
from osteon.calibrate.choice import choose_calibrator
from osteon.calibrate.errors import by_chance, calibration_errors, debiased_rms_error
from osteon.calibrate.labelled import labelled
from osteon.calibrate.slope import intercepts, slopes
from osteon.calibrate.values import Calibrated, Tried
from osteon.calibrators import NONE, Calibrator, calibrator_of, candidates, state_of
from osteon.errors import UsageError
from osteon.metrics import METRICS
from osteon.statistics import RESAMPLES, differences, wilson
from osteon.types import CalibrationBin, Estimate, Predictions

if TYPE_CHECKING:
    from osteon.types import Floats

ANSWERED = "the class answered"
FEW_GROUPS = 100


def judge_calibration(
    validation: Predictions, test: Predictions, *, n_resamples: int = RESAMPLES, seed: int = 0
) -> Calibrated:
    """Fit every calibrator on ``validation``, choose one there, and judge all of them on ``test``.

    Films without a label (-1) are left out. Raises UsageError when the two parts are of other
    classes, DataError when one has no label.
    """
    if validation.classes != test.classes:
        raise UsageError("Validation and test are of other classes: nothing can be carried over.")
    val, seen = labelled(validation), labelled(test)
    choice = choose_calibrator(val, n_resamples=n_resamples, seed=seed)
    kinds = candidates(len(val.classes))
    fitted = {name: kinds[name].fit(val.labels, val.scores) for name in choice.losses}
    tried = tuple(
        Tried(
            name=name,
            state=state_of(calibrator),
            on_validation=choice.losses[name],
            on_test=judged(seen, calibrator.apply(seen.scores), n_resamples, seed),
            gain=None if name == NONE else _gain(seen, calibrator, n_resamples, seed),
        )
        for name, calibrator in fitted.items()
    )
    return Calibrated(
        classes=val.classes,
        chosen=choice.name,
        reason=choice.reason,
        tried=tried,
        n_validation=len(val.ids),
        n_groups_validation=len(set(val.groups)),
        before=reliability_bins(seen, seen.scores),
        after=reliability_bins(seen, fitted[choice.name].apply(seen.scores)),
        remarks=tuple(_remarks(val)),
    )


def chosen_calibrator(calibrated: Calibrated) -> Calibrator:
    """The calibrator that validation chose, ready to apply."""
    return calibrator_of(calibrated.chosen, calibrated.of(calibrated.chosen).state)


def judged(
    predictions: Predictions, scores: Floats, n_resamples: int = RESAMPLES, seed: int = 0
) -> dict[str, Estimate]:
    """Every figure of ``osteon.calibrate.values.TITLES`` that is defined for so many classes.

    ``scores`` (N, C) are of the films of ``predictions``, calibrated or not.
    """
    labels, groups = predictions.labels, predictions.groups
    score, hit = score_and_hit(labels, scores)
    errors = calibration_errors(score)
    slope, intercept = slopes(score, hit), intercepts(score, hit)

    def figures(weights: Floats) -> dict[str, Floats]:
        parts = brier_parts(labels, scores, weights)
        found = {
            "log_loss": METRICS["log_loss"](labels, scores, weights),
            "brier_loss": METRICS["brier_loss"](labels, scores, weights),
            "reliability": parts.reliability,
            "resolution": parts.resolution,
            "uncertainty": parts.uncertainty,
            "residual": parts.residual,
            **errors(weights * (score - hit), weights.sum(1)),
        }
        if scores.shape[1] == 2:
            found["slope"] = slope(weights)
            found["intercept"] = intercept(weights)
        return found

    raised = {"reliability": 0.0, "resolution": 0.0, **by_chance(score, groups, seed=seed)}
    made = bootstrapped(figures, groups, raised=raised, n_resamples=n_resamples, seed=seed)
    made["rms_error_debiased"] = debiased_rms_error(
        score, hit, groups, n_resamples=n_resamples, seed=seed
    )
    return made


def reliability_bins(predictions: Predictions, scores: Floats) -> tuple[CalibrationBin, ...]:
    """Films in ten bins of equal mass by their score, and the share that is of the class.

    ``low`` and ``high`` of a bin are the lowest and the highest score in it. Intervals are
    Wilson's, with as many trials as the bin has groups.
    """
    score, hit = score_and_hit(predictions.labels, scores)
    bins = equal_mass(score)
    held = np.asarray(predictions.groups)
    name = predictions.classes[1] if scores.shape[1] == 2 else ANSWERED
    made = []
    for index in range(int(bins.max()) + 1):
        inside = bins == index
        n_groups = len(set(held[inside]))
        share = float(hit[inside].mean())
        low, high = wilson(share * n_groups, n_groups)
        observed = Estimate(
            value=share, low=low, high=high, n=int(inside.sum()), n_groups=n_groups,
            method=f"Wilson on {n_groups:,} groups",
        )  # fmt: skip
        made.append(
            CalibrationBin(
                class_name=name,
                low=float(score[inside].min()),
                high=float(score[inside].max()),
                mean_score=float(score[inside].mean()),
                observed=observed,
            )
        )
    return tuple(made)


def _gain(seen: Predictions, calibrator: Calibrator, n_resamples: int, seed: int) -> Estimate:
    metric = {"log_loss": METRICS["log_loss"]}
    after = calibrator.apply(seen.scores)
    return differences(
        metric, seen.labels, after, seen.scores, seen.groups, n_resamples=n_resamples, seed=seed
    )["log_loss"]


def _remarks(validation: Predictions) -> Iterator[str]:
    n_groups = len(set(validation.groups))
    if n_groups < FEW_GROUPS:
        yield (
            f"Validation has only {n_groups:,} independent groups: what was fitted on them may not "
            "hold elsewhere."
        )
    yield (
        "The epoch was chosen on the same validation films, so that their scores may be a little "
        "better than those of new films."
    )
    if len(validation.classes) > 2:
        yield (
            "Of more than two classes the calibration errors and the diagram are of the highest "
            "score against whether that answer is right; slope and intercept need two classes."
        )

"""Cox's recalibration line: slope and intercept of the outcome on the logit of the score.

Legend: N films, B resamples.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from osteon.calibrators.logits import logit, sigmoid

if TYPE_CHECKING:
    from osteon.types import Floats

MOST_STEPS = 50
CLOSE = 1e-9
STEEPEST = 1e3  # beyond, the classes are parted without overlap: there is no line


def calibration_slope(score: Floats, hit: Floats, weights: Floats) -> Floats:
    """The slope (B,): 1 is ideal; below 1 scores are too extreme, above 1 too timid.

    Logistic regression of the outcome on the logit. Cox, Biometrika 45:562 (1958); Van Calster et
    al., J Clin Epidemiol 74:167 (2016). NaN where the classes are parted by the score or one is
    absent.
    """
    odds = logit(score)
    return _fitted(np.stack([np.ones_like(odds), odds], axis=1), np.zeros_like(odds), hit, weights)[
        :, 1
    ]


def calibration_intercept(score: Floats, hit: Floats, weights: Floats) -> Floats:
    """Calibration in the large (B,): the intercept with the slope held at 1. 0 is ideal; below 0
    scores are too high on the whole, above 0 too low."""
    odds = logit(score)
    return _fitted(np.ones((len(odds), 1)), odds, hit, weights)[:, 0]


def _fitted(design: Floats, offset: Floats, hit: Floats, weights: Floats) -> Floats:
    """Newton's steps for all resamples at once, from the line of all films: (B, P)."""
    both = ((weights @ hit) > 0) & ((weights @ (1 - hit)) > 0)
    start = np.zeros((1, design.shape[1]))
    start = _newton(design, offset, hit, np.ones((1, len(hit))), start)
    if not np.isfinite(start).all():
        start = np.zeros_like(start)
    lines = _newton(design, offset, hit, weights, np.repeat(start, len(weights), axis=0))
    lines[~both] = np.nan
    return lines


def _newton(design: Floats, offset: Floats, hit: Floats, weights: Floats, start: Floats) -> Floats:
    line = start.copy()
    going = np.arange(len(line))  # resamples that have not arrived
    products = design[:, :, None] * design[:, None, :]  # (N, P, P)
    for _ in range(MOST_STEPS):
        share = sigmoid(line[going] @ design.T + offset)
        some = weights[going]
        slope = (some * (hit - share)) @ design
        bend = np.tensordot(some * share * (1 - share), products, axes=1)
        bend += 1e-12 * np.eye(design.shape[1])
        step = np.linalg.solve(bend, slope[:, :, None])[:, :, 0]
        step = np.clip(step, -2.0, 2.0)  # a long step from afar would not come back
        line[going] += step
        going = going[np.abs(step).max(1) > CLOSE]
        if not len(going):
            break
        lost = np.abs(line[going]).max(1) > STEEPEST
        line[going[lost]] = np.nan
        going = going[~lost]
        if not len(going):
            break
    line[going] = np.nan
    return line

"""Cox's recalibration line: slope and intercept of the outcome on the logit of the score.

Legend: N films, B resamples.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from osteon.calibrators.logits import logit, sigmoid

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from osteon.types import Floats

    Rows = NDArray[np.bool_]  # (B,)

MOST_STEPS = 50
CLOSE = 1e-6  # of a step: those of Newton are squared each time, so that the next would be 1e-12
STEEPEST = 1e3  # beyond, the classes are parted without overlap: there is no line
NARROWEST = 1e-6  # of the scores' odds: where all are closer, no slope can be told from another


def calibration_slope(score: Floats, hit: Floats, weights: Floats) -> Floats:
    """The slope (B,): 1 is ideal; below 1 scores are too extreme, above 1 too timid.

    Logistic regression of the outcome on the logit. Cox, Biometrika 45:562 (1958); Van Calster et
    al., J Clin Epidemiol 74:167 (2016). Where the classes are parted by the score the steepest line
    is the best one: infinite, and below 0 if they are the wrong way round. NaN where a class is
    absent or all scores are one.
    """
    return slopes(score, hit)(weights)


def calibration_intercept(score: Floats, hit: Floats, weights: Floats) -> Floats:
    """Calibration in the large (B,): the intercept with the slope held at 1. 0 is ideal; below 0
    scores are too high on the whole, above 0 too low."""
    return intercepts(score, hit)(weights)


def slopes(score: Floats, hit: Floats) -> Callable[[Floats], Floats]:
    """``calibration_slope`` as a function of the weights: what follows from the films alone is done
    once, however many chunks of resamples there are."""
    odds = logit(score)
    design = np.stack([np.ones_like(odds), odds], axis=1)
    lines = _Lines.of(design, np.zeros_like(odds), hit)
    parted = _parted(odds, hit)

    def fitted(weights: Floats) -> Floats:
        limit = parted(weights)
        return np.where(limit == 0, lines.fitted(weights, limit == 0)[:, 1], limit)

    return fitted


def intercepts(score: Floats, hit: Floats) -> Callable[[Floats], Floats]:
    """``calibration_intercept`` as a function of the weights, as ``slopes``."""
    odds = logit(score)
    lines = _Lines.of(np.ones((len(odds), 1)), odds, hit)
    return lambda weights: lines.fitted(weights, np.ones(len(weights), np.bool_))[:, 0]


def _parted(odds: Floats, hit: Floats) -> Callable[[Floats], Floats]:
    """Of weights (B, N), the slope (B,) of resamples that have no line; 0 where there is one.

    Where no film lies between films of the other class, Newton would climb without end: infinite.
    NaN where a class is absent, or a single score is left, through which every line goes."""
    order = np.argsort(odds, kind="stable")
    sides = [order[hit[order] == value] for value in (0.0, 1.0)]
    if not all(len(side) for side in sides):
        return lambda weights: np.full(len(weights), np.nan)

    def parted(weights: Floats) -> Floats:
        drawn = [weights[:, of] > 0 for of in sides]
        (low, high), (lowest, highest) = (
            _ends(odds[of], some) for of, some in zip(sides, drawn, strict=True)
        )
        limit = np.where(high <= lowest, np.inf, np.where(highest <= low, -np.inf, 0.0))
        limit[np.maximum(high, highest) - np.minimum(low, lowest) <= NARROWEST] = np.nan
        limit[~drawn[0].any(1) | ~drawn[1].any(1)] = np.nan
        return limit

    return parted


def _ends(odds: Floats, drawn: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """The least and the greatest (B,) of ``odds`` (N,), ascending, of those ``drawn`` (B, N)."""
    return odds[drawn.argmax(1)], odds[len(odds) - 1 - drawn[:, ::-1].argmax(1)]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Lines:
    """Logistic regressions of the same films under many weights, P parameters each."""

    design: Floats  # (N, P)
    products: Floats  # (N, P, P)
    offset: Floats  # (N,)
    hit: Floats  # (N,)
    start: Floats  # (1, P) the line of all films, or zeros where it has none

    @classmethod
    def of(cls, design: Floats, offset: Floats, hit: Floats) -> _Lines:
        zeros = np.zeros((1, design.shape[1]))
        products = design[:, :, None] * design[:, None, :]
        lines = cls(design=design, products=products, offset=offset, hit=hit, start=zeros)
        start = lines._newton(np.ones((1, len(hit))), zeros)
        return replace(lines, start=start if np.isfinite(start).all() else zeros)

    def fitted(self, weights: Floats, there: Rows) -> Floats:
        """Newton's steps for all resamples at once, from the line of all films: (B, P). NaN where
        a class is absent, and where a line is not ``there``."""
        there = there & ((weights @ self.hit) > 0) & ((weights @ (1 - self.hit)) > 0)
        lines = np.full((len(weights), len(self.start[0])), np.nan)
        if there.any():
            some = weights if there.all() else weights[there]
            found = self._newton(some, np.repeat(self.start, len(some), axis=0))
            for at in np.flatnonzero(np.isnan(found).any(1)):
                found[at] = self._climbed(some[at])
            lines[there] = found
        return lines

    def _climbed(self, weights: Floats) -> Floats:
        """One resample (N,) whose line Newton's whole steps did not find, going to and fro: steps
        are halved until they climb."""
        line: Floats = np.zeros_like(self.start[0])
        for _ in range(10 * MOST_STEPS):
            share = sigmoid(self.design @ line + self.offset)
            slope = (weights * (self.hit - share)) @ self.design
            bend = np.tensordot(weights * share * (1 - share), self.products, axes=1)
            step = np.linalg.solve(_ridged(bend), slope)
            while self._likelihood(weights, line + step) < self._likelihood(weights, line):
                step /= 2.0
            line = line + step
            if np.abs(step).max() <= CLOSE:
                return line
            if np.abs(line).max() > STEEPEST:
                break
        return line * np.nan

    def _likelihood(self, weights: Floats, line: Floats) -> float:
        odds = self.design @ line + self.offset
        return float(weights @ (self.hit * odds - np.logaddexp(0.0, odds)))

    def _newton(self, weights: Floats, start: Floats) -> Floats:
        line = start.copy()
        going = np.arange(len(line))  # resamples that have not arrived
        for _ in range(MOST_STEPS):
            share = sigmoid(line[going] @ self.design.T + self.offset)
            some = weights if len(going) == len(weights) else weights[going]
            slope = (some * (self.hit - share)) @ self.design
            bend = np.tensordot(some * share * (1 - share), self.products, axes=1)
            step = np.linalg.solve(_ridged(bend), slope[:, :, None])[:, :, 0]
            step = np.clip(step, -2.0, 2.0)  # a long step from afar would not come back
            line[going] += step
            going = going[np.abs(step).max(1) > CLOSE]
            lost = np.abs(line[going]).max(1, initial=0.0) > STEEPEST
            line[going[lost]] = np.nan
            going = going[~lost]
            if not len(going):
                break
        line[going] = np.nan
        return line


def _ridged(bend: Floats) -> Floats:
    """(..., P, P) that can be solved however flat the likelihood is in some direction."""
    size = np.trace(bend, axis1=-2, axis2=-1)[..., None, None]
    ridged: Floats = bend + 1e-12 * (1 + size) * np.eye(bend.shape[-1])
    return ridged

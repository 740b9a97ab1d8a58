"""Will it travel? A classifier's scores on shifted films, against its scores on the same films.

The mean relative drop of a shift is what it takes, over its strengths on average, of the AUROC
above chance: 1 - mean over k of (A_k - 1/2) / (A_0 - 1/2), A_0 of the films as they are. It is 0
where nothing is lost and 1 where nothing is left; below 0 the shift has helped. The relative mCE of
Hendrycks and Dietterich, ICLR 2019, compares with another network's loss instead.

Legend of shapes: N films, C classes, S the side of a prepared film.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from osteon.errors import DataError, UsageError
from osteon.metrics import METRICS
from osteon.operating_point import answers_at
from osteon.parallel import in_order
from osteon.predictions import read_predictions, write_predictions
from osteon.progress import say, track
from osteon.shifts import SHIFTS, VERSION, Shift, chance, shifted
from osteon.statistics import differences, estimates, holm, standard_error
from osteon.travelled import AT_POINT, ShiftCurve, ShiftPoint, ShiftReport, spoken
from osteon.types import Estimate, OperatingPoint, Predictions

if TYPE_CHECKING:
    from osteon.classifier import Classifier
    from osteon.engine import Engine
    from osteon.metrics import Metric
    from osteon.prepare import Prepared
    from osteon.types import Floats, Ints

FILMS = 250  # of the test part by default: all of the rarer class, and as many others as fit
SAME = 1e-3  # the clean scores of suite and run may differ by so much: another processor


# --- the suite ------------------------------------------------------------------------------------


def shift_suite(
    classifier: Classifier,
    prepared: Prepared,
    clean: Predictions,
    point: OperatingPoint | None = None,
    *,
    keep: Path,
    films: int | None = FILMS,
    shifts: Sequence[str] | None = None,
    seed: int = 0,
) -> ShiftReport:
    """Score films of ``clean`` (its labels and groups) under every shift in every strength.

    ``films`` at most (None: all), the classes as equal in number as can be: AUROC, sensitivity and
    specificity do not hang on the prevalence. Scores go to ``keep``, a small CSV for each strength;
    a suite that was killed goes on from there to the same result.

    Raises UnknownName for no shift, UsageError for fewer than two films of a class, DataError where
    the clean scores are not this classifier's.
    """
    chosen, some = check_suite(clean, films, shifts, seed)
    scores, engine = _all_scores(classifier, prepared, some, chosen, keep, seed)
    parity = float(np.abs(scores[CLEAN] - some.scores).max())
    if parity > SAME:
        raise DataError(
            f"The scores of the test part differ by {parity:.2g} from what this classifier gives. "
            "Score it again: osteon evaluate"
        )
    judge = _Judge(replace(some, scores=scores[CLEAN]), point, seed)
    curves = [judge.curve(shift, scores) for shift in track(chosen, "intervals", len(chosen))]
    adjusted = holm([curve.p for curve in curves])
    done = [spoken(replace(curve, p=p)) for curve, p in zip(curves, adjusted, strict=True)]
    return ShiftReport(
        classes=clean.classes,
        n_films=len(some.ids),
        n_of_part=int((clean.labels >= 0).sum()),
        class_counts={c: int((some.labels == at).sum()) for at, c in enumerate(clean.classes)},
        seed=seed,
        engine=engine,
        parity=parity,
        operating_point=point,
        clean=judge.clean(),
        mean_drop=judge.overall(chosen, scores),
        curves=tuple(done),
        example=_example(some),
    )


def check_suite(
    clean: Predictions, films: int | None, shifts: Sequence[str] | None, seed: int
) -> tuple[list[Shift], Predictions]:
    """The shifts and films of a suite. Raises as ``shift_suite`` does; costs nothing."""
    chosen = [SHIFTS[name] for name in dict.fromkeys(shifts or SHIFTS)]
    return chosen, draw_films(clean, films, seed)


def draw_films(clean: Predictions, films: int | None, seed: int) -> Predictions:
    """At most ``films`` labelled films: of each class the same number, or all that it has."""
    at_hand = [np.flatnonzero(clean.labels == label) for label in range(len(clean.classes))]
    at_hand = [there for there in at_hand if len(there)]
    if sum(len(there) >= 2 for there in at_hand) < 2:
        raise UsageError("A shift suite needs two films of each of two classes in the test part.")
    left = sum(map(len, at_hand)) if films is None else films
    if left < 2 * len(at_hand):
        raise UsageError(f"--films {left} is too few: two of each class at least.")
    rng = np.random.default_rng(seed)
    kept: list[int] = []
    by_size = sorted(at_hand, key=len)
    for number, there in enumerate(by_size):
        share = min(len(there), left // (len(by_size) - number))
        left -= share
        kept += rng.permutation(there)[:share].tolist()
    kept.sort()
    return Predictions(
        ids=tuple(clean.ids[at] for at in kept),
        labels=clean.labels[kept],
        scores=clean.scores[kept],
        groups=tuple(clean.groups[at] for at in kept),
        classes=clean.classes,
        part=clean.part,
    )


def _example(some: Predictions) -> str:
    """A sure film of the last class (of two, the positive one)."""
    last = int(some.labels.max())
    scores = np.where(some.labels == last, some.scores[:, last], -1)
    return some.ids[int(scores.argmax())]


# --- scores, kept ---------------------------------------------------------------------------------

Key = tuple[str, float]
CLEAN: Key = ("clean", 0.0)


def _all_scores(
    classifier: Classifier,
    prepared: Prepared,
    some: Predictions,
    chosen: Sequence[Shift],
    keep: Path,
    seed: int,
) -> tuple[dict[Key, Floats], str]:
    """Scores (N, C) of each shift and strength, and of the films as they are."""
    from osteon.engine import fast_engine

    engine = fast_engine(classifier.net, prepared.rules.size_px)
    place = keep / _digest(classifier, prepared, some, engine, seed)
    films = prepared.batch(some.ids)
    wanted = [CLEAN, *((shift.name, at) for shift in chosen for at in shift.strengths)]
    scores: dict[Key, Floats] = {}
    say(f"shift: {len(wanted):,} passes over {len(some.ids):,} films, scored by {engine.name}")
    for name, strength in track(wanted, "shift", len(wanted)):
        path = place / f"{name}-{strength:.6g}.csv"
        if not path.is_file():
            changed = films
            if (name, strength) != CLEAN:
                changed = _changed(films, some.ids, SHIFTS[name], strength, seed)
            done = replace(some, scores=engine.score(changed), part=path.stem)
            write_predictions(done, path)
        scores[name, strength] = read_predictions(path, part=path.stem).scores
    return scores, engine.name


def _changed(
    films: np.ndarray[tuple[int, int, int], np.dtype[np.uint8]],
    ids: Sequence[str],
    shift: Shift,
    strength: float,
    seed: int,
) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    def one(at: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
        return shifted(films[at], shift, strength, chance(seed, ids[at], shift.name))

    return np.stack(list(in_order(one, range(len(ids)))))


def _digest(
    classifier: Classifier, prepared: Prepared, some: Predictions, engine: Engine, seed: int
) -> str:
    """Of all that the scores hang on."""
    said = hashlib.sha256(f"{VERSION} {seed} {engine.name} {prepared.rules}".encode())
    said.update("\n".join(some.ids).encode())
    for row in (prepared.row_of[id_] for id_ in some.ids):
        said.update(prepared.content_digests[row].encode())
    said.update(repr(classifier.net).encode())
    for name, value in classifier.net.state_dict().items():
        said.update(name.encode() + value.detach().cpu().contiguous().numpy().tobytes())
    return said.hexdigest()[:16]


# --- figures --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Judge:
    """Figures of one set of films: the same resamples for every shift."""

    base: Predictions
    point: OperatingPoint | None
    seed: int

    def clean(self) -> dict[str, Estimate]:
        return self._figures(self.base.scores)

    def curve(self, shift: Shift, scores: Mapping[Key, Floats]) -> ShiftCurve:
        there = [scores[shift.name, strength] for strength in shift.strengths]
        loss = _mean_loss(there)
        told = self._estimates({"loss": loss, "drop": _mean_drop([there])}, self.base.scores)
        return ShiftCurve(
            name=shift.name,
            title=shift.title,
            quantity=shift.quantity,
            unit=shift.unit,
            source=shift.source,
            may_hide=shift.may_hide,
            points=tuple(
                ShiftPoint(
                    strength=strength,
                    told=shift.told(strength),
                    figures=self._figures(scores[shift.name, strength]),
                    losses=self._losses(scores[shift.name, strength]),
                )
                for strength in shift.strengths
            ),
            mean_drop=told["drop"],
            mean_loss=told["loss"],
            p=self._p(loss, told["loss"]),
            sentence="",
        )

    def overall(self, chosen: Sequence[Shift], scores: Mapping[Key, Floats]) -> Estimate:
        each = [[scores[shift.name, at] for at in shift.strengths] for shift in chosen]
        return self._estimates({"drop": _mean_drop(each)}, self.base.scores)["drop"]

    def _p(self, loss: Metric, found: Estimate) -> float:
        if not found.value:  # nothing is lost, or it is undefined
            return 1.0
        films = (self.base.labels, self.base.scores, self.base.groups)
        error = standard_error(loss, *films, seed=self.seed)
        return math.erfc(abs(found.value) / error / math.sqrt(2)) if error > 0 else 1.0

    def _estimates(self, metrics: Mapping[str, Metric], scores: Floats) -> dict[str, Estimate]:
        return estimates(metrics, self.base.labels, scores, self.base.groups, seed=self.seed)

    def _figures(self, scores: Floats) -> dict[str, Estimate]:
        made = self._estimates({"auroc": METRICS["auroc"]}, scores)
        return made | self._estimates(self._answered(), self._answers(scores))

    def _losses(self, scores: Floats) -> dict[str, Estimate]:
        made = self._lost({"auroc": METRICS["auroc"]}, self.base.scores, scores)
        clean, now = self._answers(self.base.scores), self._answers(scores)
        return made | self._lost(self._answered(), clean, now)

    def _lost(
        self, metrics: Mapping[str, Metric], clean: Floats, now: Floats
    ) -> dict[str, Estimate]:
        base = self.base
        return differences(metrics, base.labels, clean, now, base.groups, seed=self.seed)

    def _answered(self) -> dict[str, Metric]:
        names = AT_POINT if self.point else ("balanced_accuracy",)
        return {name: METRICS[name] for name in names}

    def _answers(self, scores: Floats) -> Floats:
        return answers_at(scores, self.point) if self.point else scores


def _mean_loss(shifted_scores: Sequence[Floats]) -> Metric:
    auroc = METRICS["auroc"]
    return lambda labels, clean, weights: (
        auroc(labels, clean, weights)
        - np.mean([auroc(labels, scores, weights) for scores in shifted_scores], axis=0)
    )


def _mean_drop(curves: Sequence[Sequence[Floats]]) -> Metric:
    """The mean over curves of the mean relative drop over a curve's strengths."""
    auroc = METRICS["auroc"]

    def drop(labels: Ints, clean: Floats, weights: Floats) -> Floats:
        above = auroc(labels, clean, weights) - 0.5
        left = np.mean(
            [
                np.mean([auroc(labels, scores, weights) - 0.5 for scores in curve], axis=0)
                for curve in curves
            ],
            axis=0,
        )
        # A classifier that is no better than chance has nothing to lose a share of.
        nothing = np.where(np.isnan(above), np.nan, np.inf)
        share: Floats = np.divide(left, above, out=nothing, where=above > 0)
        return 1 - share

    return drop

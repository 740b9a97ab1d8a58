"""Several films of one study, one answer: fused scores, judged study by study.

Legend: N films, M studies, C classes, B resamples.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from osteon.clusters import connected
from osteon.metrics import METRICS
from osteon.metrics.shared import Films, Weighted, figures_on
from osteon.operating_point import answers_at, choose_operating_point
from osteon.predictions import selected
from osteon.statistics import RESAMPLES, estimates, group_draws, percentiles
from osteon.types import Estimate, Manifest, OperatingPoint, Predictions
from osteon.words import counted

if TYPE_CHECKING:
    from osteon.types import Floats, Ints

FEWEST = 10  # validation studies of either class, and of several films, to learn a fusion from
SHRINK = 0.1  # ridge on the learned fusion's weights, against few studies
EDGE = 1e-6  # scores of 0 and 1 have no logarithm of odds
RANKED = ("auroc", "average_precision")
ANSWERED = ("sensitivity", "specificity", "precision", "npv")
MANY = ("accuracy", "balanced_accuracy", "auroc")


@dataclass(frozen=True, kw_only=True, slots=True)
class LearnedFusion:
    """Log odds = intercept + of_max * log odds of the largest score + of_mean * log odds of the
    mean score + of_count * log of the number of films. The first two weights are never negative."""

    intercept: float
    of_max: float
    of_mean: float
    of_count: float
    n_studies: int  # validation studies that it was fitted on


@dataclass(frozen=True, kw_only=True, slots=True)
class Fused:
    """One way to answer. ``gain`` is over film by film, groups resampled once for both."""

    rule: str  # film by film, max, mean, learned
    point: OperatingPoint | None
    figures: Mapping[str, Estimate]
    gain: Mapping[str, Estimate]


@dataclass(frozen=True, kw_only=True, slots=True)
class StudyLevel:
    """``ways`` is empty where no study has several films; ``remarks`` then say so."""

    unit: str  # what a study is: study; patient, or film, where the data name no more than that
    label_rule: str
    classes: tuple[str, ...]
    n_films: int
    n_studies: int
    n_several: int  # those of them with more than one film
    class_counts: Mapping[str, int]
    ways: tuple[Fused, ...]  # film by film first
    learned: LearnedFusion | None
    remarks: tuple[str, ...]


Fusion = Callable[["Floats"], "Floats"]  # scores (films, C) of one study -> (C,)


def studies_of(manifest: Manifest) -> tuple[dict[str, str], str]:
    """Film id -> its study, and what a study is here.

    By study id; where no film has one, by patient id; where there is none either, each film is its
    own. A study is named by its smallest film id, so that no identifier leaves the manifest. Films
    of no study are studies of their own.
    """
    films = manifest.radiographs
    unit = (
        "study"
        if any(film.study_id for film in films)
        else "patient"
        if any(film.patient_id for film in films)
        else "film"
    )
    key_of = {f.id: f.study_id if unit == "study" else f.patient_id for f in films}
    first: dict[str, str] = {}
    for id_ in sorted(key_of):
        first.setdefault(key_of[id_] or f"\0{id_}", id_)
    return {id_: first[key or f"\0{id_}"] for id_, key in key_of.items()}, unit


def fuse(
    test: Predictions,
    validation: Predictions | None,
    study_of: Mapping[str, str],
    *,
    point: OperatingPoint | None = None,
    unit: str = "study",
    n_resamples: int = RESAMPLES,
    seed: int = 0,
) -> StudyLevel:
    """Judge ``test`` study by study.

    Of two classes: the largest score, the mean score, and a fusion learnt on ``validation``; a
    study is positive where any of its films is. The threshold of each way is chosen on the
    validation studies as that of the films is; without ``validation`` it is one half. Of more
    classes: the mean of the scores, on studies whose films agree on the class. ``point`` is that
    of the films. Films without a label are left out; those that ``study_of`` does not know are
    studies of their own.
    """
    films = selected(test, np.flatnonzero(test.labels >= 0).tolist())
    studies = _Studies.of(films, study_of)
    known = None
    if validation is not None:
        labelled = selected(validation, np.flatnonzero(validation.labels >= 0).tolist())
        known = _Studies.of(labelled, study_of)
    binary = len(test.classes) == 2
    remarks = list(_remarks(test, films, studies, unit))
    ways: list[Fused] = []
    learned = None
    if studies.n_judged_of_several:
        fusions: dict[str, Fusion] = {"max": largest, "mean": average} if binary else {}
        if binary:
            learned, why_not = learn_fusion(known)
            if learned is not None:
                fusions["learned"] = _applied(learned)
            else:
                remarks.append(why_not)
        ways = _ways(studies, known, fusions or {"mean": average}, point, n_resamples, seed)
    counts = Counter(studies.labels[studies.labels >= 0].tolist())
    return StudyLevel(
        unit=unit,
        label_rule=f"'{test.classes[1]}' where any film is"
        if binary
        else "the class of all its films",
        classes=test.classes,
        n_films=len(films.ids),
        n_studies=int((studies.labels >= 0).sum()),
        n_several=studies.n_judged_of_several,
        class_counts={name: counts[at] for at, name in enumerate(test.classes)},
        ways=tuple(ways),
        learned=learned,
        remarks=tuple(remarks),
    )


def _remarks(test: Predictions, films: Predictions, studies: _Studies, unit: str) -> list[str]:
    told = []
    if unit == "film":
        told.append("Nothing tells which films are of one study or patient: none can be fused.")
    elif not studies.n_several:
        told.append("No study here has more than one film: films and studies are the same.")
    elif not studies.n_judged_of_several:
        told.append("In no study of several films do all agree on the class: none can be fused.")
    if left := len(test.ids) - len(films.ids):
        told.append(f"Left out: {counted(left, 'film')} without a label.")
    if disagreeing := int((studies.labels < 0).sum()):
        told.append(
            "1 study whose films differ in class is left out."
            if disagreeing == 1
            else f"{disagreeing:,} studies whose films differ in class are left out."
        )
    return told


# --- studies --------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class _Studies:
    """Films by study. ``groups`` (M,) hold every study of a group, and never part a study."""

    films: Predictions  # of these studies
    film_groups: tuple[str, ...]  # (N,)
    names: tuple[str, ...]  # (M,)
    places: tuple[tuple[int, ...], ...]  # the films of each
    labels: np.ndarray[
        tuple[int], np.dtype[np.int64]
    ]  # (M,); -1 where films of many classes differ
    groups: tuple[str, ...]

    @classmethod
    def of(cls, films: Predictions, study_of: Mapping[str, str]) -> _Studies:
        held: defaultdict[str, list[int]] = defaultdict(list)
        for at, id_ in enumerate(films.ids):
            held[study_of.get(id_, id_)].append(at)
        names = tuple(sorted(held))
        places = tuple(tuple(sorted(held[name], key=lambda at: films.ids[at])) for name in names)
        links = [[films.groups[at] for at in own] for own in places]
        group_of = connected(sorted(set(films.groups)), links)
        labels = [_label(films.labels[list(own)], len(films.classes)) for own in places]
        return cls(
            films=films,
            film_groups=tuple(group_of[group] for group in films.groups),
            names=names,
            places=places,
            labels=np.array(labels, dtype=np.int64),
            groups=tuple(group_of[films.groups[own[0]]] for own in places),
        )

    @property
    def n_several(self) -> int:
        return sum(len(own) > 1 for own in self.places)

    @property
    def n_judged_of_several(self) -> int:
        """Of those that have a label."""
        return sum(
            len(own) > 1 for own, label in zip(self.places, self.labels, strict=True) if label >= 0
        )

    @property
    def films_judged(self) -> Predictions:
        """The films of the studies that have a label: either side is judged on the same."""
        judged = [self.places[at] for at in np.flatnonzero(self.labels >= 0)]
        films = replace(self.films, groups=self.film_groups)
        return selected(films, sorted(at for own in judged for at in own))

    def fused(self, fusion: Fusion) -> Predictions:
        """One row a study that has a label."""
        kept = np.flatnonzero(self.labels >= 0)
        scores = [fusion(self.films.scores[list(self.places[at])]) for at in kept]
        return Predictions(
            ids=tuple(self.names[at] for at in kept),
            labels=self.labels[kept],
            scores=np.array(scores).reshape(len(kept), len(self.films.classes)),
            groups=tuple(self.groups[at] for at in kept),
            classes=self.films.classes,
            part=self.films.part,
        )


def _label(labels: Ints, n_classes: int) -> int:
    if n_classes == 2:
        return int(labels.max())
    return int(labels[0]) if (labels == labels[0]).all() else -1


# --- ways to fuse ---------------------------------------------------------------------------------


def largest(scores: Floats) -> Floats:
    """The largest score of the positive class, of two."""
    positive = scores[:, 1].max()
    return np.array([1 - positive, positive])


def average(scores: Floats) -> Floats:
    """The mean of each class. Of one film, its scores to the last bit."""
    mean: Floats = scores.mean(0) if len(scores) > 1 else scores[0]
    return mean


def learn_fusion(known: _Studies | None) -> tuple[LearnedFusion | None, str]:
    """A logistic regression on validation studies; None and the reason where there are too few."""
    from scipy.optimize import minimize

    if known is None:
        return None, "No fusion was learnt: there are no validation predictions."
    counts = np.bincount(known.labels, minlength=2)
    if counts.min() < FEWEST or known.n_several < FEWEST:
        return None, (
            f"No fusion was learnt: it needs {FEWEST} validation studies of either class and "
            f"{FEWEST} of several films; there are {counts[1]}, {counts[0]} and {known.n_several}."
        )
    design = np.array([_features(known.films.scores[list(own)]) for own in known.places])
    sign = 2.0 * known.labels - 1

    def loss(weights: Floats) -> tuple[float, Floats]:
        margin = sign * (design @ weights)
        pull = -sign / (1 + np.exp(np.clip(margin, -30, 30)))
        shrunk = SHRINK * np.r_[0.0, weights[1:]]
        value = float(np.logaddexp(0, -margin).sum() + SHRINK / 2 * (weights[1:] ** 2).sum())
        return value, design.T @ pull + shrunk

    bounds = [(None, None), (0.0, None), (0.0, None), (None, None)]
    start = np.array([0.0, 0.5, 0.5, 0.0])
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds).x
    return LearnedFusion(
        intercept=float(found[0]),
        of_max=float(found[1]),
        of_mean=float(found[2]),
        of_count=float(found[3]),
        n_studies=len(known.labels),
    ), ""


def _features(scores: Floats) -> list[float]:
    positive = scores[:, 1]
    return [1.0, _odds(positive.max()), _odds(positive.mean()), float(np.log(len(positive)))]


def _odds(score: float) -> float:
    score = min(max(float(score), EDGE), 1 - EDGE)
    return float(np.log(score / (1 - score)))


def _applied(learned: LearnedFusion) -> Fusion:
    weights = np.array([learned.intercept, learned.of_max, learned.of_mean, learned.of_count])

    def fusion(scores: Floats) -> Floats:
        positive = 1 / (1 + np.exp(-np.clip(weights @ _features(scores), -30, 30)))
        return np.array([1 - positive, positive])

    return fusion


# --- figures --------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class _Answered:
    """Scores of films or of studies, and the answers to them."""

    rows: Predictions
    point: OperatingPoint | None

    def judged(self, metric: str) -> Floats:
        if metric in ANSWERED and self.point is not None:
            return answers_at(self.rows.scores, self.point)
        return self.rows.scores

    def on_groups(self, metric: str, numbers: Mapping[str, int]) -> Callable[[Floats], Floats]:
        """The metric as a function of weights (B, G) of the groups that ``numbers`` counts."""
        of_rows = np.array([numbers[group] for group in self.rows.groups])
        present, own = np.unique(of_rows, return_inverse=True)
        films = Films(self.rows.labels, self.judged(metric), own)
        return lambda weights: figures_on(
            METRICS[metric], Weighted(films, weights.take(present, axis=1))
        )


def _ways(
    studies: _Studies,
    known: _Studies | None,
    fusions: Mapping[str, Fusion],
    point: OperatingPoint | None,
    n_resamples: int,
    seed: int,
) -> list[Fused]:
    by_film = _Answered(rows=studies.films_judged, point=point)
    ways = [_judged("film by film", by_film, None, n_resamples, seed)]
    for rule, fusion in fusions.items():
        at = None
        if known is not None and len(studies.films.classes) == 2:
            at = choose_operating_point(known.fused(fusion))
        fused = _Answered(rows=studies.fused(fusion), point=at)
        ways.append(_judged(rule, fused, by_film, n_resamples, seed))
    return ways


def _judged(
    rule: str, fused: _Answered, films: _Answered | None, n_resamples: int, seed: int
) -> Fused:
    rows = fused.rows
    figures: dict[str, Estimate] = {}
    for metric in (*RANKED, *ANSWERED) if len(rows.classes) == 2 else MANY:
        figures |= estimates(
            {metric: METRICS[metric]}, rows.labels, fused.judged(metric), rows.groups,
            n_resamples=n_resamples, seed=seed,
        )  # fmt: skip
    gain = _gains(fused, films, n_resamples, seed) if films else {}
    return Fused(rule=rule, point=fused.point, figures=figures, gain=gain)


def _gains(fused: _Answered, films: _Answered, n_resamples: int, seed: int) -> dict[str, Estimate]:
    """Study level less film level; whole groups are drawn, with all their films and studies."""
    metrics = ("auroc", *ANSWERED[:2]) if len(films.rows.classes) == 2 else MANY
    names = sorted({*films.rows.groups, *fused.rows.groups})
    at = {name: place for place, name in enumerate(names)}
    sides = {
        metric: (fused.on_groups(metric, at), films.on_groups(metric, at)) for metric in metrics
    }
    drawn: dict[str, list[Floats]] = {metric: [] for metric in metrics}
    for weights in group_draws(len(names), resamples=n_resamples, seed=seed):
        for metric, (mine, theirs) in sides.items():
            drawn[metric].append(mine(weights) - theirs(weights))
    made = {}
    for metric, (mine, theirs) in sides.items():
        once = np.ones((1, len(names)))
        whole = mine(once) - theirs(once)
        low, high = percentiles(np.concatenate(drawn[metric]))
        method = f"grouped bootstrap of both, {n_resamples:,} resamples, percentile"
        if len(names) < 2:
            low, high, method = None, None, "no interval: all films are of one group"
        elif low is not None and low == high:
            low, high, method = None, None, "no interval (the bootstrap collapsed)"
        value = None if np.isnan(whole[0]) else float(whole[0])
        n = len(fused.rows.ids)
        made[metric] = Estimate(
            value=value, low=low, high=high, n=n, n_groups=len(names), method=method
        )
    return made

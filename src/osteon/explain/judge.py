"""Which methods may be shown: declared beforehand, decided on validation films alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from osteon.batches import films_of
from osteon.errors import DataError, UsageError
from osteon.explain import AT_ONCE, explain
from osteon.explain.perturb import deletion_and_insertion, random_maps, randomised
from osteon.explain.sample import Sample, draw
from osteon.explain.scores import (
    TOLERANCE,
    average_precision_score,
    energy_score,
    mean_estimate,
    pointing_score,
    similarity_score,
)
from osteon.explain.values import (
    BOX_SCORES,
    RANDOM_WEIGHTS,
    BoxScores,
    Explanation,
    Faithfulness,
    Judgement,
    SizeClass,
)
from osteon.explainers import EXPLAINERS, baselines, methods
from osteon.progress import say

if TYPE_CHECKING:
    from osteon.classifier import Classifier
    from osteon.prepare import Prepared
    from osteon.types import Estimate, FilmFacts, Floats, Manifest, Split

FILMS = 64  # of each part, at most
CHEAP = 4  # passes; a costlier method is judged on a quarter of the films
FEWEST = 10  # validation films with boxes from which on the boxes decide
ON_RANDOM_WEIGHTS = 32
ON_PERTURBED = 16
MOST_ALIKE = 0.5  # correlation with the maps of random weights
SIZES = ("small", "medium", "large")
BY_BOXES = (
    "On validation films with boxes, the method's highest place lies in a box more often than the "
    "middle of the film does (95 % interval of the paired difference above 0), and its maps are "
    "not those of random weights (rank correlation below 0.5, with its interval)."
)
BY_PERTURBING = (
    "There are too few validation films with boxes. On validation films, insertion less deletion "
    "is above that of random maps (95 % interval above 0), and the maps are not those of random "
    "weights (rank correlation below 0.5, with its interval)."
)

Rows = Mapping[str, "Floats"]  # score -> (n,), one figure a film


@dataclass(frozen=True, kw_only=True, slots=True)
class _Bench:
    """What all methods are judged on and with."""

    classifier: Classifier
    blank: Classifier  # the same with random weights
    prepared: Prepared
    samples: Mapping[str, Sample]  # part ->
    rivals: Mapping[str, Mapping[str, Rows]]  # part -> baseline -> scores
    bounds: tuple[float, float]  # of the sizes of fractures, from validation
    seed: int


def judge(
    classifier: Classifier,
    prepared: Prepared,
    manifest: Manifest,
    facts: Mapping[str, FilmFacts],
    split: Split,
    *,
    names: Sequence[str] = ("gradcam", "hirescam"),
    n_films: int = FILMS,
    seed: int = 0,
) -> Explanation:
    """Score the maps of the methods ``names`` on up to ``n_films`` films of validation, which
    decide, and of test. Costly methods (see ``Method.passes``) take a quarter of them.

    Raises UnknownName for no such method, UsageError without a film to judge on.
    """
    chosen = [name for name in methods() if name in {*names}]
    for name in names:
        if not EXPLAINERS[name].looks_at_network:
            raise UsageError(f"'{name}' is a baseline: every method is compared with it anyway.")
    bench = _bench(classifier, prepared, manifest, facts, split, n_films, seed)
    by_boxes = bench.samples["val"].boxed
    judged = tuple(_judged(name, bench, by_boxes) for name in chosen)
    return Explanation(
        criterion=BY_BOXES if by_boxes else BY_PERTURBING,
        class_name=classifier.classes[1] if len(classifier.classes) == 2 else "",
        n_films={part: len(sample.ids) for part, sample in bench.samples.items()},
        seed=seed,
        methods=judged,
        baselines={
            name: {
                part: _box_scores(bench.rivals[part][name], sample, bench, {})
                for part, sample in bench.samples.items()
            }
            for name in baselines()
        }
        if by_boxes
        else {},
        not_judged=tuple(name for name in methods() if name not in chosen),
        shown=_best(judged, by_boxes),
    )


def _bench(
    classifier: Classifier,
    prepared: Prepared,
    manifest: Manifest,
    facts: Mapping[str, FilmFacts],
    split: Split,
    n_films: int,
    seed: int,
) -> _Bench:
    from dataclasses import replace

    def of(part: str, ids: Sequence[str], *, boxed: bool) -> Sample:
        return draw(
            part, ids, classifier.classes, prepared, manifest, facts, split.groups,
            n_films=n_films, seed=seed, boxed=boxed,
        )  # fmt: skip

    val = of("val", split.val, boxed=True)
    if len(val.ids) >= FEWEST:
        samples = {"val": val, "test": of("test", split.test, boxed=True)}
    else:
        samples = {"val": of("val", split.val, boxed=False)}
    if not samples["val"].ids:
        raise DataError("No validation film has a label to explain: nothing can be judged.")
    judged = samples["val"]
    seen = films_of(prepared, judged.ids[:ON_PERTURBED], classifier.device)
    blank = replace(classifier, net=randomised(classifier.net, seen, seed))
    rivals = {
        part: {name: _rows(name, classifier, prepared, sample) for name in baselines()}
        for part, sample in samples.items()
        if sample.boxed
    }
    low, high = np.quantile(judged.areas, [1 / 3, 2 / 3]) if judged.boxed else (0.0, 0.0)
    return _Bench(
        classifier=classifier, blank=blank, prepared=prepared, samples=samples, rivals=rivals,
        bounds=(float(low), float(high)), seed=seed,
    )  # fmt: skip


def _judged(name: str, bench: _Bench, by_boxes: bool) -> Judgement:
    method = EXPLAINERS[name]
    say(f"maps: {method.title}")
    val = bench.samples["val"]
    fewer = 1 if method.passes <= CHEAP else 4
    few = val.first(max(1, ON_RANDOM_WEIGHTS // fewer))
    try:
        maps = explain(bench.classifier, bench.prepared, few.ids, method=name, targets=few.targets)
    except UsageError as error:
        return Judgement(
            method=name, title=method.title, source=method.source, withheld=str(error)
        )  # fmt: skip
    of_blank = explain(bench.blank, bench.prepared, few.ids, method=name, targets=few.targets)
    alike = np.array([
        similarity_score(one[where], other[where])
        for one, other, where in zip(maps, of_blank, few.extents, strict=True)
    ])  # fmt: skip
    similarity = mean_estimate(alike, few.groups, seed=bench.seed)
    faithful = _faithfulness(bench, few.first(ON_PERTURBED), maps)
    boxes: dict[str, BoxScores] = {}
    for part, sample in bench.samples.items() if by_boxes else ():
        some = sample.first(max(FEWEST, len(sample.ids) // fewer))
        rows = _rows(name, bench.classifier, bench.prepared, some)
        rivals = dict(bench.rivals[part])
        if part == "val":
            rivals[RANDOM_WEIGHTS] = _table(of_blank, few)
        boxes[part] = _box_scores(rows, some, bench, rivals)
    return Judgement(
        method=name, title=method.title, source=method.source,
        withheld=reason(similarity, boxes.get("val"), faithful),
        boxes=boxes, faithfulness=faithful, similarity=similarity,
    )  # fmt: skip


def reason(similarity: Estimate, boxes: BoxScores | None, faithful: Faithfulness) -> str:
    """Why a method is withheld, from its scores on validation; empty where it passes. Without
    ``boxes``, deletion and insertion stand in for them."""
    said = []
    gain = boxes.gains["centre"]["pointing"] if boxes else faithful.gain
    if gain.value is None or gain.low is None or gain.low <= 0:
        rival = "the middle of the film" if boxes else "random maps"
        what = "pointing game" if boxes else "insertion less deletion"
        said.append(f"its {what} is not shown to be above that of {rival}: {_words(gain)}")
    if similarity.value is None or similarity.high is None or similarity.high >= MOST_ALIKE:
        said.append(
            f"its maps are too much like those of random weights: correlation {_words(similarity)}"
        )
    return "; ".join(said)


def _words(estimate: Estimate) -> str:
    if estimate.value is None:
        return "undefined"
    films = f"{estimate.n} film{'' if estimate.n == 1 else 's'}"
    if estimate.low is None or estimate.high is None:
        return f"{estimate.value:.3f}, no interval, {films}"
    return f"{estimate.value:.3f} [{estimate.low:.3f}, {estimate.high:.3f}], {films}"


def _best(judged: Sequence[Judgement], by_boxes: bool) -> str | None:
    """Of those that passed, the one that is farthest above what it had to beat."""

    def gain(each: Judgement) -> float:
        if by_boxes:
            return each.boxes["val"].gains["centre"]["pointing"].value or 0.0
        return (each.faithfulness.gain.value or 0.0) if each.faithfulness else 0.0

    passed = [each for each in judged if each.passed]
    return max(passed, key=gain).method if passed else None


# --- figures of one method ------------------------------------------------------------------------


def _rows(name: str, classifier: Classifier, prepared: Prepared, sample: Sample) -> Rows:
    """Every box score of every film, a few maps in memory at a time."""
    tables = []
    for begun in range(0, len(sample.ids), AT_ONCE):
        some = sample.between(begun, begun + AT_ONCE)
        maps = explain(classifier, prepared, some.ids, method=name, targets=some.targets)
        tables.append(_table(maps, some))
    return {
        score: np.concatenate([table[score] for table in tables]) if tables else np.empty(0)
        for score in BOX_SCORES
    }


def _table(maps: Sequence[np.ndarray] | np.ndarray, sample: Sample) -> Rows:
    near = TOLERANCE * maps[0].shape[0] if len(maps) else 0.0
    pairs = [
        (map_[where], mask)
        for map_, mask, where in zip(maps, sample.masks, sample.extents, strict=True)
    ]
    return {
        "pointing": np.array([pointing_score(map_, mask) for map_, mask in pairs]),
        "near": np.array([pointing_score(map_, mask, near) for map_, mask in pairs]),
        "energy": np.array([energy_score(map_, mask) for map_, mask in pairs]),
        "average_precision": np.array([average_precision_score(*pair) for pair in pairs]),
    }


def _box_scores(rows: Rows, sample: Sample, bench: _Bench, rivals: Mapping[str, Rows]) -> BoxScores:
    n = len(sample.ids)
    gains = {}
    for rival, theirs in rivals.items():
        common = min(n, len(theirs["pointing"]))  # rivals may have been judged on fewer films
        gains[rival] = {
            score: mean_estimate(
                rows[score][:common] - theirs[score][:common],
                sample.groups[:common],
                seed=bench.seed,
            )
            for score in BOX_SCORES
        }
    return BoxScores(
        scores=_means(rows, sample, np.ones(n, np.bool_), bench.seed),
        chance=mean_estimate(sample.areas, sample.groups, seed=bench.seed),
        gains=gains,
        by_size=_by_size(rows, sample, bench),
    )


def _means(rows: Rows, sample: Sample, chosen: np.ndarray, seed: int) -> dict[str, Estimate]:
    groups = [sample.groups[at] for at in np.flatnonzero(chosen)]
    return {
        score: mean_estimate(rows[score][chosen], groups, seed=seed) for score in BOX_SCORES
    }  # fmt: skip


def _by_size(rows: Rows, sample: Sample, bench: _Bench) -> tuple[SizeClass, ...]:
    """Thirds of the validation films by the share that their boxes cover."""
    ends = (0.0, *bench.bounds, 1.0)
    made = []
    for name, low, high in zip(SIZES, ends, ends[1:], strict=False):
        chosen = (sample.areas >= low) & ((sample.areas < high) | (high == 1.0))
        groups = [sample.groups[at] for at in np.flatnonzero(chosen)]
        made.append(
            SizeClass(
                name=name,
                low=low,
                high=high,
                scores=_means(rows, sample, chosen, bench.seed),
                chance=mean_estimate(sample.areas[chosen], groups, seed=bench.seed),
            )
        )
    return tuple(made)


def _faithfulness(bench: _Bench, sample: Sample, maps: np.ndarray) -> Faithfulness:
    n = len(sample.ids)
    films = films_of(bench.prepared, sample.ids, bench.classifier.device)
    noise = random_maps(n, films.shape[-1], bench.seed)
    deletion, insertion, gain = np.empty(n), np.empty(n), np.empty(n)
    for target in sorted(set(sample.targets)):
        at = np.flatnonzero(np.asarray(sample.targets) == target)
        areas = [
            deletion_and_insertion(bench.classifier.net, films[at], each[at], target)
            for each in (maps[:n], noise)
        ]
        (deletion[at], insertion[at]), (random_out, random_in) = areas
        gain[at] = insertion[at] - deletion[at] - (random_in - random_out)
    return Faithfulness(
        deletion=mean_estimate(deletion, sample.groups, seed=bench.seed),
        insertion=mean_estimate(insertion, sample.groups, seed=bench.seed),
        gain=mean_estimate(gain, sample.groups, seed=bench.seed),
    )

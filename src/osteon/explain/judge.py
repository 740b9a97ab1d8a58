"""Which methods may be shown: declared beforehand, decided on validation films alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from osteon.batches import films_of
from osteon.errors import DataError, UsageError
from osteon.explain import explain
from osteon.explain.against_boxes import Rows, box_scores, rows_of, table_of
from osteon.explain.perturb import deletion_and_insertion, random_maps, randomised
from osteon.explain.sample import Sample, draw
from osteon.explain.scores import mean_estimate, similarity_score
from osteon.explain.values import (
    RANDOM_WEIGHTS,
    BoxScores,
    Explanation,
    Faithfulness,
    Judgement,
)
from osteon.explainers import EXPLAINERS, baselines, methods
from osteon.progress import say
from osteon.words import counted

if TYPE_CHECKING:
    from osteon.classifier import Classifier
    from osteon.explainers import Maps
    from osteon.prepare import Prepared
    from osteon.types import Estimate, FilmFacts, Floats, Manifest, Split

FILMS = 64  # of each part, at most
CHEAP = 4  # passes; a costlier method is judged on a quarter of the films
FEWEST = 10  # validation films with boxes from which on the boxes decide
ON_RANDOM_WEIGHTS = 24
ON_PERTURBED = 12
SIGNIFICANT = 0.05
MOST_ALIKE = 0.5  # correlation with the maps of random weights
FEWEST_COMPARED = 0.5  # share of the films on which neither of these maps is empty
OF_RANDOM_WEIGHTS = (
    "its maps are not those of random weights (rank correlation below 0.5, with its interval, on "
    "films where neither map is empty; at least half of the films)."
)
BY_BOXES = (
    "On validation films with boxes, the method's highest place lies in a box more often than the "
    "middle of the film does (95 % interval of the paired difference above 0, and p of the sign "
    "test over groups below 0.05), and "
    f"{OF_RANDOM_WEIGHTS}"
)
BY_PERTURBING = (
    "There are too few validation films with boxes. On validation films, insertion less deletion "
    f"is above that of random maps (95 % interval above 0), and {OF_RANDOM_WEIGHTS}"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Bench:
    """What all methods are judged on and with."""

    classifier: Classifier
    blank: Classifier  # the same with random weights
    prepared: Prepared
    samples: Mapping[str, Sample]  # part ->
    rivals: Mapping[str, Mapping[str, Rows]]  # part -> baseline -> scores
    bounds: tuple[float, float]  # of the sizes of fractures, from validation
    at_random: tuple[Floats, Floats]  # deletion and insertion by random maps, on validation
    seed: int


def judge(
    classifier: Classifier,
    prepared: Prepared,
    manifest: Manifest,
    facts: Mapping[str, FilmFacts],
    split: Split,
    *,
    names: Sequence[str] | None = None,
    n_films: int = FILMS,
    seed: int = 0,
) -> Explanation:
    """Score the maps of the methods ``names`` on up to ``n_films`` films of validation, which
    decide, and of test; of films with boxes on ten at least. Costly methods (see
    ``Method.passes``) take a quarter of them. Without names the quick ones that apply to the
    network are judged, for ``all`` all that do.

    Raises UnknownName for no such method, UsageError without a film to judge on.
    """
    chosen = chosen_methods(classifier, names)
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
                part: box_scores(
                    bench.rivals[part][name], sample, {}, bounds=bench.bounds, seed=seed
                )
                for part, sample in bench.samples.items()
            }
            for name in baselines()
        }
        if by_boxes
        else {},
        not_judged=tuple(name for name in methods(classifier.net) if name not in chosen),
        shown=_best(judged, by_boxes),
    )


def chosen_methods(classifier: Classifier, names: Sequence[str] | None) -> list[str]:
    """The methods that ``judge`` judges for these names, and raises for."""
    known = methods(classifier.net)
    if names is None:
        names = [name for name in known if EXPLAINERS[name].passes <= CHEAP]
    elif "all" in names:
        names = known
    for name in names:
        if not EXPLAINERS[name].looks_at_network:
            raise UsageError(f"'{name}' is a baseline: every method is compared with it anyway.")
    chosen = [name for name in methods() if name in {*names}]
    if not chosen:
        raise UsageError(f"No method is named. Known: {', '.join(methods())}.")
    return chosen


def _bench(
    classifier: Classifier,
    prepared: Prepared,
    manifest: Manifest,
    facts: Mapping[str, FilmFacts],
    split: Split,
    n_films: int,
    seed: int,
) -> _Bench:
    def of(part: str, ids: Sequence[str], *, boxed: bool) -> Sample:
        return draw(
            part, ids, classifier.classes, prepared, manifest, facts, split.groups,
            n_films=max(n_films, FEWEST) if boxed else n_films, seed=seed, boxed=boxed,
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
        part: {name: rows_of(name, classifier, prepared, sample) for name in baselines()}
        for part, sample in samples.items()
        if sample.boxed
    }
    low, high = np.quantile(judged.areas, [1 / 3, 2 / 3]) if judged.boxed else (0.0, 0.0)
    return _Bench(
        classifier=classifier, blank=blank, prepared=prepared, samples=samples, rivals=rivals,
        bounds=(float(low), float(high)), seed=seed,
        at_random=_by_random_maps(classifier, prepared, judged.first(ON_PERTURBED), seed),
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
    full = np.flatnonzero(~np.isnan(alike))
    groups = [few.groups[at] for at in full]
    similarity = mean_estimate(alike[full], groups, seed=bench.seed, of="mean")
    n_empty = len(alike) - len(full)
    faithful = _faithfulness(bench, few.first(ON_PERTURBED), maps)
    boxes: dict[str, BoxScores] = {}
    for part, sample in bench.samples.items() if by_boxes else ():
        some = sample.first(max(FEWEST, len(sample.ids) // fewer))
        rows = rows_of(name, bench.classifier, bench.prepared, some)
        rivals = dict(bench.rivals[part])
        if part == "val":
            rivals[RANDOM_WEIGHTS] = table_of(of_blank, few)
        boxes[part] = box_scores(rows, some, rivals, bounds=bench.bounds, seed=bench.seed)
    return Judgement(
        method=name, title=method.title, source=method.source,
        withheld=reason(similarity, boxes.get("val"), faithful, n_empty),
        boxes=boxes, faithfulness=faithful, similarity=similarity, n_empty=n_empty,
    )  # fmt: skip


def reason(
    similarity: Estimate, boxes: BoxScores | None, faithful: Faithfulness, n_empty: int = 0
) -> str:
    """Why a method is withheld, from its scores on validation; empty where it passes. Without
    ``boxes``, deletion and insertion stand in for them."""
    said = []
    gain = boxes.gains["centre"]["pointing"] if boxes else faithful.gain
    p = boxes.p_pointing["centre"] if boxes else None
    few = p is not None and p >= SIGNIFICANT
    if gain.value is None or gain.low is None or gain.low <= 0 or few:
        rival = "the middle of the film" if boxes else "random maps"
        what = "pointing game" if boxes else "insertion less deletion"
        tested = "" if p is None else f", p {p:.2g}"
        said.append(f"its {what} is not shown to be above that of {rival}: {_words(gain)}{tested}")
    n = similarity.n + n_empty
    if similarity.n < FEWEST_COMPARED * n:
        said.append(
            f"its maps cannot be compared with those of random weights: on {n_empty} of {n} films "
            "one or the other is empty"
        )
    elif similarity.value is None or similarity.high is None or similarity.high >= MOST_ALIKE:
        said.append(
            f"its maps are too much like those of random weights: correlation {_words(similarity)}"
        )
    return "; ".join(said)


def _words(estimate: Estimate) -> str:
    if estimate.value is None:
        return "undefined"
    films = counted(estimate.n, "film")
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


# --- deletion and insertion ---------------------------------------------------------------------


def _by_random_maps(
    classifier: Classifier, prepared: Prepared, sample: Sample, seed: int
) -> tuple[Floats, Floats]:
    noise = random_maps(len(sample.ids), prepared.rules.size_px, seed)
    return _perturbed(classifier, prepared, sample, noise)


def _perturbed(
    classifier: Classifier, prepared: Prepared, sample: Sample, maps: Maps
) -> tuple[Floats, Floats]:
    """(n,) areas of deletion and of insertion."""
    films = films_of(prepared, sample.ids, classifier.device)
    deletion, insertion = np.empty(len(maps)), np.empty(len(maps))
    for target in sorted(set(sample.targets)):
        at = np.flatnonzero(np.asarray(sample.targets) == target)
        inside = [sample.extents[place] for place in at]
        areas = deletion_and_insertion(classifier.net, films[at], maps[at], target, inside)
        deletion[at], insertion[at] = areas
    return deletion, insertion


def _faithfulness(bench: _Bench, sample: Sample, maps: Maps) -> Faithfulness:
    n = len(sample.ids)
    deletion, insertion = _perturbed(bench.classifier, bench.prepared, sample, maps[:n])
    random_out, random_in = (areas[:n] for areas in bench.at_random)
    gain = insertion - deletion - (random_in - random_out)
    return Faithfulness(
        deletion=mean_estimate(deletion, sample.groups, seed=bench.seed),
        insertion=mean_estimate(insertion, sample.groups, seed=bench.seed),
        gain=mean_estimate(gain, sample.groups, seed=bench.seed, of="mean"),
    )

"""Prediction sets with a promise of coverage for each class.

Legend: N films, C classes, G groups.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from osteon.calibrate.bootstrap import bootstrapped
from osteon.decisions.promises import promise
from osteon.decisions.values import Conformal
from osteon.statistics import RESAMPLES, clopper_pearson, share
from osteon.types import Estimate, Predictions
from osteon.words import counted

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from osteon.types import Floats, Ints

ALWAYS = 0.0  # a threshold that every score reaches


def class_threshold(score: Floats, groups: Sequence[str], coverage: float) -> float:
    """The highest threshold that a film of the class, of a new group, reaches with ``coverage``.

    ``score`` (N,) are the scores of one class on validation films of that class. Films of one
    group are no independent witnesses: exchangeable are groups, and films within a group. So each
    group weighs the same, its films share its weight, and one more group, the new one, counts as
    worse than all: Lee, Barber and Willett, arXiv:2306.06342 (2023), hierarchical conformal
    prediction, which needs no drawing of one film a group (Dunn, Wasserman and Ramdas, J Am Stat
    Assoc 118:2491, 2023). With groups of one film it is split conformal prediction (Vovk et al.,
    Algorithmic Learning in a Random World, 2005). 0, which every film reaches, where there are too
    few groups for the promise.
    """
    names, of, films = np.unique(np.asarray(groups), return_inverse=True, return_counts=True)
    order = np.argsort(-score, kind="stable")
    covered = np.cumsum((1 / films[of])[order])  # in groups, from the highest score down
    needed = coverage * (len(names) + 1)
    reached = np.flatnonzero(covered >= needed - 1e-9)
    return float(score[order][reached[0]]) if len(reached) else ALWAYS


def thresholds_of(validation: Predictions, coverage: float) -> Floats:
    """One threshold a class (C,); ALWAYS for a class without a validation film."""
    held = np.asarray(validation.groups)
    found = np.full(len(validation.classes), ALWAYS)
    for index in np.unique(validation.labels):
        of_class = validation.labels == index
        found[index] = class_threshold(
            validation.scores[of_class, index], held[of_class].tolist(), coverage
        )
    return found


def conformal_sets(
    validation: Predictions,
    test: Predictions,
    *,
    coverage: float,
    n_resamples: int = RESAMPLES,
    seed: int = 0,
) -> Conformal:
    """Least ambiguous sets with a promise for each class (Sadinle, Lei and Wasserman, J Am Stat
    Assoc 114:223, 2019): a class is in the set where its score reaches the class's threshold.
    """
    thresholds = thresholds_of(validation, coverage)
    inside = test.scores >= thresholds  # (N, C)
    held = np.asarray(validation.groups)
    by_class = dict(_coverages(test, inside))
    named = dict(zip(test.classes, thresholds.tolist(), strict=True))
    n_groups = {
        name: len(set(held[validation.labels == index])) for index, name in enumerate(test.classes)
    }
    size = inside.sum(1)
    kinds = {str(k): size == k for k in range(int(size.max()) + 1)}
    return Conformal(
        coverage=coverage,
        thresholds=named,
        n_groups=n_groups,
        by_class=by_class,
        sizes=_shares(kinds, test),
        mean_size=_mean_size(size, test, n_resamples, seed),
        sets=_shares(_of_two(test, inside), test),
        promises=tuple(
            promise(f"Coverage of '{name}'", coverage, seen) for name, seen in by_class.items()
        ),
        remarks=tuple(_remarks(named, n_groups, coverage)),
    )


def _coverages(test: Predictions, inside: NDArray[np.bool_]) -> Iterator[tuple[str, Estimate]]:
    """Of each class that test has: the mean over groups of the share of films in whose set it is,
    since that is what was promised. Its variance is at most that of as many films as groups."""
    held = np.asarray(test.groups)
    for index, name in enumerate(test.classes):
        of_class = test.labels == index
        if not of_class.any():
            continue
        _, of, films = np.unique(held[of_class], return_inverse=True, return_counts=True)
        covered = round(float((inside[of_class, index] / films[of]).sum()), 9)  # groups
        n_groups = len(films)
        low, high = clopper_pearson(covered, n_groups)
        yield name, Estimate(
            value=covered / n_groups, low=low, high=high, n=len(of), n_groups=n_groups,
            method=f"Clopper-Pearson on {counted(n_groups, 'group')}, each counting the same",
        )  # fmt: skip


def _shares(of: dict[str, NDArray[np.bool_]], test: Predictions) -> dict[str, Estimate]:
    return {name: share(hits, test.groups, rule="Clopper-Pearson") for name, hits in of.items()}


def _mean_size(size: Ints, test: Predictions, n_resamples: int, seed: int) -> Estimate:
    def mean(weights: Floats) -> dict[str, Floats]:
        return {"mean": weights @ size / weights.sum(1)}

    return bootstrapped(mean, test.groups, n_resamples=n_resamples, seed=seed)["mean"]


def _of_two(test: Predictions, inside: NDArray[np.bool_]) -> dict[str, NDArray[np.bool_]]:
    if len(test.classes) != 2:
        return {}
    negative, positive = inside[:, 0], inside[:, 1]
    return {
        f"{test.classes[0]} alone": negative & ~positive,
        f"{test.classes[1]} alone": positive & ~negative,
        "both (doubtful)": negative & positive,
        "neither (unlike both)": ~negative & ~positive,
    }


def _remarks(
    thresholds: dict[str, float], n_groups: dict[str, int], coverage: float
) -> Iterator[str]:
    for name, threshold in thresholds.items():
        if threshold == ALWAYS:
            fewest = int(np.ceil(coverage / (1 - coverage) - 1e-9))
            groups = counted(n_groups[name], "independent group")
            yield (
                f"'{name}' has {groups} in validation, and the promise needs {fewest:,}: it is in "
                "every set."
                if n_groups[name] < fewest
                else f"'{name}' is in every set: too many of its validation films have a score of "
                "0 for the promise to be kept otherwise."
            )
    yield (
        "The promise is for a film of a new group (patient or cluster of copies) from where "
        "validation came from, with each group counting the same; the epoch was chosen on the same "
        "validation films, which may make the sets a little too small."
    )

"""Shares of a table of true classes and answers, with intervals; at any prevalence.

Legend: N films, C classes, A answers, B resamples.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from osteon.calibrate.bootstrap import bootstrapped
from osteon.statistics import RESAMPLES, predictive_values
from osteon.statistics import share as share_of_films
from osteon.types import Estimate

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from osteon.types import Floats, Ints

# (part, whole): masks (C, A) of the cells that are counted, and of those that they are a share of
Share = tuple["NDArray[np.bool_]", "NDArray[np.bool_]"]


def tables(
    labels: Ints, answers: Ints, n_answers: int, weights: Floats, prevalence: float | None = None
) -> Floats:
    """(B, 2, A): share of the films of each true class (first) with each answer (second).

    At a ``prevalence`` of the positive class each row is scaled to sum to it, or to one less it;
    NaN where a class has no film then.
    """
    member = np.eye(2 * n_answers)[labels * n_answers + answers]
    counts = (weights @ member).reshape(-1, 2, n_answers)
    if prevalence is None:
        overall: Floats = counts / counts.sum((1, 2), keepdims=True)
        return overall
    of_class = counts.sum(2, keepdims=True)
    rates = np.divide(counts, of_class, out=np.full(counts.shape, np.nan), where=of_class > 0)
    scaled: Floats = rates * np.array([1 - prevalence, prevalence])[:, None]
    return scaled


def share(table: Floats, of: Share) -> Floats:
    """The weight in the cells of ``of`` relative to that in the others' and theirs: (B,)."""
    part, whole = (np.where(mask, table, 0.0).sum((1, 2)) for mask in of)
    found: Floats = np.divide(part, whole, out=np.full(len(part), np.nan), where=whole > 0)
    return found


def shares(
    kinds: Mapping[str, Share],
    labels: Ints,
    answers: Ints,
    groups: Sequence[str],
    *,
    prevalence: float | None = None,
    extra: Mapping[str, Callable[[Floats], Floats]] | None = None,
    n_resamples: int = RESAMPLES,
    seed: int = 0,
) -> dict[str, Estimate]:
    """Every share with its interval; ``extra`` are other figures of the tables (B, 2, A).

    Shares of films as they are get Clopper-Pearson's interval, which keeps its level near 0 and 1
    too, where promises are judged. At a ``prevalence``, what an answer is worth gets the interval
    of Mercaldo, Lau and Zhou; other shares of films of both classes have the bootstrap's, and none
    where every resample repeats them.
    """
    n_answers = next(iter(kinds.values()))[0].shape[1]

    def figures(weights: Floats) -> dict[str, Floats]:
        table = tables(labels, answers, n_answers, weights, prevalence)
        mixed = {name: share(table, of) for name, of in kinds.items() if name not in found}
        return mixed | {name: figure(table) for name, figure in (extra or {}).items()}

    found: dict[str, Estimate] = {}
    for name, of in kinds.items():
        if prevalence is None or not of[1].any(1).all():
            found[name] = _as_seen(of, labels, answers, groups)
        elif _is_predictive(of):
            found[name] = _predictive(of, labels, answers, groups, prevalence)
    names = (*kinds, *(extra or {}))
    if len(found) < len(names):
        found |= bootstrapped(figures, groups, n_resamples=n_resamples, seed=seed)
    return {name: found[name] for name in names}


def _as_seen(of: Share, labels: Ints, answers: Ints, groups: Sequence[str]) -> Estimate:
    part, whole = (mask[labels, answers] for mask in of)
    held = np.asarray(groups, dtype=object)[whole].tolist()
    return share_of_films(part[whole], held, rule="Clopper-Pearson")


def _is_predictive(of: Share) -> bool:
    """Whether it is the share of one class among all films with some answers."""
    part, whole = of
    (rows,) = np.nonzero(part.any(1))
    alike = np.array_equal(whole[0], whole[1]) and not whole.all()
    return alike and len(rows) == 1 and np.array_equal(part[rows[0]], whole[0])


def _predictive(
    of: Share, labels: Ints, answers: Ints, groups: Sequence[str], prevalence: float
) -> Estimate:
    part, whole = of
    answered, positive = whole[0][answers], labels == 1
    if part[1].any():
        return predictive_values(positive, answered, groups, prevalence=prevalence).ppv
    return predictive_values(positive, ~answered, groups, prevalence=prevalence).npv


def cells(n_answers: int, rows: Sequence[int], columns: Sequence[int]) -> NDArray[np.bool_]:
    """The mask (2, A) of those true classes and answers."""
    mask = np.zeros((2, n_answers), dtype=bool)
    mask[np.ix_(list(rows), list(columns))] = True
    return mask

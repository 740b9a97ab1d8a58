"""Signs: what is on a film besides the bone, tabulated against the label."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from osteon.baselines import SOURCE, is_quantity, labels_in_other_words
from osteon.shortcuts.probes import Judged
from osteon.statistics import holm, wilson
from osteon.types import Estimate, FilmFacts, Radiograph, Sign

FEWEST = 5  # films that have a sign, or lack it, to be tabulated: fewer are no danger
MOST_VALUES = 6  # of a kind that has several, the most frequent
COMMON = 0.02  # of all films, that have such a value


def tabulate(judged: Judged) -> tuple[Sign, ...]:
    """Artefacts of every kind, size of the film, side of the body, and the source's columns that
    are neither quantities nor the label in other words. Of two classes the second against the
    first, of more each against the rest.

    Regions and views are not among them: they are what the film is of, and the bone shows them.
    """
    counted = list(_counted(judged))
    classes = range(len(judged.manifest.classes))
    signs = [
        _sign(judged, kind, value, ids, label)
        for kind, value, ids in counted
        for label in ([1] if len(classes) == 2 else classes)
    ]
    return tuple(
        replace(sign, p=p) for sign, p in zip(signs, holm([s.p for s in signs]), strict=True)
    )


def _counted(judged: Judged) -> Iterator[tuple[str, str, set[str]]]:
    """(kind, value, films that have it)."""
    films = judged.manifest.radiographs
    facts = [judged.facts[film.id] for film in films]
    for kind in sorted({artefact.kind for film in facts for artefact in film.artefacts}):
        ids = {film.id for film in facts if film.has(kind)}
        if FEWEST <= len(ids) <= len(films) - FEWEST:
            yield kind, "", ids
    columns = sorted({name for film in films for name in film.extra})
    left_out = labels_in_other_words(films)
    words: dict[str, dict[str, str | None]] = {
        "film size": {film.id: _size(fact) for film, fact in zip(films, facts, strict=True)},
        "laterality": {film.id: film.laterality for film in films},
    }
    for name in columns:
        value_of = {film.id: film.extra.get(name) for film in films}
        if name not in left_out and not is_quantity([*value_of.values()]):
            words[SOURCE + name] = value_of
    for kind, value_of in words.items():
        yield from _values(kind, value_of)


def _size(film: FilmFacts) -> str:
    return f"{film.width_px} x {film.height_px} px"


def _values(kind: str, value_of: Mapping[str, str | None]) -> Iterator[tuple[str, str, set[str]]]:
    """The frequent values of a column of few; one of two values is the other one turned round."""
    counts = Counter(value for value in value_of.values() if value)
    n = len(value_of)
    either = counts.total() == n and len(counts) == 2
    for rank, (value, count) in enumerate(counts.most_common(MOST_VALUES), start=1):
        enough = max(FEWEST, COMMON * n) <= count <= n - FEWEST
        if enough and not (either and rank == 1):
            ids = {id_ for id_, own in value_of.items() if own == value}
            told = "the rarer of its 2 values" if either else f"its value no. {rank} by frequency"
            yield kind, told if kind.startswith(SOURCE) else value, ids


def _sign(judged: Judged, kind: str, value: str, ids: set[str], label: int) -> Sign:
    films = judged.manifest.radiographs
    inside = [film.id for film in films if film.label == label]
    others = [film.id for film in films if film.label != label]
    shares = [Share.of(part, ids, judged.groups) for part in (inside, others)]
    low, high = newcombe(*shares)
    return Sign(
        kind=kind,
        value=value,
        class_name=judged.manifest.classes[label],
        n_with=shares[0].n_with,
        n_of_class=len(inside),
        n_with_others=shares[1].n_with,
        n_others=len(others),
        difference=Estimate(
            value=shares[0].value - shares[1].value,
            low=low,
            high=high,
            n=len(films),
            n_groups=len({judged.groups[film.id] for film in films}),
            method="Newcombe, from Wilson's intervals on the groups of either side",
        ),
        p=fisher(witnesses(films, judged), ids, label),
    )


# --- statistics -----------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class Share:
    """Films that have a sign, as a share of all, and how many groups they are all in."""

    n_with: int
    value: float
    n_groups: int

    @classmethod
    def of(cls, films: Sequence[str], ids: set[str], groups: Mapping[str, str]) -> Share:
        n_with = sum(id_ in ids for id_ in films)
        n_groups = len({groups[id_] for id_ in films})
        return cls(n_with=n_with, value=n_with / len(films), n_groups=n_groups)


def newcombe(one: Share, other: Share) -> tuple[float, float]:
    """The 95 % interval of a difference of two shares (Newcombe, Stat Med 17:873, 1998, method 10),
    each as good as its number of groups: films of one group are no independent witnesses."""
    low, high = wilson(one.value * one.n_groups, one.n_groups)
    other_low, other_high = wilson(other.value * other.n_groups, other.n_groups)
    difference = one.value - other.value
    below = math.hypot(one.value - low, other_high - other.value)
    above = math.hypot(high - one.value, other.value - other_low)
    return difference - below, difference + above


def witnesses(films: Sequence[Radiograph], judged: Judged) -> list[Radiograph]:
    """One film of each group and class, by lot: the test is exact for films that are independent.

    A group of two classes has two. Of what its films share there is then less between the classes
    than the test thinks possible, so that its p is too large and not too small.
    """
    order = np.random.default_rng(judged.seed).permutation(len(films))
    by_lot = sorted(range(len(films)), key=lambda i: films[i].id)
    chosen: dict[tuple[str, int | None], Radiograph] = {}
    for place in order:
        film = films[by_lot[place]]
        chosen.setdefault((judged.groups[film.id], film.label), film)
    return list(chosen.values())


def fisher(witnesses: Sequence[Radiograph], ids: set[str], label: int) -> float:
    """Fisher's exact test, two-sided: are films of the class and the others as likely to be among
    ``ids``?"""
    from scipy.stats import fisher_exact

    table = np.zeros((2, 2), dtype=np.int64)
    for film in witnesses:
        table[int(film.label == label), int(film.id in ids)] += 1
    return float(fisher_exact(table).pvalue)

"""Is one data set an independent test for a model that was trained on another?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from osteon.clusters import copy_clusters
from osteon.likeness.search import find_copies
from osteon.likeness.store import Store
from osteon.types import FilmFacts

How = Literal["bytes", "pixels", "re-made"]
TOLD: dict[How, str] = {"bytes": "byte for byte", "pixels": "pixel for pixel", "re-made": "re-made"}


@dataclass(frozen=True, kw_only=True, slots=True)
class SharedFilm:
    """A film of the test set whose exposure is in the training set."""

    test_id: str
    train_id: str
    how: How


@dataclass(frozen=True, kw_only=True, slots=True)
class Independence:
    """What two data sets share. Patients who are not named in both cannot be told."""

    train: str  # names of the data sets
    test: str
    n_train: int  # readable films
    n_test: int
    shared: tuple[SharedFilm, ...]  # in the order of their ids
    similar: tuple[tuple[str, str], ...]  # (test, train): alike, for a person to look at

    @property
    def independent(self) -> bool:
        return not self.shared

    @property
    def verdict(self) -> str:
        """One sentence."""
        if self.independent:
            return (
                f"None of the {self.n_test:,} films of {self.test} shows an exposure that is among "
                f"the {self.n_train:,} of {self.train}. Whether they share patients cannot be told "
                "from films alone."
            )
        ways = {how: sum(film.how == how for film in self.shared) for how in TOLD}
        told = ", ".join(f"{count:,} {TOLD[how]}" for how, count in ways.items() if count)
        share = 100 * len(self.shared) / self.n_test
        return (
            f"{self.test} is no independent test of a model trained on {self.train}: "
            f"{len(self.shared):,} of its {self.n_test:,} films ({share:.1f} %) are there too "
            f"({told})."
        )


def independence(
    train: tuple[str, Mapping[str, FilmFacts]],
    test: tuple[str, Mapping[str, FilmFacts]],
    store: Store,
) -> Independence:
    """Compare two data sets, each a name and its facts; ``store`` holds the signatures of both, as
    ``inspect_films`` leaves them."""
    sides = {"train": train[1], "test": test[1]}
    facts = {
        f"{side}:{id_}": replace(film, id=f"{side}:{id_}")
        for side, films in sides.items()
        for id_, film in films.items()
        if film.fault is None
    }
    copies = find_copies(facts, store)
    clusters = copy_clusters(facts, copies)
    first: dict[str, dict[str, str]] = {"bytes": {}, "pixels": {}, "re-made": {}}
    for id_ in sorted(facts, reverse=True):
        if id_.startswith("train:"):
            for how, key in _keys(id_, facts, clusters):
                first[how][key] = id_
    shared = []
    for id_ in sorted(facts):
        if id_.startswith("test:"):
            keys = _keys(id_, facts, clusters)
            found = next(((how, first[how][key]) for how, key in keys if key in first[how]), None)
            if found:
                how, other = found
                shared.append(SharedFilm(test_id=_bare(id_), train_id=_bare(other), how=how))
    known = {film.test_id for film in shared}
    similar = [sorted((pair.one, pair.other)) for pair in copies.similar]
    return Independence(
        train=train[0],
        test=test[0],
        n_train=sum(film.fault is None for film in train[1].values()),
        n_test=sum(film.fault is None for film in test[1].values()),
        shared=tuple(shared),
        similar=tuple(
            (_bare(a), _bare(b))
            for a, b in similar
            if a.startswith("test:") and b.startswith("train:") and _bare(a) not in known
        ),
    )


def _keys(
    id_: str, facts: Mapping[str, FilmFacts], clusters: Mapping[str, str]
) -> list[tuple[How, str]]:
    """What a copy has in common with the film, the plainest first."""
    film = facts[id_]
    keys: list[tuple[How, str]] = [("bytes", film.sha256)]
    if film.pixel_digest:
        keys.append(("pixels", film.pixel_digest))
    if id_ in clusters:
        keys.append(("re-made", clusters[id_]))
    return keys


def _bare(id_: str) -> str:
    return id_.partition(":")[2]

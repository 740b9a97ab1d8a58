"""Is one data set an independent test for a model that was trained on another?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from osteon.clusters import copy_clusters
from osteon.errors import DataError
from osteon.likeness.search import find_copies
from osteon.likeness.store import Store
from osteon.types import FilmFacts, Radiograph

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
    same_patient: tuple[tuple[str, str], ...] = ()  # (test, train): others, of one patient or study
    patients_named: bool = False  # in both

    @property
    def independent(self) -> bool:
        return not self.shared and not self.same_patient

    @property
    def verdict(self) -> str:
        """One sentence."""
        if self.independent:
            return (
                f"None of the {self.n_test:,} films of {self.test} shows an exposure that is among "
                f"the {self.n_train:,} of {self.train}. "
                + (
                    "Nor is a patient's id in both."
                    if self.patients_named
                    else "Whether they share patients cannot be told from films alone."
                )
            )
        ways = {how: sum(film.how == how for film in self.shared) for how in TOLD}
        told = ", ".join(f"{count:,} {TOLD[how]}" for how, count in ways.items() if count)
        found = []
        if self.shared:
            found.append(f"{self._of_all(len(self.shared))} are there too ({told})")
        if self.same_patient:
            of = self._of_all(len(self.same_patient))
            found.append(f"{of} are of patients or studies whose ids are there too")
        anew = " If ids were given anew in each, compare tables without them."
        return (
            f"{self.test} is no independent test of a model trained on {self.train}: "
            f"{'; '.join(found)}.{anew if self.same_patient else ''}"
        )

    def _of_all(self, n: int) -> str:
        return f"{n:,} of its {self.n_test:,} films ({100 * n / self.n_test:.1f} %)"


@dataclass(frozen=True, kw_only=True, slots=True)
class Side:
    """One of the data sets: what it is called, its films, and what opening them told."""

    name: str
    films: Sequence[Radiograph]
    facts: Mapping[str, FilmFacts]


def independence(train: Side, test: Side, store: Store) -> Independence:
    """Compare two data sets; ``store`` holds the signatures of both, as ``inspect_films`` leaves
    them. Raises DataError where one has no readable film."""
    for side in (train, test):
        if all(film.fault is not None for film in side.facts.values()):
            raise DataError(
                f"None of the {len(side.facts):,} films of {side.name} can be read: there is "
                f"nothing to compare. What is wrong with them: osteon audit {side.name}"
            )
    sides = {"train": train.facts, "test": test.facts}
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
        train=train.name,
        test=test.name,
        n_train=sum(film.fault is None for film in train.facts.values()),
        n_test=sum(film.fault is None for film in test.facts.values()),
        shared=tuple(shared),
        similar=tuple(
            (_bare(a), _bare(b))
            for a, b in similar
            if a.startswith("test:") and b.startswith("train:") and _bare(a) not in known
        ),
        same_patient=tuple(pair for pair in _same_patient(train, test) if pair[0] not in known),
        patients_named=all(any(film.patient_id for film in side.films) for side in (train, test)),
    )


def _same_patient(train: Side, test: Side) -> Iterator[tuple[str, str]]:
    """(test, train) for each readable film of a patient or study whose id is in both."""
    first: dict[tuple[str, str], str] = {}
    for film in _readable(train):
        for owner in _owners(film):
            first.setdefault(owner, film.id)
    for film in _readable(test):
        found = next((first[owner] for owner in _owners(film) if owner in first), None)
        if found:
            yield film.id, found


def _readable(side: Side) -> Iterator[Radiograph]:
    return (film for film in side.films if side.facts[film.id].fault is None)


def _owners(film: Radiograph) -> list[tuple[str, str]]:
    named = (("patient", film.patient_id), ("study", film.study_id))
    return [(what, id_) for what, id_ in named if id_]


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

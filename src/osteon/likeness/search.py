"""The copies among many films: candidates are looked at one by one before a pair counts."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from osteon.errors import DataError
from osteon.likeness.candidates import Keypoints, candidates
from osteon.likeness.hashes import turned_hashes
from osteon.likeness.judgement import is_one_exposure, is_similar
from osteon.likeness.registration import Look, likeness
from osteon.likeness.store import Store
from osteon.parallel import in_order, one_blas_thread
from osteon.progress import track
from osteon.types import Copies, Copy, FilmFacts, Likeness
from osteon.values import from_json, to_json

if TYPE_CHECKING:
    from numpy.typing import NDArray

RULES = 7  # to be raised whenever the judgement says something else
OF_OTHER_PATIENTS = 0.98  # correlation from which films of two named patients are called one
AT_ONCE = 128  # comparisons between two looks at who is joined already
LOOKS_KEPT = 500  # films ready to be compared: half a MB each, and 0.1 ms to make again


def find_copies(
    facts: Mapping[str, FilmFacts],
    store: Store,
    *,
    patients: Mapping[str, str | None] | None = None,
    workers: int | None = None,
) -> Copies:
    """Films that show one exposure though their pixels differ, and films that are much alike.

    ``store`` holds the signatures of the readable films of ``facts``, as ``inspect_films`` leaves
    it; of films with equal pixels one stands for all. Of a cluster of copies, enough pairs are told
    to connect it. Films of two named ``patients`` (film id -> patient) are called one only where
    hardly anything differs; where more does, they are ``similar``. The same films give the same
    answer, whatever the order and workers.
    """
    films: dict[str, tuple[str, str]] = {}  # by pixels: the smallest id, and its content
    for id_ in sorted(facts):
        if (pixels := facts[id_].pixel_digest) is not None:
            films.setdefault(pixels, (id_, facts[id_].sha256))
    named = {id_: (patients or {}).get(id_) for id_, _ in films.values()}
    said = repr((RULES, sorted(films.values()), sorted(named.items())))
    told = hashlib.sha256(said.encode()).hexdigest()
    if (known := store.copies(told)) is not None:
        return from_json(Copies, known)
    found = _Search([*sorted(films.values())], named, store, workers).run()
    store.remember_copies(told, to_json(found))
    return found


class _Search:
    def __init__(
        self,
        films: Sequence[tuple[str, str]],
        patient_of: Mapping[str, str | None],
        store: Store,
        workers: int | None,
    ) -> None:
        self.patient_of = patient_of
        self.ids = [id_ for id_, _ in films]
        self.contents = [content for _, content in films]
        self.store, self.workers = store, workers
        self.parent = list(range(len(films)))
        self.look = lru_cache(LOOKS_KEPT)(self._look)

    def run(self) -> Copies:
        with one_blas_thread():
            return self._run()

    def _run(self) -> Copies:
        pairs = candidates(*self._keypoints())
        same, similar = [], []
        portions = [pairs[at : at + AT_ONCE] for at in range(0, len(pairs), AT_ONCE)]
        for portion in track(portions, "compare films", total=len(portions)):
            apart = [(i, j) for i, j in portion if self._root(i) != self._root(j)]
            for (i, j), found in zip(apart, self._compared(apart), strict=True):
                if found is None:
                    continue
                copy = Copy(one=self.ids[i], other=self.ids[j], how=found)
                if self._is_same(copy):
                    same.append(copy)
                    self._join(i, j)
                elif self._is_similar(copy):
                    similar.append(copy)
        return Copies(same=tuple(same), similar=tuple(similar))

    def _is_same(self, copy: Copy) -> bool:
        told_apart = self._patients_known(copy) and not self._of_one_patient(copy)
        least = OF_OTHER_PATIENTS if told_apart else -1.0
        return is_one_exposure(copy.how) and copy.how.correlation >= least

    def _is_similar(self, copy: Copy) -> bool:
        """Two exposures of a patient in one pose are no news where the patients are named; what
        would be one exposure, were it not for their names, is: a film may be under two of them."""
        if self._patients_known(copy):
            return is_one_exposure(copy.how)
        return is_similar(copy.how)

    def _patients_known(self, copy: Copy) -> bool:
        return None not in (self.patient_of[copy.one], self.patient_of[copy.other])

    def _of_one_patient(self, copy: Copy) -> bool:
        return self.patient_of[copy.one] == self.patient_of[copy.other]

    def _keypoints(self) -> tuple[Keypoints, NDArray[np.uint64]]:
        n = len(self.contents)
        hashes = np.zeros((n, 8), np.uint64)
        sigmas: list[NDArray[np.float32]] = [np.zeros(0, np.float32)] * n
        codes: list[NDArray[np.uint8]] = [np.zeros((0, 32), np.uint8)] * n
        at = {content: number for number, content in enumerate(self.contents)}
        for content, one in self.store.signatures(self.contents):
            number = at[content]
            hashes[number] = turned_hashes(one.picture)
            sigmas[number], codes[number] = one.points[:, 2], one.codes
        points = Keypoints(
            film=np.repeat(np.arange(n), [len(one) for one in codes]),
            sigma=np.concatenate(sigmas) if n else np.zeros(0, np.float32),
            codes=np.ascontiguousarray(np.concatenate(codes)) if n else np.zeros((0, 32), np.uint8),
        )
        return points, hashes

    def _look(self, number: int) -> Look:
        for _, one in self.store.signatures([self.contents[number]]):
            return Look(one)
        raise DataError(f"{self.ids[number]} has no signature: inspect the films with the store.")

    def _compared(self, pairs: Sequence[tuple[int, int]]) -> list[Likeness | None]:
        def compare(pair: tuple[Look, Look]) -> Likeness | None:
            return likeness(*pair)

        known = [self.store.compared(self.contents[i], self.contents[j]) for i, j in pairs]
        new = [pair for pair, text in zip(pairs, known, strict=True) if text is None]
        looks = [(self.look(i), self.look(j)) for i, j in new]
        fresh = list(in_order(compare, looks, workers=self.workers, chunk=8))
        self.store.remember(
            (self.contents[i], self.contents[j], "" if one is None else to_json(one))
            for (i, j), one in zip(new, fresh, strict=True)
        )
        answers = iter(fresh)
        return [
            next(answers) if text is None else (from_json(Likeness, text) if text else None)
            for text in known
        ]

    def _root(self, number: int) -> int:
        while self.parent[number] != number:
            self.parent[number] = self.parent[self.parent[number]]
            number = self.parent[number]
        return number

    def _join(self, one: int, other: int) -> None:
        low, high = sorted((self._root(one), self._root(other)))
        self.parent[high] = low

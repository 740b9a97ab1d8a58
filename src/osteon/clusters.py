"""Films that belong together: copies of one film, films of one study, films of one patient."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping

from osteon.types import Audit, Copies, FilmFacts, Manifest

FEWEST_GROUPS = 3  # that a class needs: one each for train, validation and test


def connected(ids: Iterable[str], links: Iterable[Iterable[str]]) -> dict[str, str]:
    """Connected components: each id -> the smallest id that any chain of ``links`` leads to.

    ``links`` are sets of ids that belong together.
    """
    parent = {id_: id_ for id_ in ids}

    def root(id_: str) -> str:
        while parent[id_] != id_:
            parent[id_] = parent[parent[id_]]
            id_ = parent[id_]
        return id_

    for link in links:
        first, *others = link
        for other in others:
            a, b = sorted((root(first), root(other)))
            parent[b] = a
    return {id_: root(id_) for id_ in parent}


def sharing(keys: Mapping[str, Hashable | None]) -> list[list[str]]:
    """The ids that share a key, for each key that two or more share, smallest first; None is no
    key."""
    by_key: defaultdict[Hashable, list[str]] = defaultdict(list)
    for id_ in sorted(keys):
        if (key := keys[id_]) is not None:
            by_key[key].append(id_)
    return [ids for ids in by_key.values() if len(ids) > 1]


def copy_clusters(facts: Mapping[str, FilmFacts], copies: Copies | None = None) -> dict[str, str]:
    """Readable films equal by bytes, by decoded pixels, or told as the same in ``copies``:
    id -> cluster; others are absent.

    A cluster's name is the smallest id in it.
    """
    readable = {id_: film for id_, film in facts.items() if film.fault is None}
    links = sharing({id_: film.sha256 for id_, film in readable.items()})
    links += sharing({id_: film.pixel_digest for id_, film in readable.items()})
    links += [[copy.one, copy.other] for copy in copies.same] if copies else []
    return connected(sorted({id_ for link in links for id_ in link}), links)


def contradictions(manifest: Manifest, audit: Audit) -> tuple[tuple[str, ...], ...]:
    """Copies of one film, readable ones, that are filed under several classes."""
    unreadable = audit.unreadable
    films = [film for film in manifest.radiographs if film.id not in unreadable]
    labels = {film.id: film.label for film in films if film.label is not None}
    copies = sharing({id_: audit.clusters.get(id_) for id_ in labels})
    return tuple(tuple(ids) for ids in copies if len({labels[id_] for id_ in ids}) > 1)


def group_films(manifest: Manifest, clusters: Mapping[str, str]) -> dict[str, str]:
    """The groups that no split may separate: same patient, same study, or copies of one film.

    ``clusters`` as in ``Audit.clusters``. Groups are joined transitively: a copy filed under two
    patients joins both patients. Returns film id -> group, for every film; a group's name is the
    smallest id in it.
    """
    films = manifest.radiographs
    links = sharing({film.id: film.patient_id for film in films})
    links += sharing({film.id: film.study_id for film in films})
    links += sharing({film.id: clusters.get(film.id) for film in films})
    return connected((film.id for film in films), links)

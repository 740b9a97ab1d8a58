"""Copies: equal bytes, equal pixels, and one exposure re-made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from osteon.checks import CHECKS, Evidence
from osteon.clusters import sharing
from osteon.types import Copy, Finding, Likeness
from osteon.words import counted


@CHECKS.register("copies")
def copies(evidence: Evidence) -> Iterator[Finding]:
    """By bytes, then what only the pixels show, then what only a look at both films shows."""
    readable = {id_: film for id_, film in evidence.facts.items() if film.fault is None}
    by_bytes = sharing({id_: film.sha256 for id_, film in readable.items()})
    how = "byte for byte"
    yield from _finding(by_bytes, how, len(readable) - _surplus(by_bytes), len(readable))
    by_pixels = sharing({id_: film.pixel_digest for id_, film in readable.items()})
    beyond = [ids for ids in by_pixels if len({readable[id_].sha256 for id_ in ids}) > 1]
    how = "pixel for pixel, though their files differ"
    yield from _finding(beyond, how, len(readable) - _surplus(by_pixels), len(readable))
    if evidence.copies is None:
        yield Finding(
            check="copies",
            severity="note",
            message="Only exact copies were looked for. Turned, mirrored, cropped, brightened or "
            "re-compressed copies of a film are not seen by this audit.",
            remedy="Where the names of the files tell the patients apart, give a patient_id in a "
            "CSV.",
        )
        return
    n_clusters = len(set(evidence.clusters.values()))
    n_alone = sum(id_ not in evidence.clusters for id_ in readable)
    yield from _remade(evidence.copies.same, n_clusters + n_alone, len(readable))
    patient_of = {film.id: film.patient_id for film in evidence.manifest.radiographs}
    named: list[Copy] = []
    others: list[Copy] = []
    for pair in evidence.copies.similar:
        both = patient_of.get(pair.one) and patient_of.get(pair.other)
        (named if both else others).append(pair)
    yield from _look_at(named, "like one exposure under two patient ids: a film under two names")
    yield from _look_at(others, "much alike: two exposures of one patient")


def _remade(pairs: tuple[Copy, ...], distinct: int, n: int) -> Iterator[Finding]:
    if not pairs:
        return
    seen = Counter(word for pair in pairs for word in changes(pair.how))
    told = ", ".join(f"{word} ({count:,})" for word, count in seen.most_common())
    yield Finding(
        check="copies",
        severity="warning",
        message=f"{_pairs(len(pairs), 'shows', 'show')} one exposure though the pixels differ"
        + (f": {told}. " if told else ". ")
        + f"With all copies counted, {distinct:,} of {n:,} readable films are distinct.",
        remedy="Copies stay together in every split that osteon makes; nothing needs to be done.",
        ids=tuple(sorted({id_ for pair in pairs for id_ in (pair.one, pair.other)})),
        pairs=tuple((pair.one, pair.other) for pair in pairs),
    )


def _look_at(pairs: Sequence[Copy], like: str) -> Iterator[Finding]:
    if not pairs:
        return
    ordered = sorted(pairs, key=lambda pair: -pair.how.correlation)
    yield Finding(
        check="copies",
        severity="note",
        message=f"{_pairs(len(pairs), 'looks', 'look')} {like}, or two patients in one pose. They "
        "are not kept together.",
        remedy="Look at them; of those that are one patient, give both the same patient_id in a "
        "CSV.",
        ids=tuple(sorted({id_ for pair in pairs for id_ in (pair.one, pair.other)})),
        pairs=tuple((pair.one, pair.other) for pair in ordered),
    )


def _pairs(n: int, one: str, many: str) -> str:
    return f"1 pair {one}" if n == 1 else f"{n:,} pairs {many}"


def changes(how: Likeness) -> Iterator[str]:
    """What was done to the one film to get the other, in words."""
    if how.inverted:
        yield "inverted"
    if how.mirrored:
        yield "mirrored"
    off = abs((how.rotation_deg + 45) % 90 - 45)  # from the nearest right angle
    if off > 1:
        yield "turned"
    elif abs(how.rotation_deg) > 1:
        yield "turned by right angles"
    if not 0.95 < how.scale < 1.05:
        yield "cropped or with another margin"
    if how.correlation < 0.9:
        yield "drawn or written on, or much re-made"


def _surplus(clusters: list[list[str]]) -> int:
    """The films that would go if one of each cluster were kept."""
    return sum(len(ids) - 1 for ids in clusters)


def _finding(clusters: list[list[str]], how: str, distinct: int, n: int) -> Iterator[Finding]:
    if not clusters:
        return
    yield Finding(
        check="copies",
        severity="warning",
        message=f"{counted(sum(map(len, clusters)), 'film')} are copies of one another {how}, in "
        f"{counted(len(clusters), 'cluster')}: {distinct:,} of {n:,} "
        "readable films are distinct in that sense.",
        remedy="Copies stay together in every split that osteon makes; nothing needs to be done.",
        ids=tuple(id_ for ids in clusters for id_ in ids),
        pairs=tuple((ids[0], other) for ids in clusters for other in ids[1:]),
    )

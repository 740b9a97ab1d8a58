"""Exact copies: equal bytes, and equal decoded pixels."""

from __future__ import annotations

from collections.abc import Iterator

from osteon.checks import CHECKS, Evidence, films
from osteon.clusters import sharing
from osteon.types import Finding


@CHECKS.register("copies")
def copies(evidence: Evidence) -> Iterator[Finding]:
    """By bytes, then what only the pixels show, then what this audit cannot see."""
    readable = {id_: film for id_, film in evidence.facts.items() if film.fault is None}
    by_bytes = sharing({id_: film.sha256 for id_, film in readable.items()})
    how = "byte for byte"
    yield from _finding(by_bytes, how, len(readable) - _surplus(by_bytes), len(readable))
    by_pixels = sharing({id_: film.pixel_digest for id_, film in readable.items()})
    beyond = [ids for ids in by_pixels if len({readable[id_].sha256 for id_ in ids}) > 1]
    how = "pixel for pixel, though their files differ"
    yield from _finding(beyond, how, len(readable) - _surplus(by_pixels), len(readable))
    yield Finding(
        check="copies",
        severity="note",
        message="Only exact copies were looked for. Turned, mirrored, cropped, brightened or "
        "re-compressed copies of a film are not seen by this audit.",
        remedy="Where the names of the files tell the patients apart, give a patient_id in a CSV.",
    )


def _surplus(clusters: list[list[str]]) -> int:
    """The films that would go if one of each cluster were kept."""
    return sum(len(ids) - 1 for ids in clusters)


def _finding(clusters: list[list[str]], how: str, distinct: int, n: int) -> Iterator[Finding]:
    if not clusters:
        return
    yield Finding(
        check="copies",
        severity="warning",
        message=f"{films(sum(map(len, clusters)))} are copies of one another {how}, in "
        f"{len(clusters):,} cluster{'' if len(clusters) == 1 else 's'}: {distinct:,} of {n:,} "
        "readable films are distinct in that sense.",
        remedy="Copies stay together in every split that osteon makes; nothing needs to be done.",
        ids=tuple(id_ for ids in clusters for id_ in ids),
        pairs=tuple((ids[0], other) for ids in clusters for other in ids[1:]),
    )

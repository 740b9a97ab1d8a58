"""Exact copies: equal bytes, and equal decoded pixels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from osteon.checks import CHECKS, Evidence
from osteon.clusters import sharing
from osteon.types import FilmFacts, Finding


@CHECKS.register("copies")
def copies(evidence: Evidence) -> Iterator[Finding]:
    """By bytes, then what only the pixels show, then what this audit cannot see."""
    readable = {id_: film for id_, film in evidence.facts.items() if film.fault is None}
    by_bytes = sharing({id_: film.sha256 for id_, film in readable.items()})
    yield from _finding(by_bytes, readable, "byte for byte")
    by_pixels = sharing({id_: film.pixel_digest for id_, film in readable.items()})
    beyond = [ids for ids in by_pixels if len({readable[id_].sha256 for id_ in ids}) > 1]
    yield from _finding(beyond, readable, "pixel for pixel, though their files differ")
    yield Finding(
        check="copies",
        severity="note",
        message="Only exact copies were looked for. Turned, mirrored, cropped, brightened or "
        "re-compressed copies of a film are not seen by this audit.",
        remedy="If films of one patient can be told apart by name, give a patient_id in a CSV.",
    )


def _finding(
    clusters: list[list[str]], readable: Mapping[str, FilmFacts], how: str
) -> Iterator[Finding]:
    if not clusters:
        return
    inside = sum(len(ids) for ids in clusters)
    distinct = len(readable) - sum(len(ids) - 1 for ids in clusters)
    yield Finding(
        check="copies",
        severity="warning",
        message=f"{inside:,} films are copies of one another {how}, in {len(clusters):,} clusters: "
        f"{distinct:,} of {len(readable):,} readable films are distinct.",
        remedy="Copies stay together in every split that osteon makes; nothing needs to be done.",
        ids=tuple(id_ for ids in clusters for id_ in ids),
        pairs=tuple((ids[0], other) for ids in clusters for other in ids[1:]),
    )

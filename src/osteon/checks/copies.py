"""Exact copies: equal bytes, and equal decoded pixels."""

from __future__ import annotations

from collections.abc import Iterator

from osteon.checks import CHECKS, Evidence
from osteon.clusters import sharing
from osteon.types import Finding


@CHECKS.register("copies")
def copies(evidence: Evidence) -> Iterator[Finding]:
    """By bytes, then what only the pixels show, then what this audit cannot see."""
    readable = {id_: film for id_, film in evidence.facts.items() if film.fault is None}
    by_bytes = sharing({id_: film.sha256 for id_, film in readable.items()})
    distinct = len(readable) - sum(len(ids) - 1 for ids in by_bytes)
    of_all = f": {distinct:,} of {len(readable):,} readable films are distinct"
    yield from _finding(by_bytes, f"byte for byte{of_all}")
    by_pixels = sharing({id_: film.pixel_digest for id_, film in readable.items()})
    beyond = [ids for ids in by_pixels if len({readable[id_].sha256 for id_ in ids}) > 1]
    yield from _finding(beyond, "pixel for pixel, though their files differ")
    yield Finding(
        check="copies",
        severity="note",
        message="Only exact copies were looked for. Turned, mirrored, cropped, brightened or "
        "re-compressed copies of a film are not seen by this audit.",
        remedy="If films of one patient can be told apart by name, give a patient_id in a CSV.",
    )


def _finding(clusters: list[list[str]], how: str) -> Iterator[Finding]:
    if not clusters:
        return
    films, n = sum(len(ids) for ids in clusters), len(clusters)
    yield Finding(
        check="copies",
        severity="warning",
        message=f"{films:,} films, in {n:,} cluster{'' if n == 1 else 's'}, are copies {how}.",
        remedy="Copies stay together in every split that osteon makes; nothing needs to be done.",
        ids=tuple(id_ for ids in clusters for id_ in ids),
        pairs=tuple((ids[0], other) for ids in clusters for other in ids[1:]),
    )

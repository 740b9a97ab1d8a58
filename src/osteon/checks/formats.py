"""Files whose name lies about their format, and files of several frames."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from osteon.checks import CHECKS, Evidence
from osteon.types import FilmFacts, Finding
from osteon.words import counted


@CHECKS.register("formats")
def formats(evidence: Evidence) -> Iterator[Finding]:
    readable = [film for film in evidence.facts.values() if film.fault is None]
    lying = [f for f in readable if f.suffix_format is not None and f.format != f.suffix_format]
    if lying:
        kinds = Counter(f"{film.format} named as {film.suffix_format}" for film in lying)
        told = ", ".join(f"{n:,} {kind}" for kind, n in kinds.most_common())
        yield Finding(
            check="formats",
            severity="note",
            message=f"Content and name disagree on the format of {counted(len(lying), 'film')}: "
            f"{told}.",
            remedy="They are decoded by their content. Rename them for other tools.",
            ids=_ids(lying),
        )
    animated = [film for film in readable if film.n_frames is not None and film.n_frames > 1]
    if animated:
        yield Finding(
            check="formats",
            severity="warning",
            message=f"Several frames in {counted(len(animated), 'film')}: only the first is used.",
            remedy="Look whether the first frame is the radiograph; split them into files if not.",
            ids=_ids(animated),
        )


def _ids(found: list[FilmFacts]) -> tuple[str, ...]:
    return tuple(film.id for film in found)

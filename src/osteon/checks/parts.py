"""What the shipped split lacks: parts, classes within a part, films outside of all parts."""

from __future__ import annotations

from collections.abc import Iterator

from osteon.checks import CHECKS, Evidence
from osteon.types import PARTS, Finding, Part
from osteon.words import counted

REMEDY = "To use all films in proportion: osteon run DATA --split grouped"


@CHECKS.register("parts")
def parts(evidence: Evidence) -> Iterator[Finding]:
    """What ``osteon.split.shipped`` will make of a split that is not whole."""
    used = [film for film in evidence.manifest.radiographs if evidence.counts(film)]
    shipped = [part for part in PARTS if any(film.split == part for film in used)]
    if not shipped:
        return
    if stands_in := _stand_ins(shipped):
        yield Finding(check="parts", severity="note", message=stands_in)
    outside = [film.id for film in used if film.split is None]
    if outside:
        yield Finding(
            check="parts",
            severity="warning",
            message="In no part of the shipped split, and not used with it: "
            f"{counted(len(outside), 'film')}.",
            remedy=REMEDY,
            ids=tuple(outside),
        )
    for part in shipped:
        there = {film.label for film in used if film.split == part}
        names = enumerate(evidence.manifest.classes)
        missing = ", ".join(f"'{name}'" for label, name in names if label not in there)
        if missing:
            yield Finding(
                check="parts",
                severity="error" if part == "train" else "warning",
                message=f"The shipped {part} part has no readable film of {missing}.",
                remedy=REMEDY,
            )


def _stand_ins(shipped: list[Part]) -> str | None:
    if "train" not in shipped:
        return f"The shipped split has no training part, only {' and '.join(shipped)}."
    if shipped == ["train"]:
        return "The shipped split has a training part only: osteon makes a grouped one instead."
    if "test" not in shipped:
        return (
            "The shipped split has no test part: its validation part is the test, and validation "
            "is carved from train."
        )
    if "val" not in shipped:
        return "The shipped split has no validation part: it is carved from train."
    return None

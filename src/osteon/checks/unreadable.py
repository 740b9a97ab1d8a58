"""Files that cannot be decoded whole."""

from __future__ import annotations

from collections.abc import Iterator

from osteon.checks import CHECKS, Evidence
from osteon.types import Finding


@CHECKS.register("unreadable")
def unreadable(evidence: Evidence) -> Iterator[Finding]:
    """One finding that names every file with its fault; an error if they are more than half."""
    faults = {id_: film.fault for id_, film in evidence.facts.items() if film.fault is not None}
    if not faults:
        return
    n, of = len(faults), len(evidence.facts)
    are = "film is" if of == 1 else "films are"
    yield Finding(
        check="unreadable",
        severity="error" if n > of / 2 else "warning",
        message=f"{n:,} of {of:,} {are} not readable.",
        remedy="They are set aside. Fetch them again from where they came, or delete them.",
        ids=tuple(faults),
    )

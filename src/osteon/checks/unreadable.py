"""Files that cannot be decoded whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from osteon.checks import CHECKS, Evidence
from osteon.types import Finding
from osteon.words import counted


@CHECKS.register("unreadable")
def unreadable(evidence: Evidence) -> Iterator[Finding]:
    """One finding that names every file; its fault is in the facts. An error if more than half of
    the films, or all of a class, are among them."""
    faults = {id_: film.fault for id_, film in evidence.facts.items() if film.fault is not None}
    if not faults:
        return
    n, of = len(faults), len(evidence.facts)
    kinds = Counter(fault.partition(":")[0] for fault in faults.values())
    told = ", ".join(f"{kind} ({count:,})" for kind, count in kinds.most_common(4))
    others = n - sum(count for _, count in kinds.most_common(4))
    gone = _gone(evidence)
    yield Finding(
        check="unreadable",
        severity="error" if gone or n > of / 2 else "warning",
        message=f"{n:,} of {counted(of, 'film')} cannot be read whole: {told}"
        + (f", other faults ({others:,})." if others else ".")
        + (f" Nothing is left of class {gone}." if gone else ""),
        remedy="They are set aside. Fetch them again from where they came, or delete them.",
        ids=tuple(faults),
    )


def _gone(evidence: Evidence) -> str:
    """The classes that have films, but no readable one."""
    seen = {film.label for film in evidence.manifest.radiographs}
    left = {film.label for film in evidence.manifest.radiographs if evidence.counts(film)}
    classes = enumerate(evidence.manifest.classes)
    return ", ".join(f"'{name}'" for label, name in classes if label in seen - left)

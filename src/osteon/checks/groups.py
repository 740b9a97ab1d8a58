"""Groups so large that no split can keep to its shares: patient names that name nobody."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from osteon.checks import CHECKS, Evidence, percent
from osteon.clusters import group_films
from osteon.types import Finding, Radiograph

LARGEST_SHARE = 0.15  # of all films: as many as the default test part has


@CHECKS.register("groups")
def groups(evidence: Evidence) -> Iterator[Finding]:
    """The largest group, if it is larger than a test part, and what holds it together; an error
    if it is most of the films."""
    group_of = group_films(evidence.manifest, evidence.clusters)
    used = [film for film in evidence.manifest.radiographs if evidence.counts(film)]
    sizes = Counter(group_of[film.id] for film in used)
    name, size = max(sizes.items(), key=lambda item: (item[1], item[0]), default=("", 0))
    if size < 2 or size <= LARGEST_SHARE * len(used):
        return
    inside = [film for film in used if group_of[film.id] == name]
    why, remedy = _why(inside)
    yield Finding(
        check="groups",
        severity="error" if size > len(used) / 2 else "warning",
        message=f"{size:,} of {len(used):,} films ({percent(size, len(used))}) belong together, "
        f"and no split may separate them: {why}.",
        remedy=remedy,
        ids=tuple(film.id for film in inside),
    )


def _why(inside: list[Radiograph]) -> tuple[str, str]:
    """What holds the films together, and what to do; no identifier is printed."""
    patients = {film.patient_id for film in inside}
    if len(patients) == 1 and None not in patients:
        return (
            "all have the same patient_id",
            "If it is a placeholder (ANONYMOUS, say), give each patient a pseudonym of its own, or "
            "leave the column empty.",
        )
    patients_of: dict[str, set[str]] = {}
    for film in inside:
        if film.study_id is not None and film.patient_id is not None:
            patients_of.setdefault(film.study_id, set()).add(film.patient_id)
    if any(len(owners) > 1 for owners in patients_of.values()):
        return (
            "the same study_id stands under several patients",
            "If studies are numbered anew for each patient, leave the column out: the patient_id "
            "keeps them together.",
        )
    return (
        "a chain of patients, studies and copies ties them",
        "Look whether different patients share an identifier or a copied film.",
    )

"""How many films each class has: the majority baseline, and classes too small to learn or judge."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from osteon.checks import CHECKS, Evidence, percent
from osteon.clusters import FEWEST_GROUPS, group_films
from osteon.types import Finding
from osteon.words import counted

FEW_GROUPS = 30  # below this a proportion's 95 % interval is wider than 0.3


@CHECKS.register("imbalance")
def imbalance(evidence: Evidence) -> Iterator[Finding]:
    """What always answering the most frequent class scores."""
    names = [
        evidence.manifest.class_name(film)
        for film in evidence.manifest.radiographs
        if evidence.counts(film)
    ]
    if not names:
        return
    counts = Counter(names).most_common()
    name, most = counts[0]
    told = ", ".join(f"{class_name}: {count:,}" for class_name, count in counts)
    yield Finding(
        check="imbalance",
        severity="note",
        message=f"Always answering '{name}' is right for {percent(most, len(names))} ({most:,} of "
        f"{len(names):,} readable films). {told}.",
        remedy="An accuracy says something only above that figure.",
    )


@CHECKS.register("small_classes")
def small_classes(evidence: Evidence) -> Iterator[Finding]:
    """Classes with too few independent films (patients, studies, copies counted once)."""
    groups = group_films(evidence.manifest, evidence.clusters)
    independent: dict[int, set[str]] = {}
    for film in evidence.manifest.radiographs:
        if film.label is not None:
            found = independent.setdefault(film.label, set())
            found |= {groups[film.id]} if evidence.counts(film) else set()
    few = []
    for label, name in enumerate(evidence.manifest.classes):
        n = len(independent.get(label, ()))
        if FEWEST_GROUPS <= n < FEW_GROUPS:
            few.append(f"'{name}' ({n})")
        elif n < FEWEST_GROUPS and (n or label not in independent):  # else ``unreadable`` says so
            yield Finding(
                check="small_classes",
                severity="error",
                message=f"Class '{name}' has {counted(n, 'independent film')}: too few "
                "for train, validation and test.",
                remedy="Bring more films, merge the class with another (one folder for both), or "
                "leave it out.",
            )
    if few:
        yield Finding(
            check="small_classes",
            severity="warning",
            message=f"Fewer than {FEW_GROUPS} independent films are of {', '.join(few)}: figures "
            "of so few have wide intervals.",
            remedy="Read the intervals of such a class before its values.",
        )


@CHECKS.register("unlabelled")
def unlabelled(evidence: Evidence) -> Iterator[Finding]:
    """Films without a label, unless the source has said so already."""
    ids = tuple(film.id for film in evidence.manifest.radiographs if film.label is None)
    if ids and not any(set(ids) <= set(said.ids) for said in evidence.manifest.remarks):
        yield Finding(
            check="unlabelled",
            severity="note",
            message=f"{counted(len(ids), 'film')} without a label: used neither to train nor to "
            "judge.",
            remedy="Give them a label in the CSV or the class folder, or score them with: "
            "osteon predict RUN DATA",
            ids=ids,
        )

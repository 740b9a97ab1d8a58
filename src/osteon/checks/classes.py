"""How many films each class has: the majority baseline, and classes too small to learn or judge."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator

from osteon.checks import CHECKS, Evidence
from osteon.clusters import group_films
from osteon.types import Finding

FEWEST_GROUPS = 3  # one each for train, val and test
FEW_GROUPS = 30  # below this a proportion's 95 % interval is wider than 0.3


@CHECKS.register("imbalance")
def imbalance(evidence: Evidence) -> Iterator[Finding]:
    """What always answering the most frequent class scores."""
    counts = _counts(evidence)
    n = sum(counts.values())
    if not n:
        return
    name, most = counts.most_common(1)[0]
    told = ", ".join(f"{class_name}: {count:,}" for class_name, count in counts.most_common())
    yield Finding(
        check="imbalance",
        severity="note",
        message=f"Always answering '{name}' is right for {most / n:.1%} ({most:,} of {n:,} "
        f"readable films). {told}.".replace("% (", " % ("),
        remedy="An accuracy says something only above that figure.",
    )


@CHECKS.register("small_classes")
def small_classes(evidence: Evidence) -> Iterator[Finding]:
    """Classes with too few independent films (patients, studies, copies counted once)."""
    groups = group_films(evidence.manifest, evidence.clusters)
    independent: defaultdict[str, set[str]] = defaultdict(set)
    for film in evidence.manifest.radiographs:
        name = evidence.manifest.class_name(film)
        if name is not None and _readable(evidence, film.id):
            independent[name].add(groups[film.id])
    for name in evidence.manifest.classes:
        n = len(independent[name])
        if n >= FEW_GROUPS:
            continue
        too_few = n < FEWEST_GROUPS
        films = "film" if n == 1 else "films"
        yield Finding(
            check="small_classes",
            severity="error" if too_few else "warning",
            message=f"Class '{name}' has {n} independent {films}"
            + (
                ": too few for train, validation and test."
                if too_few
                else ": its figures will have wide intervals."
            ),
            remedy="Bring more films, merge the class with another (one folder for both), or "
            "leave it out."
            if too_few
            else "Read its intervals before its values.",
        )


@CHECKS.register("unlabelled")
def unlabelled(evidence: Evidence) -> Iterator[Finding]:
    ids = tuple(film.id for film in evidence.manifest.radiographs if film.label is None)
    if ids:
        yield Finding(
            check="unlabelled",
            severity="note",
            message=f"{len(ids):,} films have no label and are used neither to train nor to judge.",
            remedy="Give them a label in the CSV or the class folder, or score them with: "
            "osteon predict RUN DATA",
            ids=ids,
        )


def _counts(evidence: Evidence) -> Counter[str]:
    names = (
        evidence.manifest.class_name(film)
        for film in evidence.manifest.radiographs
        if _readable(evidence, film.id)
    )
    return Counter(name for name in names if name is not None)


def _readable(evidence: Evidence, id_: str) -> bool:
    return id_ in evidence.facts and evidence.facts[id_].fault is None

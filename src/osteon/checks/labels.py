"""Equal films under different labels: at least one of them is wrong."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from osteon.checks import CHECKS, Evidence
from osteon.types import Finding, Radiograph
from osteon.words import counted


@CHECKS.register("labels")
def labels(evidence: Evidence) -> Iterator[Finding]:
    clusters: defaultdict[str, list[Radiograph]] = defaultdict(list)
    for film in evidence.manifest.radiographs:
        if film.label is not None and film.id in evidence.clusters:
            clusters[evidence.clusters[film.id]].append(film)
    mixed = [same for same in clusters.values() if len({film.label for film in same}) > 1]
    if not mixed:
        return
    pairs = [
        (same[0].id, next(film.id for film in same if film.label != same[0].label))
        for same in mixed
    ]
    yield Finding(
        check="labels",
        severity="warning",
        message=f"{counted(len(mixed), 'film')} {'appears' if len(mixed) == 1 else 'appear'} under "
        f"more than one label ({sum(map(len, mixed)):,} files): at least one label of each is "
        "wrong.",
        remedy="Look at the pairs, relabel or remove the wrong ones (osteon suspects DATA makes a "
        "gallery to do so in). Until then they stay together in one part, and cap the score that "
        "is possible.",
        ids=tuple(film.id for same in mixed for film in same),
        pairs=tuple(pairs),
    )

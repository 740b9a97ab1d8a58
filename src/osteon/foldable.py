"""Small classes in a cross-validation: fewer folds for their sake, or their films set aside."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, replace

from osteon.clusters import FEWEST_GROUPS, group_films
from osteon.types import Audit, Manifest
from osteon.words import counted


@dataclass(frozen=True, kw_only=True, slots=True)
class Foldable:
    """A manifest of which each class is in at least ``k`` groups, and one sentence for whatever was
    done to that end."""

    manifest: Manifest
    k: int
    remarks: tuple[str, ...]


def foldable(manifest: Manifest, audit: Audit, k: int) -> Foldable:
    """Lower ``k`` to the groups of the smallest class, but not below 3; classes of fewer groups
    lose their place, and their films their label.

    Unreadable films do not count. Where fewer than two classes would be left, nothing is set aside,
    so that ``osteon.split.folds`` refuses and says why.
    """
    groups, unreadable = group_films(manifest, audit.clusters), audit.unreadable
    of_class: defaultdict[int, set[str]] = defaultdict(set)
    films: Counter[int] = Counter()
    for film in manifest.radiographs:
        if film.label is not None and film.id not in unreadable:
            of_class[film.label].add(groups[film.id])
            films[film.label] += 1
    labels = range(len(manifest.classes))
    kept = [label for label in labels if len(of_class[label]) >= FEWEST_GROUPS]
    if len(kept) < 2:
        return Foldable(manifest=manifest, k=min(k, FEWEST_GROUPS), remarks=())
    remarks = [
        f"Set aside: class '{manifest.classes[label]}' has {counted(films[label], 'film')} in "
        f"{counted(len(of_class[label]), 'group')} (patients, studies and copies counted once), "
        f"fewer than {FEWEST_GROUPS} folds need. Bring more of them, or look at all of them."
        for label in labels
        if label not in kept
    ]
    smallest = min(kept, key=lambda label: len(of_class[label]))
    n_groups = len(of_class[smallest])
    if n_groups < k:
        remarks.append(
            f"{n_groups} folds instead of {k}: class '{manifest.classes[smallest]}' has "
            f"{counted(films[smallest], 'film')} in {n_groups} groups (patients, studies and "
            "copies counted once)."
        )
    return Foldable(manifest=_without(manifest, kept), k=min(k, n_groups), remarks=tuple(remarks))


def _without(manifest: Manifest, kept: list[int]) -> Manifest:
    """The classes ``kept`` alone; films of others have no label."""
    if len(kept) == len(manifest.classes):
        return manifest
    place = {label: at for at, label in enumerate(kept)}
    films = (
        replace(film, label=None if film.label is None else place.get(film.label))
        for film in manifest.radiographs
    )
    classes = tuple(manifest.classes[label] for label in kept)
    return replace(manifest, classes=classes, radiographs=tuple(films))

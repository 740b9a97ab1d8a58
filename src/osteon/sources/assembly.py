"""From films labelled in words to a manifest: classes merged and ordered, and all of it said."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from osteon.classes import merged_spellings, order_classes, sounds_negative, told_merges
from osteon.errors import DataError
from osteon.sources.films import film_id
from osteon.types import Finding, Manifest, Radiograph, Severity
from osteon.words import counted

HOW_TO = (
    "Put the films of each class in a folder of its own, or write a CSV with the columns path and "
    "label."
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Labelled:
    """A film with its class in the user's spelling; None where nobody says."""

    film: Radiograph
    class_name: str | None


def remark(
    message: str, *, ids: Iterable[str] = (), severity: Severity = "note", remedy: str = ""
) -> Finding:
    """What a source has to say of its own annotations."""
    return Finding(
        check="annotations", severity=severity, message=message, remedy=remedy, ids=tuple(ids)
    )


def assembled(
    root: Path,
    source: str,
    reason: str,
    labelled: Iterable[Labelled],
    *,
    others: Iterable[Path] = (),
    remarks: Iterable[Finding] = (),
) -> Manifest:
    """A manifest of ``labelled``; ``others`` are files below the root that are not in it.

    Raises DataError where there are no films, or fewer than two classes among those labelled.
    """
    items = list(labelled)
    aside = [film_id(path, root) for path in others]
    if not items:
        beside = f", but {counted(len(aside), 'other file')}" if aside else ""
        raise DataError(f"There is no film in {root}{beside}. {HOW_TO}")
    chosen = merged_spellings(item.class_name for item in items if item.class_name is not None)
    classes = order_classes(chosen.values())
    if len(classes) < 2:
        raise DataError(_too_few(root, classes, items))
    index = {spelling: classes.index(best) for spelling, best in chosen.items()}
    films = tuple(
        item.film if item.class_name is None else replace(item.film, label=index[item.class_name])
        for item in items
    )
    said = [*remarks, *_on_classes(chosen, classes), *_on_unlabelled(films), *_on_others(aside)]
    return Manifest(
        root=root,
        source=source,
        recognised_by=reason,
        classes=classes,
        radiographs=films,
        remarks=tuple(said),
    )


def _too_few(root: Path, classes: tuple[str, ...], items: list[Labelled]) -> str:
    n = sum(item.class_name is not None for item in items)
    if classes:
        found = f"found only '{classes[0]}' ({counted(n, 'film')}) in {root}"
    else:
        found = f"found {counted(len(items), 'film')} without a label in {root}"
    return f"A classifier needs at least two classes; {found}. {HOW_TO}"


def _on_classes(chosen: dict[str, str], classes: tuple[str, ...]) -> Iterator[Finding]:
    for phrase in told_merges(chosen):
        yield remark(f"{phrase}.", remedy="Rename one of them if they are not the same.")
    if len(classes) != 2:
        return
    negative, positive = classes
    told = f"'{positive}' counts as the positive class, '{negative}' as the negative."
    if sounds_negative(negative) and not sounds_negative(positive):
        yield remark(told)
    else:
        yield remark(
            f"{told} The names do not tell which is which.",
            severity="warning",
            remedy="If it is the other way round, rename the negative class: to 'normal', say.",
        )


def _on_unlabelled(films: Iterable[Radiograph]) -> Iterator[Finding]:
    ids = [film.id for film in films if film.label is None]
    if ids:
        yield remark(
            f"{counted(len(ids), 'film')} without a label: neither trained on nor tested on.",
            ids=ids,
            severity="warning",
            remedy="Label them, or leave them out.",
        )


def _on_others(names: list[str]) -> Iterator[Finding]:
    if names:
        kinds = Counter(Path(name).suffix.lower() or "no suffix" for name in names)
        told = ", ".join(f"{n:,} {kind}" for kind, n in kinds.most_common(5))
        said = [name.encode(errors="backslashreplace").decode() for name in names]
        were = "was" if len(names) == 1 else "were"
        yield remark(
            f"{counted(len(names), 'file')} {were} left alone ({told}): no films, or not where "
            "films of this layout lie.",
            ids=said,
        )

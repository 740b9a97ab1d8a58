"""Which files of a folder are films, and what layouts of folders have in common."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from osteon.classes import merged_spellings, order_classes, sounds_negative, told_merges
from osteon.errors import DataError
from osteon.types import Finding, Manifest, Part, Radiograph

RASTER = (
    ".jpg",
    ".jpeg",
    ".jpe",
    ".jfif",
    ".png",
    ".gif",
    ".webp",
    ".bmp",
    ".dib",
    ".tif",
    ".tiff",
)
SUFFIXES = frozenset((*RASTER, ".dcm", ".dicom", ".ima"))
MAGIC = (b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"BM", b"II*\x00", b"MM\x00*")
NOT_OURS = frozenset({"__macosx", "thumbs.db", "desktop.ini"})
PART_NAMES: dict[str, Part] = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "dev": "val",
    "test": "test",
    "testing": "test",
}


def is_film(path: Path) -> bool:
    """Whether a file claims to be a film: by its suffix or, without one, by its first bytes."""
    suffix = path.suffix.lower()
    if suffix or path.name.startswith("."):
        return suffix in SUFFIXES and not path.name.startswith(".")
    try:
        with path.open("rb") as file:
            head = file.read(132)
    except OSError:
        return False
    webp = head[:4] == b"RIFF" and head[8:12] == b"WEBP"
    return head[128:132] == b"DICM" or webp or head.startswith(MAGIC)


def part_named(name: str) -> Part | None:
    """The part of a split that a folder or a word names: "Valid" is val."""
    return PART_NAMES.get(name.strip().lower())


def subfolders(path: Path) -> list[Path]:
    try:
        inside = sorted(path.iterdir())
    except OSError:
        return []
    return [folder for folder in inside if folder.is_dir() and not _hidden(folder.name)]


def _hidden(name: str) -> bool:
    return name.startswith(".") or name.lower() in NOT_OURS


@dataclass(slots=True)
class Contents:
    """What lies below a folder."""

    films: list[Path] = field(default_factory=list)
    others: list[Path] = field(default_factory=list)  # neither films nor hidden


def contents(folder: Path) -> Contents:
    """All files below ``folder``, links followed, in order of their names."""
    found = Contents()
    for path in sorted(_walk(folder)):
        (found.films if is_film(path) else found.others).append(path)
    return found


def _walk(folder: Path) -> Iterator[Path]:
    been: set[str] = set()  # a link to a folder above would otherwise go round for ever
    for here, folders, files in os.walk(folder, followlinks=True):
        real = os.path.realpath(here)
        if real in been:
            folders.clear()
            continue
        been.add(real)
        folders[:] = [name for name in folders if not _hidden(name)]
        yield from (Path(here, name) for name in files if not _hidden(name))


def holds_films(folder: Path) -> bool:
    return any(is_film(path) for path in _walk(folder))


@dataclass(frozen=True, kw_only=True, slots=True)
class Labelled:
    """A film with its class in the user's spelling."""

    film: Radiograph
    class_name: str | None


def film_id(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix()


def assembled(
    root: Path,
    source: str,
    reason: str,
    labelled: Iterable[Labelled],
    *,
    others: Iterable[Path] = (),
    remarks: Iterable[Finding] = (),
) -> Manifest:
    """A manifest of films labelled in words; spellings merged, classes ordered, all of it said.

    Raises DataError where there are no films, or fewer than two classes among those labelled.
    """
    items = list(labelled)
    if not items:
        raise DataError(f"There is no film in {root}.")
    chosen = merged_spellings(item.class_name for item in items if item.class_name is not None)
    classes = order_classes(chosen.values())
    if len(classes) < 2:
        n = sum(item.class_name is not None for item in items)
        found = f"only '{classes[0]}' ({n:,} films)" if classes else "no label at all"
        raise DataError(
            f"A classifier needs at least two classes; {root} has {found}. Put the films of each "
            "class in a folder of its own, or give a CSV with the columns path and label."
        )
    index = {spelling: classes.index(best) for spelling, best in chosen.items()}
    films = tuple(
        item.film if item.class_name is None else replace(item.film, label=index[item.class_name])
        for item in items
    )
    said = [*remarks, *_on_classes(chosen, classes), *_on_others(root, others)]
    return Manifest(
        root=root,
        source=source,
        recognised_by=reason,
        classes=classes,
        radiographs=films,
        remarks=tuple(said),
    )


def _on_classes(chosen: dict[str, str], classes: tuple[str, ...]) -> Iterator[Finding]:
    for phrase in told_merges(chosen):
        yield Finding(
            check="annotations",
            severity="note",
            message=f"{phrase}.",
            remedy="Rename a folder if they are not the same.",
        )
    if len(classes) == 2:
        sure = sounds_negative(classes[0]) and not sounds_negative(classes[1])
        yield Finding(
            check="annotations",
            severity="note" if sure else "warning",
            message=f"'{classes[1]}' counts as the positive class, '{classes[0]}' as the negative.",
            remedy=""
            if sure
            else "The names do not tell. Rename the negative one to 'normal', "
            "say, if it is the other way round.",
        )


def _on_others(root: Path, others: Iterable[Path]) -> Iterator[Finding]:
    names = [film_id(path, root) for path in others]
    if names:
        kinds = Counter(Path(name).suffix or "no suffix" for name in names)
        told = ", ".join(f"{n:,} {kind}" for kind, n in kinds.most_common(5))
        were = "file was" if len(names) == 1 else "files were"
        yield Finding(
            check="annotations",
            severity="note",
            message=f"{len(names):,} {were} left alone ({told}): no films, or in no class folder.",
            ids=tuple(names),
        )

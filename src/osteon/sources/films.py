"""Which files of a folder are films."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from osteon.errors import DataError
from osteon.formats import starts_dicom
from osteon.types import Part

RASTER = ".jpg .jpeg .jpe .jfif .png .gif .webp .bmp .dib .tif .tiff"
SUFFIXES = frozenset(f"{RASTER} .dcm .dicom .ima".split())
MAGIC = (b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"BM", b"II*\x00", b"MM\x00*")
NOT_OURS = frozenset({"__macosx", "thumbs.db", "desktop.ini"})
PART_NAMES: dict[str, Part] = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validate": "val",
    "validation": "val",
    "dev": "val",
    "test": "test",
    "testing": "test",
    "holdout": "test",
}
OF_A_RUN = (("made-for",), ("run.json", "manifest.csv"), ("foreign.json", "manifest.csv"))


def is_film(path: Path) -> bool:
    """Whether a file claims to be a film: by its suffix or, without one, by its first bytes.

    What it holds is for the decoder to judge. DICOM files named by their UID end in a number, which
    is no suffix; a DICOMDIR is an index, not a film.
    """
    suffix = path.suffix.lower()
    if suffix and not suffix[1:].isdigit():
        return suffix in SUFFIXES
    if path.name.upper() == "DICOMDIR":
        return False
    head = _head(path)
    webp = head[:4] == b"RIFF" and head[8:12] == b"WEBP"
    return starts_dicom(head) or webp or head.startswith(MAGIC)


def is_dicom(path: Path) -> bool:
    return starts_dicom(_head(path))


def _head(path: Path) -> bytes:
    """The first 132 bytes: PS3.10 section 7.1 puts DICM after a preamble of 128."""
    try:
        with path.open("rb") as file:
            return file.read(132)
    except OSError:
        return b""  # what cannot be opened claims nothing; films by suffix are named by the audit


def part_named(name: str) -> Part | None:
    """The part of a split that a folder or a word names: "Valid" is val."""
    return PART_NAMES.get(name.strip().lower())


def subfolders(path: Path) -> list[Path]:
    """Folders right below a folder, but hidden ones and those of runs; none below a file."""
    if not path.is_dir():
        return []
    folders = (inside for inside in path.iterdir() if inside.is_dir() and not _hidden(inside))
    return sorted(folder for folder in folders if not _is_run(folder))


def _hidden(path: Path | os.DirEntry[str]) -> bool:
    return path.name.startswith(".") or path.name.lower() in NOT_OURS


def _is_run(folder: str | Path) -> bool:
    """Whether osteon wrote it: the plots of a run within the data are no films."""
    return any(all(Path(folder, name).is_file() for name in names) for names in OF_A_RUN)


@dataclass(frozen=True, kw_only=True, slots=True)
class Contents:
    """What lies below a folder."""

    films: list[Path] = field(default_factory=list)
    others: list[Path] = field(default_factory=list)  # neither films nor hidden


def contents(folder: Path) -> Contents:
    """All files below ``folder``, links followed, in order of their names; what osteon made, such
    as a run's folder, left out.

    Raises DataError for a file in place of a folder.
    """
    if not folder.is_dir():
        raise DataError(f"{folder} is no folder. Name the folder that holds the films.")
    found = Contents()
    for entry in _walk(folder):
        path = Path(entry.path)
        (found.films if _holds_film(entry, path) else found.others).append(path)
    return found


def films_below(folder: Path) -> Iterator[Path]:
    """The films of ``contents``, found while one asks for them."""
    for entry in _walk(folder):
        path = Path(entry.path)
        if _holds_film(entry, path):
            yield path


def holds_films(folder: Path) -> bool:
    return next(films_below(folder), None) is not None


def _holds_film(entry: os.DirEntry[str], path: Path) -> bool:
    """A pipe or a socket is none; a link that leads nowhere is, and the audit will name it."""
    return (entry.is_symlink() or entry.is_file()) and sayable(entry.path) and is_film(path)


def sayable(name: str) -> bool:
    """Whether a name can be written to a file: names of old archives may not be UTF-8."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _walk(folder: str | Path, above: frozenset[str] = frozenset()) -> Iterator[os.DirEntry[str]]:
    real = os.path.realpath(folder)
    if real in above:
        return  # a link to a folder above it would go round for ever
    with os.scandir(folder) as inside:
        entries = sorted(inside, key=lambda entry: entry.name)
    for entry in entries:
        if _hidden(entry):
            continue
        if Path(entry.path).is_dir() if entry.is_symlink() else entry.is_dir():
            if not _is_run(entry.path):
                yield from _walk(entry.path, above | {real})
        else:
            yield entry


def film_id(path: Path, root: Path) -> str:
    """The path below the root, with forward slashes."""
    return path.relative_to(root).as_posix()

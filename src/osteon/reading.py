"""Reads a data set of any known layout: recognises it and says why."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from osteon.errors import DataError, UnrecognisedLayout
from osteon.sources import SOURCES, Recognition
from osteon.sources.assembly import HOW_TO
from osteon.sources.cells import TABLES
from osteon.sources.dicom import table_in
from osteon.sources.films import holds_films, is_film, sayable, subfolders
from osteon.sources.which_table import overlooked
from osteon.types import Manifest

# Where one of these fits, a lone folder is an archive's rather than a class.
MAY_BE_WRAPPED = (None, "class_folders", "class_split_folders", "dicom")
FOLDER_LAYOUTS = ("class_folders", "class_split_folders", "dicom", "split_folders")
DATA_SETS = ("fracatlas", "phantom", "split_folders", "table")  # never a class of another one


def read_source(path: Path | str, *, layout: str | None = None) -> Manifest:
    """Read the data set at ``path``, a folder or a CSV or Parquet file.

    Without ``layout`` every known one is tried, and ``Manifest.recognised_by`` says which fits and
    why. Where all films lie in a single folder (an archive unpacked into a folder of its own) and
    that one fits, it is read, and ``recognised_by`` says so.

    Raises DataError for a path that is not there, cannot be opened or has films of fewer than two
    classes, UnrecognisedLayout with what was tried when nothing fits, UnknownName for a layout that
    does not exist.
    """
    path = Path(path)
    try:
        if not path.exists():
            raise DataError(_no_such(path))
        if not sayable(str(path)):
            told = str(path).encode(errors="backslashreplace").decode()
            raise DataError(f"{told}: a folder's name is not UTF-8. Rename it.")
        if layout is not None:
            source = SOURCES[layout]
            return replace(source.read(path), recognised_by=f"{path}: read as {layout}, as asked.")
        return _recognised(path)
    except OSError as error:
        where = error.filename or path
        raise DataError(f"{where} cannot be read: {error.strerror or error}.") from error


def _recognised(path: Path) -> Manifest:
    if path.is_dir() and not any(path.iterdir()):
        raise DataError(f"{path} is an empty folder. {HOW_TO}")
    answers = _asked(path)
    name = _best(answers)
    inside = _wrapped(path)
    if name in MAY_BE_WRAPPED and inside and _fits(inside):
        manifest = _recognised(inside)
        told = f"{path.name} holds all films in '{inside.name}'. {manifest.recognised_by}"
        return replace(manifest, recognised_by=told)
    if name is None:
        raise UnrecognisedLayout(_nothing_fits(path, answers))
    if name == "class_folders":
        _refuse_several(path)
    told = f"{path.name or path}: read as {name}, because {answers[name].reason}."
    manifest = replace(SOURCES[name].read(path), recognised_by=told)
    if name not in FOLDER_LAYOUTS:
        return manifest
    used = table_in(path) if name == "dicom" else None
    return replace(manifest, remarks=(*manifest.remarks, *overlooked(path, used)))


def _best(answers: Mapping[str, Recognition]) -> str | None:
    fitting = [name for name, answer in answers.items() if answer.fits]
    return min(fitting, key=lambda name: SOURCES[name].rank, default=None)


def _refuse_several(path: Path) -> None:
    """A folder of data sets looks like a folder of classes."""
    answers = {folder: _best(_asked(folder)) for folder in subfolders(path)}
    sets = {folder.name: name for folder, name in answers.items() if name in DATA_SETS}
    if sets:
        told = ", ".join(f"{folder} (layout {name})" for folder, name in sets.items())
        raise DataError(
            f"{path} holds whole data sets: {told}. Read one of them: {path / next(iter(sets))}, "
            "say. If they are classes all the same, ask for the layout class_folders."
        )


def _asked(path: Path) -> dict[str, Recognition]:
    return {name: source.recognise(path) for name, source in SOURCES.items()}


def _fits(path: Path) -> bool:
    return _best(_asked(path)) is not None


def _wrapped(path: Path) -> Path | None:
    """The one folder that holds all films of ``path``, where no table says more about them."""
    full = [folder for folder in subfolders(path) if holds_films(folder)]
    if len(full) != 1:
        return None
    beside = (file for file in path.iterdir() if file.is_file())
    said = any(file.suffix.lower() in TABLES or is_film(file) for file in beside)
    return None if said else full[0]


def _no_such(path: Path) -> str:
    parent = path.parent
    if not parent.is_dir():
        return f"There is no {path}, nor its folder {parent}. Is the path spelt right?"
    names = {inside.name.lower(): inside for inside in parent.iterdir()}
    near = difflib.get_close_matches(path.name.lower(), names, n=1)
    hint = f"Did you mean {names[near[0]]}?" if near else "Is the path spelt right?"
    return f"There is no {path}. {hint}"


def _nothing_fits(path: Path, answers: Mapping[str, Recognition]) -> str:
    tried = "".join(f"\n  {name}: {answer.reason}" for name, answer in answers.items())
    if path.is_file():
        first = f"{path} is a file. A data set is a folder of films, or a table (CSV, Parquet)."
    elif not holds_films(path):
        first = f"There is no film in {path}."
    else:
        first = f"The layout of {path} is not known."
    return f"{first} Tried:{tried}\n{HOW_TO}"

"""Reads a data set of any known layout: recognises it and says why."""

from __future__ import annotations

import difflib
from dataclasses import replace
from pathlib import Path

from osteon.errors import DataError, UnrecognisedLayout
from osteon.sources import SOURCES, Recognition, Source
from osteon.sources.films import holds_films, subfolders
from osteon.types import Manifest


def read_source(path: Path | str, *, layout: str | None = None) -> Manifest:
    """Read the data set at ``path``, a folder or a CSV or Parquet file.

    Without ``layout`` every known one is tried, and ``Manifest.recognised_by`` says which fits and
    why. A folder that holds nothing but one fitting folder is entered.

    Raises DataError for a path that is not there or has no film, UnrecognisedLayout with what was
    tried when nothing fits, UnknownName for a layout that does not exist.
    """
    path = Path(path)
    if not path.exists():
        raise DataError(_no_such(path))
    if layout is not None:
        source = SOURCES[layout]
        return _told(source.read(path), f"{path}: read as {layout}, as asked.")
    if path.is_dir() and not any(path.iterdir()):
        raise DataError(f"{path} is an empty folder. Put a folder of films per class into it.")
    answers = _asked(path)
    inside = subfolders(path) if path.is_dir() else []
    name = _best(answers)
    if len(inside) == 1 and name in (None, "class_folders") and _best(_asked(inside[0])):
        return read_source(inside[0])  # an archive unpacked into a folder of its own
    if name is None:
        raise UnrecognisedLayout(_nothing_fits(path, answers))
    return _told(SOURCES[name].read(path), _why(path, name, answers[name]))


def _asked(path: Path) -> dict[str, Recognition]:
    return {name: source.recognise(path) for name, source in SOURCES.items()}


def _best(answers: dict[str, Recognition]) -> str | None:
    fitting = [name for name, answer in answers.items() if answer.fits]
    return min(fitting, key=lambda name: _source(name).rank, default=None)


def _source(name: str) -> Source:
    return SOURCES[name]


def _told(manifest: Manifest, why: str) -> Manifest:
    return replace(manifest, recognised_by=why)


def _why(path: Path, name: str, answer: Recognition) -> str:
    return f"{path.name or path}: read as {name}, because {answer.reason}."


def _no_such(path: Path) -> str:
    parent = path.parent
    if not parent.is_dir():
        return f"There is no {path}, nor its folder {parent}."
    near = difflib.get_close_matches(path.name, [p.name for p in parent.iterdir()], n=1)
    hint = f" Did you mean {parent / near[0]}?" if near else ""
    return f"There is no {path}.{hint}"


def _nothing_fits(path: Path, answers: dict[str, Recognition]) -> str:
    tried = "".join(f"\n  {name}: {answer.reason}" for name, answer in answers.items())
    if path.is_dir() and not holds_films(path):
        first = f"There is no film in {path}."
    else:
        first = f"The layout of {path} is not known."
    return (
        f"{first} Tried:{tried}\nPut the films of each class in a folder of its own, or write a "
        "CSV with the columns path and label."
    )

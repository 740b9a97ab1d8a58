"""A folder per class."""

from __future__ import annotations

from pathlib import Path

from osteon.sources import SOURCES, Recognition
from osteon.sources.films import (
    Labelled,
    assembled,
    contents,
    film_id,
    holds_films,
    part_named,
    subfolders,
)
from osteon.types import Manifest, Radiograph


class ClassFolders:
    """DATA/CLASS/film.jpg; folders inside a class are part of it."""

    rank = 50

    def recognise(self, path: Path) -> Recognition:
        folders = [folder for folder in subfolders(path) if holds_films(folder)]
        if not folders:
            return Recognition(fits=False, reason="it has no sub-folder with films")
        parts = [folder.name for folder in folders if part_named(folder.name)]
        if parts:
            return Recognition(
                fits=False, reason=f"'{parts[0]}' names a part of a split, not a class"
            )
        names = ", ".join(folder.name for folder in folders[:4])
        more = f" and {len(folders) - 4} more" if len(folders) > 4 else ""
        return Recognition(fits=True, reason=f"it has a folder per class: {names}{more}")

    def read(self, path: Path) -> Manifest:
        found = contents(path)
        films = [
            Labelled(
                film=Radiograph(id=film_id(file, path), path=file),
                class_name=file.relative_to(path).parts[0],
            )
            for file in found.films
            if file.parent != path
        ]
        loose = [file for file in found.films if file.parent == path]
        reason = self.recognise(path).reason
        return assembled(path, "class_folders", reason, films, others=[*found.others, *loose])


SOURCES.register("class_folders")(ClassFolders())

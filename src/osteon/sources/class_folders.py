"""A folder per class."""

from __future__ import annotations

from pathlib import Path

from osteon.sources import SOURCES, Recognition
from osteon.sources.assembly import Labelled, assembled, remark
from osteon.sources.films import contents, film_id, holds_films, part_named, subfolders
from osteon.types import Manifest, Radiograph
from osteon.words import first_few


class ClassFolders:
    """DATA/CLASS/film.jpg; folders inside a class are part of it."""

    rank = 50

    def recognise(self, path: Path) -> Recognition:
        names = [folder.name for folder in subfolders(path) if holds_films(folder)]
        if not names:
            return Recognition(fits=False, reason="it has no sub-folder with films")
        parts = [name for name in names if part_named(name)]
        if parts:
            return Recognition(
                fits=False, reason=f"'{parts[0]}' names a part of a split, not a class"
            )
        return Recognition(fits=True, reason=f"it has a folder per class: {first_few(names, 4)}")

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
        full = {item.class_name for item in films}
        bare = [folder.name for folder in subfolders(path) if folder.name not in full]
        return assembled(
            path,
            "class_folders",
            self.recognise(path).reason,
            films,
            others=[*found.others, *loose],
            remarks=[remark(f"No class: {first_few(bare, 4)} (no film in it).")] if bare else [],
        )


SOURCES.register("class_folders")(ClassFolders())

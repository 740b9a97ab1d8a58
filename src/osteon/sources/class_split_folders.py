"""A folder per class, with Train and Test inside each."""

from __future__ import annotations

from pathlib import Path

from osteon.sources import SOURCES, Recognition
from osteon.sources.assembly import Labelled, assembled
from osteon.sources.films import contents, film_id, holds_films, part_named, subfolders
from osteon.types import Manifest, Radiograph


class ClassSplitFolders:
    """DATA/CLASS/{Train,Test}/film.jpg."""

    rank = 40

    def recognise(self, path: Path) -> Recognition:
        folders = [folder for folder in subfolders(path) if holds_films(folder)]
        parts = [part for folder in folders if (part := _first_part(folder))]
        if len(parts) <= len(folders) / 2:
            return Recognition(
                fits=False, reason="its folders have no folders named train, val or test inside"
            )
        return Recognition(
            fits=True,
            reason=f"{len(parts)} of its {len(folders)} class folders have parts of a split inside "
            f"(such as {parts[0]})",
        )

    def read(self, path: Path) -> Manifest:
        films, loose = [], []
        found = contents(path)
        for file in found.films:
            steps = file.relative_to(path).parts
            if len(steps) < 2:
                loose.append(file)
                continue
            part = part_named(steps[1]) if len(steps) > 2 else None
            film = Radiograph(id=film_id(file, path), path=file, split=part)
            films.append(Labelled(film=film, class_name=steps[0]))
        reason = self.recognise(path).reason
        return assembled(path, "class_split_folders", reason, films, others=[*found.others, *loose])


def _first_part(folder: Path) -> str | None:
    parts = (inside.name for inside in subfolders(folder) if part_named(inside.name))
    return next((f"{folder.name}/{part}" for part in parts), None)


SOURCES.register("class_split_folders")(ClassSplitFolders())

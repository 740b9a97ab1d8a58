"""Train, validation and test folders that hold class folders."""

from __future__ import annotations

from itertools import takewhile
from pathlib import Path

from osteon.sources import SOURCES, Recognition
from osteon.sources.assembly import Labelled, assembled
from osteon.sources.films import contents, film_id, holds_films, part_named, subfolders
from osteon.types import PARTS, Manifest, Radiograph


class SplitFolders:
    """DATA/{train,val,test}/CLASS/film.jpg, the parts in any spelling; also DATA/train/train/CLASS,
    as archives unpack."""

    rank = 30

    def recognise(self, path: Path) -> Recognition:
        folders = subfolders(path)
        parts = [f.name for f in folders if part_named(f.name) and _has_classes(f)]
        if not parts:
            return Recognition(
                fits=False, reason="it has no folder named train, val or test with class folders"
            )
        parts.sort(key=lambda name: PARTS.index(part_named(name) or "train"))
        return Recognition(
            fits=True, reason=f"it has {', '.join(parts)} with a folder per class in each"
        )

    def read(self, path: Path) -> Manifest:
        films, loose = [], []
        found = contents(path)
        for file in found.films:
            folders = file.relative_to(path).parts[:-1]
            parts = [*takewhile(bool, map(part_named, folders))]
            if not parts or len(parts) == len(folders):
                loose.append(file)
                continue
            film = Radiograph(id=film_id(file, path), path=file, split=parts[-1])
            films.append(Labelled(film=film, class_name=folders[len(parts)]))
        reason = self.recognise(path).reason
        return assembled(path, "split_folders", reason, films, others=[*found.others, *loose])


def _has_classes(folder: Path) -> bool:
    return any(
        _has_classes(inside) if part_named(inside.name) else holds_films(inside)
        for inside in subfolders(folder)
    )


SOURCES.register("split_folders")(SplitFolders())

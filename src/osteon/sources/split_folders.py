"""Train, validation and test folders that hold class folders."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path

from osteon.sources import SOURCES, Recognition
from osteon.sources.assembly import Labelled, assembled, remark
from osteon.sources.films import contents, film_id, holds_films, part_named, subfolders
from osteon.types import PARTS, Finding, Manifest, Radiograph
from osteon.words import counted


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
        others = [*found.others, *loose]
        remarks = _on_other_folders(path, loose)
        return assembled(path, "split_folders", reason, films, others=others, remarks=remarks)


def _on_other_folders(path: Path, loose: list[Path]) -> Iterator[Finding]:
    """A warning for each folder beside the parts that has class folders of its own."""
    steps = [file.relative_to(path).parts for file in loose]
    beside = Counter(parts[0] for parts in steps if len(parts) > 2)
    for name, n in beside.items():
        yield remark(
            f"'{name}' names no part of a split: its {counted(n, 'film')} were left alone.",
            severity="warning",
            remedy="Call it train, val or test, or move it elsewhere.",
        )


def _has_classes(folder: Path) -> bool:
    return any(
        _has_classes(inside) if part_named(inside.name) else holds_films(inside)
        for inside in subfolders(folder)
    )


SOURCES.register("split_folders")(SplitFolders())

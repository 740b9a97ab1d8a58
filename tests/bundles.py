"""A tiny run that is trained, evaluated and exported, for the tests of bundles."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from osteon.export import export
from osteon.run import run
from tests.training import TINY, write_films


@dataclass(frozen=True)
class Exported:
    films: tuple[Path, ...]
    run: Path
    bundle: Path
    cache: Path


def exported_run(place: Path) -> Exported:
    films = write_films(place / "films", each=60)
    cache = place / "cache"
    folder = run(films, out=place / "r", recipe=replace(TINY, epochs=3), cache=cache)
    bundle = export(folder.path, cache=cache)
    return Exported(tuple(sorted(films.rglob("*.png"))), folder.path, bundle, cache)

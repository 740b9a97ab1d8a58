"""How many pictures that are no films of the kind the gate of a bundle refuses, and how many test
films it refuses wrongly. Opens the run's test part (without its labels): openings.log says so.

    python benchmarks/gate_refusals.py RUN --films FOLDER --labels docs/audits/artefacts-*.csv

Pictures: those that the installed packages ship (photographs, plots, icons, CT and MR test files),
and the files of ``--films`` that ``--labels`` (by SHA-256) say are CT or MRI, or no radiograph.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from osteon.answers import NOT_READABLE, UNLIKE
from osteon.bundle import Bundle
from osteon.manifest import read_manifest
from osteon.runs import RunFolder, log_opening
from osteon.sources.films import SUFFIXES
from osteon.split_file import read_split
from osteon.statistics import share

KINDS = ("ct_or_mri", "not_radiograph")


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("run", type=Path)
    asked.add_argument("--films", type=Path)
    asked.add_argument("--labels", type=Path, nargs="*", default=[])
    asked.add_argument("--out", type=Path)
    told = asked.parse_args()
    bundle = Bundle.load(told.run / "bundle", precision="float32", workers=2)
    found = {"test films (wrongly)": refused(bundle, test_films(RunFolder(told.run)))}
    for package, paths in sorted(shipped().items()):
        found[f"package {package}"] = refused(bundle, paths)
    for kind, paths in labelled(told.films, told.labels).items():
        found[kind] = refused(bundle, paths)
    outside = [rows for name, rows in found.items() if not name.startswith("test")]
    hits = np.concatenate(outside)
    groups = [str(at) for at in range(len(hits))]
    rates = {name: [int(rows.sum()), len(rows)] for name, rows in found.items() if len(rows)}
    overall = share(hits, groups)
    said = {"refused_of": rates, "outside": [overall.value, overall.low, overall.high, overall.n]}
    print(json.dumps(said, indent=2))
    if told.out:
        told.out.write_text(json.dumps(said, indent=2) + "\n")


def refused(bundle: Bundle, paths: list[Path]) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Of those that can be decoded."""
    readings = [made for made in bundle.read(paths) if made.category != NOT_READABLE]
    return np.array([made.category == UNLIKE for made in readings], dtype=np.bool_)


def test_films(folder: RunFolder) -> list[Path]:
    log_opening(folder, "benchmarks/gate_refusals.py")
    path_of = {film.id: film.path for film in read_manifest(folder.manifest).radiographs}
    return [path_of[id_] for id_ in read_split(folder.split).test]


def shipped() -> dict[str, list[Path]]:
    """Package -> pictures, each once."""
    site = Path(sysconfig.get_paths()["purelib"])
    found: dict[str, list[Path]] = {}
    for path in first_of_each(p for p in site.rglob("*") if p.suffix.lower() in SUFFIXES):
        package = path.relative_to(site).parts[0]
        if package != "osteon":
            found.setdefault(package, []).append(path)
    return found


def labelled(films: Path | None, tables: list[Path]) -> dict[str, list[Path]]:
    kinds: dict[str, set[str]] = {}
    for table in tables:
        with table.open(newline="") as file:
            for row in csv.DictReader(file):
                kinds.setdefault(row["sha256"], set()).update(
                    kind for kind in KINDS if row.get(kind) == "yes"
                )
    found: dict[str, list[Path]] = {}
    for path in first_of_each(films.rglob("*")) if films else ():
        for kind in sorted(kinds.get(hashlib.sha256(path.read_bytes()).hexdigest(), ()))[:1]:
            found.setdefault(kind, []).append(path)
    return found


def first_of_each(paths: Iterator[Path]) -> Iterator[Path]:
    seen: set[str] = set()
    for path in sorted(p for p in paths if p.is_file()):
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        if digest not in seen:
            seen.add(digest)
            yield path


if __name__ == "__main__":
    main()

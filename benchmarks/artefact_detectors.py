"""How often each artefact detector is right: on films labelled by hand, and on phantoms.

    python benchmarks/artefact_detectors.py FOLDER... --labels docs/audits/artefacts-test.csv
    python benchmarks/artefact_detectors.py FOLDER... --labels docs/audits/artefacts-test-2.csv
    python benchmarks/artefact_detectors.py --phantoms 120
    python benchmarks/artefact_detectors.py --fracatlas fracatlas \
        --but docs/audits/artefacts-development-2.csv

The labels are SHA-256 digests of files: any copy of the data sets serves. Of each kind they say
yes, no or ? (not counted); a lone letter on a film with writing is not counted either, since the
writing's own letters are. Phantoms are made twice, with and without what is to be seen.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np
from PIL import Image

from osteon.artefacts import DETECTORS, detect
from osteon.errors import OsteonError
from osteon.phantom import make_phantoms
from osteon.phantom.plan import PhantomPlan
from osteon.pixels import decode_bytes
from osteon.statistics import wilson

SIZES = {"size_px": 384, "films_per_patient": 2}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="*", type=Path)
    parser.add_argument("--labels", type=Path)
    parser.add_argument("--phantoms", type=int, default=0)
    parser.add_argument("--fracatlas", type=Path, help="measure metal on its column of hardware")
    parser.add_argument("--but", nargs="*", type=Path, default=[], help="labels of films left out")
    asked = parser.parse_args()
    if asked.labels:
        print(f"films labelled by hand, {asked.labels.name}")
        table(by_hand(asked.folders, asked.labels))
    if asked.fracatlas:
        table(on_hardware(asked.fracatlas, asked.but))
    if asked.phantoms:
        print(f"{asked.phantoms} phantoms with and {asked.phantoms} without")
        with tempfile.TemporaryDirectory() as room:
            table(on_phantoms(Path(room), asked.phantoms))


def table(counts: Mapping[str, Counter[str]]) -> None:
    print(
        "| kind | films with it | recall | precision | false alarms |\n| --- " + "| --- " * 4 + "|"
    )
    for kind, seen in sorted(counts.items()):
        there, told = seen["hit"] + seen["missed"], seen["hit"] + seen["false"]
        absent = seen["false"] + seen["clear"]
        print(
            f"| {kind} | {there} | {share(seen['hit'], there)} | {share(seen['hit'], told)} "
            f"| {share(seen['false'], absent)} |"
        )


def share(part: int, whole: int) -> str:
    if not whole:
        return "-"
    low, high = wilson(part, whole)
    return f"{100 * part / whole:.0f} [{100 * low:.0f}, {100 * high:.0f}] %"


def by_hand(folders: list[Path], labels: Path) -> dict[str, Counter[str]]:
    wanted = {row["sha256"]: row for row in csv.DictReader(labels.open())}
    counts: dict[str, Counter[str]] = {}
    for data in files_of(folders, wanted):
        row = wanted.pop(hashlib.sha256(data).hexdigest())
        count(counts, data, {kind: row[kind] for kind in row if kind != "sha256"})
    print(f"{len(wanted)} labelled films were not found")
    return counts


def on_hardware(folder: Path, but: list[Path]) -> dict[str, Counter[str]]:
    """Rings and bangles are metal, but not in the column: they count as false alarms."""
    seen = {row["sha256"] for path in but for row in csv.DictReader(path.open())}
    counts: dict[str, Counter[str]] = {}
    n_broken = 0
    for row in csv.DictReader((folder / "dataset.csv").open()):
        for path in folder.glob(f"images/*/{row['image_id']}"):
            data = path.read_bytes()
            digest = hashlib.sha256(data).hexdigest()
            if digest in seen:
                continue
            seen.add(digest)
            try:
                count(counts, data, {"metal": "yes" if row["hardware"] == "1" else "no"})
            except OsteonError:
                n_broken += 1
    print(f"FracAtlas by its column of hardware; {n_broken} films cannot be read")
    return counts


def files_of(folders: list[Path], wanted: Mapping[str, object]) -> Iterator[bytes]:
    seen = set()
    for folder in folders:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            data = path.read_bytes()
            digest = hashlib.sha256(data).hexdigest()
            if digest in wanted and digest not in seen:
                seen.add(digest)
                yield data


def count(counts: dict[str, Counter[str]], data: bytes, truth: Mapping[str, str]) -> None:
    told = {each.kind for each in detect(data, decode_bytes(data), detectors_for(truth))}
    for kind, there in truth.items():
        if there == "?" or (kind == "letter" and there == "no" and truth.get("writing") == "yes"):
            continue
        answer = {
            (True, True): "hit", (True, False): "missed",
            (False, True): "false", (False, False): "clear",
        }[there == "yes", kind in told]  # fmt: skip
        counts.setdefault(kind, Counter())[answer] += 1


def detectors_for(kinds: Iterable[str]) -> list[str]:
    return [kind for kind in kinds if kind in DETECTORS]


def on_phantoms(room: Path, n: int) -> dict[str, Counter[str]]:
    counts: dict[str, Counter[str]] = {}
    bare = {"markers": 0.0, "writing": 0.0, "arrows": 0.0, "plates": 0.0, "casts": 0.0}
    for kind, field in (
        ("letter", "markers"), ("writing", "writing"), ("arrow", "arrows"), ("metal", "plates"),
        ("cast", "casts"),
    ):  # fmt: skip
        for there in (1.0, 0.0):
            plan = PhantomPlan(films=n, seed=11, **{**SIZES, **bare, field: there})  # type: ignore[arg-type]
            folder = make_phantoms(room / f"{kind}-{there}", plan)
            for path in sorted(folder.rglob("*.jpg")):
                count(counts, path.read_bytes(), {kind: "yes" if there else "no"})
    for path in sorted((room / "metal-0.0").rglob("*.jpg")):
        film = Image.open(path)
        for kind, made in changed(film):
            for answer, picture in (("yes", made), ("no", film)):
                count(counts, packed(picture), {kind: answer})
    return counts


def changed(film: Image.Image) -> Iterator[tuple[str, Image.Image]]:
    yield "inverted", Image.fromarray(255 - np.asarray(film))
    framed = Image.new("L", (film.width + 40, film.height + 30), 255)
    framed.paste(film, (20, 15))
    yield "frame", framed
    pair = Image.new("L", (2 * film.width + 8, film.height), 255)
    pair.paste(film, (0, 0))
    pair.paste(film.transpose(Image.Transpose.FLIP_LEFT_RIGHT), (film.width + 8, 0))
    yield "collage", pair
    yield "tint", Image.merge("RGB", [film.point(lambda v: v // 2), film, film])
    marked = film.convert("RGB")
    marked.paste((230, 20, 20), (60, 80, 90, 90))
    yield "coloured_mark", marked
    yield "blank", Image.new("L", film.size, 7)


def packed(film: Image.Image) -> bytes:
    import io

    file = io.BytesIO()
    film.save(file, "JPEG", quality=90)
    return file.getvalue()


if __name__ == "__main__":
    main()

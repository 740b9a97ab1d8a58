"""How many planted copies the audit finds, and how many pairs it calls copies that are none.

    python benchmarks/planted_copies.py FOLDER --films 200        films of any folder
    python benchmarks/planted_copies.py --phantoms 200            radiographs made by osteon

Takes films that are in no copy cluster yet, adds one re-made copy of each, by one of 20 kinds of
change in turn (each by the strengths below, drawn), and audits originals and copies together; once
for each kind, so that no copy finds its film by way of another. The changes are made here with
Pillow and NumPy alone; the detector has none of this code. Recall: copies found in their film's
cluster. Precision: of the pairs told as the same, those that are a film and its copy. A file of
what was missed and what was wrong is written with --out.
"""

from __future__ import annotations

import argparse
import io
import json
import random
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageOps

from osteon.likeness.search import find_copies
from osteon.likeness.store import open_store
from osteon.pixels import decode

Film = Image.Image
Draw = random.Random


def jpeg(film: Film, draw: Draw) -> Film:
    buffer = io.BytesIO()
    film.save(buffer, "JPEG", quality=draw.choice([60, 30, 15]))
    return Image.open(io.BytesIO(buffer.getvalue()))


def smaller(film: Film, draw: Draw) -> Film:
    factor = draw.choice([0.75, 0.5, 0.3])
    size = max(48, round(film.width * factor)), max(48, round(film.height * factor))
    return film.resize(size, Image.Resampling.BICUBIC)


def larger(film: Film, draw: Draw) -> Film:
    factor = draw.choice([1.3, 2.0])
    size = round(film.width * factor), round(film.height * factor)
    return film.resize(size, Image.Resampling.BILINEAR)


def stretched(film: Film, draw: Draw) -> Film:
    factor = draw.choice([0.7, 0.85, 1.2, 1.4])
    return film.resize((round(film.width * factor), film.height), Image.Resampling.BICUBIC)


def brightness(film: Film, draw: Draw) -> Film:
    return ImageEnhance.Brightness(film).enhance(draw.choice([0.6, 0.8, 1.2]))


def contrast(film: Film, draw: Draw) -> Film:
    return ImageEnhance.Contrast(film).enhance(draw.choice([0.6, 0.8, 1.2]))


def gamma(film: Film, draw: Draw) -> Film:
    power = draw.choice([0.6, 0.8, 1.25, 1.6])
    return film.point([round(255 * (value / 255) ** power) for value in range(256)])


def equalised(film: Film, draw: Draw) -> Film:
    return Image.blend(film, ImageOps.equalize(film), draw.choice([0.4, 0.7]))


def inverted(film: Film, _: Draw) -> Film:
    return ImageOps.invert(film)


def mirrored(film: Film, _: Draw) -> Film:
    return ImageOps.mirror(film)


def upside_down(film: Film, _: Draw) -> Film:
    return ImageOps.flip(film)


def quarter_turn(film: Film, draw: Draw) -> Film:
    return film.transpose(draw.choice([Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_270]))


def turned_a_little(film: Film, draw: Draw) -> Film:
    return film.rotate(draw.choice([-10, -5, 3, 8]), Image.Resampling.BICUBIC)


def turned(film: Film, draw: Draw) -> Film:
    """By any angle, the frame kept, black around."""
    return film.rotate(draw.uniform(12, 348), Image.Resampling.BICUBIC)


def turned_whole(film: Film, draw: Draw) -> Film:
    """By any angle, the frame grown so that nothing is cut."""
    return film.rotate(draw.uniform(12, 348), Image.Resampling.BICUBIC, expand=True)


def cropped(film: Film, draw: Draw) -> Film:
    """5 to 20 % of either side cut away."""
    keep = 1 - draw.choice([0.05, 0.1, 0.2])
    width, height = round(film.width * keep), round(film.height * keep)
    left, top = draw.randint(0, film.width - width), draw.randint(0, film.height - height)
    return film.crop((left, top, left + width, top + height))


def with_margins(film: Film, draw: Draw) -> Film:
    border = round(draw.choice([0.05, 0.15, 0.3]) * max(film.size))
    return ImageOps.expand(film, border, fill=draw.choice([0, 255, 40]))


def blurred(film: Film, draw: Draw) -> Film:
    return film.filter(ImageFilter.GaussianBlur(draw.choice([0.5, 1.0, 2.0])))


def noisy(film: Film, draw: Draw) -> Film:
    noise = np.random.default_rng(draw.randrange(2**32)).normal(
        0, draw.choice([4, 8, 12]), film.size
    )
    return Image.fromarray(np.clip(np.asarray(film) + noise.T, 0, 255).astype(np.uint8))


def written_on(film: Film, draw: Draw) -> Film:
    film = film.copy()
    pen, unit = ImageDraw.Draw(film), max(film.size) / 100
    x, y = draw.uniform(0.1, 0.6) * film.width, draw.uniform(0.1, 0.8) * film.height
    pen.line((x, y, x + 12 * unit, y + 8 * unit), fill=255, width=max(1, round(unit)))
    place = draw.uniform(0.05, 0.4) * film.width, 0.92 * film.height
    pen.text(place, "Case 17  R  www.osteon.org", fill=255, font_size=4 * unit)
    return film


KINDS: dict[str, Callable[[Film, Draw], Film]] = {
    change.__name__.replace("_", " "): change
    for change in (
        jpeg, smaller, larger, stretched, brightness, contrast, gamma, equalised, inverted,
        mirrored, upside_down, quarter_turn, turned_a_little, turned, turned_whole, cropped,
        with_margins, blurred, noisy, written_on,
    )
}  # fmt: skip


def main() -> None:
    words = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    words.add_argument("folder", type=Path, nargs="?")
    words.add_argument("--phantoms", type=int, default=0)
    words.add_argument("--films", type=int, default=200)
    words.add_argument("--kinds", nargs="*", default=list(KINDS))
    words.add_argument("--seed", type=int, default=0)
    words.add_argument("--out", type=Path)
    given = words.parse_args()
    with tempfile.TemporaryDirectory() as place:
        originals = films_of(given, Path(place))
        rows = []
        for kind in given.kinds:
            rows.append(row := tried(kind, originals, given.seed))
            recall = f"recall {row['recall']:.3f} ({row['found']} of {row['n']})"
            right = f"precision {row['precision']:.3f} ({row['found']} of {row['told']})"
            print(f"{kind:16} {recall}, {right}", flush=True)
        if given.out:
            given.out.write_text(json.dumps(rows, indent=1) + "\n")


def films_of(given: argparse.Namespace, place: Path) -> list[Film]:
    """Films none of which is a copy of another one."""
    from osteon.looking import look_at
    from osteon.phantom.plan import PhantomPlan
    from osteon.phantom.write import make_phantoms

    folder = given.folder
    if given.phantoms:
        folder = place / "phantoms"
        make_phantoms(folder, PhantomPlan(films=given.phantoms, seed=given.seed))
    manifest, audit = look_at(folder)
    alike = {pair for copy in audit.copies.similar for pair in (copy.one, copy.other)}  # type: ignore[union-attr]
    films = [film for film in manifest.radiographs
             if film.id not in audit.clusters and film.id not in alike
             and film.id not in audit.unreadable]  # fmt: skip
    random.Random(given.seed).shuffle(films)
    return [gray(film.path) for film in films[: given.films]]


def gray(path: Path) -> Film:
    pixels = decode(path).gray
    return Image.fromarray(pixels if pixels.dtype == np.uint8 else (pixels >> 8).astype(np.uint8))


def tried(kind: str, originals: list[Film], seed: int) -> dict[str, object]:
    from osteon.clusters import copy_clusters
    from osteon.inspection import inspect_films
    from osteon.reading import read_source

    draw = random.Random(f"{kind} {seed}")
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        for name in ("a", "b"):
            (root / name).mkdir()
        for number, film in enumerate(originals):
            film.save(root / "a" / f"{number}.png")
            KINDS[kind](film, draw).save(root / "b" / f"{number}.png")
        manifest = read_source(root)
        with open_store() as store:
            facts = inspect_films(manifest, store=store)
            copies = find_copies(facts, store)
    clusters = copy_clusters(facts, copies)
    number_of = {film.id: Path(film.id).stem for film in manifest.radiographs}
    found = [
        number
        for number in range(len(originals))
        if f"a/{number}.png" in clusters
        and clusters[f"a/{number}.png"] == clusters.get(f"b/{number}.png")
    ]
    wrong = [
        (copy.one, copy.other)
        for copy in copies.same
        if number_of[copy.one] != number_of[copy.other]
    ]
    told = len(found) + len(wrong)
    return {
        "kind": kind,
        "n": len(originals),
        "found": len(found),
        "recall": len(found) / len(originals),
        "told": told,
        "precision": len(found) / told if told else 1.0,
        "missed": sorted(set(range(len(originals))) - set(found)),
        "wrong": wrong,
    }


if __name__ == "__main__":
    main()

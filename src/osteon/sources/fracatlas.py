"""FracAtlas: Abedeen et al., Scientific Data 10:521 (2023), doi:10.1038/s41597-023-02432-4."""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import cast
from xml.etree import ElementTree

from osteon.errors import DataError
from osteon.sources import SOURCES, Recognition
from osteon.sources.assembly import Labelled, assembled, remark
from osteon.sources.films import contents, film_id
from osteon.types import Box, Finding, Manifest, Radiograph, View
from osteon.words import counted

REGIONS = ("hand", "leg", "hip", "shoulder", "mixed")
VIEWS = ("frontal", "lateral", "oblique")
EXTRAS = ("hardware", "multiscan")  # not fracture_count: it is the label
FOLDERS = {"Fractured": True, "Non_fractured": False}
Row = Mapping[str, str]
Boxes = Mapping[str, tuple[Box, ...]]


class FracAtlas:
    """images/{Fractured,Non_fractured}, dataset.csv, Annotations/{COCO JSON,PASCAL VOC,YOLO}.

    The class is the folder's. The boxes are in px of the upright film, as the annotations are (as
    measured on the films that have an EXIF orientation).
    """

    rank = 5

    def recognise(self, path: Path) -> Recognition:
        for needed in ("dataset.csv", "images/Fractured", "images/Non_fractured"):
            if not (path / needed).exists():
                return Recognition(fits=False, reason=f"it has no {needed}")
        return Recognition(
            fits=True, reason="it has dataset.csv and images/{Fractured,Non_fractured}"
        )

    def read(self, path: Path) -> Manifest:
        answer = self.recognise(path)
        if not answer.fits:
            raise DataError(f"{path} is not FracAtlas: {answer.reason}.")
        rows = _rows(path / "dataset.csv")
        found = contents(path / "images")
        boxes, annotated_in = _boxes(path / "Annotations", rows)
        films = [
            Labelled(
                film=_film(file, path, rows.get(file.name, {}), boxes.get(file.name, ())),
                class_name=file.parent.name,
            )
            for file in found.films
            if file.parent.name in FOLDERS
        ]
        loose = [file for file in found.films if file.parent.name not in FOLDERS]
        remarks = [
            *_on_labels(films, rows),
            *_on_boxes(films, rows, annotated_in),
            *_on_lists(films, rows, path),
        ]
        return assembled(
            path,
            "fracatlas",
            answer.reason,
            films,
            others=[*found.others, *loose],
            remarks=remarks,
        )


def _rows(table: Path) -> dict[str, Row]:
    with table.open(newline="", encoding="utf-8-sig", errors="replace") as file:
        reader = csv.DictReader(file)
        missing = {"image_id", "fractured"} - set(reader.fieldnames or ())
        if missing:
            raise DataError(f"{table} lacks the columns {', '.join(sorted(missing))}.")
        return {row["image_id"]: {k: v or "" for k, v in row.items() if k} for row in reader}


def _film(file: Path, root: Path, row: Row, boxes: tuple[Box, ...]) -> Radiograph:
    return Radiograph(
        id=film_id(file, root),
        path=file,
        regions=frozenset(name for name in REGIONS if row.get(name) == "1"),
        views=frozenset(cast("View", name) for name in VIEWS if row.get(name) == "1"),
        boxes=boxes,
        extra={name: row[name] for name in EXTRAS if row.get(name)},
    )


# --- boxes ----------------------------------------------------------------------------------------


def _boxes(folder: Path, rows: Mapping[str, Row]) -> tuple[Boxes, str]:
    """File name -> fracture boxes, and which of the three annotations they come from."""
    coco = sorted((folder / "COCO JSON").glob("*.json"))
    if coco:
        return _from_coco(coco[0]), "COCO"
    voc = sorted((folder / "PASCAL VOC").glob("*.xml"))
    if voc:
        return {f"{file.stem}.jpg": _from_voc(file) for file in voc}, "PASCAL VOC"
    yolo = folder / "YOLO"
    if yolo.is_dir():
        broken = [name for name, row in rows.items() if row["fractured"] == "1"]
        images = folder.parent / "images" / "Fractured"
        labels = {name: yolo / f"{Path(name).stem}.txt" for name in broken}
        return {
            name: _from_yolo(file, images / name) for name, file in labels.items() if file.is_file()
        }, "YOLO"
    return {}, ""


def _from_coco(path: Path) -> Boxes:
    """COCO: bbox is [left, top, width, height] in px."""
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
        names = {image["id"]: Path(image["file_name"]).name for image in said["images"]}
        boxes: defaultdict[str, list[Box]] = defaultdict(list)
        for note in said["annotations"]:
            left, top, width, height = map(float, note["bbox"])
            box = Box(left_px=left, top_px=top, width_px=width, height_px=height)
            boxes[names[note["image_id"]]].append(box)
    except (KeyError, ValueError, TypeError) as error:
        raise DataError(f"{path} is no COCO annotation: {error!r}.") from None
    return {name: tuple(of_film) for name, of_film in boxes.items()}


def _from_voc(path: Path) -> tuple[Box, ...]:
    """PASCAL VOC: xmin, ymin, xmax, ymax in px."""
    boxes = []
    try:
        for corners in ElementTree.parse(path).iter("bndbox"):
            left, top, right, bottom = (
                float(corners.findtext(name, "")) for name in ("xmin", "ymin", "xmax", "ymax")
            )
            boxes.append(
                Box(left_px=left, top_px=top, width_px=right - left, height_px=bottom - top)
            )
    except (ElementTree.ParseError, ValueError) as error:
        raise DataError(f"{path} is no PASCAL VOC annotation: {error}.") from None
    return tuple(boxes)


def _from_yolo(path: Path, film: Path) -> tuple[Box, ...]:
    """YOLO: class, then centre and size as shares of the upright film's sides."""
    size = _upright_size(film)
    if size is None:
        return ()
    width_px, height_px = size
    boxes = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line.strip():
            continue
        try:
            x, y, width, height = (float(share) for share in line.split()[1:5])
        except ValueError:
            raise DataError(f"{path} is no YOLO annotation: '{line}'.") from None
        boxes.append(
            Box(
                left_px=(x - width / 2) * width_px,
                top_px=(y - height / 2) * height_px,
                width_px=width * width_px,
                height_px=height * height_px,
            )
        )
    return tuple(boxes)


def _upright_size(film: Path) -> tuple[int, int] | None:
    """Width and height by the header; None for a file without one, which the audit will name."""
    from PIL import Image

    try:
        with Image.open(film) as image:
            lying = image.getexif().get(0x0112, 1) in (5, 6, 7, 8)  # EXIF 2.32, 4.6.4: orientation
            return (image.height, image.width) if lying else (image.width, image.height)
    except OSError:
        return None


# --- what contradicts what ------------------------------------------------------------------------


def _on_labels(films: list[Labelled], rows: Mapping[str, Row]) -> Iterator[Finding]:
    for item in films:
        row = rows.get(item.film.path.name)
        if row and item.class_name and (row["fractured"] == "1") != FOLDERS[item.class_name]:
            yield _warning(
                f"{item.film.id}: its folder says '{item.class_name}', dataset.csv says "
                f"fractured={row['fractured']}. The folder is believed.",
                [item.film.id],
            )


def _on_boxes(
    films: list[Labelled], rows: Mapping[str, Row], annotated_in: str
) -> Iterator[Finding]:
    if not annotated_in:
        yield remark("No fracture boxes: the folder Annotations has none.")
        return
    boxed = [item.film for item in films if item.film.boxes]
    n_boxes = sum(len(film.boxes) for film in boxed)
    yield remark(
        f"{n_boxes:,} fracture boxes on {counted(len(boxed), 'film')}, from the {annotated_in} "
        "annotations."
    )
    for item in films:
        film, n = item.film, len(item.film.boxes)
        said = rows.get(film.path.name, {}).get("fracture_count", "")
        if item.class_name == "Fractured" and not n:
            told = "its folder says 'Fractured', yet no fracture box is annotated"
        elif item.class_name == "Non_fractured" and n:
            told = f"its folder says 'Non_fractured', yet {n} fracture boxes are annotated"
        elif said.isdigit() and int(said) != n:
            told = f"dataset.csv says fracture_count={said}, yet {n} fracture boxes are annotated"
        else:
            continue
        yield _warning(f"{film.id}: {told}.", [film.id])


def _on_lists(films: list[Labelled], rows: Mapping[str, Row], root: Path) -> Iterator[Finding]:
    names = {item.film.path.name for item in films}
    unlisted = [item.film.id for item in films if item.film.path.name not in rows]
    absent = [name for name in rows if name not in names]
    if unlisted:
        yield _warning(f"{counted(len(unlisted), 'film')} not listed in dataset.csv.", unlisted)
    if absent:
        yield _warning(f"{counted(len(absent), 'film')} listed in dataset.csv but absent.", absent)
    if (root / "Utilities" / "Fracture Split").is_dir():
        yield remark(
            "'Utilities/Fracture Split' divides the fractured films only (it is for detectors) "
            "and is not used as a split."
        )


def _warning(message: str, ids: list[str]) -> Finding:
    return remark(
        message,
        ids=ids,
        severity="warning",
        remedy="Look at the films and correct the one that is wrong.",
    )


SOURCES.register("fracatlas")(FracAtlas())

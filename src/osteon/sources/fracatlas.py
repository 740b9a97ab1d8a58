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
from osteon.sources.films import Labelled, assembled, contents, film_id
from osteon.types import Box, Finding, Manifest, Radiograph, View

REGIONS = ("hand", "leg", "hip", "shoulder", "mixed")
VIEWS = ("frontal", "lateral", "oblique")
EXTRAS = ("hardware", "multiscan")
FOLDERS = {"Fractured": True, "Non_fractured": False}
Row = Mapping[str, str]
Boxes = Mapping[str, tuple[Box, ...]]


class FracAtlas:
    """images/{Fractured,Non_fractured}, dataset.csv, Annotations/{COCO JSON,PASCAL VOC,YOLO}.

    The class is the folder's. The boxes are in px of the upright film, as the annotations are.
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
        remarks = list(_remarks(films, rows, boxes, annotated_in, path))
        reason = self.recognise(path).reason
        return assembled(
            path, "fracatlas", reason, films, others=[*found.others, *loose], remarks=remarks
        )


def _rows(table: Path) -> dict[str, Row]:
    with table.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file)
        missing = {"image_id", "fractured"} - set(reader.fieldnames or ())
        if missing:
            raise DataError(f"{table} lacks the columns {', '.join(sorted(missing))}.")
        return {row["image_id"]: row for row in reader}


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
    voc = folder / "PASCAL VOC"
    if voc.is_dir():
        return {f"{file.stem}.jpg": _from_voc(file) for file in sorted(voc.glob("*.xml"))}, "VOC"
    yolo = folder / "YOLO"
    if yolo.is_dir():
        broken = [name for name, row in rows.items() if row["fractured"] == "1"]
        images = folder.parent / "images" / "Fractured"
        labels = {name: yolo / f"{Path(name).stem}.txt" for name in broken}
        return {
            name: _from_yolo(file, images / name) for name, file in labels.items() if file.is_file()
        }, "YOLO"
    return {}, "none"


def _from_coco(path: Path) -> Boxes:
    """COCO: bbox is [left, top, width, height] in px."""
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
        names = {image["id"]: image["file_name"] for image in said["images"]}
        boxes: defaultdict[str, list[Box]] = defaultdict(list)
        for note in said["annotations"]:
            left, top, width, height = note["bbox"]
            box = Box(left_px=left, top_px=top, width_px=width, height_px=height)
            boxes[names[note["image_id"]]].append(box)
    except (KeyError, ValueError, TypeError) as error:
        raise DataError(f"{path} is no COCO annotation: {error!r}.") from None
    return {name: tuple(of_film) for name, of_film in boxes.items()}


def _from_voc(path: Path) -> tuple[Box, ...]:
    """PASCAL VOC: xmin, ymin, xmax, ymax in px."""
    boxes = []
    for corners in ElementTree.parse(path).iter("bndbox"):
        left, top, right, bottom = (
            float(corners.findtext(name, "nan")) for name in ("xmin", "ymin", "xmax", "ymax")
        )
        boxes.append(Box(left_px=left, top_px=top, width_px=right - left, height_px=bottom - top))
    return tuple(boxes)


def _from_yolo(path: Path, film: Path) -> tuple[Box, ...]:
    """YOLO: class, then centre and size as shares of the upright film's sides."""
    lines = [line.split() for line in path.read_text().splitlines() if line.strip()]
    if not lines or not film.is_file():
        return ()
    from PIL import Image, ImageOps

    with Image.open(film) as image:
        width_px, height_px = ImageOps.exif_transpose(image).size
    boxes = []
    for _, *shares in lines:
        x, y, width, height = (float(share) for share in shares[:4])
        boxes.append(
            Box(
                left_px=(x - width / 2) * width_px,
                top_px=(y - height / 2) * height_px,
                width_px=width * width_px,
                height_px=height * height_px,
            )
        )
    return tuple(boxes)


# --- what contradicts what ------------------------------------------------------------------------


def _remarks(
    films: list[Labelled], rows: Mapping[str, Row], boxes: Boxes, annotated_in: str, root: Path
) -> Iterator[Finding]:
    by_name = {item.film.path.name: item for item in films}
    yield from _on_labels(films, rows)
    yield from _on_boxes(films, rows)
    unlisted = [item.film.id for name, item in by_name.items() if name not in rows]
    absent = [name for name in rows if name not in by_name]
    if unlisted:
        yield _warning(f"{len(unlisted):,} films are not listed in dataset.csv.", unlisted)
    if absent:
        yield _warning(f"{len(absent):,} films listed in dataset.csv are absent.", absent)
    n_boxes = sum(len(of_film) for of_film in boxes.values())
    yield Finding(
        check="annotations",
        severity="note",
        message=f"{n_boxes:,} fracture boxes on {len(boxes):,} films, from the {annotated_in} "
        "annotations.",
    )
    if (root / "Utilities" / "Fracture Split").is_dir():
        yield Finding(
            check="annotations",
            severity="note",
            message="'Utilities/Fracture Split' divides the fractured films only (it is for "
            "detectors) and is not used as a split.",
        )


def _on_labels(films: list[Labelled], rows: Mapping[str, Row]) -> Iterator[Finding]:
    for item in films:
        row = rows.get(item.film.path.name)
        if row is None or item.class_name is None:
            continue
        if (row["fractured"] == "1") != FOLDERS[item.class_name]:
            yield _warning(
                f"{item.film.id}: its folder says '{item.class_name}', dataset.csv says "
                f"fractured={row['fractured']}. The folder is believed.",
                [item.film.id],
            )


def _on_boxes(films: list[Labelled], rows: Mapping[str, Row]) -> Iterator[Finding]:
    without = [
        item.film.id for item in films if item.class_name == "Fractured" and not item.film.boxes
    ]
    beside = [
        item.film.id for item in films if item.class_name == "Non_fractured" and item.film.boxes
    ]
    miscounted = [
        item.film.id
        for item in films
        if (row := rows.get(item.film.path.name))
        and row.get("fracture_count", "").isdigit()
        and int(row["fracture_count"]) != len(item.film.boxes)
    ]
    if without:
        yield _warning(f"{len(without):,} fractured films have no fracture box.", without)
    if beside:
        yield _warning(f"{len(beside):,} films without fracture have a fracture box.", beside)
    if miscounted:
        yield _warning(
            f"{len(miscounted):,} films have another number of boxes than dataset.csv's "
            "fracture_count.",
            miscounted,
        )


def _warning(message: str, ids: list[str]) -> Finding:
    return Finding(
        check="annotations",
        severity="warning",
        message=message,
        remedy="Look at the films and correct the one that is wrong.",
        ids=tuple(ids),
    )


SOURCES.register("fracatlas")(FracAtlas())

"""FracAtlas: labels, boxes from any of its three annotations, and what contradicts what."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from osteon.errors import DataError
from osteon.reading import read_source
from osteon.testing.films import with_orientation
from osteon.testing.sources import SAMPLES
from osteon.types import Box, Manifest


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    SAMPLES["fracatlas"](tmp_path)
    return tmp_path


def coco_file(folder: Path) -> Path:
    return folder / "Annotations" / "COCO JSON" / "COCO_fracture_masks.json"


def only_voc(folder: Path) -> None:
    shutil.rmtree(folder / "Annotations")
    voc = folder / "Annotations" / "PASCAL VOC"
    voc.mkdir(parents=True)
    for name, boxes in (("IMG1", [(4, 6, 14, 14)]), ("IMG2", [(1, 2, 4, 6), (5, 6, 12, 14)])):
        objects = "".join(
            f"<object><bndbox><xmin>{left}</xmin><ymin>{top}</ymin><xmax>{right}</xmax>"
            f"<ymax>{bottom}</ymax></bndbox></object>"
            for left, top, right, bottom in boxes
        )
        (voc / f"{name}.xml").write_text(f"<annotation>{objects}</annotation>")
    (voc / "IMG3.xml").write_text("<annotation></annotation>")


def only_yolo(folder: Path) -> None:
    shutil.rmtree(folder / "Annotations")
    yolo = folder / "Annotations" / "YOLO"
    yolo.mkdir(parents=True)
    (yolo / "IMG1.txt").write_text("0 0.28125 0.3125 0.3125 0.25\n\n")
    (yolo / "IMG2.txt").write_text(
        "0 0.078125 0.125 0.09375 0.125\n0 0.265625 0.3125 0.21875 0.25\n"
    )
    (yolo / "IMG3.txt").write_text("")


def messages(manifest: Manifest) -> str:
    return "\n".join(remark.message for remark in manifest.remarks)


@pytest.mark.parametrize(
    ("annotate", "told"),
    [(lambda _: None, "COCO"), (only_voc, "PASCAL VOC"), (only_yolo, "YOLO")],
)
def test_all_three_annotations_say_the_same(
    folder: Path, annotate: Callable[[Path], None], told: str
) -> None:
    annotate(folder)
    manifest = read_source(folder)
    assert manifest.source == "fracatlas"
    assert manifest.classes == ("Non_fractured", "Fractured")
    one, two, three = manifest.radiographs
    assert one.boxes == (Box(left_px=4, top_px=6, width_px=10, height_px=8),)
    assert (len(two.boxes), len(three.boxes)) == (2, 0)
    assert (one.regions, one.views) == (
        frozenset({"hand"}),
        frozenset({"frontal", "lateral"}),
    )
    assert two.extra == {"hardware": "1", "multiscan": "0"}
    assert (two.label, three.label) == (1, 0)
    assert f"3 fracture boxes on 2 films, from the {told} annotations." in messages(manifest)
    assert not [remark for remark in manifest.remarks if remark.severity == "warning"]


def test_yolo_shares_are_of_the_upright_film(folder: Path) -> None:
    only_yolo(folder)
    path = folder / "images" / "Fractured" / "IMG1.jpg"
    Image.new("L", (64, 32)).save(path, exif=with_orientation(6))  # upright it is 32 x 64
    box = read_source(folder).radiographs[0].boxes[0]
    assert (box.left_px, box.width_px) == (0.125 * 32, 0.3125 * 32)
    assert (box.top_px, box.height_px) == (0.1875 * 64, 0.25 * 64)


def test_a_film_that_cannot_be_opened_has_no_yolo_boxes(folder: Path) -> None:
    only_yolo(folder)
    (folder / "images" / "Fractured" / "IMG1.jpg").write_bytes(b"")
    assert read_source(folder).radiographs[0].boxes == ()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "IMG2.jpg,0,1,0,0,0,1,0,1,2",
            "IMG2.jpg,0,1,0,0,0,1,0,0,2",
            "IMG2.jpg: its folder says 'Fractured', dataset.csv says fractured=0. The folder",
        ),
        (
            "IMG3.jpg,0,0,0,1,0,0,0,0,0",
            "IMG3.jpg,0,0,0,1,0,0,0,1,0",
            "IMG3.jpg: its folder says 'Non_fractured', dataset.csv says fractured=1. The folder",
        ),
        (
            "IMG1.jpg,1,0,0,0,0,0,1,1,1",
            "IMG1.jpg,1,0,0,0,0,0,1,1,4",
            "IMG1.jpg: dataset.csv says fracture_count=4, yet 1 fracture boxes are annotated.",
        ),
        ("IMG3.jpg", "IMG9.jpg", "1 film not listed in dataset.csv."),
        ("IMG3.jpg", "IMG9.jpg", "1 film listed in dataset.csv but absent."),
    ],
)
def test_contradictions_of_the_table_are_named(folder: Path, old: str, new: str, said: str) -> None:
    table = folder / "dataset.csv"
    table.write_text(table.read_text().replace(old, new))
    manifest = read_source(folder)
    assert said in messages(manifest)
    assert [film.label for film in manifest.radiographs] == [1, 1, 0]


def test_contradictions_of_the_boxes_are_named(folder: Path) -> None:
    notes = json.loads(coco_file(folder).read_text())
    notes["images"][0]["file_name"] = "IMG3.jpg"
    coco_file(folder).write_text(json.dumps(notes))
    said = messages(read_source(folder))
    assert "IMG1.jpg: its folder says 'Fractured', yet no fracture box is annotated." in said
    assert "IMG3.jpg: its folder says 'Non_fractured', yet 1 fracture boxes are annotated." in said


def test_without_annotations_it_is_read_and_said(folder: Path) -> None:
    shutil.rmtree(folder / "Annotations")
    manifest = read_source(folder)
    assert len(manifest.radiographs) == 3
    assert "No fracture boxes" in messages(manifest)


def test_the_split_of_the_fractured_films_alone_is_not_used(folder: Path) -> None:
    (folder / "Utilities" / "Fracture Split").mkdir(parents=True)
    manifest = read_source(folder)
    assert "is not used as a split" in messages(manifest)
    assert {film.split for film in manifest.radiographs} == {None}


def broken_coco(folder: Path) -> None:
    coco_file(folder).write_text('{"images": [{"id": 1}], "annotations": []}')


def broken_voc(folder: Path) -> None:
    only_voc(folder)
    (folder / "Annotations" / "PASCAL VOC" / "IMG1.xml").write_text("<annotation>")


def broken_yolo(folder: Path) -> None:
    only_yolo(folder)
    (folder / "Annotations" / "YOLO" / "IMG1.txt").write_text("0 0.2 0.3\n")


def broken_table(folder: Path) -> None:
    (folder / "dataset.csv").write_text("name,broken\n")


@pytest.mark.parametrize(
    ("break_it", "words"),
    [
        (broken_coco, "COCO_fracture_masks.json is no COCO annotation"),
        (broken_voc, "IMG1.xml is no PASCAL VOC annotation"),
        (broken_yolo, "IMG1.txt is no YOLO annotation"),
        (broken_table, "dataset.csv lacks the columns fractured, image_id"),
    ],
)
def test_a_damaged_annotation_is_named(
    folder: Path, break_it: Callable[[Path], None], words: str
) -> None:
    break_it(folder)
    with pytest.raises(DataError, match=words):
        read_source(folder)


def test_a_fault_found_in_the_real_one(real_data: Path) -> None:
    manifest = read_source(real_data / "fracatlas")
    warned = [remark for remark in manifest.remarks if remark.severity == "warning"]
    assert [remark.ids for remark in warned] == [("images/Fractured/IMG0003298.jpg",)]
    assert sum(len(film.boxes) for film in manifest.radiographs) == 740

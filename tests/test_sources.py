"""Every layout is recognised by itself, read whole, and explained."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from osteon.errors import DataError, UnknownName, UnrecognisedLayout
from osteon.manifest import write_manifest
from osteon.reading import read_source
from osteon.sources import SOURCES
from osteon.testing.films import write_film
from osteon.types import Box, Manifest


def films(folder: Path, n: int, *, first: int = 0, suffix: str = ".jpg") -> None:
    for number in range(first, first + n):
        write_film(folder / f"{number}{suffix}", seed=number)


def counts(manifest: Manifest) -> Counter[tuple[str | None, str | None]]:
    return Counter((film.split, manifest.class_name(film)) for film in manifest.radiographs)


def messages(manifest: Manifest) -> str:
    return "\n".join(remark.message for remark in manifest.remarks)


# --- folders --------------------------------------------------------------------------------------


def test_a_folder_per_class(tmp_path: Path) -> None:
    films(tmp_path / "normal", 3)
    films(tmp_path / "fractured" / "2021", 2, first=3)
    (tmp_path / "normal" / "notes.txt").write_text("no film")
    (tmp_path / ".DS_Store").write_bytes(b"")
    manifest = read_source(tmp_path)
    assert manifest.source == "class_folders"
    assert manifest.classes == ("normal", "fractured")
    assert counts(manifest) == {(None, "normal"): 3, (None, "fractured"): 2}
    assert manifest.radiographs[0].id == "fractured/2021/3.jpg"
    assert "folder per class: fractured, normal" in manifest.recognised_by
    assert "1 file was left alone (1 .txt)" in messages(manifest)
    assert "'fractured' counts as the positive class" in messages(manifest)


@pytest.mark.parametrize("names", [("train", "val", "test"), ("Train", "valid", "TEST")])
def test_parts_with_class_folders(tmp_path: Path, names: tuple[str, ...]) -> None:
    for at, name in enumerate(names):
        films(tmp_path / name / "not fractured", 2, first=10 * at)
        films(tmp_path / name / "fractured", 1, first=10 * at + 5)
    manifest = read_source(tmp_path)
    assert manifest.source == "split_folders"
    assert counts(manifest)[("val", "not fractured")] == 2
    assert counts(manifest)[("test", "fractured")] == 1


def test_spellings_across_parts_are_one_class(tmp_path: Path) -> None:
    films(tmp_path / "train" / "Hairline Fracture", 3)
    films(tmp_path / "test" / "hairline_fracture", 1, first=3)
    films(tmp_path / "train" / "Spiral", 1, first=4)
    manifest = read_source(tmp_path)
    assert manifest.classes == ("Hairline Fracture", "Spiral")
    assert "are one class, 'Hairline Fracture'" in messages(manifest)


def test_parts_inside_each_class(tmp_path: Path) -> None:
    for at, name in enumerate(("Oblique fracture", "Spiral Fracture")):
        films(tmp_path / name / "Train", 3, first=10 * at)
        films(tmp_path / name / "Test", 1, first=10 * at + 5)
    manifest = read_source(tmp_path)
    assert manifest.source == "class_split_folders"
    assert counts(manifest)[("test", "Spiral Fracture")] == 1
    assert counts(manifest)[("train", "Oblique fracture")] == 3


def test_a_single_folder_inside_is_entered(tmp_path: Path) -> None:
    films(tmp_path / "Archive" / "a", 1)
    films(tmp_path / "Archive" / "b", 1, first=1)
    manifest = read_source(tmp_path)
    assert manifest.root == tmp_path / "Archive"


def test_films_without_extension_are_films(tmp_path: Path) -> None:
    films(tmp_path / "a", 1)
    films(tmp_path / "b", 1, first=1)
    (tmp_path / "a" / "0.jpg").rename(tmp_path / "a" / "IM0001")
    assert len(read_source(tmp_path).radiographs) == 2


def test_a_loop_of_links_ends(tmp_path: Path) -> None:
    films(tmp_path / "a", 1)
    films(tmp_path / "b", 1, first=1)
    (tmp_path / "a" / "again").symlink_to(tmp_path)
    assert len({film.path.resolve() for film in read_source(tmp_path).radiographs}) == 2


# --- tables ---------------------------------------------------------------------------------------


def table(tmp_path: Path, text: str, name: str = "films.csv") -> Path:
    films(tmp_path, 2)
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


FULL = (
    "path,label,patient_id,study_id,split,view,region,laterality,boxes,scanner\n"
    '0.jpg,normal,P1,S1,training,AP,Hand,left,"[[1,2,3,4]]",Siemens\n'
    "1.jpg,fractured,P2,,valid,lat,hand;wrist,R,,\n"
)


@pytest.mark.parametrize("as_folder", [True, False])
def test_a_csv_with_every_column(tmp_path: Path, as_folder: bool) -> None:
    path = table(tmp_path, FULL)
    manifest = read_source(tmp_path if as_folder else path)
    first, second = manifest.radiographs
    assert (first.patient_id, first.study_id, first.split) == ("P1", "S1", "train")
    assert (first.views, first.regions, first.laterality) == (
        frozenset({"frontal"}),
        frozenset({"hand"}),
        "L",
    )
    assert first.boxes == (Box(left_px=1, top_px=2, width_px=3, height_px=4),)
    assert first.extra == {"scanner": "Siemens"}
    assert (second.split, second.views) == ("val", frozenset({"lateral"}))
    assert second.regions == frozenset({"hand", "wrist"})
    assert second.study_id is None
    assert manifest.class_name(second) == "fractured"


def test_semicolons_and_a_byte_order_mark(tmp_path: Path) -> None:
    path = table(tmp_path, "\ufeffpath;label\n0.jpg;normal\n1.jpg;broken\n")
    assert read_source(path).classes == ("normal", "broken")


def test_parquet(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow", reason="the extra osteon[parquet] is not installed")
    parquet = pytest.importorskip("pyarrow.parquet")
    films(tmp_path, 2)
    rows = {"path": ["0.jpg", "1.jpg"], "label": ["a", "b"], "age": [31, None]}
    parquet.write_table(pa.table(rows), tmp_path / "films.parquet")
    manifest = read_source(tmp_path / "films.parquet")
    assert [film.extra for film in manifest.radiographs] == [{"age": "31"}, {}]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("path,lable\n0.jpg,a\n", "no column 'label'.*Is it 'lable'"),
        ("file,label\n0.jpg,a\n", "no column 'path'.*It has: file, label"),
        ("path,label\n", "no row"),
        ("path,label\n0.jpg,a\n0.jpg,b\n", "rows 2 and 3 are both 0.jpg"),
        ("path,label,split\n0.jpg,a,fold1\n1.jpg,b,train\n", "row 2: split 'fold1'"),
        ("path,label,boxes\n0.jpg,a,here\n1.jpg,b,\n", "row 2: boxes"),
        ("path,label\n,a\n", "row 2: path is empty"),
    ],
)
def test_what_is_wrong_with_a_table_is_named(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(DataError, match=words):
        read_source(table(tmp_path, text))


def test_rows_without_a_label_are_kept_unlabelled(tmp_path: Path) -> None:
    films(tmp_path, 3)
    path = table(tmp_path, "path,label\n0.jpg,a\n1.jpg,b\n2.jpg,\n")
    assert [film.label for film in read_source(path).radiographs] == [0, 1, None]


# --- FracAtlas ------------------------------------------------------------------------------------


@pytest.fixture
def fracatlas(tmp_path: Path) -> Path:
    root = tmp_path / "FracAtlas"
    write_film(root / "images" / "Fractured" / "IMG1.jpg", seed=1)
    write_film(root / "images" / "Fractured" / "IMG2.jpg", seed=2)
    write_film(root / "images" / "Non_fractured" / "IMG3.jpg", seed=3)
    (root / "dataset.csv").write_text(
        "image_id,hand,leg,hip,shoulder,mixed,hardware,multiscan,fractured,fracture_count,frontal,"
        "lateral,oblique\n"
        "IMG1.jpg,1,0,0,0,0,0,1,1,1,1,1,0\n"
        "IMG2.jpg,0,1,0,0,0,1,0,0,2,0,0,1\n"
        "IMG9.jpg,0,1,0,0,0,1,0,0,0,0,0,1\n"
    )
    return root


def coco(root: Path) -> None:
    folder = root / "Annotations" / "COCO JSON"
    folder.mkdir(parents=True)
    said = {
        "images": [{"id": 7, "file_name": "IMG1.jpg", "width": 32, "height": 32}],
        "annotations": [{"image_id": 7, "bbox": [4, 6, 10, 8]}],
    }
    (folder / "COCO_fracture_masks.json").write_text(json.dumps(said))


def voc(root: Path) -> None:
    folder = root / "Annotations" / "PASCAL VOC"
    folder.mkdir(parents=True)
    (folder / "IMG1.xml").write_text(
        "<annotation><object><bndbox><xmin>4</xmin><ymin>6</ymin><xmax>14</xmax><ymax>14</ymax>"
        "</bndbox></object></annotation>"
    )


def yolo(root: Path) -> None:
    folder = root / "Annotations" / "YOLO"
    folder.mkdir(parents=True)
    (folder / "IMG1.txt").write_text("0 0.28125 0.3125 0.3125 0.25\n")


@pytest.mark.parametrize("annotate", [coco, voc, yolo])
def test_fracatlas(fracatlas: Path, annotate: object) -> None:
    assert callable(annotate)
    annotate(fracatlas)
    manifest = read_source(fracatlas)
    assert manifest.source == "fracatlas"
    assert manifest.classes == ("Non_fractured", "Fractured")
    one, two, three = manifest.radiographs
    assert one.boxes == (Box(left_px=4, top_px=6, width_px=10, height_px=8),)
    assert one.regions == frozenset({"hand"})
    assert one.views == frozenset({"frontal", "lateral"})
    assert two.extra == {"hardware": "1", "multiscan": "0"}
    assert (two.label, three.label) == (1, 0)


def test_fracatlas_contradictions_are_named(fracatlas: Path) -> None:
    coco(fracatlas)
    said = messages(read_source(fracatlas))
    assert "IMG2.jpg: its folder says 'Fractured', dataset.csv says fractured=0" in said
    assert "1 fractured films have no fracture box" in said
    assert "1 films have another number of boxes" in said
    assert "1 films are not listed in dataset.csv" in said
    assert "1 films listed in dataset.csv are absent" in said


# --- DICOM ----------------------------------------------------------------------------------------


def write_dicom(path: Path, patient: str, number: int) -> None:
    import numpy as np
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import UID, DigitalXRayImageStorageForPresentation, ExplicitVRLittleEndian

    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = DigitalXRayImageStorageForPresentation
    meta.MediaStorageSOPInstanceUID = UID(f"1.2.3.{number}")
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    film = Dataset()
    film.file_meta = meta
    film.SOPClassUID, film.SOPInstanceUID = meta.MediaStorageSOPClassUID, UID(f"1.2.3.{number}")
    film.PatientID, film.StudyInstanceUID = patient, f"1.2.9.{patient[1:]}"
    film.ViewPosition, film.ImageLaterality, film.BodyPartExamined = "PA", "L", "HAND"
    film.PixelSpacing = [0.1, 0.2]
    film.Manufacturer = "Maker"
    film.Rows = film.Columns = 8
    film.SamplesPerPixel, film.PhotometricInterpretation = 1, "MONOCHROME2"
    film.BitsAllocated = film.BitsStored = 16
    film.HighBit, film.PixelRepresentation = 15, 0
    film.PixelData = np.arange(64, dtype="<u2").tobytes()
    path.parent.mkdir(parents=True, exist_ok=True)
    film.save_as(path, enforce_file_format=True)


def test_dicom_with_class_folders(tmp_path: Path) -> None:
    write_dicom(tmp_path / "normal" / "IM1", "P1", 1)
    write_dicom(tmp_path / "fractured" / "IM2.dcm", "P2", 2)
    manifest = read_source(tmp_path)
    assert manifest.source == "dicom"
    film = manifest.radiographs[1]
    assert manifest.class_name(film) == "normal"
    assert (film.patient_id, film.study_id) == ("P1", "1.2.9.1")
    assert (film.views, film.laterality) == (frozenset({"frontal"}), "L")
    assert film.regions == frozenset({"hand"})
    assert film.spacing_mm == (0.1, 0.2)
    assert film.extra["Manufacturer"] == "Maker"


@pytest.mark.parametrize(
    "rows",
    ["file,label\nIM1,a\nIM2.dcm,b\n", "SOPInstanceUID,label\n1.2.3.1,a\n1.2.3.2,b\n"],
)
def test_dicom_with_a_table_of_labels(tmp_path: Path, rows: str) -> None:
    write_dicom(tmp_path / "IM1", "P1", 1)
    write_dicom(tmp_path / "IM2.dcm", "P2", 2)
    (tmp_path / "labels.csv").write_text(rows)
    manifest = read_source(tmp_path)
    assert counts(manifest) == {(None, "a"): 1, (None, "b"): 1}


# --- what does not fit ----------------------------------------------------------------------------


def test_a_wrong_path_gets_a_hint(tmp_path: Path) -> None:
    (tmp_path / "fracatlas").mkdir()
    with pytest.raises(DataError, match=r"Did you mean .*fracatlas"):
        read_source(tmp_path / "fracatlsa")


def test_an_empty_folder_is_said(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is an empty folder"):
        read_source(tmp_path)


def test_what_was_tried_is_listed(tmp_path: Path) -> None:
    films(tmp_path, 2)
    with pytest.raises(UnrecognisedLayout) as error:
        read_source(tmp_path)
    for name in SOURCES:
        assert f"\n  {name}: " in str(error.value)


def test_one_class_is_not_enough(tmp_path: Path) -> None:
    films(tmp_path / "normal", 2)
    with pytest.raises(DataError, match=r"only 'normal' \(2 films\)"):
        read_source(tmp_path)


def test_an_unknown_layout_gets_a_hint(tmp_path: Path) -> None:
    films(tmp_path / "a", 1)
    with pytest.raises(UnknownName, match="Did you mean 'dicom'"):
        read_source(tmp_path, layout="dicm")


# --- the contract ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", list(SOURCES))
def test_every_source_gives_a_reason_for_no(name: str, tmp_path: Path) -> None:
    (tmp_path / "readme.txt").write_text("nothing here")
    answer = SOURCES[name].recognise(tmp_path)
    assert not answer.fits
    assert answer.reason
    assert not SOURCES[name].recognise(tmp_path / "readme.txt").fits


def test_ranks_are_distinct() -> None:
    ranks = [source.rank for _, source in SOURCES.items()]
    assert len(set(ranks)) == len(ranks)


# --- real films -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "source", "n", "positive"),
    [
        ("fracatlas", "fracatlas", 3265, 573),
        ("multiregion", "split_folders", 10_580, 5180),
        ("bonebreak10", "class_split_folders", 1129, None),
        ("bonebreak12", "class_folders", 1282, None),
    ],
)
def test_real_layouts(real_data: Path, name: str, source: str, n: int, positive: int) -> None:
    manifest = read_source(real_data / name)
    assert (manifest.source, len(manifest.radiographs)) == (source, n)
    if positive is not None:
        assert sum(film.label == 1 for film in manifest.radiographs) == positive


def test_a_manifest_that_we_wrote_is_read_as_such(tmp_path: Path) -> None:
    films(tmp_path / "data" / "a", 1)
    films(tmp_path / "data" / "b", 1, first=1)
    manifest = read_source(tmp_path / "data")
    again = read_source(write_manifest(manifest, tmp_path / "run" / "manifest.csv"))
    assert again.digest == manifest.digest

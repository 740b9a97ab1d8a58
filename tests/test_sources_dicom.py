"""DICOM folders: headers only, labels from a table or from folders."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.uid import DeflatedExplicitVRLittleEndian

from osteon.errors import DataError, UnrecognisedLayout
from osteon.manifest import read_manifest, write_manifest
from osteon.reading import read_source
from osteon.sources import SOURCES
from osteon.sources.headers import read_header
from osteon.testing.films import dicom_bytes, dicom_dataset, picture, write_film
from osteon.testing.sources import write_dicom
from osteon.types import Manifest


def counts(manifest: Manifest) -> Counter[tuple[str | None, str | None]]:
    return Counter((film.split, manifest.class_name(film)) for film in manifest.radiographs)


def messages(manifest: Manifest) -> str:
    return "\n".join(remark.message for remark in manifest.remarks)


def test_class_folders(tmp_path: Path) -> None:
    write_dicom(tmp_path / "normal" / "IM1", "P1", 1)
    write_dicom(tmp_path / "fractured" / "1.2.3.2", "P2", 2)
    manifest = read_source(tmp_path)
    assert manifest.source == "dicom"
    assert manifest.classes == ("normal", "fractured")
    film = manifest.radiographs[1]
    assert manifest.class_name(film) == "normal"
    assert (film.patient_id, film.study_id) == ("P1", "1.2.9.1")
    assert (film.views, film.laterality, film.regions) == (
        frozenset({"frontal"}),
        "L",
        frozenset({"hand"}),
    )
    assert film.spacing_mm == (0.1, 0.2)
    assert film.extra == {"Manufacturer": "Maker"}


def test_parts_above_the_class_folders_are_a_split(tmp_path: Path) -> None:
    for number, (part, name) in enumerate(
        [("train", "a"), ("train", "b"), ("test", "a"), ("test", "b")]
    ):
        write_dicom(tmp_path / part / name / "1.dcm", f"P{number}", number)
    assert counts(read_source(tmp_path)) == {
        ("train", "a"): 1,
        ("train", "b"): 1,
        ("test", "a"): 1,
        ("test", "b"): 1,
    }


@pytest.mark.parametrize(
    "rows",
    [
        "file,label\nIM1,a\nIM2.dcm,b\n",
        "file_name,label\nIM1,a\nIM2,b\n",
        "path,Label\nsub/IM1,a\nIM2.dcm,b\n",
        "SOPInstanceUID,label\n1.2.3.1,a\n1.2.3.2,b\n",
        "label,study_instance_uid\na,1.2.9.1\nb,1.2.9.2\n",
        "PatientID,label\nP1,a\nP2,b\n",
    ],
)
def test_a_table_of_labels(tmp_path: Path, rows: str) -> None:
    write_dicom(tmp_path / "sub" / "IM1", "P1", 1)
    write_dicom(tmp_path / "IM2.dcm", "P2", 2)
    (tmp_path / "labels.csv").write_text(rows)
    manifest = read_source(tmp_path)
    assert manifest.source == "dicom"
    assert counts(manifest) == {(None, "a"): 1, (None, "b"): 1}
    assert "left alone" not in messages(manifest)


def test_a_patient_is_not_taken_for_a_file_of_that_name(tmp_path: Path) -> None:
    for number in range(1, 5):
        write_dicom(tmp_path / f"{number}.dcm", str(5 - number), number)
    (tmp_path / "labels.csv").write_text("Patient ID,label\n1,broken\n2,broken\n3,ok\n4,ok\n")
    manifest = read_source(tmp_path)
    said = {film.patient_id: manifest.class_name(film) for film in manifest.radiographs}
    assert said == {"1": "broken", "2": "broken", "3": "ok", "4": "ok"}


def test_a_file_is_not_taken_for_one_of_the_same_name_elsewhere(tmp_path: Path) -> None:
    write_dicom(tmp_path / "1.dcm", "P1", 1)
    write_dicom(tmp_path / "2.dcm", "P2", 2)
    write_dicom(tmp_path / "sub" / "1.dcm", "P3", 3)
    (tmp_path / "labels.csv").write_text("path,label\n1.dcm,broken\n.\\2.dcm,ok\n,ok\n")
    manifest = read_source(tmp_path)
    said = {film.id: manifest.class_name(film) for film in manifest.radiographs}
    assert said == {"1.dcm": "broken", "2.dcm": "ok", "sub/1.dcm": None}
    assert "1 film without a label" in messages(manifest)
    assert "1 row of the table of labels without a film: row 4" in messages(manifest)


def test_numbers_that_many_files_have_are_those_of_patients(tmp_path: Path) -> None:
    for patient in "1234":
        for number in (1, 2):
            place = tmp_path / f"case{patient}" / f"{number}.dcm"
            write_dicom(place, patient, 10 * int(patient) + number)
    (tmp_path / "labels.csv").write_text("id,label\n1,ok\n2,broken\n3,broken\n4,broken\n")
    manifest = read_source(tmp_path)
    said = {(film.patient_id, manifest.class_name(film)) for film in manifest.radiographs}
    assert said == {("1", "ok"), ("2", "broken"), ("3", "broken"), ("4", "broken")}
    assert "without a film" not in messages(manifest)


def test_a_number_that_is_a_files_and_another_patients_is_refused(tmp_path: Path) -> None:
    for number in range(1, 5):
        write_dicom(tmp_path / f"{number}.dcm", str(5 - number), number)
    (tmp_path / "labels.csv").write_text("id,label\n1,broken\n2,broken\n3,ok\n4,ok\n")
    with pytest.raises(DataError, match="Call it by what it names"):
        read_source(tmp_path)


def test_a_name_that_two_files_have_is_refused(tmp_path: Path) -> None:
    write_dicom(tmp_path / "a" / "1.dcm", "P1", 1)
    write_dicom(tmp_path / "b" / "1.dcm", "P2", 2)
    write_dicom(tmp_path / "b" / "2.dcm", "P3", 3)
    table = tmp_path / "labels.csv"
    table.write_text("filename,label\n1.dcm,broken\n2.dcm,ok\n")
    with pytest.raises(DataError, match="row 2: 2 files are called so"):
        read_source(tmp_path)
    table.write_text("filename,label\na/1.dcm,broken\nb/1.dcm,ok\n2.dcm,ok\n")
    assert counts(read_source(tmp_path)) == {(None, "broken"): 1, (None, "ok"): 2}


def test_a_label_that_says_there_is_none_is_none(tmp_path: Path) -> None:
    for number in range(1, 4):
        write_dicom(tmp_path / f"{number}.dcm", f"P{number}", number)
    (tmp_path / "labels.csv").write_text("path,label\n1.dcm,a\n2.dcm,b\n3.dcm,NaN\n")
    assert counts(read_source(tmp_path)) == {(None, "a"): 1, (None, "b"): 1, (None, None): 1}


def test_a_table_of_labels_may_ship_a_split(tmp_path: Path) -> None:
    for number in range(3):
        write_dicom(tmp_path / f"{number}.dcm", f"P{number}", number)
    (tmp_path / "labels.csv").write_text(
        "file,label,split\n0.dcm,a,Training\n1.dcm,b,test\n2.dcm,b,\n"
    )
    assert counts(read_source(tmp_path)) == {("train", "a"): 1, ("test", "b"): 1, (None, "b"): 1}


def test_a_patient_id_in_the_table_of_labels_is_not_quoted(tmp_path: Path) -> None:
    for number in range(2):
        write_dicom(tmp_path / f"{number}.dcm", f"P{number}", number)
    table = tmp_path / "labels.csv"
    table.write_text("PatientID,label\nP0,a\nP1,b\nSMITH77,b\n")
    assert "SMITH77" not in messages(read_source(tmp_path))
    table.write_text("PatientID,label\nSMITH77,a\nSMITH77,b\n")
    with pytest.raises(DataError) as error:
        read_source(tmp_path)
    assert "SMITH77" not in str(error.value)


def test_labels_without_film_and_films_without_label_are_said(tmp_path: Path) -> None:
    for number in range(3):
        write_dicom(tmp_path / f"{number}.dcm", f"P{number}", number)
    (tmp_path / "labels.csv").write_text("file,label\n0.dcm,a\n1.dcm,b\n9.dcm,b\n")
    said = messages(read_source(tmp_path))
    assert "1 row of the table of labels without a film: row 4." in said
    assert "1 film without a label" in said


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ("file,class\n0.dcm,a\n", "needs a column 'label' .* it has: file, class"),
        ("name,label\n0.dcm,a\n", "one of path, file"),
        (
            "file,label\n0.dcm,a\n0.dcm,b\n",
            "rows 2 and 3 are of the same 'file', but say 'a' and 'b'",
        ),
        ("file,label,split\n0.dcm,a,tain\n", "row 2: split 'tain' is none of train, val, test"),
        ("file,label,split\n0.dcm,a,train\n0.dcm,a,test\n", "say 'a, train' and 'a, test'"),
    ],
)
def test_what_is_wrong_with_the_labels_is_named(tmp_path: Path, rows: str, words: str) -> None:
    write_dicom(tmp_path / "0.dcm", "P0", 0)
    (tmp_path / "labels.csv").write_text(rows)
    with pytest.raises(DataError, match=words):
        read_source(tmp_path)


def test_without_labels_it_is_said_what_is_missing(tmp_path: Path) -> None:
    write_dicom(tmp_path / "0.dcm", "P0", 0)
    with pytest.raises(UnrecognisedLayout, match=r"neither class folders nor labels\.csv"):
        read_source(tmp_path)


def test_folders_of_patients_are_no_classes(tmp_path: Path) -> None:
    for number in range(3):
        write_dicom(tmp_path / f"P{number}" / "study" / "0.dcm", f"P{number}", number)
    with pytest.raises(DataError, match="3 films without a label"):
        read_source(tmp_path)


def test_films_without_patient_and_films_without_header_are_said(tmp_path: Path) -> None:
    write_dicom(tmp_path / "a" / "0.dcm", "", 0)
    write_dicom(tmp_path / "b" / "1.dcm", "P1", 1)
    write_dicom(tmp_path / "b" / "3.dcm", "P1", 3)
    (tmp_path / "b" / "2.dcm").write_bytes(b"no header")
    manifest = read_source(tmp_path)
    assert "1 of 3 films without a patient id" in messages(manifest)
    assert "1 file without a readable DICOM header" in messages(manifest)
    assert counts(manifest)[None, "b"] == 3


@pytest.mark.parametrize(
    ("tags", "spacing"),
    [
        ({"PixelSpacing": None, "ImagerPixelSpacing": [0.15, 0.15]}, (0.15, 0.15)),
        ({"PixelSpacing": None}, None),
        ({"PixelSpacing": [0, 0]}, None),
        ({"PixelSpacing": [0.1, 0.2], "ImagerPixelSpacing": [9, 9]}, (0.1, 0.2)),
    ],
)
def test_spacing(
    tmp_path: Path, tags: dict[str, object], spacing: tuple[float, float] | None
) -> None:
    write_dicom(tmp_path / "a" / "0.dcm", "P0", 0, **tags)
    write_dicom(tmp_path / "b" / "1.dcm", "P1", 1)
    assert read_source(tmp_path).radiographs[0].spacing_mm == spacing


@pytest.mark.parametrize("syntax", ["deflated", "explicit"])
def test_a_file_cut_anywhere_is_told_not_raised(tmp_path: Path, syntax: str) -> None:
    dataset = dicom_dataset(picture().astype("uint16"), PatientID="P1")
    if syntax == "deflated":
        dataset.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    whole = dicom_bytes(dataset)
    for at in (*range(132, 900, 7), len(whole) * 3 // 4):
        (tmp_path / "cut.dcm").write_bytes(whole[:at])
        assert read_header(tmp_path / "cut.dcm", "cut.dcm").film.id == "cut.dcm"


def test_files_without_a_preamble_are_dicom_as_well(tmp_path: Path) -> None:
    for number, name in enumerate("ab"):
        path = write_dicom(tmp_path / name / f"{number}.dcm", f"P{number}", number)
        dataset = pydicom.dcmread(path)
        pydicom.dcmwrite(path, dataset, implicit_vr=False, little_endian=True,
                         enforce_file_format=False)  # fmt: skip
        bare = path.read_bytes()
        path.write_bytes(bare[bare.index(b"\x08\x00\x16\x00") :])  # without its meta information
    manifest = read_source(tmp_path)
    assert manifest.source == "dicom"
    assert {film.patient_id for film in manifest.radiographs} == {"P0", "P1"}


@pytest.mark.filterwarnings("ignore:Invalid value for VR CS")
def test_several_regions_in_one_header_come_back_from_the_manifest(tmp_path: Path) -> None:
    for number, name in enumerate(("a", "b")):
        write_dicom(tmp_path / name / "0.dcm", f"P{number}", number, BodyPartExamined="HAND;WRIST")
    manifest = read_source(tmp_path)
    assert manifest.radiographs[0].regions == {"hand", "wrist"}
    again = read_manifest(write_manifest(manifest, tmp_path / "manifest.csv"))
    assert again.digest == manifest.digest


def test_a_few_dicom_files_among_others_do_not_make_a_dicom_folder(tmp_path: Path) -> None:
    for number in range(4):
        write_film(tmp_path / "a" / f"{number}.jpg", seed=number)
    write_dicom(tmp_path / "b" / "9.dcm", "P9", 9)
    assert read_source(tmp_path).source == "class_folders"


@settings(deadline=None, max_examples=60)
@given(at=st.integers(132, 700), noise=st.binary(min_size=1, max_size=12))
def test_a_damaged_header_never_stops_the_reading(
    tmp_path_factory: pytest.TempPathFactory, at: int, noise: bytes
) -> None:
    folder = tmp_path_factory.mktemp("damaged")
    path = write_dicom(folder / "a" / "0.dcm", "P0", 0)
    write_dicom(folder / "b" / "1.dcm", "P1", 1)
    whole = path.read_bytes()
    path.write_bytes(whole[:at] + noise + whole[at + len(noise) :])
    manifest = SOURCES["dicom"].read(folder)
    assert counts(manifest) == {(None, "a"): 1, (None, "b"): 1}

"""The user's own CSV or Parquet: every column, every mistake."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from osteon.errors import DataError, UnrecognisedLayout
from osteon.manifest import read_manifest, write_manifest
from osteon.reading import read_source
from osteon.sources.words import as_side, as_views, identified
from osteon.testing.films import write_film
from osteon.testing.sources import write_dicom
from osteon.types import Box, Manifest


def table(tmp_path: Path, text: str, name: str = "films.csv") -> Path:
    for number in range(2):
        write_film(tmp_path / f"{number}.jpg", seed=number)
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def messages(manifest: Manifest) -> str:
    return "\n".join(remark.message for remark in manifest.remarks)


FULL = (
    "path,label,patient_id,study_id,split,view,region,laterality,boxes,spacing_mm,scanner\n"
    '0.jpg,normal,P1,S1,training,AP,Hand,left,"[[1,2,3,4.5]]",0.1;0.2,Siemens\n'
    "./1.jpg,fractured,P2,,valid,lat/obl,hand;wrist,R,,,\n"
)


@pytest.mark.parametrize("as_folder", [True, False])
def test_a_csv_with_every_column(tmp_path: Path, as_folder: bool) -> None:
    path = table(tmp_path, FULL)
    manifest = read_source(tmp_path if as_folder else path)
    first, second = manifest.radiographs
    assert (first.id, second.id) == ("0.jpg", "1.jpg")
    assert (first.patient_id, first.study_id, first.split) == ("P1", "S1", "train")
    assert (first.views, first.regions, first.laterality) == (
        frozenset({"frontal"}),
        frozenset({"hand"}),
        "L",
    )
    assert first.boxes == (Box(left_px=1, top_px=2, width_px=3, height_px=4.5),)
    assert (first.spacing_mm, second.spacing_mm) == ((0.1, 0.2), None)
    assert first.extra == {"scanner": "Siemens"}
    assert second.extra == {}
    assert (second.split, second.views) == ("val", frozenset({"lateral", "oblique"}))
    assert second.regions == {"hand", "wrist"}
    assert second.study_id is None
    assert manifest.class_name(second) == "fractured"


@pytest.mark.parametrize(
    "text",
    [
        "\ufeffpath;label\n0.jpg;normal\n1.jpg;broken\n",
        "path\tlabel\n0.jpg\tnormal\n1.jpg\tbroken\n",
        "Path, Label\r\n0.jpg, normal\r\n\r\n1.jpg, broken\r\n",
        'label,path\nnormal,"0.jpg"\nbroken,.\\1.jpg\n',
    ],
)
def test_however_it_was_saved(tmp_path: Path, text: str) -> None:
    manifest = read_source(table(tmp_path, text))
    assert manifest.classes == ("normal", "broken")
    assert [film.id for film in manifest.radiographs] == ["0.jpg", "1.jpg"]


def test_known_columns_in_other_words(tmp_path: Path) -> None:
    text = "PATH,Label,Patient ID,Views,Regions\n0.jpg,a,P,AP,hand\n1.jpg,b,P,PA,hip\n"
    film = read_source(table(tmp_path, text)).radiographs[1]
    assert (film.patient_id, film.views, film.regions) == (
        "P",
        frozenset({"frontal"}),
        frozenset({"hip"}),
    )


def test_boxes_as_objects(tmp_path: Path) -> None:
    box = {"left_px": 1, "top_px": 2, "width_px": 3, "height_px": 4, "label": "line"}
    path = table(tmp_path, "")
    with path.open("w", newline="") as file:
        csv.writer(file).writerows(
            [["path", "label", "boxes"], ["0.jpg", "a", json.dumps([box])], ["1.jpg", "b", ""]]
        )
    assert read_source(path).radiographs[0].boxes[0].label == "line"


def test_parquet(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow", reason="the extra osteon[parquet] is not installed")
    parquet = pytest.importorskip("pyarrow.parquet")
    table(tmp_path, "nothing", "notes.txt")
    rows: dict[str, list[Any]] = {
        "path": ["0.jpg", "1.jpg"],
        "label": [0, 1],
        "age": [31, None],
        "boxes": [[[1, 2, 3, 4]], None],
    }
    parquet.write_table(pa.table(rows), tmp_path / "films.parquet")
    manifest = read_source(tmp_path)
    assert manifest.classes == ("0", "1")
    assert [film.extra for film in manifest.radiographs] == [{"age": "31"}, {}]
    assert len(manifest.radiographs[0].boxes) == 1


def test_what_pandas_writes_to_parquet_for_nothing_is_nothing(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow", reason="the extra osteon[parquet] is not installed")
    parquet = pytest.importorskip("pyarrow.parquet")
    table(tmp_path, "nothing", "notes.txt")
    rows: dict[str, list[Any]] = {
        "path": [b"0.jpg", b"1.jpg", b"2.jpg", b"3.jpg"],
        "label": [0.0, 1.0, float("nan"), 1.0],
        "patient_id": [7.0, float("nan"), float("nan"), 7.5],
    }
    parquet.write_table(pa.table(rows), tmp_path / "films.parquet")
    manifest = read_source(tmp_path)
    assert manifest.classes == ("0", "1")
    assert [film.label for film in manifest.radiographs] == [0, 1, None, 1]
    assert [film.patient_id for film in manifest.radiographs] == ["7", None, None, "7.5"]


@pytest.mark.parametrize("word", ["NaN", "nan", "NA", "N/A", "<NA>", "null", ""])
def test_what_says_that_there_is_no_value_is_none(tmp_path: Path, word: str) -> None:
    """Else all films without a patient would be those of one patient, and "nan" a class."""
    text = (
        "path,label,patient_id,study_id,region,view,boxes,spacing_mm\n"
        f"0.jpg,0.0,{word},{word},{word},{word},{word},{word}\n"
        f"1.jpg,1.0,{word},,,,,\n2.jpg,{word},,,,,,\n"
    )
    manifest = read_source(table(tmp_path, text))
    assert manifest.classes == ("0.0", "1.0")
    assert "names do not tell" not in messages(manifest)
    assert "1 film without a label" in messages(manifest)
    for film in manifest.radiographs:
        assert (film.patient_id, film.study_id, film.spacing_mm) == (None, None, None)
        assert not film.regions | film.views
        assert film.boxes == ()


def test_a_file_that_is_no_parquet_is_named(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow", reason="the extra osteon[parquet] is not installed")
    (tmp_path / "films.parquet").write_bytes(b"nothing")
    with pytest.raises(DataError, match="is no Parquet file"):
        read_source(tmp_path / "films.parquet")
    with pytest.raises(UnrecognisedLayout, match=r"table: .* is no Parquet file"):
        read_source(tmp_path)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("path,lable\n0.jpg,a\n", "no column 'label'. It has: path, lable. Is it 'lable'"),
        ("file,label\n0.jpg,a\n", "no column 'path'. It has: file, label"),
        ("File,target\n0.jpg,a\n", "'path' and no column 'label'.* Is it 'File'.* Is it 'target'"),
        ("path,label,Label\n0.jpg,a,b\n", "two columns 'label'"),
        ("", "no column 'path' and no column 'label'. It has: none"),
        ("path,label\n", "no row"),
        ("path,label\n0.jpg,a\n./0.jpg,b\n", "rows 2 and 3 are of one film"),
        ("path,label,split\n0.jpg,a,fold1\n1.jpg,b,train\n", "row 2: split 'fold1'"),
        ("path,label,boxes\n0.jpg,a,\n1.jpg,b,here\n", "row 3: boxes 'here' are not JSON"),
        ('path,label,boxes\n0.jpg,a,"[[1,2]]"\n1.jpg,b,\n', "row 2: boxes"),
        ('path,label,boxes\n0.jpg,a,"[[NaN,1,2,3]]"\n1.jpg,b,\n', "row 2: boxes"),
        ('path,label,boxes\n0.jpg,a,"[[1,1,-2,3]]"\n1.jpg,b,\n', "row 2: a box .* no width"),
        ("path,label,spacing_mm\n0.jpg,a,0;0\n1.jpg,b,\n", "row 2: spacing_mm '0;0' is not"),
        ("path,label,laterality\n0.jpg,a,upper\n1.jpg,b,\n", "row 2: laterality 'upper' is none"),
        ("path,label,spacing_mm\n0.jpg,a,fine\n1.jpg,b,\n", "row 2: spacing_mm 'fine'"),
        ("path,label\n,a\n", "row 2: path is empty"),
        ("label,path\na,0.jpg\nb\n", "row 3: path is empty"),
        ("path,label\n0\0.jpg,a\n1.jpg,b\n", "row 2: path holds a zero byte"),
        (f"path,label,{'x' * 200_000}\n0.jpg,a,\n", "is no CSV: field larger"),
        ("path,label\n0.jpg,a,b\n", "row 2: 3 cells for 2 columns"),
        ("path,label\nx/0.jpg,a\nx/1.jpg,b\n", "None of the films .* first would be .*0.jpg"),
        ("path,label\n0.jpg,\n1.jpg,\n", "found 2 films without a label"),
        (f"path,label,boxes\n0.jpg,a,{'[' * 100_000}\n1.jpg,b,\n", "row 2: boxes"),
    ],
)
def test_what_is_wrong_with_a_table_is_named(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(DataError, match=words):
        read_source(table(tmp_path, text))


@pytest.mark.parametrize("encoding", ["cp1250", "utf-16"])
def test_a_table_in_another_encoding_is_named(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "films.csv"
    path.write_bytes("path,label\nręka.jpg,a\n".encode(encoding))
    with pytest.raises(DataError, match="Save it as CSV UTF-8"):
        read_source(path)


def test_rows_without_a_label_or_a_film_are_kept_and_said(tmp_path: Path) -> None:
    path = table(tmp_path, "path,label\n0.jpg,a\n1.jpg,b\n2.jpg,\n")
    manifest = read_source(path)
    assert [film.label for film in manifest.radiographs] == [0, 1, None]
    assert "1 film without a label" in messages(manifest)
    assert "1 film listed in films.csv but absent" in messages(manifest)


def test_paths_may_lead_elsewhere(tmp_path: Path) -> None:
    far = write_film(tmp_path / "far" / "9.jpg", seed=9)
    (tmp_path / "here").mkdir()
    text = f"path,label\n{far},a\n../far/9.jpg,b\n0.jpg,b\n"
    with pytest.raises(DataError, match="rows 2 and 3 are of one film"):
        read_source(table(tmp_path / "here", text))
    path = table(tmp_path / "here", f"path,label\n{far},a\n{tmp_path}/here/0.jpg,b\n")
    assert [film.id for film in read_source(path).radiographs] == ["../far/9.jpg", "0.jpg"]


def test_of_several_tables_the_one_named_manifest_is_read(tmp_path: Path) -> None:
    text = "path,label\n0.jpg,a\n1.jpg,b\n"
    table(tmp_path, "image,age\n0.jpg,3\n", "ages.csv")
    table(tmp_path, text, "one.csv")
    assert "holds one.csv" in read_source(tmp_path).recognised_by
    table(tmp_path, text, "two.csv")
    with pytest.raises(UnrecognisedLayout, match=r"several tables \(one.csv, two.csv\)"):
        read_source(tmp_path)
    table(tmp_path, text, "manifest.csv")
    assert "holds manifest.csv" in read_source(tmp_path).recognised_by


@pytest.mark.parametrize(
    ("tables", "said"),
    [
        (
            {"films.csv": "file,label,patient_id\n"},
            "films.csv has no column path",
        ),
        ({"one.csv": "path,label\n", "two.csv": "path,label\n"}, "none of one.csv, two.csv was"),
        ({"ages.csv": "patient,age\n"}, "ages.csv was not read"),
        ({"notes.csv": "date,remark\n"}, ""),
    ],
)
def test_a_table_beside_class_folders_that_is_not_read_is_said(
    tmp_path: Path, tables: dict[str, str], said: str
) -> None:
    for number, name in enumerate(("a", "b")):
        write_film(tmp_path / name / "0.jpg", seed=number)
    for name, text in tables.items():
        (tmp_path / name).write_text(text)
    manifest = read_source(tmp_path)
    assert manifest.source == "class_folders"
    told = [r.message for r in manifest.remarks if r.message.startswith("Beside the films")]
    assert len(told) == bool(said)
    assert said in "".join(told)


def test_a_table_saved_as_utf16_beside_class_folders_is_said(tmp_path: Path) -> None:
    for number, name in enumerate(("a", "b")):
        write_film(tmp_path / name / "0.jpg", seed=number)
    (tmp_path / "films.csv").write_text("path,label\na/0.jpg,a\nb/0.jpg,b\n", encoding="utf-16")
    assert "Save it as CSV UTF-8" in messages(read_source(tmp_path))


def test_films_that_the_table_does_not_list_are_said(tmp_path: Path) -> None:
    path = table(tmp_path, "path,label\n0.jpg,a\n1.jpg,b\n")
    write_film(tmp_path / "more" / "7.jpg", seed=7)
    manifest = read_source(tmp_path)
    (said,) = (r for r in manifest.remarks if "not listed in" in r.message)
    assert "more/7.jpg" in said.ids
    assert "not listed" not in messages(read_source(path))  # the table alone was asked for


def test_the_numbers_of_rows_that_pandas_saves_say_nothing_of_films(tmp_path: Path) -> None:
    path = table(tmp_path, "Unnamed: 0,path,label,age\n0,0.jpg,a,7\n1,1.jpg,b,8\n")
    manifest = read_source(path)
    assert [{**film.extra} for film in manifest.radiographs] == [{"age": "7"}, {"age": "8"}]
    assert "'Unnamed: 0' of films.csv numbers the rows: left out" in messages(manifest)


@pytest.mark.parametrize("word", ["unknown", "-", "None", "ANONYMOUS"])
def test_a_word_for_nobody_is_no_patient(tmp_path: Path, word: str) -> None:
    path = table(
        tmp_path, f"path,label,patient_id,study_id\n0.jpg,a,{word},{word}\n1.jpg,b,P1,S1\n"
    )
    films = read_source(path).radiographs
    assert [film.patient_id for film in films] == [None, "P1"]
    assert [film.study_id for film in films] == [None, "S1"]


def test_an_id_that_two_films_have_is_not_quoted(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="belongs into a column patient_id") as error:
        read_source(table(tmp_path, "path,label,ID\n0.jpg,a,MRN7\n1.jpg,b,MRN7\n"))
    assert "MRN7" not in str(error.value)


def test_a_table_that_lacks_a_column_is_told_among_what_was_tried(tmp_path: Path) -> None:
    table(tmp_path, "image,label\n0.jpg,a\n")
    with pytest.raises(UnrecognisedLayout, match=r"table: films\.csv has no column path"):
        read_source(tmp_path)


def test_labels_of_dicom_files_are_left_to_the_dicom_source(tmp_path: Path) -> None:
    for number, name in enumerate(("one.dcm", "two.dcm")):
        write_dicom(tmp_path / name, f"P{number}", number)
    (tmp_path / "labels.csv").write_text("path,label\none.dcm,a\ntwo.dcm,b\n")
    manifest = read_source(tmp_path)
    assert manifest.source == "dicom"
    assert {film.patient_id for film in manifest.radiographs} == {"P0", "P1"}


def test_a_manifest_without_its_sidecar_is_a_table(tmp_path: Path) -> None:
    text = (
        "id,path,label,split,patient_id,study_id,regions,views,laterality,boxes,spacing_mm,x_a\n"
        "one,0.jpg,a,val,P1,,hand,lateral,L,,0.1;0.1,7\ntwo,1.jpg,b,,,,,,,,,\n"
    )
    film = read_source(table(tmp_path, text)).radiographs[0]
    assert (film.id, film.split, film.views) == ("one", "val", frozenset({"lateral"}))
    assert film.extra == {"x_a": "7"}


CELLS = st.text(st.characters(blacklist_categories=("Cs", "Cc")), max_size=8).map(str.strip)


@settings(deadline=None, max_examples=40)
@given(cells=st.lists(st.tuples(CELLS, CELLS), min_size=2, max_size=2))
def test_any_cell_is_kept_as_it_is(
    tmp_path_factory: pytest.TempPathFactory, cells: list[tuple[str, str]]
) -> None:
    folder = tmp_path_factory.mktemp("table")
    path = table(folder, "")
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "label", "patient_id", "note"])
        for number, (patient, note) in enumerate(cells):
            writer.writerow([f"{number}.jpg", f"c{number}", patient, note])
    for film, (patient, note) in zip(read_source(path).radiographs, cells, strict=True):
        assert film.patient_id == identified(patient)
        assert film.extra.get("note", "") == note


@pytest.mark.parametrize(
    ("word", "side"), [("Left", "L"), ("r", "R"), ("bilateral", "B"), ("unknown", None), ("", None)]
)
def test_sides_in_words(word: str, side: str | None) -> None:
    assert as_side(word) == side


def test_a_view_that_is_not_known_is_other() -> None:
    assert as_views("AP; Skyline") == {"frontal", "other"}


@pytest.mark.parametrize("as_folder", [True, False])
def test_what_a_table_of_dicom_films_does_not_say_stands_in_their_headers(
    tmp_path: Path, as_folder: bool
) -> None:
    for number in range(4):
        write_dicom(tmp_path / "clinic" / f"{number}.dcm", f"P{number // 2}", number)
    path = tmp_path / "films.csv"
    path.write_text(
        "path,label,view\n"
        + "".join(f"clinic/{n}.dcm,{'ab'[n % 2]},lateral\n" for n in range(4))
        + "clinic/gone.dcm,a,\n"
    )
    manifest = read_source(tmp_path if as_folder else path)
    films = manifest.radiographs
    assert manifest.source == "table"
    assert [film.patient_id for film in films] == ["P0", "P0", "P1", "P1", None]
    assert [film.study_id for film in films[:2]] == ["1.2.9.0", "1.2.9.0"]
    assert films[0].views == {"lateral"}  # the table's own word goes
    assert films[0].laterality == "L"
    assert films[0].extra == {"Manufacturer": "Maker"}


def test_patients_that_a_table_names_are_not_mixed_with_those_of_headers(tmp_path: Path) -> None:
    for number in range(2):
        write_dicom(tmp_path / f"{number}.dcm", "P9", number)
    path = tmp_path / "films.csv"
    path.write_text("path,label,patient_id\n0.dcm,a,mine\n1.dcm,b,\n")
    manifest = read_source(path)
    assert [film.patient_id for film in manifest.radiographs] == ["mine", None]


def test_dicom_films_of_a_table_without_a_patient_are_told(tmp_path: Path) -> None:
    for number in range(2):
        write_dicom(tmp_path / f"{number}.dcm", "", number)
    (tmp_path / "films.csv").write_text("path,label\n0.dcm,a\n1.dcm,b\n")
    assert "without a patient id" in messages(read_source(tmp_path / "films.csv"))


@pytest.mark.parametrize(
    "column", ["patient_id", "PatientID", "patientId", "Patient ID", "patient", "PATIENT_ID"]
)
def test_a_patient_by_any_spelling_of_the_column(tmp_path: Path, column: str) -> None:
    path = table(
        tmp_path, f"path,label,{column},StudyInstanceUID\n0.jpg,a,P1,1.2\n1.jpg,b,P2,1.3\n"
    )
    films = read_source(path).radiographs
    assert [(film.patient_id, film.study_id) for film in films] == [("P1", "1.2"), ("P2", "1.3")]
    assert not films[0].extra


def test_an_alias_beside_the_column_itself_is_another_column(tmp_path: Path) -> None:
    path = table(tmp_path, "path,label,patient,patient_id\n0.jpg,a,tall,P1\n1.jpg,b,small,P2\n")
    first = read_source(path).radiographs[0]
    assert (first.patient_id, first.extra) == ("P1", {"patient": "tall"})


def test_films_outside_the_folder_of_the_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their ids and digest do not hang on how the path was typed, and the manifest finds them."""
    (tmp_path / "tables").mkdir()
    for number in range(2):
        write_film(tmp_path / "films" / f"{number}.jpg", seed=number)
    path = tmp_path / "tables" / "films.csv"
    path.write_text("path,label\n../films/0.jpg,a\n../films/1.jpg,b\n")
    monkeypatch.chdir(tmp_path)
    relative, absolute = read_source(Path("tables/films.csv")), read_source(path)
    assert [film.id for film in relative.radiographs] == ["../films/0.jpg", "../films/1.jpg"]
    assert relative.digest == absolute.digest
    write_manifest(relative, tmp_path / "run" / "manifest.csv")
    monkeypatch.chdir("/")
    again = read_manifest(tmp_path / "run" / "manifest.csv")
    assert all(film.path.exists() for film in again.radiographs)


def test_the_sign_of_a_label_is_part_of_it(tmp_path: Path) -> None:
    """-1 is "uncertain" in CheXpert's tables, not another spelling of 1."""
    path = table(tmp_path, "path,label\n0.jpg,1\n1.jpg,-1\n")
    assert read_source(path).classes == ("-1", "1")

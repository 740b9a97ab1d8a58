"""Recognition: the right source, told why; and what a wrong path or folder is answered."""

from __future__ import annotations

from pathlib import Path

import pytest

from osteon.errors import DataError, UnknownName, UnrecognisedLayout
from osteon.manifest import write_manifest
from osteon.reading import read_source
from osteon.sources import SOURCES
from osteon.testing.films import write_film
from osteon.testing.sources import SAMPLES


def made(folder: Path) -> Path:
    folder.mkdir(parents=True)
    return folder


def two_classes(folder: Path) -> Path:
    write_film(folder / "a" / "1.jpg", seed=1)
    write_film(folder / "b" / "2.jpg", seed=2)
    return folder


@pytest.mark.parametrize("wrong", ["fracatlsa", "FRACATLAS2"])
def test_a_wrong_path_gets_a_hint(tmp_path: Path, wrong: str) -> None:
    (tmp_path / "fracatlas").mkdir()
    with pytest.raises(DataError, match=r"Did you mean .*fracatlas\?"):
        read_source(tmp_path / wrong)


def test_a_path_whose_folder_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="nor its folder"):
        read_source(tmp_path / "no" / "where")


def test_an_empty_folder_is_said(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is an empty folder"):
        read_source(tmp_path)


def test_a_folder_without_films_is_said(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "notes.txt").write_text("no film")
    with pytest.raises(UnrecognisedLayout, match="There is no film in"):
        read_source(tmp_path)


def test_a_single_film_is_no_data_set(tmp_path: Path) -> None:
    with pytest.raises(UnrecognisedLayout, match=r"0.jpg is a file. A data set is a folder"):
        read_source(write_film(tmp_path / "0.jpg", seed=0))


def test_what_was_tried_is_listed_with_what_to_do(tmp_path: Path) -> None:
    write_film(tmp_path / "0.jpg", seed=0)
    with pytest.raises(UnrecognisedLayout) as error:
        read_source(tmp_path)
    for name in SOURCES:
        assert f"\n  {name}: " in str(error.value)
    assert str(error.value).endswith("write a CSV with the columns path and label.")


def test_an_unknown_layout_gets_a_hint(tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match="Did you mean 'dicom'"):
        read_source(two_classes(tmp_path), layout="dicm")


def test_a_layout_may_be_forced(tmp_path: Path) -> None:
    two_classes(tmp_path / "train")
    two_classes(tmp_path / "test")
    assert read_source(tmp_path).classes == ("a", "b")
    forced = read_source(tmp_path, layout="class_folders")
    assert forced.classes == ("test", "train")
    assert forced.recognised_by == f"{tmp_path}: read as class_folders, as asked."


def test_a_folder_that_cannot_be_opened_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    two_classes(tmp_path)

    def refuse(_: object) -> None:
        raise PermissionError(13, "Permission denied", str(tmp_path / "a"))

    monkeypatch.setattr("os.scandir", refuse)
    with pytest.raises(DataError, match="a cannot be read: Permission denied"):
        read_source(tmp_path)


def test_a_lone_folder_beside_a_table_is_no_wrapper(tmp_path: Path) -> None:
    two_classes(tmp_path / "films")
    (tmp_path / "labels.csv").write_text("file,label\n1,a\n")
    with pytest.raises(DataError, match="only 'films'"):
        read_source(tmp_path)


@pytest.mark.parametrize("name", ["fracatlas", "phantom", "split_folders", "table"])
def test_a_folder_of_data_sets_is_not_a_folder_of_classes(tmp_path: Path, name: str) -> None:
    SAMPLES[name](made(tmp_path / "first"))
    two_classes(tmp_path / "second")
    with pytest.raises(DataError, match=rf"whole data sets: first \(layout {name}\)"):
        read_source(tmp_path)
    assert read_source(tmp_path, layout="class_folders").classes == ("first", "second")


def test_a_manifest_that_we_wrote_is_read_as_such(tmp_path: Path) -> None:
    manifest = read_source(two_classes(tmp_path / "data"))
    again = read_source(write_manifest(manifest, tmp_path / "run" / "manifest.csv"))
    assert again.digest == manifest.digest
    assert again.root == manifest.root


@pytest.mark.parametrize(
    ("name", "source", "n", "per_part", "positive"),
    [
        ("fracatlas", "fracatlas", 3265, {None: 3265}, 573),
        ("multiregion", "split_folders", 10_580, {"train": 9246, "val": 828, "test": 506}, 5180),
        ("bonebreak10", "class_split_folders", 1129, {"train": 989, "test": 140}, None),
        ("bonebreak12", "class_folders", 1282, {None: 1282}, None),
    ],
)
def test_real_layouts(
    real_data: Path,
    name: str,
    source: str,
    n: int,
    per_part: dict[str | None, int],
    positive: int | None,
) -> None:
    manifest = read_source(real_data / name)
    assert (manifest.source, len(manifest.radiographs)) == (source, n)
    parts = [film.split for film in manifest.radiographs]
    assert {part: parts.count(part) for part in set(parts)} == per_part
    if positive is not None:
        assert sum(film.label == 1 for film in manifest.radiographs) == positive

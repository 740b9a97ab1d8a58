"""Folders per class and per part; which files are films."""

from __future__ import annotations

import os
from collections import Counter
from itertools import product
from pathlib import Path

import pytest

from osteon.errors import DataError
from osteon.reading import read_source
from osteon.sources import SOURCES
from osteon.sources.films import contents, is_film
from osteon.testing.films import one_of_each, write_film
from osteon.types import Manifest


def films(folder: Path, n: int, *, first: int = 0, suffix: str = ".jpg") -> None:
    for number in range(first, first + n):
        write_film(folder / f"{number}{suffix}", seed=number)


def counts(manifest: Manifest) -> Counter[tuple[str | None, str | None]]:
    return Counter((film.split, manifest.class_name(film)) for film in manifest.radiographs)


def messages(manifest: Manifest) -> str:
    return "\n".join(remark.message for remark in manifest.remarks)


def test_a_folder_per_class(tmp_path: Path) -> None:
    films(tmp_path / "normal", 3)
    films(tmp_path / "fractured" / "2021", 2, first=3)
    manifest = read_source(tmp_path)
    assert manifest.source == "class_folders"
    assert manifest.classes == ("normal", "fractured")
    assert counts(manifest) == {(None, "normal"): 3, (None, "fractured"): 2}
    assert manifest.radiographs[0].id == "fractured/2021/3.jpg"
    assert "folder per class: fractured, normal" in manifest.recognised_by
    assert [remark.message for remark in manifest.remarks] == [
        "'fractured' counts as the positive class, 'normal' as the negative."
    ]


def test_what_is_no_film_is_left_alone_and_said(tmp_path: Path) -> None:
    films(tmp_path / "a", 1)
    films(tmp_path / "b", 1, first=1)
    (tmp_path / "a" / "notes.txt").write_text("no film")
    (tmp_path / "a" / "readings").write_text("no film")
    (tmp_path / "a" / "DICOMDIR").write_bytes(bytes(128) + b"DICM")
    (tmp_path / "empty class").mkdir()
    films(tmp_path, 1, first=9)
    for hidden in (".DS_Store", "Thumbs.db", "__MACOSX/._0.jpg", ".cache/1.jpg"):
        (tmp_path / hidden).parent.mkdir(exist_ok=True)
        (tmp_path / hidden).write_bytes(b"\xff\xd8\xff")
    manifest = read_source(tmp_path)
    assert len(manifest.radiographs) == 2
    said = messages(manifest)
    assert "4 files were left alone (2 no suffix, 1 .txt, 1 .jpg)" in said
    assert "No class: empty class (no film in it)." in said
    assert "The names do not tell which is which." in said
    aside = next(remark.ids for remark in manifest.remarks if "left alone" in remark.message)
    assert set(aside) == {"a/notes.txt", "a/readings", "a/DICOMDIR", "9.jpg"}


@pytest.mark.parametrize("names", [("train", "val", "test"), ("Train", "valid", "TEST")])
def test_parts_with_class_folders(tmp_path: Path, names: tuple[str, ...]) -> None:
    for at, name in enumerate(names):
        films(tmp_path / name / "not fractured", 2, first=10 * at)
        films(tmp_path / name / "fractured", 1, first=10 * at + 5)
    manifest = read_source(tmp_path)
    assert manifest.source == "split_folders"
    assert f"it has {', '.join(names)} with a folder per class" in manifest.recognised_by
    assert counts(manifest) == {
        (part, name): n
        for part in ("train", "val", "test")
        for name, n in (("not fractured", 2), ("fractured", 1))
    }


def test_spellings_across_parts_are_one_class(tmp_path: Path) -> None:
    films(tmp_path / "train" / "Hairline Fracture", 3)
    films(tmp_path / "test" / "hairline_fracture", 1, first=3)
    films(tmp_path / "train" / "Spiral", 1, first=4)
    manifest = read_source(tmp_path)
    assert manifest.classes == ("Hairline Fracture", "Spiral")
    assert "are one class, 'Hairline Fracture'" in messages(manifest)
    assert counts(manifest)["test", "Hairline Fracture"] == 1


def test_parts_inside_each_class(tmp_path: Path) -> None:
    for at, name in enumerate(("Oblique fracture", "Spiral Fracture")):
        films(tmp_path / name / "Train", 3, first=10 * at)
        films(tmp_path / name / "Test", 1, first=10 * at + 5)
    films(tmp_path / "Spiral Fracture", 1, first=30)
    manifest = read_source(tmp_path)
    assert manifest.source == "class_split_folders"
    assert counts(manifest)["test", "Spiral Fracture"] == 1
    assert counts(manifest)["train", "Oblique fracture"] == 3
    assert counts(manifest)[None, "Spiral Fracture"] == 1


def test_names_of_any_script_with_blanks(tmp_path: Path) -> None:
    write_film(tmp_path / "złamane" / "ręka lewa (1).jpg", seed=0)
    write_film(tmp_path / "正常" / "手.png", seed=1)
    manifest = read_source(tmp_path)
    assert set(manifest.classes) == {"złamane", "正常"}
    assert {film.id for film in manifest.radiographs} == {
        "złamane/ręka lewa (1).jpg",
        "正常/手.png",
    }


def test_a_name_that_is_not_utf8_is_left_alone_and_said(tmp_path: Path) -> None:
    films(tmp_path / "a", 1)
    films(tmp_path / "b", 1, first=1)
    (tmp_path / "b" / "1.jpg").rename(tmp_path / "b" / os.fsdecode(b"\xb3.jpg"))
    films(tmp_path / "b", 1, first=1)
    manifest = read_source(tmp_path)
    assert len(manifest.radiographs) == 2
    assert any(r"b/\udcb3.jpg" in remark.ids for remark in manifest.remarks)


@pytest.mark.parametrize("name", [name for name in one_of_each() if name != "packed.tif"])
def test_films_without_extension_are_known_by_their_first_bytes(name: str, tmp_path: Path) -> None:
    for other in ("IM0001", "1.2.840.113619.2"):
        (tmp_path / other).write_bytes(one_of_each()[name])
        assert is_film(tmp_path / other)


def test_a_film_that_lies_about_itself_stays(tmp_path: Path) -> None:
    films(tmp_path / "a", 1)
    films(tmp_path / "b", 1, first=1)
    (tmp_path / "a" / "zip.JPG").write_bytes(b"PK\x03\x04")
    (tmp_path / "a" / "empty.png").write_bytes(b"")
    (tmp_path / "a" / "gone.tif").symlink_to(tmp_path / "nowhere")
    assert len(read_source(tmp_path).radiographs) == 5


def test_links_are_followed_and_a_loop_of_links_ends(tmp_path: Path) -> None:
    data = tmp_path / "data"
    films(data / "a", 1)
    films(tmp_path / "elsewhere", 1, first=1)
    (data / "b").symlink_to(tmp_path / "elsewhere")
    (data / "a" / "again").symlink_to(data)
    (data / "a" / "self").symlink_to(data / "a" / "self")
    ids = {film.id for film in read_source(data).radiographs}
    assert {"a/0.jpg", "b/1.jpg"} <= ids
    assert len(ids) < 10


def test_one_folder_linked_into_two_parts_is_in_both(tmp_path: Path) -> None:
    films(tmp_path / "pool", 2)
    films(tmp_path / "data" / "train" / "normal", 1, first=5)
    for part in ("train", "test"):
        (tmp_path / "data" / part).mkdir(exist_ok=True)
        (tmp_path / "data" / part / "fractured").symlink_to(tmp_path / "pool")
    assert counts(read_source(tmp_path / "data"))["test", "fractured"] == 2


def test_a_pipe_is_no_film(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "0.jpg")
    os.mkfifo(tmp_path / "pipe")
    assert contents(tmp_path).films == []


def test_one_class_is_not_enough(tmp_path: Path) -> None:
    films(tmp_path / "normal", 12)
    with pytest.raises(DataError, match=r"two classes; found only 'normal' \(12 films\) in "):
        read_source(tmp_path)


def test_one_film_of_one_class_is_not_enough(tmp_path: Path) -> None:
    films(tmp_path / "normal" / "2021", 1)
    (tmp_path / "fractured").mkdir()
    with pytest.raises(DataError, match=r"only 'normal' \(1 film\) in "):
        read_source(tmp_path, layout="class_folders")


def test_parts_nested_twice_as_archives_unpack_are_no_classes(tmp_path: Path) -> None:
    for at, (part, name) in enumerate(product(("train", "val", "test"), ("broken", "normal"))):
        write_film(tmp_path / part / part / name / "0.jpg", seed=at)
    manifest = read_source(tmp_path)
    assert manifest.source == "split_folders"
    assert manifest.classes == ("normal", "broken")
    assert {film.split for film in manifest.radiographs} == {"train", "val", "test"}


def test_parts_nested_twice_without_classes_are_no_split_folders(tmp_path: Path) -> None:
    for at, part in enumerate(("train", "test")):
        write_film(tmp_path / part / part / "0.jpg", seed=at)
    assert not SOURCES["split_folders"].recognise(tmp_path).fits


@pytest.mark.parametrize("mark", [("made-for",), ("run.json", "manifest.csv")])
def test_what_osteon_wrote_among_the_films_is_none_of_them(
    tmp_path: Path, mark: tuple[str, ...]
) -> None:
    for number, place in enumerate(("a/0.jpg", "b/0.jpg", "runs/one/plots/a.jpg", "two/b.jpg")):
        write_film(tmp_path / place, seed=number)
    before = read_source(tmp_path)
    assert {"runs", "two"} < {*before.classes}
    for run in ("runs/one", "two"):
        for name in mark:
            (tmp_path / run / name).touch()
    after = read_source(tmp_path)
    assert after.classes == ("a", "b")
    assert [film.id for film in after.radiographs] == ["a/0.jpg", "b/0.jpg"]


@pytest.mark.skipif(os.name == "nt", reason="names are Unicode there")
def test_a_folder_whose_name_is_not_utf8_is_left_alone_and_said(tmp_path: Path) -> None:
    for number, name in enumerate((b"a", b"b", b"fra\xe9ctured")):
        write_film(tmp_path / os.fsdecode(name) / "0.jpg", seed=number)
    manifest = read_source(tmp_path)
    assert manifest.classes == ("a", "b")
    (aside,) = (r.ids for r in manifest.remarks if "left alone" in r.message)
    assert aside == ("fra\\udce9ctured/0.jpg",)
    with pytest.raises(DataError, match="is not UTF-8"):
        read_source(tmp_path / os.fsdecode(b"fra\xe9ctured"))


def test_a_folder_of_films_that_names_no_part_is_a_warning(tmp_path: Path) -> None:
    for number, name in enumerate(("train/a", "train/b", "validate/a", "reserve/b")):
        write_film(tmp_path / name / "0.jpg", seed=number)
    manifest = read_source(tmp_path)
    assert [film.split for film in manifest.radiographs] == ["train", "train", "val"]
    (said,) = (r for r in manifest.remarks if "names no part" in r.message)
    assert said.severity == "warning"
    assert said.message == "'reserve' names no part of a split: its 1 film were left alone."

"""A manifest survives its CSV, whatever is in it."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from osteon.errors import DataError
from osteon.manifest import read_manifest, write_manifest
from osteon.types import Box, Finding, Manifest, Radiograph

TEXT = st.text(st.characters(codec="utf-8"), min_size=1)  # an empty cell means unknown
WORDS = TEXT.filter(lambda word: ";" not in word)
SIZES = st.floats(0, 1e4, allow_nan=False)
ABOVE_0 = st.floats(0, 1e4, exclude_min=True)
BOXES = st.builds(
    Box, left_px=SIZES, top_px=SIZES, width_px=ABOVE_0, height_px=ABOVE_0, label=st.text(max_size=3)
)
COLUMNS = st.text("ab_ ,Ż", min_size=1, max_size=4)


@st.composite
def manifests(draw: st.DrawFn) -> Manifest:
    root = Path("/data/films")
    names = draw(st.lists(st.integers(0, 99), unique=True, min_size=1, max_size=4))
    films = tuple(
        Radiograph(
            id=f"a/{name}.jpg",
            path=root / "a" / f"{name}.jpg",
            label=draw(st.sampled_from([None, 0, 1])),
            split=draw(st.sampled_from([None, "train", "val", "test"])),
            patient_id=draw(st.none() | TEXT),
            study_id=draw(st.none() | TEXT),
            regions=draw(st.frozensets(WORDS, max_size=2)),
            views=draw(st.frozensets(st.sampled_from(["frontal", "lateral"]))),
            laterality=draw(st.sampled_from([None, "L", "R"])),
            boxes=tuple(draw(st.lists(BOXES, max_size=2))),
            spacing_mm=draw(st.none() | st.tuples(ABOVE_0, ABOVE_0)),
            extra=draw(st.dictionaries(COLUMNS, TEXT, max_size=2)),
        )
        for name in names
    )
    return Manifest(
        root=root,
        source="test",
        recognised_by="it was made up",
        classes=("normal", "fractured, open"),
        radiographs=films,
        remarks=(Finding(check="labels", severity="note", message="m", ids=("a",)),),
    )


@settings(deadline=None, max_examples=100)
@given(manifest=manifests())
def test_it_comes_back_equal(manifest: Manifest) -> None:
    with tempfile.TemporaryDirectory() as folder:
        again = read_manifest(write_manifest(manifest, Path(folder) / "manifest.csv"))
    assert again == manifest
    assert again.digest == manifest.digest


def written(tmp_path: Path) -> Path:
    films = (Radiograph(id="a.jpg", path=tmp_path / "a.jpg", label=0),)
    manifest = Manifest(
        root=tmp_path, source="s", recognised_by="r", classes=("x", "y"), radiographs=films
    )
    return write_manifest(manifest, tmp_path / "manifest.csv")


def test_films_below_the_csv_may_be_moved_with_it(tmp_path: Path) -> None:
    written(tmp_path / "here")
    (tmp_path / "here").rename(tmp_path / "there")
    film = read_manifest(tmp_path / "there" / "manifest.csv").radiographs[0]
    assert film.path == tmp_path / "there" / "a.jpg"


def test_a_label_edited_by_hand_counts(tmp_path: Path) -> None:
    path = written(tmp_path)
    path.write_text(path.read_text().replace("a.jpg,a.jpg,x", "a.jpg,a.jpg,y"))
    assert read_manifest(path).radiographs[0].label == 1


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("a.jpg,a.jpg,x,,", "a.jpg,a.jpg,z,,", "row 2: label 'z' is not among x, y"),
        ("a.jpg,a.jpg,x,,", "a.jpg,a.jpg,x,dev,", "row 2: split 'dev' is none of train, val"),
        ("x,,,,,,,,", "x,,,,,up,,,", "row 2: view 'up' is none of frontal"),
        ("x,,,,,,,,", "x,,,,,,left,,", "row 2: laterality 'left' is none of R, L"),
        ("x,,,,,,,,", "x,,,,,,,box,", "row 2: boxes are not a JSON list"),
        ("x,,,,,,,,", 'x,,,,,,,"[{""left_px"": ""a""}]",', "row 2: boxes are not a JSON list"),
        ("x,,,,,,,,", "x,,,,,,,,0;0.1", "row 2: spacing_mm '0;0.1' is not two distances"),
        ("x,,,,,,,,", "x,,,,,,,,nan;0.1", "row 2: spacing_mm 'nan;0.1' is not two distances"),
        ("x,,,,,,,,", "x,,,,,,,,0.1", "row 2: spacing_mm '0.1' is not two numbers"),
        ("a.jpg,a.jpg", "b.jpg,b.jpg,x,,,,,,,,\nb.jpg,b.jpg", "row 3: a second film 'b.jpg'"),
        ("id,path,label", "id,path,class", "lacks the columns label"),
    ],
)
def test_a_mistake_made_by_hand_is_named(tmp_path: Path, old: str, new: str, words: str) -> None:
    path = written(tmp_path)
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    with pytest.raises(DataError, match=words):
        read_manifest(path)


def test_a_manifest_saved_in_another_encoding_is_named(tmp_path: Path) -> None:
    path = written(tmp_path)
    path.write_bytes(path.read_text().replace("a.jpg,x", "a.jpg,ü").encode("cp1252"))
    with pytest.raises(DataError, match="Save it as CSV UTF-8"):
        read_manifest(path)


def test_a_manifest_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"There is no manifest .*manifest\.csv"):
        read_manifest(tmp_path / "manifest.csv")


def test_a_spreadsheet_may_save_it_again(tmp_path: Path) -> None:
    path = written(tmp_path)
    before = read_manifest(path)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    assert read_manifest(path) == before


def test_a_film_elsewhere_keeps_its_whole_path(tmp_path: Path) -> None:
    far = tmp_path / "far" / "b.jpg"
    manifest = Manifest(
        root=tmp_path / "data",
        source="s",
        recognised_by="r",
        classes=("x", "y"),
        radiographs=(Radiograph(id=far.as_posix(), path=far, label=1),),
    )
    assert read_manifest(write_manifest(manifest, tmp_path / "m.csv")) == manifest


def test_films_of_equal_regions_share_one_set(tmp_path: Path) -> None:
    films = tuple(
        Radiograph(id=f"{at}.png", path=tmp_path / f"{at}.png", regions=frozenset(regions))
        for at, regions in enumerate([("hand", "arm"), ("arm", "hand"), (), ()])
    )
    manifest = Manifest(
        root=tmp_path, source="test", recognised_by="made", classes=("no", "yes"), radiographs=films
    )
    found = read_manifest(write_manifest(manifest, tmp_path / "manifest.csv")).radiographs
    assert found == films
    assert found[0].regions is found[1].regions
    assert found[2].regions is found[3].regions

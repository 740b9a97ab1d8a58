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

WORDS = st.text(
    st.characters(blacklist_categories=("Cs", "Cc"), blacklist_characters=";"), min_size=1
).filter(lambda word: word.strip() == word and word)
SIZES = st.floats(0, 1e4, allow_nan=False)
BOXES = st.builds(
    Box, left_px=SIZES, top_px=SIZES, width_px=SIZES, height_px=SIZES, label=st.text(max_size=3)
)
COLUMNS = st.text("abcdefg_", min_size=1, max_size=4)


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
            patient_id=draw(st.none() | WORDS),
            study_id=draw(st.none() | WORDS),
            regions=draw(st.frozensets(WORDS, max_size=2)),
            views=draw(st.frozensets(st.sampled_from(["frontal", "lateral"]))),
            laterality=draw(st.sampled_from([None, "L", "R"])),
            boxes=tuple(draw(st.lists(BOXES, max_size=2))),
            spacing_mm=draw(st.none() | st.tuples(SIZES, SIZES)),
            extra=draw(st.dictionaries(COLUMNS, WORDS, max_size=2)),
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


@settings(deadline=None, max_examples=60)
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


def test_a_mistake_made_by_hand_is_named(tmp_path: Path) -> None:
    path = written(tmp_path)
    path.write_text(path.read_text().replace("a.jpg,a.jpg,x", "a.jpg,a.jpg,z"))
    with pytest.raises(DataError, match="row 2: label 'z' is not among x, y"):
        read_manifest(path)

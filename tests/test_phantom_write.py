"""The folder that is written: bytes, defects, refusals, and the source that reads it."""

from __future__ import annotations

import hashlib
import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from osteon.errors import DataError, UsageError
from osteon.phantom import PhantomPlan, Plants, make_case, make_film, make_phantoms
from osteon.phantom.encode import film_bytes
from osteon.phantom.plant import plan_files
from osteon.sources.phantom import PhantomFolder
from osteon.types import Manifest

PLANTS = Plants(
    copies=2, pixel_copies=2, leaks=2, conflicts=1, wrong_labels=2, truncated=2, empty=1,
    wrong_extension=2, inverted=1, exif_rotated=3, sixteen_bit=1, animated=1,
)  # fmt: skip
PLAN = PhantomPlan(films=40, size_px=96, seed=5, shipped_split=True, plants=PLANTS, casts=0.3,
                   plates=0.3, arrows=0.3)  # fmt: skip


def digests(folder: Path) -> dict[str, str]:
    """Of every file but the manifest, which may tell its place, and of what the manifest says."""
    said = {"manifest": PhantomFolder().read(folder).digest}
    return said | {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.stem != "manifest"
    }


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_phantoms(tmp_path_factory.mktemp("phantoms") / "a", PLAN, workers=1)


@pytest.fixture(scope="module")
def truth(folder: Path) -> dict[str, dict[str, Any]]:
    told: dict[str, dict[str, Any]] = json.loads((folder / "truth.json").read_text())
    return told


@pytest.fixture(scope="module")
def manifest(folder: Path) -> Manifest:
    return PhantomFolder().read(folder)


def planted(truth: dict[str, dict[str, Any]], name: str) -> list[str]:
    ids = [id_ for id_, true in truth.items() if true["planted"] == name]
    assert len(ids) == getattr(PLANTS, name)
    return ids


def pixels(path: Path) -> np.ndarray[tuple[int, ...], np.dtype[Any]]:
    with Image.open(path) as image:
        return np.asarray(image)


def test_same_plan_same_bytes_for_any_number_of_workers(folder: Path, tmp_path: Path) -> None:
    other = make_phantoms(tmp_path / "b", PLAN, workers=2)
    assert digests(other) == digests(folder)


def test_another_seed_gives_other_films() -> None:
    films = [
        make_film(make_case(plan, 0), plan).gray
        for plan in (PhantomPlan(size_px=64, seed=seed) for seed in (1, 2))
    ]
    assert films[0].shape != films[1].shape or not np.array_equal(films[0], films[1])


def test_first_films_do_not_depend_on_the_number_of_films(tmp_path: Path) -> None:
    plan = PhantomPlan(films=6, size_px=64, seed=3)
    few = digests(make_phantoms(tmp_path / "few", plan))
    many = digests(make_phantoms(tmp_path / "many", replace(plan, films=9)))
    films = {name: digest for name, digest in few.items() if name.startswith("images/")}
    assert len(films) == 6
    assert films.items() <= many.items()


def test_copies_are_copies(folder: Path, truth: dict[str, dict[str, Any]]) -> None:
    for name in ("copies", "leaks", "conflicts"):
        for id_ in planted(truth, name):
            assert (folder / id_).read_bytes() == (folder / truth[id_]["copy_of"]).read_bytes()
    for id_ in planted(truth, "pixel_copies"):
        source = folder / truth[id_]["copy_of"]
        assert (folder / id_).read_bytes() != source.read_bytes()
        assert np.array_equal(pixels(folder / id_), pixels(source))


def test_labels_lie_only_where_planted(
    manifest: Manifest, truth: dict[str, dict[str, Any]]
) -> None:
    wrong = set(planted(truth, "wrong_labels")) | set(planted(truth, "conflicts"))
    for film in manifest.radiographs:
        said = manifest.class_name(film)
        assert (said != truth[film.id]["class"]) == (film.id in wrong)
        assert Path(film.id).parent.name == said
        assert bool(film.boxes) == (truth[film.id]["fracture"] is not None)


def test_damaged_files_are_damaged(folder: Path, truth: dict[str, dict[str, Any]]) -> None:
    for id_ in planted(truth, "empty"):
        assert (folder / id_).read_bytes() == b""
    for id_ in planted(truth, "truncated"):
        with Image.open(folder / id_) as image, pytest.raises(OSError, match="truncated"):
            image.load()


def test_files_are_of_the_kind_that_was_planted(
    folder: Path, truth: dict[str, dict[str, Any]]
) -> None:
    for id_ in planted(truth, "wrong_extension"):
        with Image.open(folder / id_) as image:
            assert (image.format, Path(id_).suffix) == ("PNG", ".jpg")
    for id_ in planted(truth, "sixteen_bit"):
        assert pixels(folder / id_).max() > 255
        assert pixels(folder / id_).dtype == np.uint16
    for id_ in planted(truth, "animated"):
        with Image.open(folder / id_) as image:
            assert (image.format, getattr(image, "n_frames", 1)) == ("GIF", 2)


def _as_planned(id_: str) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    spec = next(spec for spec in plan_files(PLAN) if spec.id == id_)
    return make_film(spec.case, PLAN).gray


def test_rotated_and_inverted_films_lead_back_to_the_film(
    folder: Path, truth: dict[str, dict[str, Any]]
) -> None:
    from PIL import ImageOps

    for id_ in planted(truth, "exif_rotated"):
        with Image.open(folder / id_) as image:
            assert image.getexif()[0x0112] in (3, 6, 8)
            upright = np.asarray(ImageOps.exif_transpose(image)) / 255
        assert upright.shape == _as_planned(id_).shape
        assert np.abs(upright - _as_planned(id_)).mean() < 0.01
    for id_ in planted(truth, "inverted"):
        assert np.abs(1 - pixels(folder / id_) / 255 - _as_planned(id_)).mean() < 0.01


def test_manifest_says_what_an_archive_would(folder: Path, manifest: Manifest) -> None:
    assert manifest.source == "phantom"
    assert manifest.classes == ("normal", "fractured")
    assert len(manifest.radiographs) == 40 + 7
    first = next(film for film in manifest.radiographs if film.id.endswith("/00000.jpg"))
    assert first.patient_id == "P00000"
    assert first.study_id == "P00000-S1"
    assert first.views == {"frontal"}
    assert first.laterality in ("L", "R")
    assert first.spacing_mm is not None
    assert 0.2 < first.spacing_mm[0] < 10
    for film in manifest.radiographs:
        assert film.path.is_file()
        assert film.split in ("train", "val", "test")


def test_leaks_cross_the_shipped_split(
    manifest: Manifest, truth: dict[str, dict[str, Any]]
) -> None:
    split = {film.id: film.split for film in manifest.radiographs}
    for id_ in planted(truth, "leaks"):
        assert split[truth[id_]["copy_of"]] == "train"
        assert split[id_] in ("val", "test")
    for id_ in planted(truth, "copies"):
        assert split[truth[id_]["copy_of"]] == split[id_]


def test_marker_shortcut_shows_the_class() -> None:
    plan = PhantomPlan(films=24, size_px=64, plants=Plants(marker_shortcut=1.0))
    for index in range(24):
        film = make_film(make_case(plan, index), plan)
        assert (film.marker != "") == (film.case.fracture is not None)


def test_casts_plates_arrows_and_writing_show_on_the_film() -> None:
    bare = PhantomPlan(size_px=128, regions=("forearm",), writing=0, markers=0)
    case = make_case(bare, 0)
    without = make_film(case, bare)
    for name, flag in (("casts", "cast"), ("plates", "hardware"), ("arrows", ""), ("writing", "")):
        film = make_film(case, replace(bare, **{name: 1.0}))  # type: ignore[arg-type]
        assert not np.array_equal(film.gray, without.gray)
        if flag:
            assert getattr(film, flag)
            assert not getattr(without, flag)


def test_dicom_tells_the_same_as_the_manifest() -> None:
    import pydicom

    plan = PhantomPlan(films=40, size_px=96, formats=("dicom",), seed=1)
    seen = set()
    for spec in plan_files(plan)[:40:3]:
        film = make_film(spec.case, plan)
        data = film_bytes(film, spec)
        assert data == film_bytes(film, spec)
        read = pydicom.dcmread(io.BytesIO(data))
        assert read.PatientID == spec.case.patient_id
        assert read.ImageLaterality == spec.case.side
        assert read.BodyPartExamined == spec.case.region.upper()
        assert (read.ViewPosition == "AP") == (spec.case.view == "frontal")
        assert float(read.PixelSpacing[0]) == pytest.approx(film.spacing_mm, abs=1e-4)
        stored = read.pixel_array / 4095.0
        bright = 1 - stored if read.PhotometricInterpretation == "MONOCHROME1" else stored
        assert np.abs(bright - film.gray).max() < 0.001
        seen.add(read.PhotometricInterpretation)
    assert seen == {"MONOCHROME1", "MONOCHROME2"}


def test_a_finished_folder_is_left_alone_and_a_broken_one_finished(
    folder: Path, tmp_path: Path
) -> None:
    before = digests(folder)
    times = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    make_phantoms(folder, PLAN)
    assert times == {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    broken = make_phantoms(tmp_path / "broken", PLAN, workers=1)
    (broken / "manifest.csv").unlink()
    next((broken / "images").rglob("*.jpg")).unlink()
    (broken / "images" / "normal" / ".00001.jpg.abc.part").write_bytes(b"half")
    with pytest.raises(DataError, match="unfinished"):
        PhantomFolder().read(broken)
    make_phantoms(broken, PLAN)
    assert digests(broken) == before


def test_nothing_foreign_is_overwritten(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="another plan"):
        make_phantoms(folder, replace(PLAN, seed=6))
    (tmp_path / "thesis.txt").write_text("two years of work")
    with pytest.raises(UsageError, match="not empty"):
        make_phantoms(tmp_path, PLAN)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]
    with pytest.raises(UsageError, match="not empty"):
        make_phantoms(tmp_path / "thesis.txt", PLAN)


def test_only_phantom_folders_are_recognised(folder: Path, tmp_path: Path) -> None:
    source = PhantomFolder()
    assert source.recognise(folder).fits
    assert not source.recognise(tmp_path).fits
    assert "phantoms.json" in source.recognise(tmp_path).reason

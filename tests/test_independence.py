"""Two data sets: films of one that are in the other are named, and the exit code says so."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from PIL import Image, ImageOps
from typer.testing import CliRunner

from osteon.cli import app
from osteon.errors import DataError
from osteon.looking import compare_data
from osteon.phantom import PhantomPlan, make_phantoms


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> list[Image.Image]:
    place = tmp_path_factory.mktemp("phantoms")
    plan = PhantomPlan(films=12, films_per_patient=1, size_px=256, regions=("hip", "shoulder"))
    make_phantoms(place, plan)
    return [Image.open(path).convert("L") for path in sorted(place.rglob("*.jpg"))]


def data(place: Path, name: str, films: list[Image.Image]) -> Path:
    for number, film in enumerate(films):
        folder = place / name / ("broken" if number % 2 else "normal")
        folder.mkdir(parents=True, exist_ok=True)
        film.save(folder / f"{number}.png")
    return place / name


def test_other_films_are_an_independent_test(films: list[Image.Image], tmp_path: Path) -> None:
    found = compare_data(data(tmp_path, "a", films[:6]), data(tmp_path, "b", films[6:]))
    assert found.independent
    assert found.verdict.startswith(
        "None of the 6 films of b shows an exposure that is among the 6"
    )


def table(place: Path, name: str, films: list[Image.Image], column: str, first: int) -> Path:
    folder = data(place, name, films)
    rows = [
        f"{path.relative_to(folder).as_posix()},{path.parent.name},{column[0]}{first + at}"
        for at, path in enumerate(sorted(folder.rglob("*.png")))
    ]
    (folder / "table.csv").write_text("\n".join([f"path,label,{column}", *rows]) + "\n")
    return folder / "table.csv"


@pytest.mark.parametrize("column", ["patient_id", "study_id"])
def test_other_films_of_the_same_patients_are_none(
    films: list[Image.Image], tmp_path: Path, column: str
) -> None:
    train = table(tmp_path, "a", films[:6], column, 0)
    test = table(tmp_path, "b", films[6:], column, 4)
    found = compare_data(train, test)
    assert not found.independent
    assert not found.shared
    assert len(found.same_patient) == 2
    assert "2 of its 6 films (33.3 %) are of patients or studies whose ids" in found.verdict
    assert f"model trained on {train}:" in found.verdict  # both are called table.csv
    apart = compare_data(train, table(tmp_path, "c", films[6:], column, 6))
    assert apart.independent
    assert ("Nor is a patient's id in both." in apart.verdict) == (column == "patient_id")


def test_films_that_cannot_be_read_are_no_test(films: list[Image.Image], tmp_path: Path) -> None:
    train, test = data(tmp_path, "a", films[:6]), data(tmp_path, "b", films[6:])
    for path in test.rglob("*.png"):
        path.write_text("version https://git-lfs.github.com/spec/v1\n")
    with pytest.raises(DataError, match="None of the 6 films of b can be read"):
        compare_data(train, test)


def test_each_shared_film_is_told_with_how(films: list[Image.Image], tmp_path: Path) -> None:
    train = data(tmp_path, "a", films[:6])
    test = data(
        tmp_path, "b", [films[6], films[7], ImageOps.mirror(films[0]).rotate(90, expand=True)]
    )
    shutil.copy(train / "broken" / "1.png", test / "normal" / "copy.png")
    Image.open(train / "normal" / "2.png").save(test / "broken" / "again.bmp")
    found = compare_data(train, test)
    assert {(film.test_id, film.train_id, film.how) for film in found.shared} == {
        ("normal/copy.png", "broken/1.png", "bytes"),
        ("broken/again.bmp", "normal/2.png", "pixels"),
        ("normal/2.png", "normal/0.png", "re-made"),
    }
    assert found.verdict == (
        "b is no independent test of a model trained on a: 3 of its 5 films (60.0 %) are there too "
        "(1 byte for byte, 1 pixel for pixel, 1 re-made)."
    )


def test_the_command_ends_with_1_where_films_are_shared(
    films: list[Image.Image], tmp_path: Path
) -> None:
    one, other = data(tmp_path, "a", films[:4]), data(tmp_path, "b", films[3:6])
    cache = {"OSTEON_CACHE": str(tmp_path / "cache")}
    result = CliRunner().invoke(app, ["audit", str(one), str(other), "--json"], env=cache)
    assert result.exit_code == 1
    told = json.loads(result.stdout)
    assert not told["independent"]
    assert [film["test_id"] for film in told["shared"]] == ["normal/0.png"]
    clean = CliRunner().invoke(
        app, ["audit", str(one), str(data(tmp_path, "c", films[6:]))], env=cache
    )
    assert clean.exit_code == 0
    assert "None of the 6 films of c" in " ".join(clean.stdout.split())

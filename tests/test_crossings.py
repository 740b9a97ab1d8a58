"""Journeys between data sets: shared classes, shared films, sources left out."""

from __future__ import annotations

import csv
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.metrics import roc_auc_score
from typer.testing import CliRunner

from osteon.cli import app
from osteon.crossings import (
    Travels,
    crossed,
    shared_classes,
    sources_in,
    told_travels,
    without,
)
from osteon.errors import DataError, UsageError
from osteon.independence import Independence
from osteon.journeys import _on_patients, travel_between, travel_within
from osteon.types import Augment, Manifest, Optimiser, Predictions, Radiograph
from osteon.values import read_value
from tests.training import TINY

FAST = replace(TINY, epochs=10, patience=10, augment=Augment(), optimiser=Optimiser(lr=1e-2))


def manifest_of(*classes: str, each: int = 3, column: dict[str, int] | None = None) -> Manifest:
    films = [
        Radiograph(id=f"{name}/{at}", path=Path(f"{name}/{at}.png"), label=label)
        for label, name in enumerate(classes)
        for at in range(each)
    ]
    return Manifest(root=Path("x"), source="class_folders", recognised_by="so.",
                    classes=classes, radiographs=tuple(films))  # fmt: skip


# --- classes --------------------------------------------------------------------------------------


def test_types_of_equal_names_are_kept_in_the_firsts_words() -> None:
    one = manifest_of("Avulsion fracture", "Hairline Fracture", "Impacted fracture")
    other = manifest_of("HairlineFracture", "CompressionCrushFracture", "AvulsionFracture")
    (a, b), remarks = shared_classes({"one": one, "other": other})
    assert a.classes == b.classes == ("Avulsion fracture", "Hairline Fracture")
    assert {film.id.split("/")[0]: film.label for film in b.radiographs} == {
        "HairlineFracture": 1,
        "AvulsionFracture": 0,
    }
    assert remarks == (
        "one: left out 3 films of Impacted fracture.",
        "other: left out 3 films of CompressionCrushFracture.",
    )


def test_two_classes_of_other_names_stand_for_one_another_and_it_is_said() -> None:
    one, other = manifest_of("Non_fractured", "Fractured"), manifest_of("normal", "broken")
    (_, b), (remark,) = shared_classes({"one": one, "other": other})
    assert b.classes == ("Non_fractured", "Fractured")
    assert [film.label for film in b.radiographs] == [f.label for f in other.radiographs]
    assert "normal / broken" in remark


def test_nothing_in_common_is_refused() -> None:
    with pytest.raises(DataError, match="share 1 class"):
        shared_classes({"a": manifest_of("x", "y", "z"), "b": manifest_of("X", "v", "w")})


def test_a_class_of_one_name_is_never_taken_for_another() -> None:
    """By order, the second's Greenstick would stand for the first's Spiral."""
    one, other = manifest_of("Greenstick", "Spiral"), manifest_of("Comminuted", "Greenstick")
    with pytest.raises(DataError, match=r"share 1 class \(Greenstick\)"):
        shared_classes({"one": one, "other": other})


# --- a cell ---------------------------------------------------------------------------------------


def predictions(scores: np.ndarray[tuple[int], np.dtype[np.float64]]) -> Predictions:
    n = len(scores)
    return Predictions(
        ids=tuple(f"f{at}" for at in range(n)),
        labels=np.arange(n) % 2,
        scores=np.stack([1 - scores, scores], 1),
        groups=tuple(f"g{at // 4}" for at in range(n)),
        classes=("normal", "broken"),
        part="test",
    )


def test_a_shared_film_takes_its_group_with_it() -> None:
    left = without(predictions(np.linspace(0, 1, 12)), {"f5"})
    assert left.ids == ("f0", "f1", "f2", "f3", "f8", "f9", "f10", "f11")
    assert left.labels.tolist() == [0, 1] * 4
    assert left.scores.shape == (8, 2)


def test_a_cell_is_judged_without_shared_films() -> None:
    rng = np.random.default_rng(2)
    theirs = predictions(rng.random(200))
    own = predictions(np.clip(rng.random(200) * 0.6 + 0.4 * (np.arange(200) % 2), 0, 1))
    told = np.clip(rng.random(200) * 0.8 + 0.2 * (np.arange(200) % 2), 0, 1)
    baselines = {
        "metadata_only": np.stack([1 - told, told], 1),
        "majority": np.tile([0.6, 0.4], (200, 1)),
    }
    cell = crossed("a", "b", theirs, own, baselines, {"f0", "f41"}, 0)
    assert cell.n_removed == 8
    assert cell.auroc.n == 192
    kept = [at for at in range(200) if at // 4 not in (0, 10)]
    expected, at_home = (roc_auc_score(p.labels[kept], p.scores[kept, 1]) for p in (theirs, own))
    assert cell.auroc.value == pytest.approx(expected)
    assert cell.loss is not None
    assert cell.loss.value == pytest.approx(at_home - expected)
    of_metadata = roc_auc_score(theirs.labels[kept], told[kept])
    assert cell.baselines["metadata_only"].value == pytest.approx(of_metadata)
    assert cell.baselines["metadata_only"].n == 192
    assert cell.baselines["majority"].value == 0.5
    assert cell.gain.value == pytest.approx(expected - of_metadata)
    home = crossed("b", "b", own, own, baselines, frozenset(), 0)
    assert home.loss is None
    travels = Travels(names=("a", "b"), classes=("normal", "broken"), recipe="r", seed=0,
                      remarks=(), cells=(cell, home))  # fmt: skip
    assert travels.cell("a", "b") is cell
    lost, not_above = told_travels(travels)
    assert lost.startswith("Trained on a and judged on b it loses AUROC")
    assert not_above.startswith("Trained on a and judged on b it is not shown to beat file")


def test_nothing_left_is_refused() -> None:
    some = predictions(np.linspace(0, 1, 8))
    with pytest.raises(DataError, match=r"the 8 films that a has too .* cannot be crossed"):
        crossed("a", "b", some, some, {}, {f"f{at}" for at in range(8)}, 0)
    lacking = replace(some, labels=np.zeros(8, np.int64))
    with pytest.raises(DataError, match=r"b has no film of '.*': these data sets cannot"):
        crossed("a", "b", lacking, lacking, {}, frozenset(), 0)


# --- sources --------------------------------------------------------------------------------------


def test_sources_with_enough_of_every_class_count() -> None:
    films = [
        Radiograph(id=f"{at}", path=Path("x"), label=at % 2, extra={"scanner": scanner})
        for at, scanner in enumerate("a" * 10 + "b" * 8 + "c" * 3)
    ]
    manifest = replace(manifest_of("normal", "broken"), radiographs=tuple(films))
    found = sources_in(manifest, "scanner", fewest=4)
    assert {value: len(ids) for value, ids in found.items()} == {"a": 10, "b": 8}
    with pytest.raises(DataError, match=r"two are needed\. Columns: scanner\."):
        sources_in(manifest, "hospital", fewest=4)


def test_region_view_and_side_are_sources_too() -> None:
    regions = (frozenset({"wrist"}), frozenset({"ankle"}), frozenset({"ankle", "wrist"}))
    films = [
        Radiograph(
            id=f"{at}", path=Path("x"), label=at % 2, regions=regions[at // 8],
            views=frozenset({"frontal" if at < 12 else "lateral"}),
        )
        for at in range(24)
    ]  # fmt: skip
    manifest = replace(manifest_of("normal", "broken"), radiographs=tuple(films))
    found = sources_in(manifest, "region", fewest=4)
    assert {value: len(ids) for value, ids in found.items()} == {
        "ankle": 8, "ankle and wrist": 8, "wrist": 8,
    }  # fmt: skip
    assert set(sources_in(manifest, "view", fewest=4)) == {"frontal", "lateral"}
    with pytest.raises(DataError, match=r"Columns: region, view\."):
        sources_in(manifest, "laterality", fewest=4)


# --- whole journeys -------------------------------------------------------------------------------


def write_set(folder: Path, seed: int, classes: tuple[str, ...], each: int = 24) -> Path:
    """Bars at a place of their own by class, brighter in sets of an odd seed."""
    rng = np.random.default_rng(seed)
    for index, name in enumerate(classes):
        (folder / name).mkdir(parents=True)
        for number in range(each):
            film = rng.integers(20, 200, size=(24, 32), dtype=np.uint8)
            film[4 + 6 * index : 7 + 6 * index] = rng.integers(200, 250, dtype=np.uint8)
            Image.fromarray(film).save(folder / name / f"{number}.png")
    return folder


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("two")
    east = write_set(folder / "east", 1, ("normal", "broken"))
    west = write_set(folder / "west", 2, ("Normal", "Broken"))
    for at in range(6):  # six films of east, as its own, in west
        shutil.copy(east / "broken" / f"{at}.png", west / "Broken" / f"of-east-{at}.png")
    return east, west


@pytest.mark.slow
def test_a_matrix_of_two_data_sets(
    two: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OSTEON_CACHE", str(tmp_path / "cache"))
    recipe = tmp_path / "tiny.json"
    from osteon.recipe import recipe_to_json

    recipe.write_text(recipe_to_json(FAST))
    called = ["travel", *map(str, two), "--out", str(tmp_path / "out"), "--recipe", str(recipe)]
    result = CliRunner().invoke(app, called)
    assert result.exit_code == 0, result.output
    found = read_value(Travels, tmp_path / "out" / "travel.json")
    assert found.classes == ("normal", "broken")
    assert [(cell.train, cell.test) for cell in found.cells] == [
        ("east", "east"), ("east", "west"), ("west", "east"), ("west", "west"),
    ]  # fmt: skip
    removed = {(cell.train, cell.test): cell.n_removed for cell in found.cells}
    assert removed["east", "east"] == removed["west", "west"] == 0
    assert removed["east", "west"] + removed["west", "east"] > 0
    for name in ("east", "west"):
        away = next(cell for cell in found.cells if cell.test == name and cell.loss is not None)
        assert away.auroc.n == found.cell(name, name).auroc.n - away.n_removed
    for cell in found.cells:
        assert set(cell.baselines) == {"metadata_only", "majority"}
        assert {each.n for each in cell.baselines.values()} == {cell.auroc.n}
        assert cell.baselines["majority"].value == 0.5
    assert "metadata only" in result.output
    page = (tmp_path / "out" / "travel.html").read_text()
    assert page.count("metadata only: ") == page.count("majority: ") == 4
    assert all(sentence in page for sentence in told_travels(found))
    trained = [(tmp_path / "out" / f"on-{name}" / "checkpoints" / "trained").stat().st_mtime_ns
               for name in ("east", "west")]  # fmt: skip
    again = travel_between(list(two), out=tmp_path / "out", recipe=FAST, cache=tmp_path / "cache")
    assert again == found
    assert trained == [
        (tmp_path / "out" / f"on-{name}" / "checkpoints" / "trained").stat().st_mtime_ns
        for name in ("east", "west")
    ]
    with pytest.raises(UsageError, match="another journey"):
        travel_between(list(two), out=tmp_path / "out", recipe=FAST, seed=1,
                       cache=tmp_path / "cache")  # fmt: skip


@pytest.mark.slow
def test_a_source_is_left_out_whole(two: tuple[Path, Path], tmp_path: Path) -> None:
    """Films of two scanners, one of which shows nothing: a stranger to it does no good there."""
    table = tmp_path / "films.csv"
    rng = np.random.default_rng(5)
    with table.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["path", "label", "scanner"])
        for name in ("normal", "broken"):
            for at in range(24):
                rows.writerow([two[0] / name / f"{at}.png", name, "good"])
                blind = tmp_path / f"{name}-{at}.png"
                Image.fromarray(rng.integers(20, 200, (24, 32), dtype=np.uint8)).save(blind)
                rows.writerow([blind, name, "blind"])
    found = travel_within(table, "scanner", out=tmp_path / "out", recipe=FAST,
                          cache=tmp_path / "cache")  # fmt: skip
    by_value = {left.value: left for left in found.left_out}
    assert set(by_value) == {"good", "blind"}
    assert all(left.n_films == 48 for left in found.left_out)
    stranger = by_value["blind"]
    assert (stranger.inside.value or 0) > 0.9
    assert abs((stranger.outside.value or 0) - 0.5) < 0.25
    assert stranger.drop.value == pytest.approx(
        (stranger.inside.value or 0) - (stranger.outside.value or 0)
    )
    for left in found.left_out:
        assert left.baselines["majority"].value == 0.5
        assert left.gain.value == pytest.approx(
            (left.outside.value or 0) - (left.baselines["metadata_only"].value or 0)
        )
    assert "One scanner left out at a time" in (tmp_path / "out" / "travel.html").read_text()


def test_one_data_set_needs_a_column(two: tuple[Path, Path], tmp_path: Path) -> None:
    for data in ([two[0]], [two[0], two[0]]):
        with pytest.raises(UsageError, match="two data sets or more"):
            travel_between(data, out=tmp_path, recipe=FAST)
    called = ["travel", *map(str, two), "--by", "scanner", "--out", str(tmp_path / "x")]
    result = CliRunner().invoke(app, called)
    assert "one data set" in str(result.exception)


def test_films_of_patients_that_both_name_are_told() -> None:
    one = Independence(
        train="east", test="west", n_train=9, n_test=9, shared=(), similar=(),
        same_patient=(("1.png", "7.png"), ("2.png", "7.png")), patients_named=True,
    )  # fmt: skip
    (said,) = _on_patients({("east", "west"): one, ("west", "east"): replace(one, same_patient=())})
    assert said.startswith("2 films of west are of patients or studies whose ids east has too.")

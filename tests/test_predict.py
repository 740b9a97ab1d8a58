"""Films to a table: any names of them, any format, killed and gone on with."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from typer.testing import CliRunner

from osteon.cli import app
from osteon.errors import DataError, UsageError
from osteon.heatmaps import method_shown
from osteon.options import films_in, predict_plan
from osteon.predict import Reader, _end_of_rows, _line, as_csv, open_reader, predict, row_of
from osteon.types import PixelRules, Reading
from tests.bundles import Exported


def given_back(path: Path, squares: object) -> Reading:
    """The score hangs on the film's own bytes, so that no two rows are mixed up unseen."""
    share = (sum(os.fsencode(path.name)) % 97) / 97
    return Reading(
        path=str(path), category="yes", scores={"no": 1 - share, "yes": share}, reason="of a test"
    )


def reader(**changes: object) -> Reader:
    made = Reader(
        classes=("no", "yes"), rules=PixelRules(size_px=8), answer=given_back, workers=1, digest="d"
    )
    return replace(made, **changes)  # type: ignore[arg-type]


@pytest.fixture
def films(tmp_path: Path) -> list[Path]:
    folder = tmp_path / "films"
    folder.mkdir()
    names = ["a.png", "b,c.png", 'd"e.png', "f\ng.png", "h.png", "i.png"]
    for at, name in enumerate(names):
        Image.fromarray(np.full((9, 9), 40 * at, np.uint8)).save(folder / name, format="PNG")
    (folder / "bad.png").write_bytes(b"no film")
    return [*(folder / name for name in names), folder / "bad.png", folder / "gone.png"]


def rows_in(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


# --- the table ------------------------------------------------------------------------------------


def test_each_film_is_a_row_and_a_bad_one_has_its_reason(films: list[Path], tmp_path: Path) -> None:
    films = [*films, tmp_path / f"{'x' * 300}.png"]
    tally = predict(reader(), films, tmp_path / "s.csv")
    assert (tally.n, tally.scored, tally.not_readable, tally.found) == (9, 6, 3, 0)
    rows = rows_in(tmp_path / "s.csv")
    assert list(rows[0]) == ["path", "category", "no", "yes", "reason"]
    assert [row["path"] for row in rows] == [str(film) for film in films]
    assert {row["category"] for row in rows[6:]} == {"not readable"}
    assert "cannot be opened" in rows[7]["reason"]
    assert rows[7]["yes"] == ""


def test_all_formats_say_the_same(films: list[Path], tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    for suffix in ("csv", "jsonl", "parquet"):
        predict(reader(), films, tmp_path / f"s.{suffix}")
    lines = [json.loads(line) for line in (tmp_path / "s.jsonl").read_text().splitlines()]
    table = parquet.read_table(tmp_path / "s.parquet").to_pylist()
    assert lines == table
    for row, line in zip(rows_in(tmp_path / "s.csv"), lines, strict=True):
        assert row["path"] == line["path"]
        assert (float(row["yes"]) if row["yes"] else None) == line["yes"]
    assert not (tmp_path / "s.parquet.rows.jsonl").exists()


@pytest.mark.parametrize("suffix", ["csv", "jsonl"])
def test_cut_off_anywhere_it_goes_on_to_the_same_bytes(
    films: list[Path], tmp_path: Path, suffix: str
) -> None:
    out = tmp_path / f"s.{suffix}"
    predict(reader(), films, out)
    whole = out.read_bytes()
    for kept in range(0, len(whole) + 1, 7):
        out.write_bytes(whole[:kept])
        predict(reader(), films, out)
        assert out.read_bytes() == whole, kept


def test_rows_that_are_there_are_not_scored_again(films: list[Path], tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    seen: list[str] = []

    def watched(path: Path, squares: object) -> Reading:
        seen.append(path.name)
        return given_back(path, squares)

    for suffix in ("csv", "jsonl", "parquet"):
        out = tmp_path / f"s.{suffix}"
        predict(reader(), films[:3], out)
        seen.clear()
        tally = predict(reader(answer=watched), films, out)
        assert seen == [film.name for film in films[3:6]]
        assert (tally.found, tally.n) == (3, 8)


def test_a_table_holds_one_models_answers(films: list[Path], tmp_path: Path) -> None:
    out = tmp_path / "s.csv"
    predict(reader(), films[:2], out)
    with pytest.raises(UsageError, match="another model"):
        predict(reader(digest="e"), films, out)
    (tmp_path / "mine.csv").write_text("path\n")
    with pytest.raises(UsageError, match="not written by"):
        predict(reader(), films, tmp_path / "mine.csv")
    with pytest.raises(UsageError, match="the suffix says"):
        predict(reader(), films, tmp_path / "s.txt")
    with pytest.raises(UsageError, match="name of another column"):
        predict(reader(classes=("no", "path")), films, tmp_path / "t.csv")
    assert not (tmp_path / "t.csv").exists()
    with pytest.raises(UsageError, match="name of another column"):
        as_csv([], ("no", "category"))
    (tmp_path / "s.csv.made-by.json").write_text("")
    with pytest.raises(DataError, match=r"s.csv.made-by.json, which says .* is damaged"):
        predict(reader(), films, out)


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), max_size=6), st.data())
def test_half_a_row_is_never_taken_for_a_whole_one(paths: list[str], data: st.DataObject) -> None:
    for kind in ("csv", "jsonl"):
        rows = [_line(row_of(given_back(Path(p or "x"), None), ("no", "yes")), kind) for p in paths]
        whole = b"".join(rows)
        cut = data.draw(st.integers(0, len(whole)))
        ends = np.cumsum([0, *map(len, rows)])
        assert _end_of_rows(whole[:cut], kind) == ends[ends <= cut].max()


def test_a_name_that_is_no_text_is_written_as_its_bytes(tmp_path: Path) -> None:
    film = Path(os.fsdecode(bytes(tmp_path / "x") + b"\xff.png"))
    Image.fromarray(np.zeros((9, 9), np.uint8)).save(film)
    predict(reader(), [film], tmp_path / "s.csv")
    (row,) = rows_in(tmp_path / "s.csv")
    assert row["path"].endswith("x\\xff.png")
    assert predict(reader(), [film], tmp_path / "s.csv").found == 1


def test_raw_scores_stand_in_only_where_nothing_is_calibrated() -> None:
    reading = given_back(Path("a"), None)
    assert row_of(reading, ("no", "yes"))["yes"] == round(reading.scores["yes"], 6)
    calibrated = replace(reading, calibrated={"no": 0.25, "yes": 0.75})
    assert row_of(calibrated, ("no", "yes"))["yes"] == 0.75
    line = as_csv([calibrated], ("no", "yes")).splitlines()[1]
    assert line == "a,yes,0.250000,0.750000,of a test"


# --- which films ----------------------------------------------------------------------------------


def test_files_folders_patterns_and_lists(films: list[Path], tmp_path: Path) -> None:
    folder = tmp_path / "films"
    inside = sorted(film for film in films if film.exists())
    assert films_in([folder]) == inside
    assert films_in([folder / "*.png"]) == inside
    assert films_in([tmp_path / "**" / "h.png"]) == [folder / "h.png"]
    listed = [f"{folder / 'i.png'}\n", "\n", f"{folder / 'a.png'}\n"]
    assert films_in([Path("-"), folder / "h.png"], listed) == [
        folder / name for name in ("i.png", "a.png", "h.png")
    ]
    assert films_in([folder / "gone.png", folder / "a.png"])[0].name == "gone.png"
    endless = "x" * 300 + ".png"
    assert films_in([Path("-"), Path("[" + endless)], [endless, str(films[0])])[0].name == endless
    for nothing in (tmp_path / "none", tmp_path / "*.dcm", Path("-"), Path(endless)):
        with pytest.raises(DataError, match="No film found"):
            films_in([nothing])


def test_no_more_workers_than_films() -> None:
    assert predict_plan(8, 3) == 3
    assert predict_plan(1, 3) == 1
    assert predict_plan(None, 100) >= 1
    with pytest.raises(UsageError, match="at least 1"):
        predict_plan(0, 3)


# --- by the command line --------------------------------------------------------------------------


def test_a_bundle_predicts_by_the_command_line(exported: Exported, tmp_path: Path) -> None:
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"no film")
    out = tmp_path / "s.csv"
    listed = "\n".join(map(str, [*exported.films[:5], bad]))
    asked = ["predict", str(exported.bundle), "-", "--output", str(out)]
    done = CliRunner().invoke(app, [*asked, "--json"], input=listed)
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert (told["n"], told["not_readable"]) == (6, 1)
    printed = CliRunner().invoke(app, [*asked[:2], str(exported.films[0]), str(bad)])
    assert printed.stdout.splitlines()[0] == "path,category,normal,broken,reason"
    again = CliRunner().invoke(app, asked, input=listed)
    assert "6 there before" in again.stdout.replace("\n", " ")
    assert CliRunner().invoke(app, [*asked[:2], str(bad), "--json"]).exit_code == 0


def test_a_run_predicts_as_its_bundle(exported: Exported, tmp_path: Path) -> None:
    films = exported.films[::9]
    rows = [
        list(open_reader(model, workers=2).read(films)) for model in (exported.run, exported.bundle)
    ]
    for one, other in zip(*rows, strict=True):
        if other.scores:
            assert one.category == other.category
    assert open_reader(exported.run).digest != open_reader(exported.bundle).digest
    with pytest.raises(UsageError, match="no bundle"):
        open_reader(exported.run, engine="torch")


def test_killed_it_goes_on_to_the_same_table(exported: Exported, tmp_path: Path) -> None:
    whole, out = tmp_path / "whole.csv", tmp_path / "s.csv"
    films = list(exported.films)
    predict(open_reader(exported.bundle, engine="onnxruntime"), films, whole)
    code = (
        "import sys, time\nfrom dataclasses import replace\nfrom pathlib import Path\n"
        "from osteon.predict import open_reader, predict\n"
        f"reader = open_reader(Path({str(exported.bundle)!r}), engine='onnxruntime')\n"
        "def slow(path, squares):\n    time.sleep(0.02)\n    return reader.answer(path, squares)\n"
        f"predict(replace(reader, answer=slow), [Path(p) for p in {[str(f) for f in films]!r}],"
        f" Path({str(out)!r}))\n"
    )
    working = subprocess.Popen([sys.executable, "-c", code])
    until = time.monotonic() + 60
    while not (out.exists() and out.read_bytes().count(b"\n") > 5):
        assert working.poll() is None
        assert time.monotonic() < until
        time.sleep(0.01)
    working.send_signal(signal.SIGKILL)
    working.wait()
    assert 5 < out.read_bytes().count(b"\n") <= len(films)
    tally = predict(open_reader(exported.bundle, engine="onnxruntime"), films, out)
    assert tally.found >= 5
    assert out.read_bytes() == whole.read_bytes()


# --- heat maps ------------------------------------------------------------------------------------


def test_maps_that_nobody_judged_are_refused(exported: Exported, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not judged yet"):
        open_reader(exported.run, heatmaps=tmp_path / "maps")
    with pytest.raises(UsageError, match="is a bundle"):
        open_reader(exported.bundle, heatmaps=tmp_path / "maps")
    assert not (tmp_path / "maps").exists()


def test_maps_are_written_beside_the_answers(exported: Exported, tmp_path: Path) -> None:
    maps = tmp_path / "maps"
    made = open_reader(exported.run, heatmaps=maps, despite_withheld=True)
    readings = list(made.read([exported.films[0], tmp_path / "gone.png"]))
    (picture,) = maps.glob("*.png")
    assert picture.name.startswith(exported.films[0].stem)
    with Image.open(picture) as shown:
        assert max(shown.size) == 480
    plain = next(open_reader(exported.run).read([exported.films[0]]))
    assert asdict(readings[0]) == asdict(plain)


def test_maps_are_made_of_films_that_have_a_row_already(exported: Exported, tmp_path: Path) -> None:
    maps, out = tmp_path / "maps", tmp_path / "scores.csv"
    films = [*exported.films[:3], tmp_path / "gone.png"]
    predict(open_reader(exported.run), films, out)
    before = out.read_bytes()
    made = open_reader(exported.run, heatmaps=maps, despite_withheld=True)
    assert predict(made, films, out).found == 4
    assert out.read_bytes() == before
    pictures = sorted(maps.glob("*.png"))
    assert len(pictures) == 3
    pictures[0].unlink()
    written = [path.stat().st_mtime_ns for path in pictures[1:]]
    predict(made, films, out)
    assert sorted(maps.glob("*.png")) == pictures
    assert [path.stat().st_mtime_ns for path in pictures[1:]] == written  # not made again


def test_the_method_that_passed_is_taken(tmp_path: Path) -> None:
    def told(shown: str | None) -> str:
        method = {"method": "hirescam", "title": "HiResCAM", "source": "s", "withheld": "worse"}
        return json.dumps({
            "criterion": "c", "class_name": "broken", "n_films": {"val": 3}, "seed": 0,
            "methods": [method], "baselines": {}, "shown": shown,
        })  # fmt: skip

    place = tmp_path / "explanation.json"
    place.write_text(told("gradcam"))
    assert method_shown(tmp_path) == "gradcam"
    place.write_text(told(None))
    with pytest.raises(UsageError, match="No map is shown"):
        method_shown(tmp_path)
    assert method_shown(tmp_path, despite_withheld=True) == "hirescam"

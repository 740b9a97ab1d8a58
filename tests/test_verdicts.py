"""Verdicts: read from a CSV, applied to the manifest, obeyed by every stage."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from osteon import research
from osteon.errors import DataError, OsteonError, UsageError
from osteon.looking import compare_data, look_at
from osteon.manifest import read_manifest
from osteon.plan import SplitPlan, make_split
from osteon.publications import PUBLICATIONS
from osteon.reading import read_source
from osteon.run import resume_run, run, train_run
from osteon.runs import RunFolder
from osteon.space import Choices
from osteon.trials import Search
from osteon.types import Audit, Box, Manifest, Radiograph
from osteon.values import read_value
from osteon.verdicts import Verdict, apply_verdicts, read_verdicts
from tests.training import TINY, write_films

HEAD = "id,given,proposed,score,verdict,label\n"


def manifest(*labels: int | None) -> Manifest:
    films = tuple(
        Radiograph(
            id=f"{at}.png", path=Path(f"/films/{at}.png"), label=label,
            boxes=(Box(left_px=1, top_px=1, width_px=2, height_px=2),) if label == 1 else (),
        )
        for at, label in enumerate(labels)
    )  # fmt: skip
    return Manifest(
        root=Path("/films"), source="test", recognised_by="made", classes=("normal", "broken"),
        radiographs=films,
    )  # fmt: skip


def written(path: Path, text: str) -> Path:
    path.write_text(HEAD + text, encoding="utf-8")
    return path


def test_rows_without_a_verdict_are_not_decided(tmp_path: Path) -> None:
    path = written(
        tmp_path / "v.csv",
        '0.png,normal,broken,0.1,,broken\n"1.png",broken,normal,0.2,Relabel,normal\n'
        "2.png,normal,,0.3,remove,broken\n3.png,normal,broken,0.4,keep,broken\n",
    )
    assert read_verdicts(path) == (
        Verdict(id="1.png", decision="relabel", label="normal", given="broken"),
        Verdict(id="2.png", decision="remove", given="normal"),
        Verdict(id="3.png", decision="keep", given="normal"),
    )


def test_a_spreadsheet_that_writes_semicolons_is_read(tmp_path: Path) -> None:
    (tmp_path / "v.csv").write_text("\ufeffid;verdict;label\r\n0.png;relabel;broken\r\n")
    (verdict,) = read_verdicts(tmp_path / "v.csv")
    assert (verdict.id, verdict.label) == ("0.png", "broken")


def test_blanks_around_the_names_of_folders_do_not_count(tmp_path: Path) -> None:
    before = manifest(0, 1)
    films = (
        replace(before.radiographs[0], id=" 0.png"),
        replace(before.radiographs[1], id="broken /1.png"),
    )
    before = replace(before, classes=("normal", "broken "), radiographs=films)
    rows = " 0.png,normal,broken,0.1,relabel,broken\nbroken /1.png,broken ,normal,0.2,keep,\n"
    after = apply_verdicts(before, read_verdicts(written(tmp_path / "v.csv", rows)))
    assert [film.label for film in after.radiographs] == [1, 1]


def test_they_change_the_manifest_and_it_says_so() -> None:
    before = manifest(0, 1, 0, 1)
    verdicts = (
        Verdict(id="0.png", decision="relabel", label="broken"),
        Verdict(id="1.png", decision="relabel", label="normal", given="broken"),
        Verdict(id="2.png", decision="remove"),
        Verdict(id="3.png", decision="keep"),
    )
    after = apply_verdicts(before, verdicts)
    assert {film.id: film.label for film in after.radiographs} == {
        "0.png": 1, "1.png": 0, "3.png": 1,
    }  # fmt: skip
    assert {film.id: len(film.boxes) for film in after.radiographs} == {
        "0.png": 0, "1.png": 0, "3.png": 1,
    }  # fmt: skip
    (remark,) = after.remarks
    assert "looked at 4 films" in remark.message
    assert "2 relabelled, 1 removed, 1 kept" in remark.message
    assert remark.ids == ("0.png", "1.png")
    assert after.digest != before.digest


def test_none_change_nothing() -> None:
    before = manifest(0, 1)
    assert apply_verdicts(before, ()) == before


BAD = [
    ("9.png,,,,remove,", "row 2: there is no film '9.png' in /films"),
    ("0.png,,,,relabel,brokn", "row 2: There is no class 'brokn'. Did you mean 'broken'?"),
    ("0.png,,,,relabel,", "row 2: to relabel a film, name its class"),
    ("0.png,,,,delete,", "row 2: verdict 'delete' is none of keep, relabel, remove"),
    ("1.png,,,,keep,\n1.png,,,,remove,", "row 3: '1.png' has a verdict in row 2 already"),
    ("0.png,broken,,,keep,", "row 2: '0.png' was 'broken' when it was judged and is 'normal' now"),
]


@pytest.mark.parametrize(("rows", "words"), BAD)
def test_mistakes_name_the_row(tmp_path: Path, rows: str, words: str) -> None:
    path = written(tmp_path / "v.csv", rows + "\n")
    with pytest.raises(DataError) as error:
        apply_verdicts(manifest(0, 1), read_verdicts(path))
    assert words in str(error.value)


def test_another_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "v.csv").write_text("path,label\na.png,normal\n")
    with pytest.raises(DataError, match="lacks the column id and verdict: it has path, label"):
        read_verdicts(tmp_path / "v.csv")
    with pytest.raises(DataError, match="There is no file of verdicts"):
        read_verdicts(tmp_path / "nowhere.csv")


# --- every stage ----------------------------------------------------------------------------------

JUDGED = (
    Verdict(id="normal/0.png", decision="relabel", label="broken"),
    Verdict(id="broken/3.png", decision="remove"),
)


def test_a_removed_film_is_in_no_stage(tmp_path: Path) -> None:
    data = write_films(tmp_path / "data")
    manifest, audit = look_at(data, verdicts=JUDGED)
    parts = make_split(manifest, audit, SplitPlan())
    assert "broken/3.png" in {film.id for film in read_source(data).radiographs}
    assert "broken/3.png" not in {*audit.facts, *parts.train, *parts.val, *parts.test}
    assert any("1 relabelled, 1 removed" in finding.message for finding in audit.findings)


def test_a_run_keeps_to_its_verdicts(tmp_path: Path) -> None:
    data, out, cache = write_films(tmp_path / "data"), tmp_path / "run", tmp_path / "cache"
    folder = run(data, out=out, recipe=TINY, verdicts=JUDGED, cache=cache)
    kept = read_manifest(folder.manifest)
    assert {film.id: kept.class_name(film) for film in kept.radiographs}["normal/0.png"] == "broken"
    assert len(kept.radiographs) == 39
    assert any(f.check == "verdicts" for f in read_value(Audit, folder.audit).findings)
    assert "1 relabelled, 1 removed, 0 kept" in folder.report.read_text()
    assert resume_run(out, cache=cache) == RunFolder(out)
    for others in ((), JUDGED[:1]):
        with pytest.raises(UsageError, match="or by other verdicts"):
            train_run(data, out=out, recipe=TINY, verdicts=others, cache=cache)


def test_verdicts_that_leave_no_class_are_an_error(tmp_path: Path) -> None:
    data = write_films(tmp_path / "data", each=4)
    gone = [Verdict(id=f"broken/{at}.png", decision="remove") for at in range(4)]
    with pytest.raises(OsteonError, match="'broken' has 0 independent films"):
        run(data, out=tmp_path / "run", recipe=TINY, verdicts=gone, cache=tmp_path / "cache")


def test_a_training_film_that_was_removed_is_no_copy_of_a_test_film(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    write_films(one, each=6)
    write_films(other, each=6, classes=("broken", "normal"))  # the same noise, bars elsewhere
    shutil.copy(one / "normal" / "0.png", other / "normal" / "copy.png")
    gone = [Verdict(id="normal/0.png", decision="remove")]
    shared = {film.train_id for film in compare_data(one, other).shared}
    assert "normal/0.png" in shared
    assert "normal/0.png" not in {
        film.train_id for film in compare_data(one, other, verdicts=gone).shared
    }


class Looked(Exception):
    pass


@pytest.mark.parametrize("stage", ["suspects", "tune", "reproduce"])
def test_what_is_no_run_looks_through_the_verdicts_too(
    stage: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def looking(*_: object, verdicts: object, **__: object) -> None:
        assert verdicts is JUDGED
        raise Looked

    monkeypatch.setattr(research, "look_at", looking)
    published = PUBLICATIONS["types10-mlp"]()
    data, out, plan = tmp_path, tmp_path / "out", SplitPlan()
    search = Search(space={"epochs": Choices(values=(1, 2))})
    start: dict[str, Callable[[], object]] = {
        "suspects": lambda: research.suspect_run(data, out, verdicts=JUDGED),
        "tune": lambda: research.tune_run(data, TINY, search, out, plan, verdicts=JUDGED),
        "reproduce": lambda: research.reproduce_run(published, data, out, (0,), verdicts=JUDGED),
    }
    with pytest.raises(Looked):
        start[stage]()

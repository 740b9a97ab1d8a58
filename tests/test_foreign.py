"""Predictions of a model that osteon never saw: joined, judged, and told what each column was."""

from __future__ import annotations

import csv
import json
import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from osteon.__main__ import main
from osteon.errors import DataError, UsageError
from osteon.foreign import Foreign, evaluate_predictions
from osteon.known_films import Known
from osteon.predictions import read_predictions, read_score_table
from osteon.report.foreign import write_foreign_report
from osteon.run import existing_run
from osteon.runs import RunFolder
from osteon.values import read_value
from tests.training import write_films

Row = Mapping[str, object]


def scored(
    n: int, *, seed: int = 0, name: str = "{}.png", classes: tuple[str, str] = ("normal", "broken")
) -> list[dict[str, object]]:
    """Rows of a model that is fairly good; films in turn of both classes, two of each patient."""
    rng = np.random.default_rng(seed)
    rows: list[dict[str, object]] = []
    for at in range(n):
        positive = 1 / (1 + np.exp(-(1.5 if at % 2 else -1.5) - rng.logistic()))
        rows.append({
            "id": name.format(at), "label": classes[at % 2], "score": f"{positive:.6f}",
            "group": f"P{at // 4}", "hospital": "AB"[at // 8 % 2], "age": 20 + at % 60,
        })  # fmt: skip
    return rows


def table(path: Path, rows: Iterable[Row], leave_out: tuple[str, ...] = ()) -> Path:
    kept = [{key: cell for key, cell in row.items() if key not in leave_out} for row in rows]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=[*kept[0]])
        writer.writeheader()
        writer.writerows(kept)
    return path


def evaluated(
    tmp_path: Path,
    rows: Iterable[Row],
    *,
    manifest: Path | None = None,
    validation: Path | None = None,
) -> tuple[Foreign, Known]:
    return evaluate_predictions(
        table(tmp_path / "theirs.csv", rows),
        out=tmp_path / "out",
        manifest=manifest,
        validation=validation,
        cache=tmp_path / "cache",
    )


@pytest.fixture
def films(tmp_path: Path) -> Path:
    return write_films(tmp_path / "films", each=30)


def of_films(each: int = 30, seed: int = 0) -> list[dict[str, object]]:
    """The predictions for ``films``, by their ids."""
    rows = []
    for at, row in enumerate(scored(2 * each, seed=seed)):
        row["id"] = f"{row['label']}/{at // 2}.png"
        rows.append(row)
    return rows


# --- what the columns are -------------------------------------------------------------------------


def test_each_column_is_told_what_it_was_taken_for(tmp_path: Path) -> None:
    rows = [row | {"note": f"n{at}", "study": at // 2} for at, row in enumerate(scored(40))]
    found, _ = evaluated(tmp_path, rows)
    assert found.taken_for == {
        "id": "the id of the film",
        "label": "the label of the film",
        "group": "the group of the film",
        "score": "the score of 'broken'",
        "hospital": "a column of subgroups",
        "age": "a column of subgroups",
        "note": "nothing: it has 40 different values",
        "study": "the study of the film",
    }
    assert {s.column for s in found.subgroups.subgroups} == {"hospital", "age"}
    assert {s.value for s in found.subgroups.subgroups if s.column == "age"} == {
        "18 to 39", "40 to 64",
    }  # fmt: skip
    assert found.studies.n_several == 20


def test_class_columns_beside_columns_of_subgroups(tmp_path: Path) -> None:
    text = "id,label,a,b,c,metal,region\n1,a,0.7,0.2,0.1,0,hand\n2,b,0.1,0.6,0.3,0,leg\n"
    (tmp_path / "p.csv").write_text(text)
    read = read_score_table(tmp_path / "p.csv", part="test")
    assert read.predictions.classes == ("a", "b", "c", "metal")  # c has no film: all numbers count
    (tmp_path / "p.csv").write_text(text + "3,c,0.2,0.2,0.6,1,leg\n")
    read = read_score_table(tmp_path / "p.csv", part="test")
    assert read.predictions.classes == ("a", "b", "c")
    assert read.columns == {
        "metal": {"1": "0", "2": "0", "3": "1"}, "region": {"1": "hand", "2": "leg", "3": "leg"},
    }  # fmt: skip
    assert read.taken_for["c"] == "the score of 'c'"


def test_a_number_that_is_no_score_is_a_column_of_subgroups(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text("id,label,a,b,flag\n1,a,0.7,0.3,0\n2,b,0.1,0.9,0\n")
    read = read_score_table(tmp_path / "p.csv", part="test")
    assert read.predictions.classes == ("a", "b")
    assert [*read.columns] == ["flag"]
    # In a table of osteon's own, every other column is a class, even one that is never expected.
    assert read_predictions(tmp_path / "p.csv", part="test").classes == ("a", "b", "flag")


def test_the_positive_class_is_told_by_its_name_not_by_its_column(tmp_path: Path) -> None:
    text = "id,label,fractured,normal\n1,fractured,0.9,0.1\n2,normal,0.2,0.8\n3,,0.4,0.6\n"
    (tmp_path / "p.csv").write_text(text)  # alphabetical, as most tools write them
    read = read_score_table(tmp_path / "p.csv", part="test").predictions
    assert read.classes == ("normal", "fractured")
    assert read.labels.tolist() == [1, 0, -1]
    assert read.scores[:, 1].tolist() == [0.9, 0.2, 0.4]
    assert read_predictions(tmp_path / "p.csv", part="test").classes == ("fractured", "normal")


# --- figures --------------------------------------------------------------------------------------


def test_figures_equal_scikit_learns_and_groups_are_the_tables(tmp_path: Path) -> None:
    rows = scored(80)
    found, _ = evaluated(tmp_path, rows)
    labels = [row["label"] == "broken" for row in rows]
    expected = roc_auc_score(labels, [float(str(row["score"])) for row in rows])
    assert found.evaluation.scores["auroc"].value == pytest.approx(expected, abs=1e-9)
    assert found.evaluation.n_groups == 20
    assert found.grouped_by == "the column 'group'"
    assert found.evaluation.operating_point is None
    told = " ".join(found.evaluation.remarks)
    assert "No validation predictions were given: nothing was chosen" in told
    assert "of one patient" not in told


def test_without_groups_the_intervals_are_said_to_be_too_narrow(tmp_path: Path) -> None:
    path = table(tmp_path / "p.csv", scored(80), leave_out=("group",))
    found, _ = evaluate_predictions(path, out=tmp_path / "out")
    assert found.evaluation.n_groups == 80
    assert any("the intervals are too narrow" in remark for remark in found.evaluation.remarks)


def test_the_operating_point_comes_from_validation_alone(tmp_path: Path) -> None:
    val = table(tmp_path / "val.csv", scored(60, seed=1, name="v{}.png"), leave_out=("group",))
    found, _ = evaluated(tmp_path, scored(80), validation=val)
    point = found.evaluation.operating_point
    assert point is not None
    positives = sorted(
        float(str(row["score"])) for row in scored(60, seed=1) if row["label"] == "broken"
    )
    assert point.threshold == positives[3]  # 27 of 30 are at it or above
    assert found.evaluation.baselines["majority"]["accuracy"].value == pytest.approx(0.5)
    folder = RunFolder(tmp_path / "out")
    assert folder.predictions("val").is_file()
    assert folder.evaluation("val").is_file()
    again = read_predictions(folder.predictions("test"), part="test")
    assert again.classes == ("normal", "broken")


def test_a_film_in_both_tables_is_refused(tmp_path: Path) -> None:
    val = table(tmp_path / "val.csv", scored(60, seed=1))
    with pytest.raises(DataError, match=r"0\.png, 1\.png, 10\.png and 57 more are in .*val\.csv"):
        evaluated(tmp_path, scored(80), validation=val)


def test_other_classes_on_validation_are_refused(tmp_path: Path) -> None:
    rows = scored(60, name="v{}.png", classes=("normal", "fractured"))
    val = table(tmp_path / "val.csv", rows)
    with pytest.raises(DataError, match="classes normal, fractured, the predictions to judge"):
        evaluated(tmp_path, scored(80), validation=val)


def test_groups_on_both_sides_are_told(tmp_path: Path) -> None:
    val = table(tmp_path / "val.csv", scored(40, seed=1, name="v{}.png"))
    found, _ = evaluated(tmp_path, scored(80), validation=val)
    assert any("10 groups in validation and in test" in r for r in found.evaluation.remarks)


def test_one_class_alone_is_refused(tmp_path: Path) -> None:
    (tmp_path / "theirs.csv").write_text("id,label,a,b\n1,a,0.7,0.3\n2,a,0.1,0.9\n")
    with pytest.raises(DataError, match="there is only 'a'"):
        evaluate_predictions(tmp_path / "theirs.csv", out=tmp_path / "out")


def test_nothing_of_an_older_evaluation_is_taken_for_this_ones(tmp_path: Path) -> None:
    val = table(tmp_path / "val.csv", scored(60, seed=1, name="v{}.png"))
    folder = RunFolder(tmp_path / "out")
    write_foreign_report(folder.path, *evaluated(tmp_path, scored(80), validation=val))
    assert (folder.path / "calibration.json").is_file()
    assert "Three answers" in folder.report.read_text()
    write_foreign_report(folder.path, *evaluated(tmp_path, scored(80, seed=5)))
    there = {path.name for path in folder.path.iterdir()}
    assert not there & {
        "calibration.json", "decisions.json", "evaluation-val.json", "predictions-val.csv"
    }  # fmt: skip
    assert "Three answers" not in folder.report.read_text()


def test_one_that_was_killed_is_done_again_in_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    val = table(tmp_path / "val.csv", scored(60, seed=1, name="v{}.png"))

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("osteon.foreign.write_decisions", killed)
        with pytest.raises(KeyboardInterrupt):
            evaluated(tmp_path, scored(80), validation=val)
    with monkeypatch.context() as patch:
        patch.setattr("osteon.foreign.write_predictions", killed)
        with pytest.raises(KeyboardInterrupt):
            evaluated(tmp_path, scored(80), validation=val)
    found, _ = evaluated(tmp_path, scored(80), validation=val)
    assert read_value(Foreign, tmp_path / "out" / "foreign.json") == found
    assert (tmp_path / "out" / "decisions.json").is_file()


def test_it_does_not_write_over_anything_else(tmp_path: Path) -> None:
    evaluated(tmp_path, scored(40))
    evaluated(tmp_path, scored(60))  # an older evaluation gives way
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "run.json").write_text("{}")
    with pytest.raises(UsageError, match="holds something else"):
        evaluate_predictions(tmp_path / "theirs.csv", out=tmp_path / "run")


def test_a_command_for_runs_says_what_the_folder_is(tmp_path: Path) -> None:
    evaluated(tmp_path, scored(40))
    with pytest.raises(DataError, match="osteon evaluate --predictions FILE"):
        existing_run(tmp_path / "out")


def test_what_was_found_comes_back_from_its_file(tmp_path: Path) -> None:
    found, _ = evaluated(tmp_path, scored(40))
    assert read_value(Foreign, tmp_path / "out" / "foreign.json") == found


# --- with a manifest ------------------------------------------------------------------------------


def test_a_folder_of_films_tells_their_copies(tmp_path: Path, films: Path) -> None:
    copy = films / "broken" / "0.png"
    (films / "broken" / "7.png").write_bytes(copy.read_bytes())
    rows = [{k: v for k, v in row.items() if k != "group"} for row in of_films()]
    found, known = evaluated(tmp_path, rows, manifest=films)
    assert found.n_matched == 60
    assert found.evaluation.n_groups == 59
    assert found.grouped_by == "exact copies"
    assert known.facts["broken/0.png"].width_px == 32


def test_films_are_found_by_the_name_of_their_file(tmp_path: Path) -> None:
    folder = tmp_path / "films"
    write_films(folder, each=20)
    for at, path in enumerate(sorted(folder.rglob("*.png"))):
        path.rename(path.with_name(f"film{at}.png"))
    names = [path.relative_to(folder) for path in sorted(folder.rglob("*.png"))]
    rows = [
        {"id": f"C:\\data\\{path.name}", "label": path.parent.name, "score": 0.1 + 0.02 * at}
        for at, path in enumerate(names)
    ]
    rows += [{"id": f"elsewhere{n}", "label": "broken", "score": 0.9} for n in range(5)]
    found, _ = evaluated(tmp_path, rows, manifest=folder)
    assert found.n_matched == 40
    told = " ".join(found.evaluation.remarks)
    assert "The manifest says nothing of 5 of 45 films" in told
    assert "elsewhere0, elsewhere1, elsewhere2 and 2 more" in told


def test_a_name_that_two_films_have_joins_none(tmp_path: Path, films: Path) -> None:
    """normal/0.png and broken/0.png are both 0.png."""
    rows = [row | {"id": f"{at}.png"} for at, row in enumerate(of_films()[:30])]
    with pytest.raises(DataError, match=r"No film of the predictions is in .*like '0\.png'"):
        evaluated(tmp_path, rows, manifest=films)


def test_labels_that_differ_are_told(tmp_path: Path, films: Path) -> None:
    rows = of_films()
    rows[0]["label"] = "broken"
    found, _ = evaluated(tmp_path, rows, manifest=films)
    told = "1 film has another label in the manifest; that of the predictions is believed"
    assert any(told in remark for remark in found.evaluation.remarks)


def test_boxes_patients_and_studies_of_a_table(tmp_path: Path, films: Path) -> None:
    rows = [{k: v for k, v in row.items() if k != "group"} for row in of_films()]
    lines = ["path,label,patient_id,study_id,region,boxes"]
    for at, row in enumerate(rows):
        box = "[[2, 2, 8, 4]]" if row["label"] == "broken" else "[]"
        region = "hand" if at % 3 else "leg"
        lines.append(f'{row["id"]},{row["label"]},P{at // 4},S{at // 2},{region},"{box}"')
    listed = films / "listed.csv"
    listed.write_text("\n".join(lines) + "\n")
    found, _ = evaluated(tmp_path, rows, manifest=listed)
    assert found.evaluation.n_groups == 15
    assert found.studies.n_several == 30
    assert {s.value for s in found.subgroups.subgroups if s.column == "region"} == {"hand", "leg"}
    assert found.subgroups.sizes is not None
    assert found.subgroups.sizes.n_fractured == 30
    assert "patients of the manifest, studies of the manifest" in found.grouped_by


# --- the page and the command ---------------------------------------------------------------------


def test_the_page_holds_every_section(tmp_path: Path, films: Path) -> None:
    rows = [row | {"hospital": '<b>"A"</b>' if at % 3 else "B"} for at, row in
            enumerate(of_films())]  # fmt: skip
    found, known = evaluated(tmp_path, rows, manifest=films)
    page = write_foreign_report(tmp_path / "out", found, known).read_text(encoding="utf-8")
    for words in ("Predictions of a model that osteon did not train", "Who is it good for",
                  "Study by study", "Missed: the lowest scores of positives",
                  "Research software, not a medical device"):  # fmt: skip
        assert words in page
    assert "<b>&#34;A&#34;" not in page.replace("&lt;b&gt;", "")
    assert '<b>"A"</b>' not in page
    assert not re.search(r"""(?:src|href)=["'](?:https?:)?//""", page)
    assert "<script" not in page
    plots = {path.name for path in (tmp_path / "out" / "plots").iterdir()}
    assert {"auroc-by-subgroup.svg", "auroc-by-subgroup.csv", "roc.svg"} <= plots


def osteon(*words: object, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(sys, "argv", ["osteon", *map(str, words)])
    with pytest.raises(SystemExit) as end:
        main()
    return int(end.value.code or 0)


def test_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OSTEON_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("COLUMNS", "80")
    table(tmp_path / "theirs.csv", scored(60))
    assert osteon("evaluate", "--predictions", "theirs.csv", monkeypatch=monkeypatch) == 0
    told = capfd.readouterr().out
    assert "report: runs/theirs-evaluated/report.html" in told
    assert "column hospital: a column of subgroups" in told
    assert max(map(len, told.splitlines())) <= 80
    words = ("evaluate", "--predictions", "theirs.csv", "--out", "mine", "--json")
    assert osteon(*words, monkeypatch=monkeypatch) == 0
    said = json.loads(capfd.readouterr().out)
    assert said["evaluation"]["n"] == 60
    assert said["report"] == "mine/report.html"


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        ((), 2, "Give either RUN or --predictions FILE.csv"),
        (("run", "--predictions", "a.csv"), 2, "Give either RUN or --predictions"),
        (("--predictions", "theirs.csv", "--prevalence", "0.1"), 2, "goes with --validation"),
        (("--predictions", "theirs.csv", "--coverage", "0.9"), 2, "goes with --validation"),
        (("run", "--manifest", "films"), 2, "--manifest goes with --predictions"),
        (("--predictions", "absent.csv"), 3, "no file of predictions absent.csv"),
    ],
)
def test_wrong_use_is_told(
    words: tuple[str, ...], code: int, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    assert osteon("evaluate", *words, monkeypatch=monkeypatch) == code
    assert told in " ".join(capfd.readouterr().err.split())

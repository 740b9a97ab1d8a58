"""Calibration and decisions in a run: its files, its report, and how films are read with it."""

from __future__ import annotations

import csv
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import osteon.baselines
from osteon.calibrate import FILE as CALIBRATION
from osteon.calibrate import Calibrated, judge_calibration
from osteon.classifier import Classifier
from osteon.cli import app
from osteon.decisions import DOUBTFUL, Decisions, decide
from osteon.decisions import FILE as DECISIONS
from osteon.predictions import read_predictions
from osteon.report import write_report
from osteon.report.charts import BOTTOM, HEIGHT, TOP
from osteon.report.sections.calibration import reliability_diagram, sentence
from osteon.report.sections.decisions import DEEPEST, curve_chart, useful
from osteon.run import evaluate_run, run
from osteon.runs import RunFolder
from osteon.types import Evaluation, FilmFacts, Manifest, OperatingPoint, Split
from osteon.values import read_value, write_value
from tests.test_decisions import apart, estimate
from tests.test_report import made_run
from tests.training import TINY, write_films


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    place = tmp_path_factory.mktemp("decided")
    films = write_films(place / "films", each=40)
    return run(films, out=place / "r", recipe=replace(TINY, epochs=2), cache=place / "cache")


def test_a_run_leaves_both_files_and_their_sections(folder: RunFolder) -> None:
    found = read_value(Calibrated, folder.path / CALIBRATION)
    assert found.chosen in [tried.name for tried in found.tried]
    decided = read_value(Decisions, folder.path / DECISIONS)
    assert decided.three is not None
    page = folder.report.read_text(encoding="utf-8")
    assert '<section id="calibration">' in page
    assert '<section id="decisions">' in page
    assert (folder.plots / "reliability-diagram.csv").is_file()
    assert (folder.plots / "decision-curve.svg").is_file()
    assert not (folder.plots / "calibration.svg").exists()  # the plain one would say it twice


def test_both_can_be_made_again_from_the_predictions(folder: RunFolder) -> None:
    val, test = (read_predictions(folder.predictions(part), part=part) for part in ("val", "test"))
    assert read_value(Calibrated, folder.path / CALIBRATION) == judge_calibration(val, test)


def test_films_are_read_with_three_answers_and_probabilities(folder: RunFolder) -> None:
    classifier = Classifier.load(folder.path)
    films = sorted((folder.path.parent / "films").rglob("*.png"))[::8]
    scores = [reading.scores["broken"] for reading in classifier.read(films)]
    assert classifier.three is not None
    middle, high = np.quantile(scores, [0.4, 0.7])
    three = replace(
        classifier.three,
        lower=OperatingPoint(threshold=float(middle), rule="sensitivity >= 0.95"),
        upper=OperatingPoint(threshold=float(high), rule="specificity >= 0.95"),
    )
    readings = list(replace(classifier, three=three).read(films))
    assert {reading.category for reading in readings} == {"normal", DOUBTFUL, "broken"}
    assert classifier.calibrator is not None
    for reading in readings:
        raw = np.array([[reading.scores[name] for name in classifier.classes]])
        expected = classifier.calibrator.apply(raw)[0]
        assert list(reading.calibrated.values()) == pytest.approx(expected.tolist())
        assert "raw score of 'broken'" in reading.reason


def test_a_run_without_the_files_reads_as_before(folder: RunFolder, tmp_path: Path) -> None:
    old = tmp_path / "old"
    old.mkdir()
    for name in ("recipe.json", "checkpoints", "evaluation-val.json"):
        (old / name).symlink_to(folder.path / name)
    classifier = Classifier.load(old)
    film = next((folder.path.parent / "films").rglob("*.png"))
    (reading,) = classifier.read([film])
    assert reading.calibrated == {}
    assert reading.category in ("normal", "broken")
    assert reading.reason.startswith("threshold")


def test_predict_writes_probabilities(folder: RunFolder, tmp_path: Path) -> None:
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"no film")
    film = next((folder.path.parent / "films").rglob("*.png"))
    out = tmp_path / "scores.csv"
    done = CliRunner().invoke(
        app, ["predict", str(folder.path), str(film), str(bad), "--output", str(out)]
    )
    assert done.exit_code == 0
    good, unread = csv.DictReader(out.read_text().splitlines())
    assert list(good) == ["path", "category", "normal", "broken", "reason"]
    (reading,) = Classifier.load(folder.path).read([film])
    assert float(good["broken"]) == pytest.approx(reading.calibrated["broken"], abs=1e-6)
    assert float(good["broken"]) + float(good["normal"]) == pytest.approx(1)
    assert unread["broken"] == ""


def test_evaluate_takes_goals_and_refuses_what_cannot_be(
    folder: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OSTEON_CACHE", str(folder.path.parent / "cache"))
    openings = folder.openings.read_text()
    refused = CliRunner().invoke(app, ["evaluate", str(folder.path), "--coverage", "1.5"])
    assert refused.exit_code != 0
    assert folder.openings.read_text() == openings  # the test part stays sealed
    goals = ["--sensitivity", "0.8", "--coverage", "0.7", "--prevalence", "0.1"]
    assert CliRunner().invoke(app, ["evaluate", str(folder.path), *goals]).exit_code == 0
    decided = read_value(Decisions, folder.path / DECISIONS)
    assert decided.three is not None
    assert decided.three.lower.rule == "sensitivity >= 0.80"
    assert (decided.conformal.coverage, decided.prevalence) == (0.7, 0.1)


def test_evaluating_learns_from_file_metadata_once(
    folder: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = [read_value(Evaluation, folder.evaluation(part)) for part in ("val", "test")]
    learn, learnt = osteon.baselines.fit_metadata, []

    def counted(manifest: Manifest, facts: dict[str, FilmFacts], split: Split) -> object:
        learnt.append(split)
        return learn(manifest, facts, split)

    monkeypatch.setattr(osteon.baselines, "fit_metadata", counted)
    evaluate_run(folder, cache=folder.path.parent / "cache")
    assert len(learnt) == 1
    assert [read_value(Evaluation, folder.evaluation(part)) for part in ("val", "test")] == before


# --- sections -------------------------------------------------------------------------------------


@pytest.mark.parametrize("classes", [("normal", "broken"), ("one", "two", "three <b>")])
def test_sections_of_two_and_of_several_classes(tmp_path: Path, classes: tuple[str, ...]) -> None:
    made = made_run(tmp_path, classes)
    before = write_report(made.path).read_text(encoding="utf-8")
    assert '<section id="decisions">' not in before
    assert (made.plots / "calibration.svg").is_file()
    val, test = (read_predictions(made.predictions(part), part=part) for part in ("val", "test"))
    write_value(made.path / CALIBRATION, judge_calibration(val, test, n_resamples=50))
    decided = decide(
        val, test, sensitivity=0.995, coverage=0.975, prevalence=0.0004, n_resamples=50
    )
    write_value(made.path / DECISIONS, decided)
    page = write_report(made.path).read_text(encoding="utf-8")
    assert "Prediction sets" in page
    assert "a promise of 97.5 %" in page
    assert ("<h3>Three answers</h3>" in page) == (len(classes) == 2)
    assert ('<th scope="row">99.5 %</th>' in page) == (len(classes) == 2)
    assert ("of 0.04 %, as the user said" in page) == (len(classes) == 2)
    assert ("need two classes" in page) == (len(classes) == 3)
    assert "three <b>" not in page


def test_a_gain_is_told_only_where_its_interval_says_so() -> None:
    val, test = apart(part="val"), apart(seed=1)
    found = judge_calibration(val, test, n_resamples=50)
    chosen = replace(found.of("temperature"), gain=estimate(-0.1, -0.2, -0.05))
    better = replace(found, chosen="temperature", tried=(found.of("none"), chosen))
    assert "better" in sentence(better)
    for gain, word in ((estimate(0.1, 0.05, 0.2), "worse"), (estimate(0.0, -1, 1), "not shown")):
        tried = (found.of("none"), replace(chosen, gain=gain))
        assert word in sentence(replace(better, tried=tried))
    assert "unchanged" in sentence(replace(found, chosen="none"))
    names = [line.name for line in reliability_diagram(replace(found, chosen="none")).series]
    assert names == ["scores as they are", "perfect calibration"]


def test_the_decision_curve_is_drawn_no_deeper_than_its_axis_and_told_whole() -> None:
    found = decide(apart(part="val"), apart(seed=1), n_resamples=50)
    assert found.curve is not None
    chart = curve_chart(found.curve)
    assert chart.y.low == DEEPEST
    for line in re.findall(r'class="(?:line|band) [^"]*" points="([^"]*)"', chart.svg()):
        assert all(TOP <= float(pair.split(",")[1]) <= HEIGHT - BOTTOM for pair in line.split())
    treat_all = [row[2] for row in chart.numbers() if row[0] == "treat all"]
    assert len(treat_all) == len(found.curve.points)
    assert min(float(str(benefit)) for benefit in treat_all) < DEEPEST
    assert "shown to be better" in useful(found.curve)
    assert useful(replace(found.curve, useful=((0.3, 0.3),))).startswith("Over no range")

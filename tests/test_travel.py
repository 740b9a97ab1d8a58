"""The shift suite: right films, right figures, the same after a kill."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import osteon.travel as travel
from osteon.calibrators.logits import of_two
from osteon.cli import app
from osteon.errors import DataError, UnknownName, UsageError
from osteon.evaluate import choose_operating_point
from osteon.journeys import shift_run
from osteon.metrics import METRICS
from osteon.run import run
from osteon.runs import RunFolder
from osteon.shifts import SHIFTS
from osteon.statistics import estimates
from osteon.train import train
from osteon.travel import _mean_drop, _mean_loss, check_suite, draw_films, shift_suite
from osteon.travelled import ShiftCurve, ShiftPoint, ShiftReport, spoken, told_losses
from osteon.types import Augment, Estimate, Optimiser, Predictions
from osteon.values import as_json, read_value, write_value
from tests.training import TINY, made_ready, write_films

FAST = replace(TINY, epochs=12, patience=12, augment=Augment(), optimiser=Optimiser(lr=1e-2))
SOME = ["jpeg", "inversion", "collimation"]


def predictions(labels: list[int], scores: list[float] | None = None) -> Predictions:
    given = np.array(scores if scores is not None else [0.5] * len(labels))
    return Predictions(
        ids=tuple(f"f{at}" for at in range(len(labels))),
        labels=np.array(labels),
        scores=np.stack([1 - given, given], axis=1),
        groups=tuple(f"g{at // 2}" for at in range(len(labels))),
        classes=("normal", "broken"),
        part="test",
    )


# --- which films ----------------------------------------------------------------------------------


def test_classes_are_balanced_and_the_rare_one_is_kept_whole() -> None:
    clean = predictions([0] * 80 + [1] * 15 + [-1] * 5)
    drawn = draw_films(clean, 40, seed=0)
    assert (drawn.labels == 1).sum() == 15
    assert (drawn.labels == 0).sum() == 25
    assert len(set(drawn.ids)) == 40
    assert drawn.groups == tuple(clean.groups[clean.ids.index(id_)] for id_ in drawn.ids)
    assert draw_films(clean, 40, seed=0).ids == drawn.ids
    assert draw_films(clean, 40, seed=1).ids != drawn.ids
    assert len(draw_films(clean, None, seed=0).ids) == 95
    assert len(draw_films(clean, 4000, seed=0).ids) == 95


def test_too_few_films_are_refused() -> None:
    with pytest.raises(UsageError, match="two films of each"):
        draw_films(predictions([0] * 9 + [1]), 10, seed=0)
    with pytest.raises(UsageError, match="too few"):
        draw_films(predictions([0] * 9 + [1] * 9), 3, seed=0)


def test_a_class_of_one_film_does_not_stop_the_others() -> None:
    clean = replace(predictions([0] * 9 + [1] * 9 + [2]), classes=("a", "b", "c"))
    assert len(draw_films(clean, None, seed=0).ids) == 19


def test_a_shift_named_twice_is_judged_once() -> None:
    chosen, _ = check_suite(predictions([0] * 9 + [1] * 9), None, ["blur", "blur"], 0)
    assert len(chosen) == 1


# --- figures --------------------------------------------------------------------------------------


def test_the_mean_drop_is_its_formula() -> None:
    rng = np.random.default_rng(0)
    labels = np.array([0, 1] * 30)
    scores = [np.stack([1 - s, s], 1) for s in rng.random((4, 60)) * 0.7 + 0.3 * labels]
    ones = np.ones((1, 60))
    auroc = [float(METRICS["auroc"](labels, each, ones)[0]) for each in scores]
    left = np.mean([(a - 0.5) / (auroc[0] - 0.5) for a in auroc[1:]])
    drop = _mean_drop([scores[1:]])(labels, scores[0], ones)
    assert drop == pytest.approx([1 - left])
    assert _mean_loss(scores[1:])(labels, scores[0], ones) == pytest.approx(
        [auroc[0] - np.mean(auroc[1:])]
    )
    two = _mean_drop([scores[1:2], scores[2:]])(labels, scores[0], ones)
    each = [_mean_drop([part])(labels, scores[0], ones) for part in (scores[1:2], scores[2:])]
    assert two == pytest.approx(np.mean(each, axis=0))


def test_chance_has_nothing_to_lose() -> None:
    labels = np.array([0, 1] * 5)
    flat = np.full((10, 2), 0.5)
    assert not np.isfinite(_mean_drop([[flat]])(labels, flat, np.ones((1, 10)))).any()
    groups = [str(at) for at in range(10)]
    found = estimates({"drop": _mean_drop([[flat]])}, labels, flat, groups)["drop"]
    assert (found.value, found.low, found.high) == (None, None, None)


def test_near_chance_a_share_of_what_was_there_has_no_interval() -> None:
    """Some resamples had nothing to lose: leaving them out would narrow what is shown."""
    rng = np.random.default_rng(2)
    labels = np.array([0, 1] * 20)
    clean, shifted = (of_two(rng.random(40) * 0.9 + 0.1 * labels) for _ in range(2))
    groups = [str(at) for at in range(40)]
    found = estimates({"drop": _mean_drop([[shifted]])}, labels, clean, groups)["drop"]
    assert (found.low, found.high) == (None, None)
    assert "without end" in found.method


def judged(loss: float, low: float, high: float) -> Estimate:
    return Estimate(value=loss, low=low, high=high, n=9, n_groups=9, method="so")


def curve_of(p: float, loss: Estimate, specificity: Estimate) -> ShiftCurve:
    point = ShiftPoint(
        strength=9,
        told="at 9 mm",
        figures={"auroc": judged(0.7, 0.6, 0.8)},
        losses={"auroc": loss, "sensitivity": judged(0, 0, 0), "specificity": specificity},
    )
    return ShiftCurve(
        name="cast", title="Plaster cast", quantity="q", unit="mm", source="s", may_hide=False,
        points=(point,), mean_drop=loss, mean_loss=loss, p=p, sentence="",
    )  # fmt: skip


def test_a_sentence_says_what_is_shown_and_no_more() -> None:
    lost, kept = judged(0.18, 0.1, 0.26), judged(0.02, -0.03, 0.07)
    assert spoken(curve_of(0.001, lost, kept)).sentence == (
        "Plaster cast at 9 mm costs 0.180 [0.100, 0.260] of AUROC."
    )
    assert spoken(curve_of(0.2, kept, lost)).sentence == (
        "Plaster cast: no loss shown; at 9 mm 0.020 [-0.030, 0.070] of AUROC; at the threshold of "
        "unchanged films the specificity falls by 0.180 [0.100, 0.260]."
    )
    gain = spoken(curve_of(0.001, judged(-0.1, -0.2, -0.05), kept))
    assert "a gain" in gain.sentence
    assert not gain.shown


# --- a suite --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[object, ...]:
    folder = tmp_path_factory.mktemp("travel")
    prepared, manifest, parts = made_ready(write_films(folder / "data", each=40), folder / "cache")
    classifier = train(FAST, prepared, manifest, parts, folder / "run")
    on_val = classifier.predict_prepared(
        prepared, ids=parts.val, manifest=manifest, groups=parts.groups, part="val"
    )
    clean = classifier.predict_prepared(
        prepared, ids=parts.test, manifest=manifest, groups=parts.groups
    )
    return classifier, prepared, clean, choose_operating_point(on_val)


def suite(trained: tuple[object, ...], keep: Path, **options: object) -> ShiftReport:
    return shift_suite(*trained, keep=keep, **({"shifts": SOME} | options))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def report(trained: tuple[object, ...], tmp_path_factory: pytest.TempPathFactory) -> ShiftReport:
    return suite(trained, tmp_path_factory.mktemp("kept"))


def test_every_strength_has_figures_with_intervals(report: ShiftReport) -> None:
    assert [curve.name for curve in report.curves] == SOME
    for curve in report.curves:
        assert [point.strength for point in curve.points] == list(SHIFTS[curve.name].strengths)
        for point in curve.points:
            assert set(point.figures) == {"auroc", "sensitivity", "specificity"}
            for name, loss in point.losses.items():
                clean, now = report.clean[name].value, point.figures[name].value
                assert clean is not None
                assert now is not None
                assert loss.value == pytest.approx(clean - now)
                assert isinstance(point.figures[name], Estimate)
        assert 0 <= curve.p <= 1
        assert curve.sentence.endswith(".")
    assert report.parity < 1e-4
    assert report.n_films == report.n_of_part == sum(report.class_counts.values())


def test_the_worst_slice_is_the_lowest_auroc(report: ShiftReport) -> None:
    aurocs = [point.figures["auroc"].value for c in report.curves for point in c.points]
    assert report.worst[1].figures["auroc"].value == min(a for a in aurocs if a is not None)
    drops = [curve.mean_drop.value or 0 for curve in report.curves]
    assert report.mean_drop.value == pytest.approx(np.mean(drops))
    told = list(told_losses(report))
    greatest = max(report.curves, key=lambda curve: curve.mean_drop.value or 0)
    assert told[0] == greatest.sentence


def test_a_report_reads_back(report: ShiftReport, tmp_path: Path) -> None:
    assert read_value(ShiftReport, write_value(tmp_path / "shift.json", report)) == report
    assert as_json(report)["curves"][0]["name"] == "jpeg"


def test_a_suite_that_was_killed_goes_on_to_the_same_result(
    trained: tuple[object, ...],
    report: ShiftReport,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = travel._changed
    calls: list[object] = []

    def dies(*args: object) -> object:
        if len(calls) == 5:
            raise KeyboardInterrupt
        calls.append(args)
        return real(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(travel, "_changed", dies)
    with pytest.raises(KeyboardInterrupt):
        suite(trained, tmp_path)

    def counts(*args: object) -> object:
        calls.append(args)
        return real(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(travel, "_changed", counts)
    assert suite(trained, tmp_path) == report
    n_passes = sum(len(SHIFTS[name].strengths) for name in SOME)
    assert len(calls) == n_passes, "what was scored before the kill is not scored again"
    assert suite(trained, tmp_path, shifts=["jpeg"]).curves[0].points == report.curves[0].points
    assert len(calls) == n_passes


def test_other_films_or_another_seed_are_scored_anew(
    trained: tuple[object, ...], report: ShiftReport, tmp_path: Path
) -> None:
    suite(trained, tmp_path, shifts=["collimation"])
    other = suite(trained, tmp_path, shifts=["collimation"], seed=1)
    assert len(list(tmp_path.iterdir())) == 2
    assert other.seed == 1
    few = suite(trained, tmp_path, shifts=["inversion"], films=8)
    assert few.n_films == 8
    assert len(list(tmp_path.iterdir())) == 3


def test_scores_of_another_classifier_are_refused(
    trained: tuple[object, ...], tmp_path: Path
) -> None:
    classifier, prepared, clean, point = trained
    assert isinstance(clean, Predictions)
    foreign = replace(clean, scores=clean.scores[:, ::-1].copy())
    with pytest.raises(DataError, match="osteon evaluate"):
        suite((classifier, prepared, foreign, point), tmp_path)
    with pytest.raises(UnknownName, match="shift"):
        suite(trained, tmp_path, shifts=["fog"])


def test_without_an_operating_point_balanced_accuracy_is_told(
    trained: tuple[object, ...], tmp_path: Path
) -> None:
    classifier, prepared, clean, _ = trained
    done = suite((classifier, prepared, clean, None), tmp_path, shifts=["mirror"])
    assert set(done.clean) == {"auroc", "balanced_accuracy"}


# --- on a run -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    run(
        write_films(folder / "data", each=40),
        out=folder / "run",
        recipe=FAST,
        cache=folder / "cache",
    )
    return folder


def test_the_command_shifts_a_run(
    finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OSTEON_CACHE", str(finished / "cache"))
    here = tmp_path / "run"
    shutil.copytree(finished / "run", here)
    opened = RunFolder(here).openings.read_text().count("\n")
    called = ["shift", str(here), "--shifts", "jpeg, mirror", "--films", "10"]
    result = CliRunner().invoke(app, called)
    assert result.exit_code == 0, result.output
    assert "Mean relative drop over all shifts" in result.output
    assert "10 of 12 test films" in result.output
    told = read_value(ShiftReport, here / "shift.json")
    assert [curve.name for curve in told.curves] == ["jpeg", "mirror"]
    assert told.baselines["majority"].value == 0.5
    assert told.baselines["metadata_only"].n == 10
    assert "metadata only, which no shift changes" in result.output
    openings = RunFolder(here).openings.read_text()
    assert openings.count("\n") == opened + 1
    assert openings.strip().endswith("osteon shift")
    page = RunFolder(here).report.read_text()
    assert "Will it travel?" in page
    assert told.curves[1].source in page
    assert (here / "plots" / "shifted-jpeg.svg").is_file()
    strength_2 = (here / "plots" / "shifted-jpeg.csv").read_text().splitlines()[3].split(",")
    assert float(strength_2[2]) == told.curves[0].points[1].figures["auroc"].value
    as_data = CliRunner().invoke(app, [*called, "--json"])
    assert '"mean_drop"' in as_data.stdout


def test_what_cannot_be_is_refused_before_the_test_part_is_opened(finished: Path) -> None:
    opened = RunFolder(finished / "run").openings.read_text()
    with pytest.raises(UnknownName, match="Did you mean 'blur'"):
        shift_run(finished / "run", shifts=["blurr"])
    with pytest.raises(UsageError, match="too few"):
        shift_run(finished / "run", films=2)
    assert RunFolder(finished / "run").openings.read_text() == opened


def test_a_run_that_was_not_evaluated_is_refused(finished: Path, tmp_path: Path) -> None:
    shutil.copytree(finished / "run", tmp_path / "run")
    (tmp_path / "run" / "predictions-test.csv").unlink()
    with pytest.raises(UsageError, match="osteon evaluate"):
        shift_run(tmp_path / "run")

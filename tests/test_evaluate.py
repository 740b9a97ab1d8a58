"""The evaluation: nothing without interval and baseline, thresholds from validation alone."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from sklearn import metrics as sk

from osteon.errors import DataError, UsageError
from osteon.evaluate import evaluate
from osteon.operating_point import answers_at, choose_operating_point
from osteon.types import Estimate, Evaluation, OperatingPoint, Predictions
from osteon.values import read_value, write_value


def scored(
    n: int = 300, n_classes: int = 2, skill: float = 1.5, seed: int = 0, part: str = "test"
) -> Predictions:
    rng = np.random.default_rng(seed)
    labels = rng.integers(n_classes, size=n)
    logits = rng.normal(size=(n, n_classes)) + skill * np.eye(n_classes)[labels]
    odds = np.exp(logits)
    return Predictions(
        ids=tuple(map(str, range(n))),
        labels=labels,
        scores=odds / odds.sum(1, keepdims=True),
        groups=tuple(str(i // 2) for i in range(n)),
        classes=("normal", "a", "b", "c")[:n_classes],
        part=part,
    )


def evaluated(predictions: Predictions, point: OperatingPoint | None = None) -> Evaluation:
    share = np.bincount(predictions.labels) / len(predictions.labels)
    majority = np.tile(share, (len(predictions.ids), 1))
    rng = np.random.default_rng(1)
    weak = predictions.scores[rng.permutation(len(predictions.ids))]
    return evaluate(
        predictions,
        operating_point=point,
        baselines={"metadata_only": weak, "majority": majority},
        resamples=300,
    )


def every_estimate(evaluation: Evaluation) -> list[Estimate]:
    tables = [
        evaluation.scores,
        evaluation.at_operating_point,
        *evaluation.baselines.values(),
        *evaluation.per_class.values(),
        *evaluation.gains.values(),
    ]
    return [estimate for table in tables for estimate in table.values()]


@pytest.mark.parametrize("n_classes", [2, 4])
def test_every_figure_has_n_groups_method_and_interval(n_classes: int) -> None:
    predictions = scored(n_classes=n_classes)
    point = choose_operating_point(scored(part="val", seed=5)) if n_classes == 2 else None
    evaluation = evaluated(predictions, point)
    for estimate in every_estimate(evaluation):
        assert (estimate.n, estimate.n_groups) == (300, 150)
        assert estimate.method
        if estimate.value is not None and estimate.low is not None:
            assert estimate.high is not None
            assert estimate.low <= estimate.value + 1e-12
            assert estimate.value <= estimate.high + 1e-12
    assert set(evaluation.baselines) == {"metadata_only", "majority"}
    assert set(evaluation.scores) == set(evaluation.baselines["majority"])
    assert set(evaluation.per_class) == set(predictions.classes)
    assert sum(map(sum, evaluation.confusion)) == 300


def test_it_survives_json(tmp_path: Path) -> None:
    evaluation = evaluated(scored(), OperatingPoint(threshold=0.4, rule="sensitivity >= 0.90"))
    path = write_value(tmp_path / "e.json", evaluation)
    again = read_value(Evaluation, path)
    for field in fields(Evaluation):
        assert getattr(again, field.name) == getattr(evaluation, field.name)


def test_the_operating_point_is_the_highest_threshold_that_reaches_the_target() -> None:
    val = scored(part="val", skill=0.8)
    point = choose_operating_point(val, sensitivity=0.9)
    positive = val.labels == 1

    def sensitivity(threshold: float) -> float:
        return float((val.scores[positive, 1] >= threshold).mean())

    assert sensitivity(point.threshold) >= 0.9
    higher = min(s for s in val.scores[:, 1].tolist() if s > point.threshold)
    assert sensitivity(higher) < 0.9 or not positive[val.scores[:, 1] == higher].any()
    assert point.chosen_on == "val"


def test_it_is_applied_unchanged() -> None:
    test = scored(seed=3)
    point = OperatingPoint(threshold=0.3, rule="sensitivity >= 0.90")
    evaluation = evaluated(test, point)
    answer = (test.scores[:, 1] >= 0.3).astype(int)
    theirs = sk.recall_score(test.labels, answer)
    assert evaluation.at_operating_point["sensitivity"].value == pytest.approx(theirs)
    assert (answers_at(test.scores, point).argmax(1) == answer).all()
    theirs = sk.confusion_matrix(test.labels, answer).tolist()
    assert [list(row) for row in evaluation.confusion_at_operating_point] == theirs


@pytest.mark.parametrize("target", [0.0, 1.2])
def test_impossible_targets_are_refused(target: float) -> None:
    with pytest.raises(UsageError, match="cannot be asked for"):
        choose_operating_point(scored(), sensitivity=target)


def test_no_positive_no_operating_point() -> None:
    with pytest.raises(UsageError, match="two classes"):
        choose_operating_point(scored(n_classes=4))


def test_curves_are_scikit_learns() -> None:
    test = scored()
    roc = next(curve for curve in evaluated(test).curves if curve.name == "roc")
    false_alarms, sensitivity, _ = sk.roc_curve(test.labels, test.scores[:, 1])
    at = np.linspace(0, 1, 50)
    np.testing.assert_allclose(
        np.interp(at, roc.x, roc.y), np.interp(at, false_alarms, sensitivity), atol=0.02
    )
    assert (roc.x[0], roc.y[0], roc.x[-1], roc.y[-1]) == (0, 0, 1, 1)
    assert len(evaluated(scored(n=5000)).curves[0].x) <= 300


def test_calibration_bins_hold_every_film() -> None:
    for n_classes in (2, 4):
        bins = evaluated(scored(n_classes=n_classes)).calibration
        assert sum(b.observed.n for b in bins) == 300
        assert all(b.low <= b.mean_score <= b.high for b in bins)


def test_what_a_reader_must_know_is_said() -> None:
    said = " ".join(evaluated(scored(n=200, skill=0.0)).remarks)
    assert "includes 0.5" in said
    assert "not shown to be above always answering" in said
    few = " ".join(evaluated(scored(n=24, n_classes=4)).remarks)
    assert "read the intervals, not the values" in few


def test_a_shortcut_is_said() -> None:
    test = scored()
    evaluation = evaluate(test, baselines={"metadata_only": test.scores}, resamples=300)
    said = " ".join(evaluation.remarks)
    assert "part of the label can be read without the bone" in said
    assert "not shown to be above that of file metadata" in said


def test_films_without_a_label_are_left_out() -> None:
    test = scored(n=100)
    labels = test.labels.copy()
    labels[:10] = -1
    unknown = Predictions(
        ids=test.ids, labels=labels, scores=test.scores, groups=test.groups,
        classes=test.classes, part="test",
    )  # fmt: skip
    assert evaluate(unknown, resamples=50).n == 90
    nothing = Predictions(
        ids=test.ids, labels=labels * 0 - 1, scores=test.scores, groups=test.groups,
        classes=test.classes, part="test",
    )  # fmt: skip
    with pytest.raises(DataError, match="has a label"):
        evaluate(nothing)

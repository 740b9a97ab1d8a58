"""The evaluation: nothing without interval and baseline, thresholds from validation alone."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn import metrics as sk

from osteon.curves import curves
from osteon.errors import DataError, UsageError
from osteon.evaluate import evaluate
from osteon.metrics import METRICS
from osteon.operating_point import answers_at, choose_operating_point
from osteon.statistics import differences, wilson
from osteon.types import Curve, Estimate, Evaluation, OperatingPoint, Predictions
from osteon.values import read_value, write_value

Floats = NDArray[np.float64]


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


def every_estimate(evaluation: Evaluation) -> list[tuple[str, Estimate]]:
    tables = [
        evaluation.scores,
        evaluation.at_operating_point,
        *evaluation.baselines.values(),
        *evaluation.per_class.values(),
        *evaluation.gains.values(),
    ]
    return [named for table in tables for named in table.items()]


@pytest.mark.parametrize("n_classes", [2, 4])
def test_every_figure_has_n_groups_method_and_interval(n_classes: int) -> None:
    predictions = scored(n_classes=n_classes)
    point = choose_operating_point(scored(part="val", seed=5)) if n_classes == 2 else None
    evaluation = evaluated(predictions, point)
    of_some = {"sensitivity", "specificity", "precision", "npv"}
    for name, estimate in every_estimate(evaluation):
        of_all = (estimate.n, estimate.n_groups) == (300, 150)
        assert of_all or (name in of_some and estimate.n < 300)
        assert (estimate.n > 0) or estimate.value is None
        assert estimate.method
        if estimate.value is not None and estimate.low is not None:
            assert estimate.high is not None
            assert estimate.low <= estimate.value + 1e-12
            assert estimate.value <= estimate.high + 1e-12
    assert set(evaluation.baselines) == {"metadata_only", "majority"}
    assert set(evaluation.scores) == set(evaluation.baselines["majority"])
    assert set(evaluation.per_class) == set(predictions.classes)
    assert sum(map(sum, evaluation.confusion)) == 300


def test_a_sensitivity_is_of_the_films_with_a_fracture() -> None:
    predictions = scored()
    point = OperatingPoint(threshold=0.4, rule="sensitivity >= 0.90")
    evaluation = evaluated(predictions, point)
    groups = np.asarray(predictions.groups)
    for scores, answered in (
        (evaluation.scores, predictions.scores[:, 1] > 0.5),
        (evaluation.at_operating_point, predictions.scores[:, 1] >= 0.4),
    ):
        for name, of in (
            ("sensitivity", predictions.labels == 1),
            ("specificity", predictions.labels == 0),
            ("precision", answered),
            ("npv", ~answered),
        ):
            assert scores[name].n == of.sum()
            assert scores[name].n_groups == len(set(groups[of]))
    metric = {"sensitivity": METRICS["sensitivity"]}
    worse = predictions.scores[::-1]
    gain = differences(metric, predictions.labels, predictions.scores, worse, predictions.groups)
    assert gain["sensitivity"].n == (predictions.labels == 1).sum()


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


def test_an_operating_point_needs_two_classes() -> None:
    with pytest.raises(UsageError, match="two classes"):
        choose_operating_point(scored(n_classes=4))
    with pytest.raises(UsageError, match="two classes"):
        evaluate(scored(n_classes=4), operating_point=OperatingPoint(threshold=0.5, rule="r"))


@pytest.mark.parametrize("share", [0.5, 0.01])
@pytest.mark.parametrize("n", [250, 20_000])
def test_curves_are_scikit_learns_in_at_most_300_points(n: int, share: float) -> None:
    rng = np.random.default_rng(n)
    labels = np.r_[0, 1, rng.random(n - 2) < share].astype(np.int64)
    positive = 1 / (1 + np.exp(-rng.normal(size=n) - 1.5 * labels))
    scores = np.stack([1 - positive, positive], axis=1)
    ids = tuple(map(str, range(n)))
    test = Predictions(
        ids=ids, labels=labels, scores=scores, groups=ids, classes=("a", "b"), part="test"
    )
    roc, pr = curves(test)
    false_alarms, sensitivity, _ = sk.roc_curve(labels, positive, drop_intermediate=False)
    # scikit-learn appends a point (0, 1) that no threshold reaches.
    precision, recall = (of[:-1] for of in sk.precision_recall_curve(labels, positive)[:2])
    assert max(len(roc.x), len(pr.x)) <= 300
    assert (roc.x[0], roc.y[0], roc.x[-1], roc.y[-1]) == (0, 0, 1, 1)
    assert off_curve(false_alarms, sensitivity, roc) < 0.01
    assert off_curve(recall, precision, pr) < 0.01


def off_curve(x: Floats, y: Floats, drawn: Curve) -> float:
    """How far the furthest point is from the nearest place on the drawn line."""
    points = np.stack([x, y], axis=1)
    knots = np.stack([drawn.x, drawn.y], axis=1)
    start, along = knots[:-1], np.diff(knots, axis=0)
    length = np.maximum((along**2).sum(1), 1e-30)
    furthest = 0.0
    for point in points[:: max(1, len(points) // 2000)]:
        at = np.clip(((point - start) * along).sum(1) / length, 0, 1)
        nearest = start + at[:, None] * along
        furthest = max(furthest, float(np.hypot(*(point - nearest).T).min()))
    return furthest


def test_calibration_bins_hold_every_film() -> None:
    for n_classes in (2, 4):
        bins = evaluated(scored(n_classes=n_classes)).calibration
        assert sum(b.observed.n for b in bins) == 300
        assert all(b.low <= b.mean_score <= b.high for b in bins)
        for b in bins:
            assert b.observed.value is not None
            low, high = wilson(b.observed.value * b.observed.n_groups, b.observed.n_groups)
            assert (b.observed.low, b.observed.high) == (low, high)
            assert b.observed.n_groups <= b.observed.n


def test_what_a_reader_must_know_is_said() -> None:
    said = " ".join(evaluated(scored(n=200, skill=0.0)).remarks)
    assert "includes 0.5" in said
    assert "not shown to be above always answering" in said
    swapped = scored(n=200)
    said = " ".join(evaluated(replace(swapped, scores=swapped.scores[:, ::-1])).remarks)
    assert "includes 0.5" not in said
    assert "The whole interval of the AUROC is below 0.5" in said
    few = " ".join(evaluated(scored(n=24, n_classes=4)).remarks)
    assert "read the intervals, not the values" in few


def test_many_films_of_few_patients_are_said() -> None:
    films = scored(n=300)
    few = replace(films, groups=tuple(str(i % 4) for i in range(300)))
    said = [remark for remark in evaluated(few).remarks if "too narrow" in remark]
    assert len(said) == 2
    assert f"{(films.labels == 1).sum()} films of 'a' in test are of only 4 independent" in said[1]
    assert not [remark for remark in evaluated(films).remarks if "too narrow" in remark]


def test_tied_scores_are_answered_alike() -> None:
    """The highest threshold that reaches the target, where a score is held by several films."""
    positive = np.array([0.9, 0.6, 0.6, 0.6, 0.1, 0.6, 0.6, 0.2])
    val = Predictions(
        ids=tuple("abcdefgh"), labels=np.array([1, 1, 1, 1, 1, 0, 0, 0]),
        scores=np.stack([1 - positive, positive], axis=1), groups=tuple("abcdefgh"),
        classes=("normal", "fractured"), part="val",
    )  # fmt: skip
    point = choose_operating_point(val, sensitivity=0.4)
    assert point.threshold == 0.6
    assert answers_at(val.scores, point)[:, 1].tolist() == [1, 1, 1, 1, 0, 1, 1, 0]
    whole = choose_operating_point(val, sensitivity=1.0)
    assert (whole.threshold, whole.rule) == (0.1, "sensitivity >= 1.00")
    assert choose_operating_point(val, sensitivity=0.995).rule == "sensitivity >= 0.995"
    healthy = replace(val, labels=np.zeros(8, np.int64))
    with pytest.raises(DataError, match="No film of 'fractured'"):
        choose_operating_point(healthy)


def test_remarks_on_the_baselines_come_along() -> None:
    assert evaluate(scored(), remarks=["Left out."], resamples=50).remarks[-1] == "Left out."


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


def test_two_classes_have_intervals_by_formula() -> None:
    predictions = scored()
    point = choose_operating_point(scored(seed=7, part="val"))
    made = evaluated(predictions, point).analytic
    assert list(made) == ["auroc", "sensitivity", "specificity", "precision", "npv"]
    (auroc,) = made["auroc"]
    assert auroc.value == pytest.approx(
        sk.roc_auc_score(predictions.labels, predictions.scores[:, 1])
    )
    assert "DeLong, clustered" in auroc.method
    answered = predictions.scores[:, 1] >= point.threshold
    exact, by_wilson = made["sensitivity"]
    assert exact.value == by_wilson.value == pytest.approx(answered[predictions.labels == 1].mean())
    assert "Clopper-Pearson" in exact.method
    assert "Wilson" in by_wilson.method


def test_the_formula_and_the_bootstrap_nearly_agree() -> None:
    made = evaluated(scored(n=800))
    (formula,), bootstrap = made.analytic["auroc"], made.scores["auroc"]
    assert formula.value == pytest.approx(bootstrap.value)
    assert formula.low == pytest.approx(bootstrap.low, abs=0.01)
    assert formula.high == pytest.approx(bootstrap.high, abs=0.01)


def test_more_classes_have_none_and_show_their_top_answers() -> None:
    made = evaluated(scored(n_classes=4))
    assert made.analytic == {}
    assert {"top_2_accuracy", "top_3_accuracy"} < set(made.scores)
    assert "quadratic_kappa" not in made.scores


def test_two_classes_show_no_row_that_means_nothing() -> None:
    made = evaluated(scored())
    assert all(figure.value is not None for figure in made.scores.values())
    assert not {"top_2_accuracy", "quadratic_kappa"} & set(made.scores)


def test_grades_have_a_quadratic_kappa() -> None:
    predictions = scored(n_classes=3)
    made = evaluate(predictions, ordered=True, resamples=50).scores["quadratic_kappa"]
    theirs = sk.cohen_kappa_score(
        predictions.labels, predictions.scores.argmax(1), weights="quadratic"
    )
    assert made.value == pytest.approx(theirs)


def test_one_class_alone_has_no_interval_by_formula() -> None:
    predictions = scored()
    only = replace(predictions, labels=np.zeros_like(predictions.labels))
    assert evaluated(only).analytic == {}

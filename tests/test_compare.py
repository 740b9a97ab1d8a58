"""Two classifiers on the same films: matched by id, tested in pairs, said in words."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from typer.testing import CliRunner

from osteon.cli import app
from osteon.compare import (
    Comparison,
    Contender,
    compare,
    compare_all,
    read_contender,
    read_contenders,
)
from osteon.errors import DataError, UsageError
from osteon.evaluate import evaluate
from osteon.metrics import METRICS
from osteon.predictions import write_predictions
from osteon.report.compare import write_comparison
from osteon.runs import RunFolder
from osteon.statistics import auroc_difference, holm, mcnemar
from osteon.types import OperatingPoint, Predictions
from osteon.values import from_json, to_json, write_value

Ints = NDArray[np.int64]


def scored(skill: float, *, seed: int = 1, n: int = 300, n_classes: int = 2) -> Predictions:
    """The same films for every skill: labels and what is hard about each are drawn from seed 0."""
    shared, own = np.random.default_rng(0), np.random.default_rng(seed)
    labels = shared.integers(n_classes, size=n)
    logits = shared.normal(size=(n, n_classes)) + 0.5 * own.normal(size=(n, n_classes))
    odds = np.exp(logits + skill * np.eye(n_classes)[labels])
    return Predictions(
        ids=tuple(f"film{at}.png" for at in range(n)),
        labels=labels,
        scores=odds / odds.sum(1, keepdims=True),
        groups=tuple(f"patient {at // 2}" for at in range(n)),
        classes=("normal", "fracture", "other")[:n_classes],
        part="test",
    )


def some(predictions: Predictions, rows: slice | Ints) -> Predictions:
    at = np.arange(len(predictions.ids))[rows]
    return replace(
        predictions,
        ids=tuple(predictions.ids[i] for i in at),
        labels=predictions.labels[at],
        scores=predictions.scores[at],
        groups=tuple(predictions.groups[i] for i in at),
    )


def compared(a: Predictions, b: Predictions, **given: object) -> Comparison:
    return compare(a, b, names=("one", "two"), resamples=200, **given)  # type: ignore[arg-type]


def test_the_better_one_is_named_with_its_gain() -> None:
    a, b = scored(2.5), scored(1.0, seed=2)
    made = compared(a, b)
    assert made.verdict.startswith("The AUROC of one is higher by ")
    assert "on 300 films of 150 groups" in made.verdict
    turned = compared(b, a)
    assert turned.verdict.startswith("The AUROC of one is higher by ".replace("one", "two"))
    assert made.verdict.split(" on ")[0].replace("one", "two") == turned.verdict.split(" on ")[0]


def test_it_is_delong_mcnemar_and_the_metrics_themselves() -> None:
    a, b = scored(2.0), scored(1.5, seed=2)
    made = compared(a, b)
    rows = {row.metric: row for row in made.metrics}
    delong = auroc_difference(a.labels == 1, a.scores[:, 1], b.scores[:, 1], a.groups)
    right = [side.scores.argmax(1) == side.labels for side in (a, b)]
    assert rows["auroc"].by_formula == delong.difference
    assert rows["auroc"].p == delong.p
    assert made.answers == mcnemar(right[0], right[1], a.groups)
    assert rows["accuracy"].p == made.answers.p
    for name, row in rows.items():
        figures = [METRICS[name](s.labels, s.scores, np.ones((1, 300)))[0] for s in (a, b)]
        assert (row.first.value, row.second.value) == pytest.approx(figures)
        assert row.difference.value == pytest.approx(figures[0] - figures[1])
    p = [row.p for row in made.metrics if row.p is not None]
    assert [row.p_adjusted for row in made.metrics] == pytest.approx(holm(p))
    assert made.n_compared == len(p) == 8


def test_answers_are_those_at_the_operating_points() -> None:
    a, b = scored(2.0), scored(1.5, seed=2)
    low = OperatingPoint(threshold=0.2, rule="sensitivity >= 0.95")
    made = compared(a, b, point_a=low)
    row = next(row for row in made.metrics if row.metric == "sensitivity")
    positive = a.labels == 1
    assert row.first.value == pytest.approx((a.scores[positive, 1] >= 0.2).mean())
    assert row.second.value == pytest.approx((b.scores[positive, 1] > 0.5).mean())
    assert made.points == (low, None)


def test_a_classifier_does_not_differ_from_itself() -> None:
    a = scored(1.5)
    made = compared(a, a)
    assert made.verdict.startswith(
        "No difference in AUROC that these films could show: one less two is 0.000"
    )
    assert made.detectable is None
    assert {row.p_adjusted for row in made.metrics} == {1.0}
    assert made.disagreements == ()


def test_a_difference_that_is_not_shown_has_the_sign_of_its_row() -> None:
    weak, strong = scored(1.0, n=40), scored(1.3, seed=2, n=40)
    made = compared(weak, strong)
    shown = made.metrics[0].by_formula
    assert shown is not None
    assert shown.value is not None
    assert shown.value < 0
    assert f"could show: one less two is {shown.value:.3f} [{shown.low:.3f}," in made.verdict


def test_too_few_films_say_what_they_could_have_shown() -> None:
    few = slice(0, 60)
    made = compared(some(scored(1.6), few), some(scored(1.5, seed=2), few))
    assert made.detectable is not None
    assert f"differences under {made.detectable:.3f} would mostly stay unseen" in made.verdict
    interval = made.metrics[0].by_formula
    assert interval is not None
    assert interval.high is not None
    assert interval.low is not None
    assert made.detectable == pytest.approx((1.959964 + 0.841621) / (2 * 1.959964)
                                            * (interval.high - interval.low), rel=1e-5)  # fmt: skip


def test_films_are_matched_by_id_and_those_of_one_alone_are_named() -> None:
    a, b = scored(2.0), scored(1.5, seed=2)
    shuffled = some(b, np.random.default_rng(0).permutation(300)[:280])
    made = compared(some(a, slice(0, 290)), shuffled)
    assert made.n == len(set(a.ids[:290]) & set(shuffled.ids))
    assert set(made.only["one"]) == set(a.ids[:290]) - set(shuffled.ids)
    assert set(made.only["two"]) == set(shuffled.ids) - set(a.ids[:290])
    kept = [i for i in range(290) if a.ids[i] in set(shuffled.ids)]
    straight = compared(some(a, np.array(kept)), some(b, np.array(kept)))
    assert made.metrics == straight.metrics


def test_columns_in_another_order_are_the_same_classes() -> None:
    a, b = scored(2.0, n_classes=3), scored(1.5, seed=2, n_classes=3)
    place = np.array([2, 0, 1])  # of each class in the other table
    turned = replace(
        b,
        classes=("fracture", "other", "normal"),
        labels=place[b.labels],
        scores=b.scores[:, [1, 2, 0]],
    )
    assert compared(a, turned).metrics == compared(a, b).metrics


def test_a_threshold_is_for_the_class_that_its_own_side_calls_positive() -> None:
    a, b = scored(2.0), scored(1.5, seed=2)
    turned = replace(a, classes=a.classes[::-1], labels=1 - a.labels, scores=a.scores[:, ::-1])
    point = OperatingPoint(threshold=0.2, rule="sensitivity >= 0.90")
    straight = compared(a, b, point_b=point)
    other = compared(turned, b, point_b=point)
    for name in ("accuracy", "balanced_accuracy"):
        one, same = (
            next(row for row in made.metrics if row.metric == name) for made in (straight, other)
        )
        assert one.second.value == pytest.approx(same.second.value)
    assert straight.answers == other.answers


def test_a_group_of_either_table_is_a_group() -> None:
    a = scored(2.0)
    b = replace(scored(1.5, seed=2), groups=a.ids)
    assert compared(a, b).n_groups == 150
    assert compared(replace(a, groups=a.ids), b).n_groups == 300


def test_films_without_a_label_are_left_out_and_said() -> None:
    a, b = scored(2.0), scored(1.5, seed=2)
    blank = a.labels.copy()
    blank[:10] = -1
    made = compared(replace(a, labels=blank), replace(b, labels=blank))
    assert (made.n, made.unlabelled) == (290, a.ids[:10])
    assert compared(replace(a, labels=blank), b).n == 300  # the other table knows


def test_what_cannot_be_compared_is_refused() -> None:
    a, b = scored(2.0), scored(1.5, seed=2)
    wrong = b.labels.copy()
    wrong[3] = 1 - wrong[3]
    with pytest.raises(DataError, match=r"'film3.png' is .* for one and .* for two"):
        compared(a, replace(b, labels=wrong))
    with pytest.raises(DataError, match="cannot be compared"):
        compared(a, replace(b, classes=("normal", "broken")))
    with pytest.raises(DataError, match=r"No film is in both.*film0.png.*other0"):
        compared(a, replace(b, ids=tuple(f"other{at}" for at in range(300))))
    none = np.full(300, -1)
    with pytest.raises(DataError, match="nothing to compare"):
        compared(replace(a, labels=none), replace(b, labels=none))
    with pytest.raises(UsageError, match="name them apart"):
        compare(a, b, names=("one", "one"))
    many = scored(2.0, n_classes=3)
    with pytest.raises(UsageError, match="two classes"):
        compared(many, many, point_a=OperatingPoint(threshold=0.5, rule=""))


def test_one_class_alone_is_compared_by_its_answers() -> None:
    a, b = scored(2.0), scored(0.5, seed=2)
    positives = np.flatnonzero(a.labels == 1)
    made = compared(some(a, positives), some(b, positives))
    assert made.metrics[0].difference.value is None
    assert "Accuracy" in made.verdict
    assert made.curves == ()


def test_more_classes_have_a_macro_area_and_no_curves() -> None:
    made = compared(scored(2.5, n_classes=3), scored(1.0, seed=2, n_classes=3))
    auroc = made.metrics[0]
    assert (auroc.metric, auroc.by_formula, made.curves) == ("auroc", None, ())
    assert auroc.test == "paired grouped bootstrap"
    assert not {"sensitivity", "specificity"} & {row.metric for row in made.metrics}
    assert made.detectable is not None


def test_it_reads_back_as_it_was_written() -> None:
    made = compared(scored(2.0), scored(1.5, seed=2))
    assert from_json(Comparison, to_json(made)) == made


# --- runs and tables ------------------------------------------------------------------------------


def a_run(path: Path, skill: float, seed: int) -> Path:
    path.mkdir(parents=True)
    folder = RunFolder(path)
    write_predictions(scored(skill, seed=seed), folder.predictions("test"))
    point = OperatingPoint(threshold=0.4, rule="sensitivity >= 0.90")
    on_val = evaluate(
        replace(scored(skill, seed=seed), part="val"), operating_point=point, resamples=20
    )
    write_value(folder.evaluation("val"), on_val)
    return path


def test_a_run_brings_its_operating_point_and_is_not_opened_again(tmp_path: Path) -> None:
    made = read_contender(a_run(tmp_path / "deep", 2.0, 1))
    assert (made.name, len(made.predictions.ids)) == ("deep", 300)
    assert made.point is not None
    assert made.point.threshold == 0.4
    assert not RunFolder(tmp_path / "deep").openings.exists()


def test_what_is_no_run_and_no_table_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="neither a run folder nor a table"):
        read_contender(tmp_path / "nothing")
    (tmp_path / "early").mkdir()
    with pytest.raises(DataError, match="early is no run folder"):
        read_contender(tmp_path / "early")
    (tmp_path / "early" / "run.json").touch()
    with pytest.raises(DataError, match="osteon evaluate"):
        read_contender(tmp_path / "early")
    with pytest.raises(UsageError, match="needs two"):
        compare_all([])


def test_the_columns_of_a_table_do_not_choose_the_positive_class(tmp_path: Path) -> None:
    made = scored(2.0)
    turned = replace(
        made, classes=made.classes[::-1], labels=1 - made.labels, scores=made.scores[:, ::-1]
    )
    for name, predictions in (("usual", made), ("turned", turned)):
        write_predictions(predictions, tmp_path / f"{name}.csv")
    usual, other = (
        read_contender(tmp_path / f"{name}.csv").predictions for name in ("usual", "turned")
    )
    assert usual.classes == other.classes == ("normal", "fracture")
    assert (usual.labels == other.labels).all()
    assert (usual.scores == other.scores).all()


def test_equal_names_are_told_apart(tmp_path: Path) -> None:
    paths = [a_run(tmp_path / place / "run", 2.0, 1) for place in ("x", "y")]
    assert [each.name for each in read_contenders(paths)] == ["run (1)", "run (2)"]


def test_many_pairs_do_not_hide_what_one_alone_would_show() -> None:
    """The least p of 2,000 resamples, times 60 tests, is above 0.05: more resamples are drawn."""
    first = scored(1.0)
    heated = first.scores**10
    worse = replace(first, scores=heated / heated.sum(1, keepdims=True))
    others = [worse, *(scored(1.0, seed=seed) for seed in range(2, 9))]
    contenders = [
        Contender(name=str(at), predictions=one) for at, one in enumerate([first, *others])
    ]
    against = compare_all(contenders, resamples=100)[0]
    assert against.n_compared > 51
    (loss,) = [row for row in against.metrics if row.metric == "log_loss"]
    assert loss.p_adjusted is not None
    assert loss.p_adjusted < 0.05


def test_all_pairs_share_one_adjustment(tmp_path: Path) -> None:
    paths = [a_run(tmp_path / name, skill, seed) for name, skill, seed in
             (("a", 2.2, 1), ("b", 1.5, 2), ("c", 1.4, 3))]  # fmt: skip
    made = compare_all(read_contenders(paths), resamples=200)
    assert [each.names for each in made] == [("a", "b"), ("a", "c")]
    rows = [row for each in made for row in each.metrics]
    assert made[0].n_compared == len(rows) == 16
    expected = holm([row.p for row in rows if row.p is not None])
    assert [row.p_adjusted for row in rows] == pytest.approx(expected)


def test_the_command_prints_and_writes_a_page(tmp_path: Path) -> None:
    run = a_run(tmp_path / "run", 2.2, 1)
    table = write_predictions(scored(1.2, seed=2), tmp_path / "<other>.csv")
    page = tmp_path / "page.html"
    result = CliRunner().invoke(app, ["compare", str(run), str(table), "--report", str(page)])
    assert result.exit_code == 0, result.output
    assert "AUROC of run is higher by" in " ".join(result.output.split())
    text = page.read_text()
    assert "&lt;other&gt;" in text
    assert "<other>" not in text
    assert text.count("<svg") == 1
    assert 'src="http' not in text
    assert "sensitivity &gt;= 0.90 on validation" in text
    as_data = CliRunner().invoke(app, ["compare", str(run), str(table), "--json"])
    (found,) = json.loads(as_data.output)["comparisons"]
    assert found["verdict"].startswith("The AUROC of run is higher")
    assert found["answers"]["only_first"] > found["answers"]["only_second"]


def test_the_page_of_several_classes_needs_no_curve(tmp_path: Path) -> None:
    made = compared(scored(2.5, n_classes=3), scored(1.0, seed=2, n_classes=3))
    text = write_comparison([made], tmp_path / "page.html").read_text()
    assert "AUROC, macro" in text
    assert "<svg" not in text

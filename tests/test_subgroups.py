"""Subgroups: a planted weakness is found, an absent one is not, and counts are what they are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import fisher_exact
from sklearn.metrics import recall_score, roc_auc_score

from osteon.attributes import Attributes
from osteon.contrasts import hanley_mcneil
from osteon.errors import DataError, UsageError
from osteon.subgroups import FEWEST, Subgroup, Subgroups, subgroups
from osteon.types import OperatingPoint, Predictions
from osteon.values import read_value, write_value

HALF = OperatingPoint(threshold=0.5, rule="sensitivity >= 0.90")


def predicted(
    n: int, *, seed: int, signal: float = 2.0, weak: float | None = None, films_each: int = 1
) -> tuple[Predictions, dict[str, tuple[str, ...]]]:
    """``n`` films and their hospital; ``weak`` is the signal in hospital b, with a quarter."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(2, size=n)
    in_b = rng.random(n) < 0.25
    strength = np.where(in_b, signal if weak is None else weak, signal)
    odds = strength * (labels - 0.5) * 2 + rng.logistic(size=n)
    positive = 1 / (1 + np.exp(-odds))
    ids = tuple(f"f{at}" for at in range(n))
    made = Predictions(
        ids=ids, labels=labels, scores=np.stack([1 - positive, positive], axis=1),
        groups=tuple(f"g{at // films_each}" for at in range(n)), classes=("normal", "fractured"),
        part="test",
    )  # fmt: skip
    return made, {id_: ("b" if b else "a",) for id_, b in zip(ids, in_b, strict=True)}


def judged(predictions: Predictions, attributes: Attributes, *, n: int = 300) -> Subgroups:
    return subgroups(predictions, attributes, point=HALF, n_resamples=n)


def one(found: Subgroups, value: str) -> Subgroup:
    return next(subgroup for subgroup in found.subgroups if subgroup.value == value)


def test_a_planted_weak_subgroup_is_found() -> None:
    for seed in range(3):
        predictions, hospital = predicted(800, seed=seed, signal=2.5, weak=0.3)
        found = judged(predictions, {"hospital": hospital})
        assert one(found, "b").differences["auroc"].shown
        assert "Worse on films of hospital 'b'" in found.verdict


def test_an_absent_one_is_not() -> None:
    """Of eight data sets without any difference, each with five columns, one at most errs."""
    erring = 0
    for seed in range(8):
        predictions, _ = predicted(250, seed=seed, films_each=2)
        rng = np.random.default_rng([seed, 1])
        columns: Attributes = {
            f"c{number}": {id_: (str(rng.integers(3)),) for id_ in predictions.ids}
            for number in range(5)
        }
        found = judged(predictions, columns, n=200)
        erring += any(d.shown for s in found.subgroups for d in s.differences.values())
        if not erring:
            assert found.verdict.startswith("No subgroup is shown to be worse")
    assert erring <= 1


@pytest.mark.slow
def test_false_alarms_are_as_rare_as_promised() -> None:
    """The family-wise error is at most 5 %: of 400 data sets without a difference 20 may err;
    more than 33 would be seen less often than once in 500 times."""
    erring = 0
    for seed in range(400):
        predictions, hospital = predicted(120, seed=seed, signal=2.5, films_each=2)
        rng = np.random.default_rng([seed, 2])
        view: dict[str, tuple[str, ...]] = {id_: (str(rng.integers(2)),) for id_ in predictions.ids}
        found = judged(predictions, {"hospital": hospital, "view": view}, n=200)
        erring += any(d.shown for s in found.subgroups for d in s.differences.values())
    assert erring <= 33


def test_figures_and_differences_equal_those_by_hand() -> None:
    predictions, hospital = predicted(300, seed=5, weak=0.5)
    found = judged(predictions, {"hospital": hospital})
    inside = np.array([hospital[id_] == ("b",) for id_ in predictions.ids])
    labels, positive = predictions.labels, predictions.scores[:, 1]
    answers = (positive >= 0.5).astype(int)
    b = one(found, "b")
    here_area = roc_auc_score(labels[inside], positive[inside])
    assert b.figures["auroc"].value == pytest.approx(here_area)
    for metric, label in (("sensitivity", 1), ("specificity", 0)):
        here, there = (
            recall_score(labels[side], answers[side], pos_label=label) for side in (inside, ~inside)
        )
        assert b.figures[metric].value == pytest.approx(here)
        assert b.differences[metric].estimate.value == pytest.approx(here - there)
        table = [
            [int(((answers != labels) & side & (labels == label)).sum()),
             int(((answers == labels) & side & (labels == label)).sum())]
            for side in (inside, ~inside)
        ]  # fmt: skip
        assert b.differences[metric].p == pytest.approx(fisher_exact(table).pvalue)
    area = roc_auc_score(labels[~inside], positive[~inside])
    assert b.differences["auroc"].estimate.value == pytest.approx(here_area - area)
    assert (b.n, b.class_counts["fractured"]) == (inside.sum(), labels[inside].sum())


def test_the_two_values_of_a_column_are_one_test() -> None:
    predictions, hospital = predicted(300, seed=6)
    found = judged(predictions, {"hospital": hospital, "again": hospital})
    assert found.n_tests == 3
    a, b = one(found, "a"), one(found, "b")
    for metric, difference in a.differences.items():
        other = b.differences[metric]
        assert difference.p == pytest.approx(other.p)
        assert difference.estimate.value == pytest.approx(-(other.estimate.value or 0))
        assert difference.p_adjusted >= difference.p


@settings(deadline=None, max_examples=25)
@given(st.lists(st.sampled_from(["", "hand", "leg", "hip"]), min_size=40, max_size=40))
def test_values_of_a_column_divide_the_films(values: list[str]) -> None:
    """Where each film has one value or none, the counts add up to the films that have one."""
    predictions, _ = predicted(40, seed=1)
    told = {id_: (v,) for id_, v in zip(predictions.ids, values, strict=True) if v}
    found = judged(predictions, {"region": told}, n=20)
    if len({*told.values()}) < 2:
        assert found.subgroups == ()
        return
    assert sum(subgroup.n for subgroup in found.subgroups) == len(told)
    for at, name in enumerate(predictions.classes):
        of_class = sum(predictions.labels[int(id_[1:])] == at for id_ in told)
        assert sum(s.class_counts[name] for s in found.subgroups) == of_class


def test_a_film_may_show_two_regions() -> None:
    predictions, _ = predicted(100, seed=2)
    told = {id_: ("hand", "leg") if at < 30 else ("leg",) for at, id_ in enumerate(predictions.ids)}
    found = judged(predictions, {"region": told})
    assert (one(found, "hand").n, one(found, "leg").n) == (30, 100)
    assert one(found, "leg").differences == {}  # there is no film without it
    same: Attributes = {"view": dict.fromkeys(predictions.ids, ("frontal",))}
    assert judged(predictions, same).subgroups == ()


def test_small_subgroups_are_said_to_be_too_small() -> None:
    predictions, _ = predicted(200, seed=3)
    few = {id_: ("rare" if at < 12 else "usual",) for at, id_ in enumerate(predictions.ids)}
    found = judged(predictions, {"implant": few})
    rare = one(found, "rare")
    assert set(rare.too_few) == {"auroc", "sensitivity", "specificity"}
    assert rare.differences == {}
    assert found.n_tests == 0
    assert found.verdict.endswith("Too few films to say anything of: implant 'rare'.")
    assert "among all others" in one(found, "usual").too_few["auroc"]


def test_films_of_one_patient_do_not_make_a_subgroup_large() -> None:
    predictions, _ = predicted(200, seed=3, films_each=20)
    half = {id_: ("x" if at < 100 else "y",) for at, id_ in enumerate(predictions.ids)}
    found = judged(predictions, {"side": half})
    assert one(found, "x").n_groups == 5 < FEWEST
    assert one(found, "x").differences == {}


def test_a_perfect_subgroup_is_no_proof() -> None:
    """Ten of ten found where nine of ten are elsewhere: the bootstrap alone would call it shown."""
    labels = np.ones(210, dtype=np.int64)
    labels[110:] = 0
    positive = np.where(labels == 1, 0.9, 0.1)
    positive[10:20] = 0.1  # missed among the other 100
    ids = tuple(f"f{at}" for at in range(210))
    predictions = Predictions(
        ids=ids, labels=labels, scores=np.stack([1 - positive, positive], axis=1), groups=ids,
        classes=("normal", "fractured"), part="test",
    )  # fmt: skip
    side = {id_: ("x" if at < 10 else "y",) for at, id_ in enumerate(ids)}
    difference = one(judged(predictions, {"side": side}), "x").differences["sensitivity"]
    assert difference.estimate.value == pytest.approx(0.1)
    assert difference.estimate.method.startswith("Newcombe")
    assert difference.estimate.low is not None
    assert difference.estimate.low < 0
    assert not difference.shown


def test_several_classes_have_accuracy_and_no_test_of_balanced_accuracy() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(3, size=300)
    scores = rng.dirichlet(np.ones(3), size=300) + np.eye(3)[labels]
    ids = tuple(map(str, range(300)))
    predictions = Predictions(
        ids=ids, labels=labels, scores=scores / scores.sum(1, keepdims=True), groups=ids,
        classes=("a", "b", "c"), part="test",
    )  # fmt: skip
    found = subgroups(
        predictions, {"view": {id_: (str(int(id_) % 2),) for id_ in ids}}, n_resamples=50
    )
    assert set(found.subgroups[0].figures) == {"accuracy", "balanced_accuracy"}
    assert set(found.subgroups[0].differences) == {"accuracy"}
    with pytest.raises(UsageError, match="two classes"):
        subgroups(predictions, {}, point=HALF)


def test_films_without_a_label_are_left_out() -> None:
    predictions, hospital = predicted(60, seed=0)
    predictions.labels[:20] = -1
    assert judged(predictions, {"hospital": hospital}).n == 40
    predictions.labels[:] = -1
    with pytest.raises(DataError, match="has a label"):
        judged(predictions, {"hospital": hospital})


def test_nothing_known_is_said() -> None:
    predictions, _ = predicted(30, seed=0)
    assert judged(predictions, {}).verdict.startswith("Nothing is known")


def test_they_come_back_from_their_file(tmp_path: Path) -> None:
    predictions, hospital = predicted(100, seed=0)
    found = judged(predictions, {"hospital": hospital}, n=50)
    path = write_value(tmp_path / "subgroups.json", found)
    assert read_value(Subgroups, path) == found


def test_hanley_and_mcneil_equal_the_published_equation() -> None:
    """Equation 1, written out for 51 positive and 58 negative films."""
    q1, q2 = 0.893 / 1.107, 2 * 0.893**2 / 1.893
    by_hand = (0.893 * 0.107 + 50 * (q1 - 0.893**2) + 57 * (q2 - 0.893**2)) / (51 * 58)
    assert hanley_mcneil(0.893, 51, 58) == pytest.approx(by_hand**0.5, abs=1e-12)

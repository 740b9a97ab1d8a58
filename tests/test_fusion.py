"""Study level: the order of films does not matter, one film is itself, and fusing helps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from osteon.evaluate import evaluate
from osteon.fusion import SHRINK, Fused, StudyLevel, average, fuse, largest, studies_of
from osteon.operating_point import choose_operating_point
from osteon.predictions import selected
from osteon.types import Manifest, Predictions, Radiograph
from osteon.values import read_value, write_value


def made(
    n: int, *, seed: int, views: int = 2, part: str = "test", n_classes: int = 2
) -> tuple[Predictions, dict[str, str]]:
    """``n`` studies of so many films; each film sees the fracture with noise of its own."""
    rng = np.random.default_rng(seed)
    of_study = np.repeat(rng.integers(n_classes, size=n), views)
    odds = 1.2 * np.eye(n_classes)[of_study] + rng.normal(size=(n * views, n_classes))
    scores = np.exp(odds) / np.exp(odds).sum(1, keepdims=True)
    ids = tuple(f"{part}/{at}" for at in range(n * views))
    predictions = Predictions(
        ids=ids, labels=of_study, scores=scores, groups=tuple(f"g{at // views}" for at in
        range(n * views)), classes=("normal", "fractured", "other")[:n_classes], part=part,
    )  # fmt: skip
    return predictions, {id_: f"{part}-{at // views}" for at, id_ in enumerate(ids)}


def way(found: StudyLevel, rule: str) -> Fused:
    return next(way for way in found.ways if way.rule == rule)


def fused(n: int = 200, *, seed: int = 0, resamples: int = 200) -> StudyLevel:
    test, study_of = made(n, seed=seed)
    val, of_val = made(n, seed=seed + 1, part="val")
    return fuse(test, val, study_of | of_val, n_resamples=resamples)


def test_two_views_are_better_than_one() -> None:
    found = fused()
    assert [each.rule for each in found.ways] == ["film by film", "max", "mean", "learned"]
    for rule in ("mean", "learned"):
        gain = way(found, rule).gain["auroc"]
        assert gain.low is not None
        assert gain.low > 0
    assert (found.n_films, found.n_studies, found.n_several) == (400, 200, 200)


def test_figures_equal_scikit_learns() -> None:
    test, study_of = made(150, seed=3)
    found = fuse(test, None, study_of, n_resamples=20)
    positive = test.scores[:, 1].reshape(150, 2)
    labels = test.labels.reshape(150, 2).max(1)
    for rule, scores in (("max", positive.max(1)), ("mean", positive.mean(1))):
        assert way(found, rule).figures["auroc"].value == pytest.approx(
            roc_auc_score(labels, scores)
        )
    films = evaluate(test, resamples=20)
    assert way(found, "film by film").figures["auroc"].value == films.scores["auroc"].value


def test_thresholds_are_chosen_on_validation_studies() -> None:
    test, study_of = made(60, seed=0)
    val, of_val = made(60, seed=1, part="val")
    point = way(fuse(test, val, study_of | of_val, n_resamples=20), "max").point
    most = val.scores[:, 1].reshape(60, 2).max(1)
    studies = replace(selected(val, range(0, 120, 2)), scores=np.stack([1 - most, most], axis=1))
    assert point == choose_operating_point(studies)
    turned = replace(test, labels=1 - test.labels)  # nothing of test was looked at
    assert way(fuse(turned, val, study_of | of_val, n_resamples=20), "max").point == point


def test_the_learned_fusion_is_scikit_learns_where_no_bound_holds() -> None:
    rng = np.random.default_rng(2)
    counts = rng.integers(1, 4, size=400)
    at = np.repeat(np.arange(400), counts)
    labels = (rng.random(len(at)) < 0.3).astype(np.int64)  # of each film its own
    odds = 2 * (labels - 0.5) + rng.normal(size=len(at))
    positive = 1 / (1 + np.exp(-odds))
    ids = tuple(f"v{n}" for n in range(len(at)))
    val = Predictions(
        ids=ids, labels=labels, scores=np.stack([1 - positive, positive], axis=1), groups=ids,
        classes=("n", "p"), part="val",
    )  # fmt: skip
    test, study_of = made(20, seed=0)
    test = replace(test, classes=("n", "p"))
    of_val = {id_: f"s{n}" for id_, n in zip(ids, at, strict=True)}
    learned = fuse(test, val, study_of | of_val, n_resamples=10).learned
    assert learned is not None
    design = []
    for study in range(400):
        own = positive[at == study]
        design.append([_logit(own.max()), _logit(own.mean()), np.log(len(own))])
    truth = np.array([labels[at == study].max() for study in range(400)])
    model = LogisticRegression(C=1 / SHRINK, tol=1e-10, max_iter=10_000).fit(design, truth)
    expected = [model.intercept_[0], *model.coef_[0]]
    assert min(expected[1:3]) > 0
    found = [learned.intercept, learned.of_max, learned.of_mean, learned.of_count]
    np.testing.assert_allclose(found, expected, atol=2e-3)


def _logit(share: float) -> float:
    return float(np.log(share / (1 - share)))


def test_the_learned_fusion_never_falls_with_a_score() -> None:
    """Even where validation says that higher scores are of normal films."""
    val, of_val = made(60, seed=1, part="val")
    test, study_of = made(60, seed=0)
    turned = replace(val, scores=val.scores[:, ::-1])
    learned = fuse(test, turned, study_of | of_val, n_resamples=10).learned
    assert learned is not None
    assert learned.of_max >= 0
    assert learned.of_mean >= 0


@settings(deadline=None, max_examples=20)
@given(st.permutations(range(40)))
def test_the_order_of_films_does_not_matter(order: list[int]) -> None:
    test, study_of = made(20, seed=4)
    val, of_val = made(20, seed=5, part="val")
    before = fuse(test, val, study_of | of_val, n_resamples=10)
    after = fuse(selected(test, order), val, study_of | of_val, n_resamples=10)
    for one, other in zip(before.ways, after.ways, strict=True):
        assert one.point == other.point
        for metric, figure in one.figures.items():
            assert figure.value == pytest.approx(other.figures[metric].value, nan_ok=True)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=6))
def test_max_and_mean_are_within_the_scores(positive: list[float]) -> None:
    scores = np.stack([1 - np.array(positive), np.array(positive)], axis=1)
    assert largest(scores)[1] == max(positive)
    assert min(positive) - 1e-12 <= average(scores)[1] <= max(positive) + 1e-12
    assert (average(scores[:1]) == scores[0]).all()
    assert largest(scores[:1])[1] == positive[0]


def test_studies_of_one_film_have_its_figures() -> None:
    """Mixed with studies of two films that are equal, max and mean change nothing."""
    test, _ = made(40, seed=0, views=1)
    twice = selected(test, [*range(40), 0])
    twice = replace(twice, ids=(*twice.ids[:-1], "again"))
    study_of = {id_: id_ for id_ in test.ids} | {"again": test.ids[0]}
    found = fuse(twice, None, study_of, n_resamples=10)
    alone = evaluate(test, resamples=10)
    for rule in ("max", "mean"):
        assert way(found, rule).figures["auroc"].value == alone.scores["auroc"].value


def test_without_several_films_there_is_nothing_to_fuse() -> None:
    test, study_of = made(30, seed=0, views=1)
    found = fuse(test, None, study_of)
    assert found.ways == ()
    assert "No study here has more than one film" in found.remarks[0]


def test_too_few_studies_to_learn_from_are_said() -> None:
    test, study_of = made(30, seed=0)
    val, of_val = made(8, seed=1, part="val")
    found = fuse(test, val, study_of | of_val, n_resamples=10)
    assert [each.rule for each in found.ways] == ["film by film", "max", "mean"]
    assert any("it needs 10 validation studies" in remark for remark in found.remarks)
    assert any("no validation" in r for r in fuse(test, None, study_of, n_resamples=10).remarks)


def test_several_classes_are_averaged_and_disagreeing_studies_left_out() -> None:
    test, study_of = made(50, seed=0, n_classes=3)
    test.labels[0] = (test.labels[1] + 1) % 3
    found = fuse(test, None, study_of, n_resamples=10)
    assert [each.rule for each in found.ways] == ["film by film", "mean"]
    assert (found.n_studies, found.n_several) == (49, 49)
    assert found.label_rule == "the class of all its films"
    assert "1 study whose films differ in class is left out." in found.remarks
    mean = test.scores.reshape(50, 2, 3).mean(1)[1:]
    right = (mean.argmax(1) == test.labels.reshape(50, 2)[1:, 0]).mean()
    assert way(found, "mean").figures["accuracy"].value == pytest.approx(right)


def test_the_gain_of_several_classes_is_on_the_same_films() -> None:
    """Films of one study have equal scores: fusing changes nothing, however many disagree."""
    test, study_of = made(120, seed=0, n_classes=3)
    test = replace(test, scores=np.repeat(test.scores[::2], 2, axis=0))
    test.labels[:120:2] = (test.labels[1:120:2] + 1) % 3  # 60 studies, of which one film is wrong
    mean = way(fuse(test, None, study_of, n_resamples=10), "mean")
    assert mean.gain["accuracy"].value == 0.0
    assert mean.gain["auroc"].value == pytest.approx(0.0, abs=1e-12)


def test_the_gain_on_one_patient_has_no_interval() -> None:
    test, study_of = made(20, seed=0)
    found = fuse(replace(test, groups=("one",) * 40), None, study_of, n_resamples=10)
    gain = way(found, "max").gain["auroc"]
    assert gain.value is not None
    assert (gain.low, gain.high) == (None, None)


def test_where_no_study_agrees_on_a_class_there_is_nothing_to_fuse() -> None:
    test, study_of = made(20, seed=0, n_classes=3)
    test.labels[1::2] = (test.labels[::2] + 1) % 3
    found = fuse(test, None, study_of, n_resamples=10)
    assert (found.ways, found.n_studies, found.n_several) == ((), 0, 0)
    assert "In no study of several films do all agree on the class" in found.remarks[0]
    assert "20 studies whose films differ in class are left out." in found.remarks


def test_a_study_is_positive_where_one_film_is() -> None:
    test, study_of = made(30, seed=0)
    test.labels[:] = 0
    test.labels[::4] = 1  # one film of every other study
    found = fuse(test, None, study_of, n_resamples=10)
    assert dict(found.class_counts) == {"normal": 15, "fractured": 15}


def test_films_without_a_label_are_left_out() -> None:
    test, study_of = made(30, seed=0)
    test.labels[:4] = -1
    found = fuse(test, None, study_of, n_resamples=10)
    assert (found.n_films, found.n_studies) == (56, 28)
    assert "Left out: 4 films without a label." in found.remarks


def test_studies_by_id_or_else_by_patient() -> None:
    def manifest(**keys: Mapping[str, str]) -> Manifest:
        films = tuple(
            Radiograph(
                id=id_, path=Path(id_), study_id=keys.get("study", {}).get(id_),
                patient_id=keys["patient"].get(id_),
            )
            for id_ in "abcd"
        )  # fmt: skip
        return Manifest(
            root=Path(), source="", recognised_by="", classes=("n", "p"), radiographs=films
        )

    patients = {"a": "P1", "b": "P1", "c": "P1"}
    by_patient = studies_of(manifest(patient=patients))
    assert by_patient == ({"a": "a", "b": "a", "c": "a", "d": "d"}, "patient")
    by_study = studies_of(manifest(patient=patients, study={"b": "S", "c": "S"}))
    assert studies_of(manifest(patient={})) == ({id_: id_ for id_ in "abcd"}, "film")
    assert by_study == ({"a": "a", "b": "b", "c": "b", "d": "d"}, "study")


def test_it_comes_back_from_its_file(tmp_path: Path) -> None:
    found = fused(40, resamples=10)
    assert read_value(StudyLevel, write_value(tmp_path / "studies.json", found)) == found

"""The baselines see train alone, find planted shortcuts, and do not read the label itself."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from osteon.baselines import (
    MetadataBaseline,
    baseline_scores,
    baseline_scores_elsewhere,
    majority_scores,
    metadata_baseline,
)
from osteon.errors import DataError
from osteon.types import FilmFacts, Manifest, Radiograph, Split

LABELS = np.random.default_rng(7).integers(2, size=300)


def made(**columns: list[str]) -> tuple[Manifest, dict[str, FilmFacts], Split]:
    """Films whose facts say nothing of the class, plus columns of the source."""
    rng = np.random.default_rng(0)
    n, labels = 300, LABELS
    films, facts = [], {}
    for i in range(n):
        id_ = f"{i:03d}.jpg"
        extra = {name: values[i] for name, values in columns.items()}
        films.append(Radiograph(id=id_, path=Path(id_), label=int(labels[i]), extra=extra))
        facts[id_] = FilmFacts(
            id=id_, n_bytes=int(rng.integers(9000, 20000)), sha256=str(i), format="JPEG",
            suffix_format="JPEG", width_px=int(rng.integers(300, 500)), height_px=400,
            bit_depth=8, n_channels=1, n_frames=1, mean=float(rng.random()), std=0.2,
        )  # fmt: skip
    ids = [film.id for film in films]
    manifest = Manifest(
        root=Path(), source="s", recognised_by="r", classes=("normal", "fractured"),
        radiographs=tuple(films),
    )  # fmt: skip
    parts = Split(
        train=tuple(ids[: n // 2]), val=(), test=tuple(ids[n // 2 :]),
        groups={id_: id_ for id_ in ids}, manifest_digest="", origin="grouped", seed=0,
    )  # fmt: skip
    return manifest, facts, parts


def learnt(**columns: list[str]) -> MetadataBaseline:
    manifest, facts, parts = made(**columns)
    return metadata_baseline(manifest, facts, parts, parts.test)


def auroc(**columns: list[str]) -> float:
    scores = learnt(**columns).scores
    np.testing.assert_allclose(scores.sum(1), 1)
    return float(roc_auc_score(LABELS[150:], scores[:, 1]))


def test_majority_answers_with_the_frequencies_of_train() -> None:
    manifest, facts, parts = made()
    scores = baseline_scores(manifest, facts, parts, parts.test)["majority"]
    share = LABELS[:150].mean()
    np.testing.assert_allclose(scores, np.tile([1 - share, share], (150, 1)))


def test_without_a_shortcut_there_is_none() -> None:
    assert 0.35 < auroc() < 0.65


def test_a_planted_shortcut_is_found() -> None:
    rng = np.random.default_rng(1)
    metal = ["1" if label and rng.random() < 0.8 else "0" for label in LABELS]
    assert auroc(hardware=metal) > 0.8


def test_of_the_same_data_set_elsewhere_is_here() -> None:
    manifest, facts, parts = made(hardware=["1" if label else "0" for label in LABELS])
    here = baseline_scores(manifest, facts, parts, parts.test)
    there = baseline_scores_elsewhere(manifest, facts, parts, manifest, facts, parts.test)
    for name in ("metadata_only", "majority"):
        np.testing.assert_array_equal(here[name], there[name])


def test_elsewhere_films_are_read_from_the_other_manifest() -> None:
    """The same names in both, the column the other way round: the shortcut misleads there."""
    rng = np.random.default_rng(1)
    metal = ["1" if label and rng.random() < 0.8 else "0" for label in LABELS]
    manifest, facts, parts = made(hardware=metal)
    other, other_facts, _ = made(hardware=["0" if value == "1" else "1" for value in metal])
    scores = baseline_scores_elsewhere(
        manifest, facts, parts, other, other_facts, [film.id for film in other.radiographs]
    )
    assert roc_auc_score(LABELS, scores["metadata_only"][:, 1]) < 0.2
    share = LABELS[:150].mean()
    np.testing.assert_allclose(scores["majority"], np.tile([1 - share, share], (300, 1)))


@pytest.mark.parametrize(
    "column",
    [
        [str(label) for label in LABELS],
        [str(label if i else 1 - label) for i, label in enumerate(LABELS)],  # one contradiction
        [str(label * (1 + i % 3)) for i, label in enumerate(LABELS)],  # a count of fractures
        [f"{i} mm" if label else "" for i, label in enumerate(LABELS)],  # what only fractures have
    ],
)
def test_the_label_in_other_words_is_left_out_and_named(column: list[str]) -> None:
    baseline = learnt(other_words=column)
    assert baseline.left_out == ("other_words",)
    assert "source: other_words" not in baseline.columns
    assert "'other_words'" in " ".join(baseline.remarks)
    assert 0.35 < roc_auc_score(LABELS[150:], baseline.scores[:, 1]) < 0.65


def test_a_shortcut_that_tells_of_some_films_stays() -> None:
    """Every film with metal is fractured, but most fractured films have none."""
    rng = np.random.default_rng(1)
    metal = ["1" if label and rng.random() < 0.2 else "0" for label in LABELS]
    baseline = learnt(hardware=metal)
    assert baseline.left_out == ()
    assert "source: hardware" in baseline.columns


def test_a_quantity_of_the_source_is_a_number() -> None:
    rng = np.random.default_rng(2)
    age = [f"{rng.normal(40 + 25 * label, 10):.1f}" for label in LABELS]
    assert auroc(age=age) > 0.8


def test_a_column_named_as_a_fact_does_not_take_its_place() -> None:
    columns = learnt(mean=["high", "low"] * 150, format=["a", "b"] * 150).columns
    assert {"mean", "source: mean", "source: format"} <= set(columns)


def test_values_that_train_never_saw_are_unknown() -> None:
    seen = ["A", "B"] * 75 + ["C"] * 150
    assert np.isfinite(learnt(scanner=seen).scores).all()


def test_it_is_the_same_each_time() -> None:
    np.testing.assert_array_equal(learnt().scores, learnt().scores)


def test_one_class_in_train_is_answered_always() -> None:
    manifest, facts, parts = made()
    fractured = tuple(id_ for id_, label in zip(parts.train, LABELS, strict=False) if label)
    only = replace(parts, train=fractured)
    scores = metadata_baseline(manifest, facts, only, parts.test).scores
    np.testing.assert_array_equal(scores, np.tile([0.0, 1.0], (150, 1)))


def test_films_without_label_or_facts_do_no_harm() -> None:
    manifest, facts, parts = made()
    unknown = tuple(replace(film, label=None) for film in manifest.radiographs[:20])
    some = replace(manifest, radiographs=unknown + manifest.radiographs[20:])
    few = {id_: fact for id_, fact in facts.items() if not id_.startswith("03")}
    assert np.isfinite(metadata_baseline(some, few, parts, parts.test).scores).all()
    share = LABELS[20:150].mean()
    np.testing.assert_allclose(majority_scores(some, parts, ["x"]), [[1 - share, share]])
    with pytest.raises(DataError, match="No film of train has a label"):
        majority_scores(some, replace(parts, train=parts.train[:20]), ["x"])


def test_identifiers_are_no_metadata() -> None:
    assert 0.35 < auroc(accession=[str(i) for i in range(300)]) < 0.65


def test_train_alone_is_learnt_from() -> None:
    manifest, facts, parts = made(hardware=[str(label) for label in LABELS[:150]] + ["0"] * 150)
    one = baseline_scores(manifest, facts, parts, parts.test[:5])
    all_ = baseline_scores(manifest, facts, parts, parts.test)
    np.testing.assert_array_equal(one["metadata_only"], all_["metadata_only"][:5])

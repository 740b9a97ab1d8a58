"""The baselines see train alone, find planted shortcuts, and do not read the label itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from sklearn.metrics import roc_auc_score

from osteon.baselines import baseline_scores
from osteon.types import FilmFacts, Manifest, Radiograph, Split


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


LABELS = np.random.default_rng(7).integers(2, size=300)


def auroc(**columns: list[str]) -> float:
    manifest, facts, parts = made(**columns)
    scores = baseline_scores(manifest, facts, parts, parts.test)["metadata_only"]
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


def test_the_label_under_another_name_is_no_metadata() -> None:
    assert 0.35 < auroc(fractured=[str(label) for label in LABELS]) < 0.65


def test_identifiers_are_no_metadata() -> None:
    assert 0.35 < auroc(accession=[str(i) for i in range(300)]) < 0.65


def test_train_alone_is_learnt_from() -> None:
    manifest, facts, parts = made(hardware=[str(label) for label in LABELS[:150]] + ["0"] * 150)
    one = baseline_scores(manifest, facts, parts, parts.test[:5])
    all_ = baseline_scores(manifest, facts, parts, parts.test)
    np.testing.assert_array_equal(one["metadata_only"], all_["metadata_only"][:5])

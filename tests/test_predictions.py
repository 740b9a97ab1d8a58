"""Predictions survive their CSV to the last bit, and foreign tables are checked."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from osteon.errors import DataError
from osteon.evaluate import evaluate
from osteon.predictions import read_predictions, write_predictions
from osteon.types import Predictions


def made(n: int = 20, n_classes: int = 3) -> Predictions:
    rng = np.random.default_rng(0)
    scores = rng.dirichlet(np.ones(n_classes), size=n)
    return Predictions(
        ids=tuple(f"films/{i}, a.jpg" for i in range(n)),
        labels=rng.integers(-1, n_classes, size=n),
        scores=scores,
        groups=tuple(f"g{i // 2}" for i in range(n)),
        classes=("a", 'b "quoted"', "c, d")[:n_classes],
        part="test",
    )


def test_they_come_back_to_the_last_bit(tmp_path: Path) -> None:
    before = made()
    after = read_predictions(write_predictions(before, tmp_path / "p.csv"), part="test")
    assert (after.ids, after.groups, after.classes) == (before.ids, before.groups, before.classes)
    assert (after.labels == before.labels).all()
    assert (after.scores == before.scores).all()


awkward = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1)


@settings(deadline=None, max_examples=60)
@given(
    ids=st.lists(awkward, min_size=1, max_size=5, unique=True),
    classes=st.lists(
        awkward | st.sampled_from(["id", "label", "group", "score"]),
        min_size=2,
        max_size=4,
        unique=True,
    ),
    seed=st.integers(0, 2**32 - 1),
)
def test_whatever_things_are_called_they_come_back(
    tmp_path_factory: pytest.TempPathFactory, ids: list[str], classes: list[str], seed: int
) -> None:
    rng = np.random.default_rng(seed)
    before = Predictions(
        ids=tuple(ids), labels=rng.integers(len(classes), size=len(ids)),
        scores=rng.dirichlet(np.full(len(classes), 0.1), size=len(ids)), groups=tuple(ids),
        classes=tuple(classes), part="val",
    )  # fmt: skip
    path = tmp_path_factory.mktemp("p") / "p.csv"
    after = read_predictions(write_predictions(before, path), part="val")
    assert (after.ids, after.classes, after.groups) == (before.ids, before.classes, before.groups)
    assert (after.labels == before.labels).all()
    assert (after.scores == before.scores).all()


def test_figures_from_the_csv_are_the_same(tmp_path: Path) -> None:
    before = made(200)
    after = read_predictions(write_predictions(before, tmp_path / "p.csv"), part="test")
    assert evaluate(after, resamples=50) == evaluate(before, resamples=50)


def table(tmp_path: Path, text: str) -> Path:
    (tmp_path / "p.csv").write_text(text, encoding="utf-8")
    return tmp_path / "p.csv"


def test_one_column_of_scores_is_of_the_positive_class(tmp_path: Path) -> None:
    path = table(tmp_path, "id,label,score\n1,fractured,0.8\n2,normal,0.3\n")
    predictions = read_predictions(path, part="test")
    assert predictions.classes == ("normal", "fractured")
    assert predictions.labels.tolist() == [1, 0]
    np.testing.assert_allclose(predictions.scores[:, 1], [0.8, 0.3])
    assert predictions.groups == ("1", "2")


def test_other_columns_beside_a_single_score_do_not_matter(tmp_path: Path) -> None:
    text = "\ufeffid,label,patient,score\n1,1,P1,0.8\n\n2,0,P2,0.3\n3,,P3,0.5\n"
    predictions = read_predictions(table(tmp_path, text), part="test")
    assert predictions.classes == ("0", "1")
    assert predictions.labels.tolist() == [1, 0, -1]
    assert predictions.scores[:, 1].tolist() == [0.8, 0.3, 0.5]


def test_a_class_may_be_called_score(tmp_path: Path) -> None:
    text = "id,label,normal,score\n1,score,0.2,0.8\n2,normal,0.7,0.3\n"
    assert read_predictions(table(tmp_path, text), part="x").classes == ("normal", "score")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("id,lable,score\n1,a,0.5\n", "no column 'label'.*Is it 'lable'"),
        ("id,label,a,b\n", "no row"),
        ("id,label,a,b\n1,a,0.5,0.4\n", "row 2: the scores sum to 0.9"),
        ("id,label,a,b\n1,a,0.5,0.5\n2,a,nan,1\n", "row 3: a nan is not in 0 to 1"),
        ("id,label,a,b\n1,a,0.5,high\n", "row 2: b 'high' is no number"),
        ("id,label,a,b\n1,c,0.5,0.5\n", "row 2: label 'c' has no column"),
        ("id,label,a,b\n1,a,0.5,0.5\n1,b,0.5,0.5\n", "row 2 and .* row 3 are both '1'"),
        ("id,label,broken,b\n1,broke,0.5,0.5\n", "no column of scores.* Is it 'broken'"),
        ("id,label,a,b\n1,a,0.5\n", "row 2 has 3 cells, the header 4"),
        ("id,label,a,b\n\n1,a,0.5,0.6\n", "row 3: the scores sum to 1.1"),
        ("id,label,a,b\n,a,0.5,0.5\n", "row 2: the id is empty"),
        ("id,label,a,b,x,x\n1,a,0.5,0.5,P1,P2\n", "several columns 'x'"),
        ("id,label,a,b\n1,a,2.5,-1\n2,b,1,0\n", "row 2: a 2.5 is not in 0 to 1.*logits"),
        ("id,label,scor\n1,a,0.5\n2,b,0.5\n", "needs one column of scores.* Is it 'scor'"),
        ("id,label,a\n1,a,1\n", "needs one column of scores per class"),
        ("id,label,a,a\n1,a,1,0\n", "needs one column of scores per class"),
        ("", "no column 'id', only nothing"),
        ("id,label,score\n1,a,0.5\n", "needs two labels"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(DataError, match=words):
        read_predictions(table(tmp_path, text), part="test")


def test_what_is_no_text_is_named(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_bytes(b"id,label,score\n\xff\xfe,a,0.5\n")
    with pytest.raises(DataError, match=r"p\.csv is no CSV in UTF-8"):
        read_predictions(tmp_path / "p.csv", part="test")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no file of predictions"):
        read_predictions(tmp_path / "p.csv", part="test")

"""Predictions survive their CSV to the last bit, and foreign tables are checked."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from osteon.errors import DataError
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


def table(tmp_path: Path, text: str) -> Path:
    (tmp_path / "p.csv").write_text(text)
    return tmp_path / "p.csv"


def test_one_column_of_scores_is_of_the_positive_class(tmp_path: Path) -> None:
    path = table(tmp_path, "id,label,score\n1,fractured,0.8\n2,normal,0.3\n")
    predictions = read_predictions(path, part="test")
    assert predictions.classes == ("normal", "fractured")
    assert predictions.labels.tolist() == [1, 0]
    np.testing.assert_allclose(predictions.scores[:, 1], [0.8, 0.3])
    assert predictions.groups == ("1", "2")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("id,lable,score\n1,a,0.5\n", "no column 'label'.*Is it 'lable'"),
        ("id,label,a,b\n", "no row"),
        ("id,label,a,b\n1,a,0.5,0.4\n", "row 2: the scores sum to 0.9"),
        ("id,label,a,b\n1,a,0.5,0.5\n2,a,nan,1\n", "row 3: a nan is not in 0 to 1"),
        ("id,label,a,b\n1,a,0.5,high\n", "row 2: b 'high' is no number"),
        ("id,label,a,b\n1,c,0.5,0.5\n", "row 2: label 'c' has no column"),
        ("id,label,a,b\n1,a,0.5,0.5\n1,b,0.5,0.5\n", "rows 2 and 3 are both '1'"),
        ("id,label,score\n1,a,0.5\n", "needs two labels"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(DataError, match=words):
        read_predictions(table(tmp_path, text), part="test")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no file of predictions"):
        read_predictions(tmp_path / "p.csv", part="test")

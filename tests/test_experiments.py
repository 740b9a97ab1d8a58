"""The scripts of the experiments: what they compute, and that the page says what they found."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path

import numpy as np
import pytest
from benchmarks.experiments.combine import combined
from benchmarks.experiments.cross_validate import share_of
from benchmarks.experiments.judged import gained, judged, mean_of_log_odds
from benchmarks.experiments.learning_curve import needed
from benchmarks.experiments.tables import PAGE, RESULTS, filled
from hypothesis import given, settings
from hypothesis import strategies as st

from osteon.predictions import read_predictions, selected
from osteon.types import Predictions, Split

IN_CSV = sorted(
    path
    for path in RESULTS.glob("*.json")
    if path.with_suffix(".csv").exists() and "by_fold" in path.read_text()
)


def scored(n: int = 60, seed: int = 0) -> Predictions:
    draw = np.random.default_rng(seed)
    score = draw.uniform(0.05, 0.95, n)
    return Predictions(
        ids=tuple(f"{at}.png" for at in range(n)),
        labels=(draw.uniform(size=n) < score).astype(np.int64),
        scores=np.stack([1 - score, score], axis=1),
        groups=tuple(f"g{at // 2}" for at in range(n)),
        classes=("no", "yes"),
        part="out-of-fold",
    )


def test_the_page_holds_the_figures_of_all_results() -> None:
    assert filled(PAGE.read_text()) == PAGE.read_text()


@pytest.mark.parametrize("path", IN_CSV, ids=lambda path: path.stem)
def test_figures_are_those_of_the_scores_beside_them(path: Path) -> None:
    told = json.loads(path.read_text())
    found = read_predictions(path.with_suffix(".csv"), part="out-of-fold")
    assert (len(found.ids), len(set(found.groups))) == (told["films"], told["groups"])
    assert not re.search(r"/(home|root|tmp|work|Users)/", path.read_text())
    score, positive = found.scores[:, -1], found.labels == len(found.classes) - 1
    if len(found.classes) == 2:  # Mann and Whitney's count of the pairs in order
        above = score[positive][:, None] - score[~positive][None]
        auroc = ((above > 0) + 0.5 * (above == 0)).mean()
        assert auroc == pytest.approx(told["auroc"][0], abs=5e-5)
    else:
        right = (found.scores.argmax(1) == found.labels).mean()
        assert right == pytest.approx(told["accuracy"][0], abs=5e-5)


@given(st.lists(st.floats(0.01, 0.99), min_size=1, max_size=5))
@settings(deadline=None)
def test_mean_of_log_odds_is_that_of_the_odds(shares: list[float]) -> None:
    found = mean_of_log_odds([np.array([[1 - p, p]]) for p in shares])
    mean = sum(math.log(p / (1 - p)) for p in shares) / len(shares)
    assert math.log(found[0, 1] / found[0, 0]) == pytest.approx(mean, abs=1e-9)
    assert found.sum() == pytest.approx(1)


def test_scores_in_another_order_are_the_same_scores() -> None:
    found = scored()
    turned = selected(found, range(len(found.ids) - 1, -1, -1))
    np.testing.assert_allclose(combined([found, turned]).scores, found.scores)
    assert gained(found, turned)["auroc"] == [0.0, 0.0, 0.0]
    assert judged(found) == judged(combined([found, turned]))


def test_smaller_shares_lie_within_larger_ones_and_keep_groups_and_classes() -> None:
    ids = [f"{at}" for at in range(80)]
    groups = {id_: f"g{int(id_) // 2}" for id_ in ids}
    labels = {id_: int(int(id_) // 2 % 5 == 0) for id_ in ids}
    part = Split(
        train=tuple(ids), val=(), test=(), groups=groups, manifest_digest="", origin="grouped",
        seed=0,
    )  # fmt: skip
    before: set[str] = set()
    for share in (0.125, 0.25, 0.5, 1.0):
        chosen = set(share_of(part, labels, share).train)
        assert before < chosen
        assert len(chosen) == share * 80
        assert sum(labels[id_] for id_ in chosen) == pytest.approx(len(chosen) / 5, abs=2)
        names = {groups[id_] for id_ in chosen}
        assert chosen == {id_ for id_ in ids if groups[id_] in names}
        before = chosen


def test_films_for_a_goal_lie_on_the_line_through_the_shares() -> None:
    points = [(float(n), [0.5 + 0.02 * math.log2(n)]) for n in (128, 256, 512)]
    assert needed(points, 0.70) == 1024
    assert needed([(1.0, [0.9]), (2.0, [0.8])], 0.95) is None

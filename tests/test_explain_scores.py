"""Scores of maps against what can be computed by hand, and against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import rankdata
from sklearn.metrics import average_precision_score as sklearn_ap
from torch import Tensor, nn

from osteon.explain.perturb import deletion_and_insertion, random_maps, randomised
from osteon.explain.scores import (
    LEVELS,
    average_precision_score,
    box_mask,
    energy_score,
    extent,
    mean_estimate,
    pointing_score,
    similarity_score,
)
from osteon.explainers.forward import blurred
from osteon.types import Box


def a_map(seed: int, shape: tuple[int, int] = (20, 24)) -> np.ndarray:
    return np.random.default_rng(seed).random(shape, dtype=np.float32)


def a_mask() -> np.ndarray:
    mask = np.zeros((20, 24), np.bool_)
    mask[4:9, 10:20] = True
    return mask


def box(left: float, top: float, width: float, height: float) -> Box:
    return Box(left_px=left, top_px=top, width_px=width, height_px=height)


def test_boxes_become_pixels() -> None:
    mask = box_mask([box(2, 3, 4, 2), box(0, 0, 0.2, 0.2), box(5, 5, 0, 0)], 8)
    assert mask.sum() == 4 * 2 + 1
    assert mask[3:5, 2:6].all()
    assert mask[0, 0]
    assert box_mask([box(-5, 7.6, 50, 9)], 8)[7].all()


def test_the_extent_leaves_black_bars_out() -> None:
    film = np.zeros((10, 10), np.uint8)
    film[2:7, :] = 9
    assert extent(film) == (slice(2, 7), slice(0, 10))
    assert extent(np.zeros((4, 6), np.uint8)) == (slice(0, 4), slice(0, 6))


def test_pointing_is_a_hit_a_near_miss_or_a_miss() -> None:
    map_, mask = np.zeros((20, 24), np.float32), a_mask()
    map_[8, 12] = 1
    assert pointing_score(map_, mask) == 1
    map_[11, 12] = 2  # three px below the box
    assert pointing_score(map_, mask) == 0
    assert pointing_score(map_, mask, 2.5) == 0
    assert pointing_score(map_, mask, 3.5) == 1
    map_[5, 12] = 2  # a tie
    assert pointing_score(map_, mask) == 0.5


def test_energy_is_the_share_within() -> None:
    map_, mask = a_map(0), a_mask()
    assert energy_score(map_, mask) == pytest.approx(map_[4:9, 10:20].sum() / map_.sum())
    assert energy_score(mask.astype(np.float32), mask) == 1


@given(st.integers(0, 10_000), st.booleans())
def test_average_precision_is_that_of_scikit_learn(seed: int, coarse: bool) -> None:
    map_, mask = a_map(seed), a_mask()
    if coarse:
        map_ = np.floor(map_ * 5)
    level = (map_ / map_.max() * (LEVELS - 1)).astype(int)
    ours = average_precision_score(map_, mask)
    assert ours == pytest.approx(sklearn_ap(mask.ravel(), level.ravel()), abs=1e-9)
    assert ours == pytest.approx(sklearn_ap(mask.ravel(), map_.ravel()), abs=0.02)


@given(st.floats(0, 5, width=32))
def test_a_map_that_says_nothing_gets_chance(height: float) -> None:
    map_, mask = np.full((20, 24), height, np.float32), a_mask()
    for score in (pointing_score, energy_score, average_precision_score):
        assert score(map_, mask) == pytest.approx(mask.mean())


def test_average_precision_needs_a_box() -> None:
    with pytest.raises(ValueError, match="in a box"):
        average_precision_score(a_map(0), np.zeros((20, 24), np.bool_))


def test_similarity_is_spearmans() -> None:
    one, other = a_map(0), a_map(1)
    expected = np.corrcoef(rankdata(one), rankdata(other))[0, 1]
    assert similarity_score(one, other) == pytest.approx(expected, abs=1e-6)
    assert similarity_score(one, one**3) == pytest.approx(1)
    assert similarity_score(one, 1 - one) == pytest.approx(-1)
    flat = np.zeros_like(one)
    for pair in ((one, flat), (flat, one), (flat, flat)):
        assert np.isnan(similarity_score(*pair))


def test_means_have_intervals_over_groups() -> None:
    values = np.random.default_rng(0).random(200)
    groups = [str(at) for at in range(200)]
    found = mean_estimate(values, groups)
    error = 1.96 * values.std(ddof=1) / np.sqrt(200)
    assert found.value == pytest.approx(values.mean())
    assert found.low == pytest.approx(values.mean() - error, abs=0.01)
    assert found.high == pytest.approx(values.mean() + error, abs=0.01)
    wide = mean_estimate(np.repeat(values[:20], 10), [str(at // 10) for at in range(200)])
    assert wide.high is not None
    assert wide.low is not None
    assert found.low is not None
    assert found.high is not None
    assert wide.high - wide.low > 2 * (found.high - found.low)
    assert wide.n_groups == 20


def test_means_that_collapse_claim_no_certainty() -> None:
    hits = mean_estimate(np.zeros(12), [str(at) for at in range(12)])
    assert hits.low == 0
    assert hits.high == pytest.approx(0.2425, abs=1e-3)  # Wilson, 0 of 12
    same = mean_estimate(np.full(12, 0.4), [str(at) for at in range(12)])
    assert (same.low, same.high) == (None, None)
    assert mean_estimate(np.empty(0), []).value is None
    groups = [str(at) for at in range(12)]
    assert mean_estimate(np.zeros(12), groups, of="mean").low is None
    equal = mean_estimate(np.zeros(12), groups, of="difference")
    assert equal.low == pytest.approx(-0.2425, abs=1e-4)  # Wilson's upper end of 0 of 12
    assert equal.high == pytest.approx(0.2425, abs=1e-4)
    better = mean_estimate(np.ones(12), groups, of="difference")
    assert better.low == pytest.approx(1 - 2 * 0.2425, abs=1e-4)
    assert better.high == 1.0


class Brightness(nn.Module):
    """The log-odds are twice the film's sum over the top half."""

    def forward(self, films: Tensor) -> Tensor:
        seen = 2 * films[:, 0, :4].sum((1, 2))
        return torch.stack([torch.zeros_like(seen), seen], 1)


ALL = (slice(None), slice(None))


def test_deletion_and_insertion_are_areas_under_the_probability() -> None:
    film = torch.rand(1, 1, 8, 8, generator=torch.Generator().manual_seed(0)) * 0.1
    map_ = np.random.default_rng(0).random((1, 8, 8)).astype(np.float32)
    deletion, insertion = deletion_and_insertion(Brightness(), film, map_, 1, [ALL], steps=4)
    soft = blurred(film)
    order = np.argsort(-map_.ravel())
    curves: dict[str, list[float]] = {"out": [], "in": []}
    for share in (0, 0.25, 0.5, 0.75, 1):
        marked = np.zeros(64, np.bool_)
        marked[order[: round(share * 64)]] = True
        for way, begun, put in (("out", film, soft), ("in", soft, film)):
            changed = np.where(marked.reshape(8, 8), put[0, 0].numpy(), begun[0, 0].numpy())
            odds = 2 * changed[:4].sum()
            curves[way].append(1 / (1 + np.exp(-odds)))
    assert deletion[0] == pytest.approx(np.trapezoid(curves["out"], dx=0.25), abs=1e-6)
    assert insertion[0] == pytest.approx(np.trapezoid(curves["in"], dx=0.25), abs=1e-6)


def test_a_map_of_what_counts_beats_random_maps() -> None:
    film = torch.zeros(4, 1, 8, 8)
    film[:, :, 1:3, 2:6] = 1
    net = Brightness()
    good = np.repeat(film[0].numpy(), 4, axis=0)
    gain, chance = (
        np.subtract(*reversed(deletion_and_insertion(net, film, maps, 1, [ALL] * 4)))
        for maps in (good, random_maps(4, 8, 0))
    )
    assert (gain > chance).all()


def test_a_map_that_marks_the_film_and_not_its_bars_gains_nothing() -> None:
    """It knows nothing: within the film, all its pixels are equal."""
    generator = torch.Generator().manual_seed(0)
    film = torch.zeros(16, 1, 16, 16)
    film[:, :, :, 4:12] = torch.rand(16, 1, 16, 8, generator=generator)
    where = (slice(0, 16), slice(4, 12))
    of_film = np.zeros((16, 16, 16), np.float32)
    of_film[:, :, 4:12] = 1
    middle = nn.Sequential(nn.Flatten(), nn.Linear(256, 2))
    gain, chance = (
        np.subtract(*reversed(deletion_and_insertion(middle, film, maps, 1, [where] * 16)))
        for maps in (of_film, np.random.default_rng(0).random((16, 16, 16)).astype(np.float32))
    )
    assert abs((gain - chance).mean()) < 3 * (gain - chance).std() / 4


def test_the_bars_beside_a_film_are_left_as_they_are() -> None:
    film = torch.zeros(1, 1, 8, 8)
    film[..., 2:6] = 1
    seen: list[torch.Tensor] = []

    class Watching(Brightness):
        def forward(self, films: torch.Tensor) -> torch.Tensor:
            seen.append(films.clone())
            result: torch.Tensor = super().forward(films)
            return result

    maps = np.random.default_rng(0).random((1, 8, 8)).astype(np.float32)
    deletion_and_insertion(Watching(), film, maps, 1, [(slice(0, 8), slice(2, 6))])
    for films in seen:
        assert (films[..., :2] == 0).all()
        assert (films[..., 6:] == 0).all()


def test_random_weights_keep_scale_and_shape_and_leave_the_network() -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(144, 2))
    before = {name: value.clone() for name, value in net.state_dict().items()}
    films = torch.rand(16, 1, 8, 8)
    other = randomised(net.eval(), films, 0)
    for name, value in net.state_dict().items():
        assert torch.equal(value, before[name])
    drawn = dict(other.named_parameters())
    assert not torch.equal(drawn["3.weight"], before["3.weight"])
    assert drawn["3.weight"].std().item() == pytest.approx(before["3.weight"].std().item(), rel=0.2)
    assert sorted(drawn["0.bias"].tolist()) == sorted(before["0.bias"].tolist())
    seen = other[1](other[0](films))  # type: ignore[index]
    assert seen.mean().item() == pytest.approx(0, abs=1e-4)  # batch norm fits the random kernels
    same = randomised(net, films, 0)
    assert torch.equal(dict(same.named_parameters())["3.weight"], drawn["3.weight"])

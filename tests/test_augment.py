"""Augmentation: nothing asked is nothing done, and each film goes its own way."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage
from torch.nn import functional

from osteon.augment import _grid, augmented
from osteon.types import Augment

ALL = Augment(rotate_deg=20, flip=0.5, scale=0.2, shift=0.1, brightness=0.2, contrast=0.3)


def films(n: int = 8) -> torch.Tensor:
    return torch.rand(n, 1, 32, 32, generator=torch.Generator().manual_seed(0))


def seeded(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_nothing_asked_is_the_same_bits() -> None:
    assert torch.equal(augmented(films(), Augment(), seeded()), films())


def test_a_seed_repeats_and_another_differs() -> None:
    one, same, other = (augmented(films(), ALL, seeded(seed)) for seed in (1, 1, 2))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


def test_films_of_a_batch_differ() -> None:
    alike = films(1).expand(8, -1, -1, -1)
    changed = augmented(alike, ALL, seeded())
    assert len({film.sum().item() for film in changed}) == 8


def test_pixels_stay_in_range() -> None:
    changed = augmented(films(64), ALL, seeded())
    assert changed.min() >= 0
    assert changed.max() <= 1


def test_a_certain_flip_is_a_mirror() -> None:
    changed = augmented(films(), Augment(flip=1.0), seeded())
    torch.testing.assert_close(changed, films().flip(-1), atol=1e-5, rtol=0)


def test_a_shift_moves_by_no_more_than_its_share() -> None:
    point = torch.zeros(200, 1, 41, 41)
    point[:, :, 20, 20] = 1
    moved = augmented(point, Augment(shift=0.2), seeded())
    where = moved.flatten(1).argmax(1)
    away = torch.stack([where // 41 - 20, where % 41 - 20]).abs()
    assert away.max() <= 0.2 * 41 + 1
    assert away.max() >= 0.1 * 41


@pytest.mark.parametrize("how", [Augment(brightness=0.1), Augment(contrast=0.5)])
def test_shade_alone_moves_nothing(how: Augment) -> None:
    gray = films().clamp(0.4, 0.6)
    changed = augmented(gray, how, seeded())
    for before, after in zip(gray, changed, strict=True):
        together = torch.corrcoef(torch.stack([before.flatten(), after.flatten()]))
        assert together[0, 1] > 0.999


def test_brightness_stays_within_its_bound() -> None:
    changed = augmented(torch.full((99, 1, 8, 8), 0.5), Augment(brightness=0.1), seeded())
    assert 0.05 < (changed - 0.5).abs().max() <= 0.1 + 1e-6


def smooth(n: int) -> torch.Tensor:
    """The same lopsided film n times, smooth enough that resampling it twice changes little."""
    noise = np.random.default_rng(0).random((48, 48))
    film = ndimage.gaussian_filter(noise, 4)
    film = (film - film.min()) / (film.max() - film.min())
    return torch.from_numpy(film).float().expand(n, 1, -1, -1)


def drawn(n: int, most: float) -> list[float]:
    """What ``seeded()`` gives first: the angles."""
    return ((2 * torch.rand(n, generator=seeded()) - 1) * most).tolist()


def test_it_turns_as_scipy_does() -> None:
    turned = augmented(smooth(6), Augment(rotate_deg=30), seeded())
    angles = drawn(6, 30)
    assert min(angles) < -5
    assert max(angles) > 5
    for film, angle in zip(turned, angles, strict=True):
        theirs = ndimage.rotate(smooth(1)[0, 0].numpy(), -angle, reshape=False, order=1)
        # the corners are another matter: what comes in from outside is black in both
        np.testing.assert_allclose(film[0, 12:36, 12:36], theirs[12:36, 12:36], atol=0.02)


def test_it_scales_about_the_centre_within_its_bound() -> None:
    disc = torch.linspace(-1, 1, 101)
    film = ((disc[:, None] ** 2 + disc[None] ** 2) < 0.25).float().expand(200, 1, -1, -1)
    scaled = augmented(film, Augment(scale=0.25), seeded())
    radii = (scaled.sum((1, 2, 3)) / film[0].sum()).sqrt()
    assert 1 / 1.25 - 0.02 < radii.min() < 0.85
    assert 1.2 < radii.max() < 1.25 + 0.02
    assert (radii.log().mean().abs() < 0.05).item()  # neither way more than the other
    middle = (scaled[:, 0] * disc).sum((1, 2)) / scaled.sum((1, 2, 3))
    assert math.isclose(middle.abs().max().item(), 0, abs_tol=1e-3)


@given(st.integers(0, 2**31), st.integers(2, 40), st.integers(2, 40))
def test_the_grid_is_torchs(seed: int, height: int, width: int) -> None:
    theta = torch.randn(3, 2, 3, generator=torch.Generator().manual_seed(seed))
    theirs = functional.affine_grid(theta, [3, 1, height, width], align_corners=False)
    torch.testing.assert_close(_grid(theta, height, width), theirs, atol=2e-6, rtol=0)

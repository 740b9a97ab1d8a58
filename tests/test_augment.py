"""Augmentation: nothing asked is nothing done, and each film goes its own way."""

from __future__ import annotations

import pytest
import torch

from osteon.augment import augmented
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

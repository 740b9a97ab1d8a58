"""Splits as publications make them: film by film, and honest about what leaks."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from osteon.errors import DataError
from osteon.protocols import split_by_film
from osteon.types import Manifest, Radiograph


def manifest(n: int) -> Manifest:
    films = tuple(
        Radiograph(id=f"{at}.png", path=Path(f"{at}.png"), label=at % 2) for at in range(n)
    )
    return Manifest(
        root=Path(), source="test", recognised_by="", classes=("a", "b"), radiographs=films
    )


@given(
    n=st.integers(20, 80),
    n_groups=st.integers(2, 40),
    seed=st.integers(0, 99),
    test=st.sampled_from([0.0, 0.15, 0.3]),
)
def test_every_film_once_and_every_leak_named(
    n: int, n_groups: int, seed: int, test: float
) -> None:
    films = manifest(n)
    groups = {film.id: str(int(film.id[:-4]) % n_groups) for film in films.radiographs}
    parts = split_by_film(films, groups=groups, fractions=(0.9 - test, 0.1, test), seed=seed)
    ids = [*parts.train, *parts.val, *parts.test]
    assert sorted(ids) == sorted(groups)
    assert len(parts.test) == round(test * n)
    before = {groups[id_] for id_ in parts.train}
    leaked = {id_ for id_ in parts.val if groups[id_] in before}
    before |= {groups[id_] for id_ in parts.val}
    leaked |= {id_ for id_ in parts.test if groups[id_] in before}
    assert set(parts.leaked) == leaked
    assert parts.despite_leaks == bool(leaked)
    again = split_by_film(films, groups=groups, fractions=(0.9 - test, 0.1, test), seed=seed)
    assert again == parts


def test_too_few_films() -> None:
    with pytest.raises(DataError, match="too few"):
        split_by_film(manifest(3), groups={f"{at}.png": "g" for at in range(3)},
                      fractions=(0.9, 0.1, 0.0))  # fmt: skip

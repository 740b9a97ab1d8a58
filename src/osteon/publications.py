"""What others have published, told so that ``osteon reproduce`` can do it again and judge it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from osteon.registry import Registry
from osteon.space import Space
from osteon.types import Part, Recipe

Shares = tuple[float, float, float]  # of train, val and test; 0: there is no such part


@dataclass(frozen=True, kw_only=True, slots=True)
class Figure:
    """One published figure, such as an accuracy of 0.3590 on test."""

    metric: str
    part: Part
    value: float  # as a share: 35.9 % is 0.359
    decimals: int  # of the percentage: 35.9 % has 1
    n: int | None = None  # films that it is of, where told
    after_search: bool = False  # of the best of a search, not of the recipe as it is


@dataclass(frozen=True, kw_only=True, slots=True)
class PublishedSearch:
    """How the publication chose its hyper-parameters."""

    space: Space
    sampler: Literal["grid", "random", "tpe"]
    trials: int | None = None  # of random and tpe


@dataclass(frozen=True, kw_only=True, slots=True)
class Publication:
    """A recipe with the protocol and the figures that it was published with."""

    recipe: Recipe
    films: str  # the data set, in words
    shares: Shares | None  # films at random, one by one; None: the split that the data ship
    judged_on: Part  # the part that its figures are of
    n_classes: int = 2
    honest: Shares = (0.70, 0.15, 0.15)  # the same recipe on groups, judged on a sealed test
    figures: tuple[Figure, ...] = ()
    search: PublishedSearch | None = None
    control: Recipe | None = None  # what the recipe must beat: as many parameters, another idea
    slices: tuple[str, ...] = ()  # of osteon.slices: to be held out of training and judged on
    assumptions: tuple[str, ...] = ()  # what the description leaves open


PUBLICATIONS: Registry[Callable[[], Publication]] = Registry(
    "publication", package="osteon.recipes"
)

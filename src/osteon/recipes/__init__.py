"""Named recipes: each file holds functions that return a whole Recipe."""

from __future__ import annotations

from collections.abc import Callable

from osteon.registry import Registry
from osteon.types import Recipe

RECIPES: Registry[Callable[[], Recipe]] = Registry("recipe", package="osteon.recipes")

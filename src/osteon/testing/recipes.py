"""The contract of a recipe: a whole configuration that survives JSON, and a card for users."""

from __future__ import annotations

from osteon.recipe import checked, describe, named_recipe, recipe_from_json, recipe_to_json


def check_recipe(name: str) -> None:
    """Raise AssertionError unless the registered recipe keeps its contract."""
    recipe = checked(named_recipe(name))
    assert recipe.name == name
    assert recipe_from_json(recipe_to_json(recipe)) == recipe
    card = describe(name)
    assert card.command == f"osteon run DATA --recipe {name}"
    assert all((card.summary, card.expected, card.hardware, card.time))

"""Recipes survive JSON, and what users type is checked."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from osteon.errors import DataError, OsteonError, UnknownName, UsageError
from osteon.recipe import (
    named_recipe,
    recipe_from_json,
    recipe_to_json,
    strengths_left_out,
    with_settings,
)
from osteon.recipes import RECIPES
from osteon.testing.recipes import check_recipe


@pytest.mark.parametrize("name", list(RECIPES))
def test_every_recipe_keeps_the_contract(name: str) -> None:
    check_recipe(name)


def test_settings_reach_nested_fields_and_are_typed() -> None:
    recipe = with_settings(
        named_recipe("small-cnn"),
        ["optimiser.lr=3e-4", "backbone.channels=8,16", "monitor=val_loss", "seed=7"],
    )
    assert recipe.optimiser.lr == 3e-4  # type: ignore[union-attr]
    assert recipe.backbone.channels == (8, 16)  # type: ignore[attr-defined]
    assert (recipe.monitor, recipe.seed) == ("val_loss", 7)


def test_a_backbone_can_be_exchanged() -> None:
    recipe = with_settings(named_recipe("small-cnn"), ["backbone=mlp", "backbone.input_px=32"])
    assert recipe.backbone.input_px == 32  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("setting", "kind", "words"),
    [
        ("optimiser.lrr=1", UnknownName, "Did you mean 'optimiser.lr'"),
        ("epoch=3", UnknownName, "Did you mean 'epochs'"),
        ("batch_size=1", UsageError, "batch_size is 1; it must be at least 2"),
        ("seed=99999999999999999999", UsageError, "seed is 9+; it must be from 0 to 4294967295"),
        ("seed=-1", UsageError, "seed is -1; it must be from 0"),
        ("pixels.size_px=15", UsageError, r"pixels\.size_px is 15; it must be more for 4 blocks"),
        ("optimiser.lr=fast", UsageError, r"optimiser\.lr cannot be 'fast'"),
        ("optimiser.lr=-1", UsageError, r"optimiser\.lr is -1\.0; it must be above 0"),
        ("augment.flip=2", UsageError, "a probability, 0 to 1"),
        ("monitor=accuracy", UsageError, "monitor cannot be 'accuracy'"),
        ("pixels=3", UsageError, r"name one of its fields: pixels\.size_px"),
        ("seed.x=3", UsageError, "seed has no fields"),
        ("epochs", UsageError, "FIELD=VALUE"),
        ("batch_size=0", UsageError, "batch_size is 0"),
        ("optimiser.warmup_epochs=-1", UsageError, r"optimiser\.warmup_epochs is -1"),
        ("optimiser.momentum=-1", UsageError, r"optimiser\.momentum is -1"),
        ("backbone.dropout=2", UsageError, r"backbone\.dropout is 2\.0; it must be in \[0, 1\)"),
        ("backbone.stride=0", UsageError, r"backbone\.stride is 0"),
        ("backbone.head=flatten", UsageError, r"backbone\.input_px is 224; .* 160"),
        ("backbone.dense=0", UsageError, r"dense is \(0,\); it must be 1 or more.*dense=\[\]"),
        ("backbone.channels=16,-3", UsageError, r"channels is \(16, -3\)"),
        ("backbone=nn", UnknownName, "There is no backbone 'nn'"),
    ],
)
def test_mistakes_are_named(setting: str, kind: type[OsteonError], words: str) -> None:
    with pytest.raises(kind, match=words):
        with_settings(named_recipe("small-cnn"), [setting])


@pytest.mark.parametrize("setting", ["augment.flip=0.5", "label_smoothing=0.1"])
def test_what_a_probe_would_ignore_is_refused(setting: str) -> None:
    with pytest.raises(UsageError, match=setting.partition(".")[0].partition("=")[0]):
        with_settings(named_recipe("linear-probe"), [setting])


def test_a_probe_needs_its_path_and_others_must_not_have_one() -> None:
    with pytest.raises(UsageError, match="RegularisationPath for a linear probe"):
        with_settings(named_recipe("small-cnn"), ["backbone=linear_probe"])
    with pytest.raises(UsageError, match="gradient descent"):
        with_settings(named_recipe("linear-probe"), ["backbone=cnn"])


@pytest.mark.parametrize(
    ("settings", "n", "left_out"),
    [
        (["optimiser.inverse_strengths=1e-4,1e-3,1e-2,0.1,1,10"], 6, 1),
        (["epochs=2"], 5, 3),
        (["epochs=1", "optimiser.inverse_strengths=1e-3,1e-2"], 2, 1),
    ],
)
def test_a_path_is_not_cut_without_a_word(settings: list[str], n: int, left_out: int) -> None:
    probe = named_recipe("linear-probe")
    with pytest.raises(UsageError, match=f"leaves out the last {left_out}") as raised:
        with_settings(probe, settings)
    assert "optimiser.inverse_strengths" in str(raised.value)
    longer = with_settings(probe, [*settings, f"epochs={n}"])  # what the message says
    assert longer.epochs == n
    old = recipe_from_json(recipe_to_json(replace(longer, epochs=1)))  # a run of before is read
    assert strengths_left_out(old) == n - 1
    assert strengths_left_out(named_recipe("small-cnn")) == 0


@pytest.mark.parametrize(
    ("part", "field", "known"), [("optimiser", "lrr", "lr"), ("backbone", "kernl", "kernel")]
)
def test_a_nested_field_that_does_not_exist_is_named(part: str, field: str, known: str) -> None:
    told = json.loads(recipe_to_json(named_recipe("small-cnn")))
    told[part][field] = 1
    with pytest.raises(UnknownName, match=f"Did you mean '{known}'"):
        recipe_from_json(json.dumps(told))


def test_what_is_no_recipe_is_said() -> None:
    with pytest.raises(DataError, match="it has no name"):
        recipe_from_json('{"backbone": {"kind": "cnn"}}')
    with pytest.raises(DataError, match="no recipe"):
        recipe_from_json("{}")
    with pytest.raises(UnknownName, match="Did you mean 'linear-probe'"):
        named_recipe("linear-prob")

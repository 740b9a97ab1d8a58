"""What a search may change, as people type it."""

from __future__ import annotations

import pytest

from osteon.errors import UnknownName, UsageError
from osteon.recipe import named_recipe
from osteon.space import Choices, Range, applied, check_space, fitted, grid, parse_space


def test_ranges_and_lists() -> None:
    assert parse_space(
        [
            "optimiser.lr=1e-4..1e-2:log",
            "epochs=2..3",
            "batch_size=32,64",
            "optimiser.name=sgd,adam",
            "optimiser.weight_decay=0.0001..0.005",
        ]
    ) == {
        "optimiser.lr": Range(low=1e-4, high=1e-2, log=True),
        "epochs": Range(low=2, high=3, whole=True),
        "batch_size": Choices(values=(32, 64)),
        "optimiser.name": Choices(values=("sgd", "adam")),
        "optimiser.weight_decay": Range(low=1e-4, high=5e-3),
    }


@pytest.mark.parametrize(
    ("word", "told"),
    [
        ("optimiser.lr", "write FIELD=VALUES"),
        ("optimiser.lr=", "write FIELD=VALUES"),
        ("optimiser.lr=2..1", "2 must be below 1"),
        ("optimiser.lr=0..1:log", "0 must be above 0 and below 1"),
        ("optimiser.lr=1..2:lgo", "write a range as"),
        ("optimiser.lr=a..b", "write a range as"),
        ("batch_size=8,16,8", "name each value once"),
        ("optimiser.lr=1e-4..1e999", "must be finite"),
    ],
)
def test_what_cannot_be_read(word: str, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        parse_space([word])


def test_a_field_said_twice_is_not_half_forgotten() -> None:
    with pytest.raises(UsageError, match="batch_size is searched already"):
        parse_space(["batch_size=8,16", "batch_size=32,64"])


@pytest.mark.parametrize(
    ("word", "error", "told"),
    [
        ("optimiser.lrr=1..2", UnknownName, "Did you mean 'optimiser.lr'"),
        ("backbone.dropout=0.1,1.5", UsageError, r"backbone\.dropout is 1\.5"),
        ("batch_size=1..4", UsageError, "batch_size is 1; it must be at least 2"),
        ("epochs=1.5..3.5", UsageError, "epochs"),
    ],
)
def test_a_space_is_tried_before_anything_is_trained(
    word: str, error: type[Exception], told: str
) -> None:
    with pytest.raises(error, match=told):
        check_space(parse_space([word]), named_recipe("small-cnn"))


def test_nothing_to_search() -> None:
    with pytest.raises(UsageError, match="nothing to search"):
        check_space({}, named_recipe("small-cnn"))


def test_a_grid_is_every_combination() -> None:
    space = parse_space(["batch_size=8,16", "epochs=2..4", "optimiser.name=sgd,adam"])
    combinations = grid(space)
    assert len(combinations) == 2 * 3 * 2
    assert len({tuple(c.items()) for c in combinations}) == 12
    with pytest.raises(UsageError, match=r"--search optimiser\.lr="):
        grid(parse_space(["optimiser.lr=1e-4..1e-2"]))


def test_values_are_applied() -> None:
    recipe = applied(
        named_recipe("small-cnn"),
        {"optimiser.lr": 2.5e-4, "backbone.dense": 64, "optimiser.name": "sgd", "batch_size": 8},
    )
    assert recipe.optimiser.lr == 2.5e-4  # type: ignore[union-attr]
    assert recipe.backbone.dense == (64,)  # type: ignore[attr-defined]
    assert (recipe.optimiser.name, recipe.batch_size) == ("sgd", 8)  # type: ignore[union-attr]


def test_a_range_is_of_whole_numbers_where_the_field_is_one_however_it_is_typed() -> None:
    recipe = named_recipe("small-cnn")
    typed = ["epochs=2.0..40.0", "batch_size=1e1..1e2", "augment.flip=0..1"]
    assert fitted(parse_space(typed), recipe) == {
        "epochs": Range(low=2, high=40, whole=True),
        "batch_size": Range(low=10, high=100, whole=True),
        "augment.flip": Range(low=0, high=1, whole=False),
    }
    with pytest.raises(UsageError, match="epochs is a whole number"):
        fitted(parse_space(["epochs=1.5..3"]), recipe)
    unknown = parse_space(["optimiser.lrr=1..2"])
    assert fitted(unknown, recipe) == unknown  # it is told of where the space is tried


def test_values_that_are_lists() -> None:
    recipe = named_recipe("small-cnn")
    space = fitted(parse_space(["backbone.channels=[16,32],[32, 64,128]"]), recipe)
    told = [applied(recipe, chosen).backbone.channels for chosen in grid(space)]  # type: ignore[attr-defined]
    assert told == [(16, 32), (32, 64, 128)]
    with pytest.raises(UsageError, match="each value is a list, in brackets"):
        fitted(parse_space(["backbone.channels=16,32,64"]), recipe)
    one_layer = fitted(parse_space(["backbone.dense=64,128"]), named_recipe("types12-cnn"))
    assert applied(named_recipe("types12-cnn"), grid(one_layer)[1]).backbone.dense == (128,)  # type: ignore[attr-defined]


def test_another_backbone_keeps_the_fields_said_with_it() -> None:
    recipe = named_recipe("small-cnn")
    chosen = applied(recipe, {"backbone.dropout": 0.45, "backbone": "mlp"})
    assert chosen.backbone.dropout == 0.45  # type: ignore[attr-defined]


def test_a_network_made_for_one_size_follows_the_films() -> None:
    recipe = named_recipe("types12-cnn")
    assert applied(recipe, {"pixels.size_px": 160}).backbone.input_px == 160  # type: ignore[attr-defined]
    with pytest.raises(UsageError, match=r"backbone\.input_px is 96"):
        applied(recipe, {"pixels.size_px": 160, "backbone.input_px": 96})

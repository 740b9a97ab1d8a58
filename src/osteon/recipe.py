"""Recipes by name, as JSON, and with fields changed by the user."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any, TypeVar, get_type_hints

from osteon.backbones import BACKBONES
from osteon.backbones.cells import Cells
from osteon.backbones.cnn import Cnn
from osteon.backbones.quantum import Quantum, QuantumTransfer
from osteon.backbones.tuned_cells import TunedCells
from osteon.errors import DataError, UnknownName, UsageError
from osteon.recipes import RECIPES
from osteon.types import Augment, Optimiser, Recipe, RegularisationPath

T = TypeVar("T")
MOST_QUBITS = 16
MOST_SEED = 2**32  # what every generator of random numbers takes


@dataclass(frozen=True, kw_only=True, slots=True)
class RecipeCard:
    """What a user wants to know before choosing a recipe."""

    name: str
    summary: str
    command: str
    expected: str
    hardware: str
    time: str


def named_recipe(name: str) -> Recipe:
    """Raises UnknownName, with the nearest known one."""
    return RECIPES[name]()


def describe(name: str) -> RecipeCard:
    """The card of a recipe, from its docstring: command, summary, Expected, Hardware, Time."""
    command, _, text = (RECIPES[name].__doc__ or "").partition("\n")
    found: dict[str, list[str]] = {"summary": []}
    topic = "summary"
    for line in text.splitlines():
        head, colon, rest = line.strip().partition(": ")
        if colon and head in ("Expected", "Hardware", "Time"):
            topic = head.lower()
            line = rest
        found.setdefault(topic, []).append(line.strip())
    said = {topic: " ".join(filter(None, lines)) for topic, lines in found.items()}
    return RecipeCard(name=name, command=command.strip(), **said)


# --- JSON -----------------------------------------------------------------------------------------


def recipe_to_json(recipe: Recipe) -> str:
    """Every field, the backbone with its registered name as ``kind``; ends in a newline."""
    from pydantic import TypeAdapter

    told: dict[str, Any] = {}
    for field in fields(recipe):
        value = getattr(recipe, field.name)
        told[field.name] = TypeAdapter(type(value)).dump_python(value, mode="json")
    told["backbone"] = {"kind": kind_of(recipe), **told["backbone"]}
    return json.dumps(told, indent=2) + "\n"


def kind_of(recipe: Recipe) -> str:
    """The name under which the recipe's backbone is registered."""
    return next(name for name, kind in BACKBONES.items() if isinstance(recipe.backbone, kind))


def recipe_from_json(text: str) -> Recipe:
    """Raises DataError for what is no JSON, UnknownName for a field that does not exist, and
    UsageError for a value that a field cannot have."""
    try:
        told = json.loads(text)
        kind = told["backbone"].pop("kind")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(f"This is no recipe: {error!r}.") from None
    if "name" not in told:
        raise DataError("This is no recipe: it has no name.")
    hints = _hints(Recipe)
    values: dict[str, Any] = {}
    for name, value in told.items():
        if name not in hints:
            raise UnknownName("recipe field", name, hints)
        values[name] = _validated(name, _known(name, _kind(name, value, kind, hints), value), value)
    return checked(Recipe(**values))


def _kind(name: str, value: Any, backbone: str, hints: dict[str, Any]) -> Any:
    if name == "backbone":
        return BACKBONES[backbone]
    if name == "optimiser":
        return RegularisationPath if "inverse_strengths" in value else Optimiser
    return hints[name]


def _known(name: str, kind: Any, value: Any) -> Any:
    """``kind``, once it is sure that it has every field of ``value``: pydantic ignores others."""
    if is_dataclass(kind) and isinstance(value, dict):
        assert isinstance(kind, type)
        for field in value:
            if field not in _hints(kind):
                raise UnknownName(f"{name} field", field, _hints(kind))
    return kind


# --- fields changed by the user -------------------------------------------------------------------


def with_settings(recipe: Recipe, settings: Sequence[str]) -> Recipe:
    """The recipe with fields changed, such as ``["optimiser.lr=3e-4", "epochs=5"]``.

    Another backbone comes before its fields, in whatever order they are said. A network that is
    made for the films' size follows ``pixels.size_px``, unless ``backbone.input_px`` is said too.
    Raises UnknownName, with the nearest field, and UsageError for a value out of range, or for
    fewer epochs than a regularisation path has strengths.
    """
    fields_last = sorted(settings, key=lambda setting: "." in setting.partition("=")[0])
    changed = checked(_with_its_size(settings_applied(recipe, fields_last), recipe, settings))
    if n_left_out := strengths_left_out(changed):
        n = changed.epochs + n_left_out
        raise UsageError(
            f"optimiser.inverse_strengths has {n} strengths and each is an epoch: epochs = "
            f"{changed.epochs} leaves out the last {n_left_out}. Use --set epochs={n}, or name "
            "fewer with --set optimiser.inverse_strengths=..."
        )
    return changed


def _with_its_size(changed: Recipe, before: Recipe, settings: Sequence[str]) -> Recipe:
    said = any(setting.partition("=")[0].strip() == "backbone.input_px" for setting in settings)
    as_before = getattr(changed.backbone, "input_px", None) == before.pixels.size_px
    if said or not as_before:
        return changed
    size_px: Any = {"input_px": changed.pixels.size_px}
    return replace(changed, backbone=replace(changed.backbone, **size_px))  # type: ignore[type-var]


def strengths_left_out(recipe: Recipe) -> int:
    """How many strengths of a regularisation path, the last ones, have no epoch."""
    if not isinstance(recipe.optimiser, RegularisationPath):
        return 0
    return max(0, len(recipe.optimiser.inverse_strengths) - recipe.epochs)


def settings_applied(value: T, settings: Iterable[str]) -> T:
    """Any dataclass with fields changed; dots lead into nested ones."""
    for setting in settings:
        name, equals, text = setting.partition("=")
        if not equals:
            raise UsageError(f"--set {setting}: write it as FIELD=VALUE, such as epochs=5.")
        value = _replaced(value, name.strip().split("."), text.strip(), name.strip())
    return value


def _replaced(value: Any, path: Sequence[str], text: str, whole: str) -> Any:
    first, *rest = path
    hints = _hints(type(value))
    if first not in hints:
        raise _unknown_field(first, path, whole, hints)
    inner = getattr(value, first)
    if rest and not is_dataclass(inner):
        raise UsageError(f"--set {whole}: {first} has no fields of its own.")
    if not rest and is_dataclass(inner):
        if first == "backbone":
            return replace(value, backbone=BACKBONES[text]())
        names = ", ".join(f"{first}.{name}" for name in _hints(type(inner)))
        raise UsageError(f"--set {whole}: name one of its fields: {names}.")
    new = _replaced(inner, rest, text, whole) if rest else _parsed(whole, hints[first], text)
    return replace(value, **{first: new})


def _unknown_field(name: str, path: Sequence[str], whole: str, known: Iterable[str]) -> UnknownName:
    """With what leads to it, so that ``optimiser.lr`` is not told of as ``lr``."""
    before = whole.split(".")[: -len(path)]
    return UnknownName(
        "field", ".".join([*before, name]), [".".join([*before, field]) for field in known]
    )


def _parsed(name: str, kind: Any, text: str) -> Any:
    """Text as ``kind``: as JSON, as a word, or as words separated by commas."""
    from pydantic import TypeAdapter, ValidationError

    adapter: TypeAdapter[Any] = TypeAdapter(kind)
    try:
        return adapter.validate_json(text)
    except ValidationError:
        pass  # a bare word is no JSON
    as_list = kind is not str and str(kind).startswith("tuple")
    return _validated(name, kind, text.split(",") if as_list else text)


def _validated(name: str, kind: Any, value: Any) -> Any:
    from pydantic import TypeAdapter, ValidationError

    try:
        return TypeAdapter(kind).validate_python(value)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join([name, *(str(step) for step in first["loc"])])
        raise UsageError(f"{where} cannot be {first['input']!r}: {first['msg']}.") from None


def _hints(kind: type) -> dict[str, Any]:
    hints = get_type_hints(kind)
    return {field.name: hints[field.name] for field in fields(kind)}


# --- ranges ---------------------------------------------------------------------------------------


def checked(recipe: Recipe) -> Recipe:
    """The recipe itself. Raises UsageError, naming the field, for a value out of its range."""
    augment, optimiser = recipe.augment, recipe.optimiser
    at_least_1 = {
        "epochs": recipe.epochs,
        "patience": recipe.patience,
        "pixels.size_px": recipe.pixels.size_px,
    }
    for name, value in at_least_1.items():
        _require(value >= 1, name, value, "at least 1")
    # batch norm cannot learn of one film
    _require(recipe.batch_size >= 2, "batch_size", recipe.batch_size, "at least 2")
    _require(0 <= recipe.seed < MOST_SEED, "seed", recipe.seed, f"from 0 to {MOST_SEED - 1}")
    _require(
        0 <= recipe.label_smoothing < 1, "label_smoothing", recipe.label_smoothing, "in [0, 1)"
    )
    _require(0 <= augment.flip <= 1, "augment.flip", augment.flip, "a probability, 0 to 1")
    _check_backbone(recipe)
    for field in fields(augment):
        value = getattr(augment, field.name)
        _require(value >= 0, f"augment.{field.name}", value, "0 or more")
    if isinstance(optimiser, Optimiser):
        _require(optimiser.lr > 0, "optimiser.lr", optimiser.lr, "above 0")
        decay = optimiser.weight_decay
        _require(decay >= 0, "optimiser.weight_decay", decay, "0 or more")
        _require(0 <= optimiser.momentum < 1, "optimiser.momentum", optimiser.momentum, "in [0, 1)")
        warmup = optimiser.warmup_epochs
        _require(warmup >= 0, "optimiser.warmup_epochs", warmup, "0 or more")
        _require(kind_of(recipe) != "linear_probe", "optimiser", "gradient descent",
                 "a RegularisationPath for a linear probe")  # fmt: skip
    else:
        strengths = optimiser.inverse_strengths
        fine = bool(strengths) and min(strengths) > 0
        _require(fine, "optimiser.inverse_strengths", strengths, "one or more numbers above 0")
        _require(kind_of(recipe) == "linear_probe", "optimiser", "a regularisation path",
                 "gradient descent for this backbone")  # fmt: skip
        _require(augment == Augment(), "augment", "set",
                 "left out where features are computed once, before any change")  # fmt: skip
        _require(recipe.label_smoothing == 0, "label_smoothing", recipe.label_smoothing,
                 "0: a linear probe is solved for the labels themselves")  # fmt: skip
    return recipe


def _check_backbone(recipe: Recipe) -> None:
    """What torch would refuse later, in words of its own."""
    told: Any = recipe.backbone
    for field in fields(told):
        name, value = f"backbone.{field.name}", getattr(told, field.name)
        if "dropout" in field.name:
            _require(0 <= value < 1, name, value, "in [0, 1)")
        if field.name in ("kernel", "stride", "input_px"):
            _require(value >= 1, name, value, "at least 1")
    side = recipe.pixels.size_px
    if isinstance(told, Cnn):
        _require(told.side_after(side) >= 1, "pixels.size_px", side,
                 f"more for {len(told.channels)} blocks (backbone.channels)")  # fmt: skip
    if isinstance(told, Quantum | QuantumTransfer):
        _require(1 <= told.n_qubits <= MOST_QUBITS, "backbone.n_qubits", told.n_qubits,
                 f"1 to {MOST_QUBITS}: the simulator's memory doubles with each")  # fmt: skip
        _require(told.n_layers >= 1, "backbone.n_layers", told.n_layers, "at least 1")
    if isinstance(told, Cells | TunedCells):
        _require(told.width >= 1, "backbone.width", told.width, "at least 1")
        _require(told.box_weight >= 0, "backbone.box_weight", told.box_weight, "0 or more")
    if isinstance(told, Cells):
        strength = told.inverse_strength
        _require(strength > 0, "backbone.inverse_strength", strength, "above 0")
    if isinstance(told, TunedCells):
        _require(told.tuned_pace > 0, "backbone.tuned_pace", told.tuned_pace, "above 0")
        flipped = replace(recipe.augment, flip=0.0)
        _require(flipped == Augment(), "augment", "more than augment.flip",
                 "that alone: only a mirror image can be made of maps that are kept")  # fmt: skip
    for name in ("channels", "dense", "widths", "pool_px", "width"):
        given = getattr(told, name, ())
        fine = all(n >= 1 for n in (given if isinstance(given, tuple) else (given,)))
        _require(fine, f"backbone.{name}", given, f"1 or more each; none is backbone.{name}=[]")
    if isinstance(told, Cells | QuantumTransfer):
        _require(recipe.augment == Augment(), "augment", "set",
                 "left out where features are computed once, before any change")  # fmt: skip
    if getattr(told, "head", "") == "flatten":
        _require(told.input_px == side, "backbone.input_px", told.input_px,
                 f"pixels.size_px, {side}, where the head flattens")  # fmt: skip


def _require(fine: bool, name: str, value: object, wanted: str) -> None:
    if not fine:
        raise UsageError(f"{name} is {value}; it must be {wanted}.")

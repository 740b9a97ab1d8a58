"""What a search may change: any field of a recipe, with the values that it may have."""

from __future__ import annotations

import itertools
import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from osteon.errors import UsageError
from osteon.recipe import with_settings
from osteon.types import Recipe

Value = int | float | str | bool
EXAMPLES = "optimiser.lr=1e-4..1e-2:log, batch_size=32,64 or epochs=2..3"


@dataclass(frozen=True, kw_only=True, slots=True)
class Choices:
    """One of these values."""

    values: tuple[Value, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Range:
    """Any number from ``low`` to ``high``, both included; on a log scale, or whole, if said so."""

    low: float
    high: float
    log: bool = False
    whole: bool = False


Space = Mapping[str, Choices | Range]  # field of the recipe, dots lead into nested ones


def parse_space(words: Iterable[str]) -> Space:
    """``["optimiser.lr=1e-4..1e-2:log", "batch_size=32,64"]`` as a space.

    A range of numbers without a point is of whole ones; ``fitted`` puts that right by the field.
    Values that are lists are written in brackets: ``backbone.channels=[16,32],[32,64]``.
    Raises UsageError for what is neither a range nor a list of values, and for what is said twice.
    """
    space: dict[str, Choices | Range] = {}
    for word in words:
        name, equals, text = word.partition("=")
        if not equals or not text:
            raise UsageError(f"--search {word}: write FIELD=VALUES, such as {EXAMPLES}.")
        if name.strip() in space:
            raise UsageError(f"--search {word}: {name.strip()} is searched already; say it once.")
        space[name.strip()] = _dimension(word, text.strip())
    return space


def _dimension(word: str, text: str) -> Choices | Range:
    number = r"([-+\d.eE]+?)"
    if found := re.fullmatch(rf"{number}\.\.{number}(:log)?", text):
        low, high, log = found.groups()
        try:
            ends = float(low), float(high)
        except ValueError:
            raise UsageError(f"--search {word}: {low} and {high} are no numbers.") from None
        if not all(map(math.isfinite, ends)):
            raise UsageError(f"--search {word}: {low} and {high} must be finite.")
        whole = not re.search(r"[.eE]", low + high)
        if ends[0] >= ends[1] or (log and ends[0] <= 0):
            least = "above 0 and " if log else ""
            raise UsageError(f"--search {word}: {low} must be {least}below {high}.")
        return Range(low=ends[0], high=ends[1], log=bool(log), whole=whole)
    if ".." in text:
        raise UsageError(f"--search {word}: write a range as LOW..HIGH or LOW..HIGH:log.")
    values = tuple(_value(part.strip()) for part in re.split(r",(?![^\[]*\])", text))
    if len(set(values)) < len(values):
        raise UsageError(f"--search {word}: name each value once.")
    return Choices(values=values)


def _value(text: str) -> Value:
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return value if isinstance(value, int | float | bool) else text


def fitted(space: Space, recipe: Recipe) -> Space:
    """The space with every range of whole numbers where the recipe's field is one, and of any
    numbers where it is not.

    Raises UsageError for ends that are not whole where they must be, and for values that are no
    lists where the recipe has one of several. What is no field of ``recipe`` is left as it is.
    """
    return {name: _fitted(name, dimension, recipe) for name, dimension in space.items()}


def _fitted(name: str, dimension: Choices | Range, recipe: Recipe) -> Choices | Range:
    value = field_of(recipe, name)
    if isinstance(value, tuple) and len(value) > 1 and isinstance(dimension, Choices):
        if not all(str(each).startswith("[") for each in dimension.values):
            raise UsageError(
                f"--search {name}: each value is a list, in brackets: --search "
                f"{name}=[16,32],[32,64]."
            )
        return dimension
    if not isinstance(dimension, Range) or isinstance(value, bool):
        return dimension
    if isinstance(value, float):
        return replace(dimension, whole=False)
    ends = (dimension.low, dimension.high)
    if isinstance(value, int) and not all(end.is_integer() for end in ends):
        raise UsageError(
            f"--search {name}={dimension.low:g}..{dimension.high:g}: {name} is a whole number."
        )
    return replace(dimension, whole=True) if isinstance(value, int) else dimension


def field_of(recipe: Recipe, name: str) -> object:
    """The recipe's value of a field, such as ``optimiser.lr``; None where there is no such one."""
    value: object = recipe
    for step in name.split("."):
        value = getattr(value, step, None)
    return value


def applied(recipe: Recipe, chosen: Mapping[str, Value]) -> Recipe:
    """The recipe with the values of one trial.

    Raises UnknownName for a field that does not exist, UsageError for a value out of its range.
    """
    return with_settings(recipe, [f"{name}={_text(value)}" for name, value in chosen.items()])


def _text(value: Value) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def check_space(space: Space, recipe: Recipe) -> None:
    """Try the ends of every dimension on ``recipe``, before any trial has cost anything.

    Raises what ``applied`` raises, and UsageError for an empty space.
    """
    if not space:
        raise UsageError(f"There is nothing to search: --search {EXAMPLES}.")
    for name, dimension in space.items():
        for value in _ends(dimension):
            applied(recipe, {name: value})


def _ends(dimension: Choices | Range) -> tuple[Value, ...]:
    if isinstance(dimension, Choices):
        return dimension.values
    ends = (dimension.low, dimension.high)
    return tuple(int(end) for end in ends) if dimension.whole else ends


def grid(space: Space) -> list[dict[str, Value]]:
    """Every combination of the listed values, the last field changing fastest.

    Raises UsageError for a range that is not of a few whole numbers: a grid needs listed values.
    """
    values = [_listed(name, dimension) for name, dimension in space.items()]
    return [dict(zip(space, chosen, strict=True)) for chosen in itertools.product(*values)]


MOST_LISTED = 100


def _listed(name: str, dimension: Choices | Range) -> tuple[Value, ...]:
    if isinstance(dimension, Choices):
        return dimension.values
    if dimension.whole and dimension.high - dimension.low < MOST_LISTED:
        return tuple(range(int(dimension.low), int(dimension.high) + 1))
    raise UsageError(
        f"A grid needs the values of {name} listed, such as --search {name}="
        f"{dimension.low:g},{(dimension.low + dimension.high) / 2:g},{dimension.high:g}."
    )

"""What the user typed, as values: the command line's words to plans, recipes and paths."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from osteon.errors import DataError, UnknownName, UsageError
from osteon.run import SplitChoice, SplitPlan
from osteon.types import Recipe

if TYPE_CHECKING:
    from osteon.phantom import PhantomPlan


def split_plan(words: str, despite_leaks: bool, seed: int) -> SplitPlan:
    """``words``: auto, grouped, shipped, or shares such as 80/10/10 (grouped)."""
    if despite_leaks and words != "shipped":
        raise UsageError("--despite-leaks goes with --split shipped.")
    for choice in get_args(SplitChoice):
        if words == choice:
            return SplitPlan(choice=choice, despite_leaks=despite_leaks, seed=seed)
    if re.fullmatch(r"[\d.]+/[\d.]+/[\d.]+", words):
        train, val, test = (float(share) for share in words.split("/"))
        whole = train + val + test
        if min(train, val, test) <= 0:
            raise UsageError(f"--split {words}: every part needs a share above 0.")
        fractions = (train / whole, val / whole, test / whole)
        return SplitPlan(choice="grouped", fractions=fractions, seed=seed)
    raise UnknownName("split", words, [*get_args(SplitChoice), "80/10/10"])


def chosen_recipe(name: str, settings: list[str] | None) -> Recipe:
    from osteon.recipe import named_recipe, with_settings

    return with_settings(named_recipe(name), settings or [])


def default_out(data: Path, recipe: str) -> Path:
    return Path("runs") / f"{data.resolve().stem}-{recipe}"


def only_one(first: Path | None, second: Path | None, *names: str) -> Path:
    """Of two alternatives, the one that was given. Raises UsageError for both or none."""
    if (first is None) == (second is None):
        raise UsageError(f"Give either {names[0]} or {names[1]}.")
    given = first or second
    assert given is not None
    return given


def phantom_plan(films: int, seed: int, settings: list[str] | None) -> PhantomPlan:
    from osteon.phantom import PhantomPlan
    from osteon.recipe import settings_applied

    plan: PhantomPlan = settings_applied(PhantomPlan(films=films, seed=seed), settings or [])
    return plan


def films_in(paths: Iterable[Path]) -> list[Path]:
    """The files named, and every film below the folders named, in order.

    Raises DataError for a path that does not exist and for folders without a film.
    """
    from osteon.sources.films import is_film

    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            found += sorted(file for file in path.rglob("*") if file.is_file() and is_film(file))
        elif path.exists():
            found.append(path)
        else:
            raise DataError(f"There is no file or folder {path}.")
    if not found:
        raise DataError(f"No film found in {', '.join(str(path) for path in paths)}.")
    return found

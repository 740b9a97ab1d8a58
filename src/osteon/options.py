"""What the user typed, as values: the command line's words to plans, recipes and paths."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from osteon.errors import DataError, UnknownName, UsageError
from osteon.plan import SplitChoice, SplitPlan
from osteon.types import Recipe

if TYPE_CHECKING:
    from osteon.claim import Claim
    from osteon.phantom import PhantomPlan
    from osteon.publications import Publication
    from osteon.tune import Search
    from osteon.verdicts import Verdict


def split_plan(words: str, despite_leaks: bool, seed: int) -> SplitPlan:
    """``words``: auto, grouped, shipped, or shares such as 80/10/10 (grouped)."""
    if despite_leaks and words != "shipped":
        raise UsageError("--despite-leaks goes with --split shipped.")
    for choice in get_args(SplitChoice):
        if words == choice:
            return SplitPlan(choice=choice, despite_leaks=despite_leaks, seed=seed)
    share = r"(\d+\.?\d*|\.\d+)"
    if re.fullmatch(f"{share}/{share}/{share}", words):
        train, val, test = (float(each) for each in words.split("/"))
        whole = train + val + test
        if min(train, val, test) <= 0:
            raise UsageError(f"--split {words}: every part needs a share above 0.")
        fractions = (train / whole, val / whole, test / whole)
        return SplitPlan(choice="grouped", fractions=fractions, seed=seed)
    raise UnknownName("split", words, [*get_args(SplitChoice), "80/10/10"])


def chosen_recipe(name: str, settings: list[str] | None) -> Recipe:
    """``name`` is a recipe's, or the path of one as JSON, such as a search leaves."""
    from osteon.recipe import named_recipe, recipe_from_json, with_settings

    if not name.endswith(".json"):
        return with_settings(named_recipe(name), settings or [])
    try:
        text = Path(name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"The recipe {name} cannot be read: {error}.") from None
    return with_settings(recipe_from_json(text), settings or [])


def default_out(data: Path, recipe: str) -> Path:
    """``recipe`` may be the path of one: its folder and its name tell it from others."""
    name = recipe
    if recipe.endswith(".json"):
        file = Path(recipe)
        kind = file.stem.removesuffix("recipe").rstrip("-")  # a search leaves its best one as well
        name = "-".join(filter(None, (file.parent.name, kind))) or file.stem
    return Path("runs") / f"{data.resolve().stem}-{name}"


def typed(data: Path, **given: object) -> str:
    """The data and the options given with them, to be typed again."""
    words = [str(data)]
    for name, value in given.items():
        words += [f"--{name}", str(value)] if value is not None else []
    return shlex.join(words)


def verdicts_in(path: Path | None) -> tuple[Verdict, ...]:
    from osteon.verdicts import read_verdicts

    return read_verdicts(path) if path else ()


def search_plan(
    recipe: Recipe,
    words: list[str] | None,
    sampler: str | None,
    pruner: str | None,
    trials: int | None,
    workers: int,
    storage: str | None,
) -> Search:
    """What was typed, and where nothing was, the search that the recipe was published with."""
    from osteon.publications import PUBLICATIONS
    from osteon.space import EXAMPLES, fitted, parse_space
    from osteon.study import Pruner, Sampler
    from osteon.tune import Search
    from osteon.types import RegularisationPath

    known = PUBLICATIONS[recipe.name]().search if recipe.name in PUBLICATIONS else None
    if not words and known is None:
        raise UsageError(f"Say what to search with --search, such as {EXAMPLES}.")
    published = None if words else known
    chosen = sampler or (published.sampler if published else "tpe")
    if chosen == "grid" and trials:
        raise UsageError(
            f"--trials {trials}: a grid tries every combination. Leave it out, or try some of them "
            "with --sampler random."
        )
    # A grid is there to be whole, and strengths of regularisation are no progress to prune by.
    whole = chosen == "grid" or isinstance(recipe.optimiser, RegularisationPath)
    usual = "none" if whole else "halving"
    return Search(
        space=published.space if published else fitted(parse_space(words or []), recipe),
        sampler=one_of("sampler", chosen, get_args(Sampler)),
        pruner=one_of("pruner", pruner or usual, get_args(Pruner)),
        trials=trials or (published.trials if published else None) or 20,
        seed=recipe.seed,
        storage=storage or "",
        workers=workers,
    )


def one_of(kind: str, word: str, known: tuple[Any, ...]) -> Any:
    if word not in known:
        raise UnknownName(kind, word, known)
    return word


def publication(name: str) -> Publication:
    from osteon.publications import PUBLICATIONS

    return PUBLICATIONS[name]()


def numbers(text: str) -> tuple[int, ...]:
    """``0,1,2``. Raises UsageError for anything else, for a number said twice, and for one that is
    too large to be a seed."""
    from osteon.recipe import MOST_SEED

    if not re.fullmatch(r"\d+(,\d+)*", text):
        raise UsageError(f"--seeds {text}: write whole numbers with commas, such as 0,1,2.")
    found = tuple(int(word) for word in text.split(","))
    if len(set(found)) < len(found):
        raise UsageError(f"--seeds {text}: each seed once.")
    if max(found) >= MOST_SEED:
        raise UsageError(f"--seeds {text}: a seed is at most {MOST_SEED - 1}.")
    return found


def claim_made(share: str, n: int | None, accuracy: str | None, baseline: str | None) -> Claim:
    """``share`` is a figure (then ``n`` is needed), or a fraction such as 98/110."""
    from osteon.claim import judge, of_fraction, parse_share

    floor = parse_share(baseline) if baseline else None
    if "/" in share:
        if n is not None:
            raise UsageError(f"{share} says of how many films it is: leave --n out.")
        right, films = of_fraction(share)
        said = parse_share(accuracy) if accuracy else None
        return judge(said, films, right=right, baseline=floor)
    if accuracy:
        raise UsageError(
            f"--accuracy goes with a fraction, such as osteon claim 98/110 --accuracy {accuracy}; "
            f"{share} is a figure itself."
        )
    if n is None:
        raise UsageError(f"Say of how many films {share} is: osteon claim {share} --n 110.")
    return judge(parse_share(share), n, baseline=floor)


def refuse_with_resume(**given: object) -> None:
    """Raises UsageError where an option was given that --resume would ignore."""
    for name, value in given.items():
        if value:
            raise UsageError(
                "--resume goes on with what the run was asked for: leave out "
                f"--{name.replace('_', '-')}."
            )


def refuse_with_two(**given: object) -> None:
    """Raises UsageError for options of an audit that say nothing of two data sets."""
    for name, value in given.items():
        if value is not None:
            raise UsageError(f"--{name} goes with one data set, not with two.")


def refuse_with_folds(choice: str) -> None:
    """Raises UsageError where a split was chosen that folds, which are grouped, would ignore."""
    if choice not in ("auto", "grouped"):
        raise UsageError(f"--folds makes grouped folds: leave out --split {choice}.")


def only_one(first: Path | None, second: Path | None, *names: str) -> Path:
    """Of two alternatives, the one that was given. Raises UsageError for both or none."""
    if (first is None) == (second is None):
        raise UsageError(f"Give either {names[0]} or {names[1]}.")
    given = first or second
    assert given is not None
    return given


def refuse_without(needed: str, **given: object) -> None:
    """Raises UsageError where one of ``given`` was typed although ``needed`` was not."""
    if typed := [f"--{name}" for name, value in given.items() if value is not None]:
        raise UsageError(f"{', '.join(typed)} goes with {needed}.")


def phantom_plan(films: int, seed: int, settings: list[str] | None) -> PhantomPlan:
    from osteon.phantom import PhantomPlan
    from osteon.recipe import settings_applied

    plan: PhantomPlan = settings_applied(PhantomPlan(films=films, seed=seed), settings or [])
    return plan


def films_in(paths: Iterable[Path], stdin: Iterable[str] = ()) -> list[Path]:
    """The files named, and every film below the folders named, in order; a pattern such as
    ``films/**/*.png`` stands for the files that fit it, and ``-`` for the lines of ``stdin``.

    Raises DataError where there is not one film. A name of nothing is kept beside films: it is a
    film that cannot be read.
    """
    from osteon.sources.films import is_film

    found: list[Path] = []
    for path in _spelt_out(paths, stdin):
        if os.path.isdir(path):  # noqa: PTH112  # which no name is too long for
            found += sorted(file for file in path.rglob("*") if file.is_file() and is_film(file))
        else:
            found.append(path)
    if not any(os.path.exists(path) for path in found):  # noqa: PTH110
        raise DataError(f"No film found in {', '.join(str(path) for path in paths)}.")
    return found


def _spelt_out(paths: Iterable[Path], stdin: Iterable[str]) -> Iterator[Path]:
    from glob import glob, has_magic

    for path in paths:
        if str(path) == "-":
            yield from (Path(line.rstrip("\r\n")) for line in stdin if line.strip())
        elif not os.path.exists(path) and has_magic(str(path)):  # noqa: PTH110
            yield from map(Path, sorted(glob(str(path), recursive=True)) or [str(path)])  # noqa: PTH207
        else:
            yield path


def predict_plan(workers: int | None, n_films: int) -> int:
    """How many films are read at once: as asked, else by each core one, and never more than films.

    Raises UsageError for fewer than one.
    """
    from osteon.parallel import default_workers

    if workers is not None and workers < 1:
        raise UsageError(f"--workers {workers} cannot be: at least 1.")
    return max(1, min(workers or default_workers(), n_films))

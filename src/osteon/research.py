"""What is done with data besides a run: suspects, searches, reproductions.

Each function here looks at the data, calls its stage, and leaves its page.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from osteon.looking import look_at
from osteon.plan import SplitPlan, make_folds, make_split
from osteon.runs import default_cache
from osteon.types import Recipe
from osteon.verdicts import Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from osteon.publications import Publication
    from osteon.reproduced import Reproduced
    from osteon.searched import Nested, Tuning
    from osteon.suspects import Suspects
    from osteon.tune import Search


def suspect_run(
    data: Path,
    out: Path,
    *,
    folds: int = 5,
    most: int = 200,
    layout: str | None = None,
    verdicts: Sequence[Verdict] = (),
    cache: Path | None = None,
) -> Suspects:
    """Suspects among the labels, their gallery and the CSV for the verdicts on them; see
    ``osteon.suspects.find_suspects``. Of each list ``most`` are shown, and none that has a verdict.

    Raises UsageError where ``out`` holds verdicts that were not handed in: they would be lost.
    """
    from osteon.prepare import prepare
    from osteon.recipe import named_recipe
    from osteon.report.suspects import check_room, write_gallery
    from osteon.suspects import find_suspects

    check_room(out, verdicts)
    cache = cache or default_cache()
    manifest, audit = look_at(data, layout=layout, verdicts=verdicts, cache=cache)
    pixels = named_recipe("linear-probe").pixels
    prepared = prepare(manifest, pixels, cache=cache, facts=audit.facts)
    found = find_suspects(manifest, audit, prepared, k=folds)
    write_gallery(found, manifest, verdicts, out, most=most)
    return found


def tune_run(
    data: Path,
    recipe: Recipe,
    search: Search,
    out: Path,
    plan: SplitPlan,
    nested_folds: int = 0,
    *,
    layout: str | None = None,
    verdicts: Sequence[Verdict] = (),
    cache: Path | None = None,
) -> tuple[Tuning, Nested | None]:
    """A search on the train and val parts of ``plan``, its report, and a nested one if asked for.

    The test part stays sealed. Raises what ``osteon.tune.tune`` raises.
    """
    from osteon.nested import nested
    from osteon.prepare import prepare
    from osteon.report.tuning import write_tuning_report
    from osteon.tune import check_search, tune

    check_search(search, recipe)  # before any film is opened
    cache = cache or default_cache()
    manifest, audit = look_at(data, recipe.pixels, layout=layout, verdicts=verdicts, cache=cache)
    parts = make_split(manifest, audit, plan)
    folds = []
    if nested_folds:  # before the search, which can take hours; the test part is in no fold
        folds = make_folds(manifest, audit, nested_folds, plan.seed, sealed=parts.test)
    prepared = prepare(manifest, recipe.pixels, cache=cache, facts=audit.facts)
    found = tune(recipe, search, prepared, manifest, parts, out, facts=audit.facts)
    outer = None
    if folds:
        outer = nested(recipe, search, prepared, manifest, folds, out, facts=audit.facts)
    write_tuning_report(out)
    return found, outer


def reproduce_run(
    publication: Publication,
    data: Path,
    out: Path,
    seeds: Sequence[int],
    settings: Sequence[str] = (),
    search: bool = False,
    workers: int = 1,
    *,
    layout: str | None = None,
    verdicts: Sequence[Verdict] = (),
    cache: Path | None = None,
) -> Reproduced:
    """A reproduction and its page; see ``osteon.reproduce.reproduce``."""
    from osteon.report.reproduction import write_reproduction_report
    from osteon.reproduce import check_reproduction, reproduce

    check_reproduction(publication, settings, search)  # before any film is opened
    cache = cache or default_cache()
    manifest, audit = look_at(data, layout=layout, verdicts=verdicts, cache=cache)
    result = reproduce(
        publication,
        manifest,
        audit,
        out=out,
        cache=cache,
        seeds=seeds,
        settings=settings,
        search=search,
        workers=workers,
    )
    write_reproduction_report(out)
    return result

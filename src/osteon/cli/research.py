"""Labels, searches, published systems."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import typer

from osteon.cli.app import Choice, Data, Json, Layout, Out, RecipeName, Settings, Verdicts, app

command = partial(app.command, rich_help_panel="Research")


@command(epilog="Example: osteon suspects fracatlas --out review")
def suspects(
    data: Data,
    out: Out = None,
    most: Annotated[int, typer.Option(min=1, help="Of each list, show so many.")] = 200,
    folds: Annotated[int, typer.Option(min=2, help="Of the cross-validation.")] = 5,
    verdicts: Verdicts = None,
    layout: Layout = None,
    json: Json = False,
) -> None:
    """Rank labels that the other films contest, as a gallery to give verdicts in."""
    from osteon import options
    from osteon.console import labels, working
    from osteon.research import suspect_run

    judged = options.verdicts_in(verdicts)
    place = out or options.default_out(data, "suspects")
    with working():
        found = suspect_run(data, place, folds=folds, most=most, layout=layout, verdicts=judged)
    labels.show_suspects(found, place, json)


@command(
    epilog="Example: osteon tune fracatlas --recipe small-cnn --search optimiser.lr=1e-4..1e-2:log"
)
def tune(
    data: Data,
    out: Out = None,
    recipe: RecipeName = "linear-probe",
    search: Annotated[
        list[str] | None,
        typer.Option(
            help="What to change: FIELD=LOW..HIGH, FIELD=LOW..HIGH:log or FIELD=A,B,C. Without "
            "any, the search that the recipe was published with."
        ),
    ] = None,
    sampler: Annotated[str | None, typer.Option(help="tpe (the default), random or grid.")] = None,
    pruner: Annotated[
        str | None, typer.Option(help="halving (the default, but for a grid), median or none.")
    ] = None,
    trials: Annotated[
        int | None, typer.Option(min=1, help="How many (20, or as published); a grid tries all.")
    ] = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes that share the cores.")] = 1,
    storage: Annotated[
        str | None,
        typer.Option(
            help="sqlite:///FILE (in the folder, the default), journal:FILE or "
            "postgresql://USER@HOST/BASE."
        ),
    ] = None,
    nested: Annotated[
        int | None, typer.Option(min=2, help="Outer folds of a nested search.")
    ] = None,
    split: Choice = "grouped",
    verdicts: Verdicts = None,
    layout: Layout = None,
    settings: Settings = None,
    json: Json = False,
) -> None:
    """Search hyper-parameters, and say what the best of many tries is worth."""
    from osteon import options
    from osteon.console import research, working
    from osteon.research import tune_run

    chosen = options.chosen_recipe(recipe, settings)
    plan = options.split_plan(split, False, chosen.seed)
    how = options.search_plan(chosen, search, sampler, pruner, trials, workers, storage)
    judged = options.verdicts_in(verdicts)
    place = out or options.default_out(data, f"{chosen.name}-search")
    with working():
        found, outer = tune_run(
            data, chosen, how, place, plan, nested or 0, layout=layout, verdicts=judged
        )
    films = options.typed(data, split=split, layout=layout, verdicts=verdicts)
    research.show_tuning(found, place, outer, films, json)


@command(epilog="Example: osteon reproduce types10-cnn films/bonebreak10")
def reproduce(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A published system.")],
    data: Data,
    out: Out = None,
    seeds: Annotated[str, typer.Option(help="One training each, with commas.")] = "0,1,2",
    search: Annotated[
        bool, typer.Option("--search", help="Run its own search first, on either split.")
    ] = False,
    workers: Annotated[int, typer.Option(min=1, help="Processes of that search.")] = 1,
    verdicts: Verdicts = None,
    layout: Layout = None,
    settings: Settings = None,
    json: Json = False,
) -> None:
    """Do a published system again: as published and honestly, and what the leak was worth."""
    from osteon import options
    from osteon.console import research, working
    from osteon.research import reproduce_run

    if not search:
        options.refuse_without("--search", workers=workers if workers > 1 else None)
    publication, each = options.publication(name), options.numbers(seeds)
    judged = options.verdicts_in(verdicts)
    place = out or options.default_out(data, f"{name}-reproduced")
    with working():
        result = reproduce_run(
            publication,
            data,
            place,
            each,
            settings or [],
            search,
            workers,
            layout=layout,
            verdicts=judged,
        )
    research.show_reproduction(result, place, json)


@command(epilog="Example: osteon claim 85.15% --n 613 --baseline 82.44%")
def claim(
    share: Annotated[str, typer.Argument(metavar="SHARE", help="98/110, 89.34% or 0.8934.")],
    n: Annotated[int | None, typer.Option("--n", help="Films that it is of.")] = None,
    accuracy: Annotated[
        str | None, typer.Option(help="Of a fraction such as 98/110: the figure claimed for it.")
    ] = None,
    baseline: Annotated[
        str | None, typer.Option(help="What to be above, such as the majority class: 82.44%.")
    ] = None,
    json: Json = False,
) -> None:
    """Can a published figure be, and what does it show? Exit code 1 where it cannot be."""
    from osteon import options
    from osteon.console import research

    result = options.claim_made(share, n, accuracy, baseline)
    research.show_claim(result, json)
    raise typer.Exit(0 if result.possible else 1)


@command(epilog="Example: osteon recipes")
def recipes(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="Show this one whole.")
    ] = None,
    json: Json = False,
) -> None:
    """List the recipes with their cost and expected score."""
    from osteon import console

    console.show_recipes(name, json)

"""What is asked of a classifier that is trained."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from osteon.cli.app import Json, Out, RecipeName, Run, Seed, Settings, app

command = partial(app.command, rich_help_panel="Judge")


@command(epilog="Example: osteon compare runs/one predictions.csv --report compared.html")
def compare(
    first: Annotated[
        Path, typer.Argument(metavar="A", help="Run folder, or a CSV: id, label, scores.")
    ],
    others: Annotated[
        list[Path], typer.Argument(metavar="B", help="One or more to compare with A.")
    ],
    report: Annotated[
        Path | None, typer.Option(help="Write a page with the tests and curves.")
    ] = None,
    json: Json = False,
) -> None:
    """Compare classifiers on the same test films, by paired tests; opens no test part again."""
    from osteon.compare import compare_all, read_contenders
    from osteon.console.compare import show_comparisons
    from osteon.report.compare import write_comparison

    made = compare_all(read_contenders([first, *others]))
    show_comparisons(made, write_comparison(made, report) if report else None, json)


@command(epilog="Example: osteon explain runs/fracatlas-linear-probe --methods all --films 200")
def explain(
    run: Run,
    methods: Annotated[
        str | None,
        typer.Option(help="With commas; or all, which adds the slow ones. Default: the quick."),
    ] = None,
    films: Annotated[
        int,
        typer.Option(min=1, help="Of validation and of test, at most (with boxes 10 at least)."),
    ] = 64,
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Judge maps of what the network looks at, and show its failures (opens the test part)."""
    from osteon.console import working
    from osteon.console.explain import chosen_methods, show_explanation
    from osteon.explained import explain_run

    with working():
        found = explain_run(run, names=chosen_methods(methods), n_films=films, seed=seed)
    show_explanation(found, run, json)


@command(epilog="Example: osteon shift runs/fracatlas --shifts exposure,blur")
def shift(
    run: Run,
    films: Annotated[
        int, typer.Option(min=0, help="Test films to shift, classes balanced; 0: all.")
    ] = 250,
    shifts: Annotated[
        str | None, typer.Option(help="Only these, with commas; default: all.")
    ] = None,
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Will it travel? Test films under X-ray shifts in five strengths; goes on where it stopped."""
    from osteon.console import travel, working
    from osteon.journeys import shift_run

    names = [name.strip() for name in shifts.split(",")] if shifts else None
    with working():
        report = shift_run(run, films=films or None, shifts=names, seed=seed)
    travel.show_shift(report, run, json)


@command(epilog="Example: osteon travel films/fracatlas films/multiregion")
def travel(
    data: Annotated[
        list[Path], typer.Argument(metavar="DATA...", help="Two data sets or more; or one, --by.")
    ],
    by: Annotated[
        str | None, typer.Option(help="Of one data set: leave out each value of this column.")
    ] = None,
    recipe: RecipeName = "linear-probe",
    settings: Settings = None,
    out: Out = None,
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Will it travel? Train on each data set, judge on each, less the films that both have."""
    from osteon import options
    from osteon.console import travel, working
    from osteon.journeys import travel_by

    chosen = options.chosen_recipe(recipe, settings)
    place = out or options.default_out(data[0], f"{chosen.name}-travel")
    with working():
        found = travel_by(data, by, out=place, recipe=chosen, seed=seed)
    travel.show_travels(found, place, json)


@command(epilog="Example: osteon card runs/fracatlas-linear-probe")
def card(run: Run, out: Out = None, json: Json = False) -> None:
    """Write a model card with the weights beside it: a classifier to share, in one folder."""
    from osteon import console
    from osteon.paper import write_card

    console.show_path("card", write_card(run, out), json)


@command(epilog="Example: osteon checklists runs/fracatlas-linear-probe --only claim-2024")
def checklists(
    run: Run,
    only: Annotated[
        list[str] | None, typer.Option(help="claim-2024, tripod-ai or stard-ai.")
    ] = None,
    json: Json = False,
) -> None:
    """Draft reporting checklists: what the run knows is filled in, the rest marked TO FILL."""
    from osteon.console.paper import show_drafts
    from osteon.paper import CHECKLISTS, write_checklists

    show_drafts(write_checklists(run, only or CHECKLISTS), json)

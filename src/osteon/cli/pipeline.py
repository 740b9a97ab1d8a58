"""The pipeline, whole and stage by stage."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from osteon.cli.app import (
    Choice,
    Data,
    Despite,
    Json,
    Layout,
    Out,
    RecipeName,
    Run,
    Seed,
    Settings,
    TestData,
    Verdicts,
    app,
)

if TYPE_CHECKING:
    from osteon.decisions import Goals

command = partial(app.command, rich_help_panel="Pipeline")


@command(epilog="Example: osteon run fracatlas --recipe linear-probe")
def run(
    data: Data,
    out: Out = None,
    recipe: RecipeName = "linear-probe",
    split: Choice = "auto",
    despite_leaks: Despite = False,
    verdicts: Verdicts = None,
    layout: Layout = None,
    settings: Settings = None,
    json: Json = False,
) -> None:
    """Do everything: audit, split, prepare, train, evaluate, report."""
    from osteon import console, options
    from osteon.run import run

    chosen = options.chosen_recipe(recipe, settings)
    plan = options.split_plan(split, despite_leaks, chosen.seed)
    judged = options.verdicts_in(verdicts)
    place = out or options.default_out(data, recipe)
    with console.working():
        folder = run(data, out=place, recipe=chosen, split=plan, layout=layout, verdicts=judged)
    console.show_run(folder, json)


@command(epilog="Example: osteon audit fracatlas --report audit.html")
def audit(
    data: Data,
    test: TestData = None,
    out: Out = None,
    verdicts: Verdicts = None,
    report: Annotated[Path | None, typer.Option(help="Write a page with the films.")] = None,
    layout: Layout = None,
    json: Json = False,
) -> None:
    """Look for what makes scores meaningless: leaks, copies, contradictions, broken files."""
    from osteon import console, options
    from osteon.looking import compare_data, look_at
    from osteon.report.audit import write_audit_report
    from osteon.runs import default_cache
    from osteon.values import write_value

    judged = options.verdicts_in(verdicts)
    if test:
        options.refuse_with_two(report=report, layout=layout)
        with console.working():
            found = compare_data(data, test, verdicts=judged, cache=default_cache())
        if out:
            write_value(out, found)
        console.show_independence(found, json)
        raise typer.Exit(0 if found.independent else 1)
    with console.working():
        manifest, result = look_at(data, layout=layout, verdicts=judged, cache=default_cache())
    if out:
        write_value(out, result)
    page = write_audit_report(manifest, result, report) if report else None
    console.show_audit(manifest, result, json, page)
    raise typer.Exit(1 if result.failed else 0)


@command(epilog="Example: osteon split fracatlas --out split.csv --folds 5")
def split(
    data: Data,
    out: Out = None,
    choice: Choice = "auto",
    despite_leaks: Despite = False,
    folds: Annotated[int | None, typer.Option(min=2, help="Write this many folds instead.")] = None,
    seed: Seed = 0,
    verdicts: Verdicts = None,
    layout: Layout = None,
    json: Json = False,
) -> None:
    """Divide the films so that no patient, study or copy is on two sides."""
    from osteon import console, options
    from osteon.looking import look_at
    from osteon.plan import make_folds, make_split
    from osteon.runs import default_cache

    plan = options.split_plan(choice, despite_leaks, seed)
    if folds:
        options.refuse_with_folds(choice)
    judged = options.verdicts_in(verdicts)
    with console.working():
        manifest, audit = look_at(data, layout=layout, verdicts=judged, cache=default_cache())
        made = make_folds(manifest, audit, folds, seed) if folds else None
        parts = made or [make_split(manifest, audit, plan)]
    console.show_splits(manifest, parts, out or Path("split.csv"), json)


@command(epilog="Example: osteon prepare films --set pixels.mend=frame,zoom --preview mended.html")
def prepare(
    data: Data,
    out: Out = None,
    recipe: RecipeName = "linear-probe",
    settings: Settings = None,
    verdicts: Verdicts = None,
    preview: Annotated[
        Path | None, typer.Option(help="Write a page: films before and after each mending step.")
    ] = None,
    layout: Layout = None,
    json: Json = False,
) -> None:
    """Decode every film once into a memory-mapped array."""
    from osteon import console, options
    from osteon.looking import look_at
    from osteon.prepare import prepare
    from osteon.report.mending import write_preview
    from osteon.runs import default_cache

    rules = options.chosen_recipe(recipe, settings).pixels
    judged = options.verdicts_in(verdicts)
    with console.working():
        manifest, audit = look_at(
            data, rules, layout=layout, verdicts=judged, cache=default_cache()
        )
        prepared = prepare(manifest, rules, cache=out or default_cache(), facts=audit.facts)
    page = write_preview(manifest, prepared, preview) if preview else None
    console.show_prepared(prepared, audit, json, page)


@command(epilog="Example: osteon train fracatlas --recipe small-cnn --set epochs=30")
def train(
    data: Annotated[
        Path | None, typer.Argument(metavar="[DATA]", help="Folder of films, or a manifest.")
    ] = None,
    out: Out = None,
    resume: Annotated[Path | None, typer.Option(help="Go on with this run folder.")] = None,
    recipe: RecipeName = "linear-probe",
    split: Choice = "auto",
    despite_leaks: Despite = False,
    verdicts: Verdicts = None,
    layout: Layout = None,
    settings: Settings = None,
    json: Json = False,
) -> None:
    """Train, without opening the test part."""
    from osteon import console, options
    from osteon.run import resume_run, train_run

    place = options.only_one(data, resume, "DATA", "--resume RUN")
    with console.working():
        if resume:
            options.refuse_with_resume(
                verdicts=verdicts, set=settings, layout=layout, out=out,
                recipe=recipe != "linear-probe", split=split != "auto", despite_leaks=despite_leaks,
            )  # fmt: skip
            folder = resume_run(resume)
        else:
            chosen = options.chosen_recipe(recipe, settings)
            plan = options.split_plan(split, despite_leaks, chosen.seed)
            judged = options.verdicts_in(verdicts)
            goal = out or options.default_out(place, recipe)
            folder = train_run(
                place, out=goal, recipe=chosen, split=plan, layout=layout, verdicts=judged
            )
    console.show_training(folder, json)


@command(
    epilog="Example: osteon evaluate runs/fracatlas-linear-probe --sensitivity 0.98; or "
    "osteon evaluate --predictions theirs.csv --validation theirs-val.csv --manifest films"
)
def evaluate(
    run: Annotated[Path | None, typer.Argument(metavar="[RUN]", help="Run folder.")] = None,
    predictions: Annotated[
        Path | None,
        typer.Option(help="CSV of any model: id, label, and score or a column per class."),
    ] = None,
    manifest: Annotated[
        Path | None, typer.Option(help="Its films: a folder or a table, for what is known of them.")
    ] = None,
    validation: Annotated[
        Path | None, typer.Option(help="CSV of its predictions to choose the threshold on.")
    ] = None,
    sensitivity: Annotated[
        float | None, typer.Option(help="Wanted of the answer 'negative' (0.95).")
    ] = None,
    specificity: Annotated[
        float | None, typer.Option(help="Wanted of the answer 'positive' (0.95).")
    ] = None,
    coverage: Annotated[
        float | None, typer.Option(help="Wanted of the sets, for each class (0.90).")
    ] = None,
    prevalence: Annotated[
        float | None, typer.Option(help="Of the positive class, where it will be used.")
    ] = None,
    out: Out = None,
    json: Json = False,
) -> None:
    """Open the sealed test part (it is logged) and score it; or judge any model's predictions."""
    from osteon import console, options
    from osteon.decisions import Goals
    from osteon.run import evaluate_run, existing_run

    given = options.only_one(run, predictions, "RUN", "--predictions FILE.csv")
    wanted = {
        "sensitivity": sensitivity,
        "specificity": specificity,
        "coverage": coverage,
        "prevalence": prevalence,
    }
    if predictions and not validation:  # nothing to choose thresholds on
        options.refuse_without("--validation", **wanted)
    goals = Goals(**{name: value for name, value in wanted.items() if value is not None})
    if predictions:
        return _evaluate_foreign(given, manifest, validation, goals, out, json)
    options.refuse_without("--predictions", manifest=manifest, validation=validation, out=out)
    with console.working():
        folder = existing_run(given)
        evaluate_run(folder, goals=goals)
    return console.show_evaluation(folder, json)


def _evaluate_foreign(
    path: Path,
    manifest: Path | None,
    validation: Path | None,
    goals: Goals,
    out: Path | None,
    json: bool,
) -> None:
    from osteon import options
    from osteon.console import foreign, working
    from osteon.foreign import evaluate_predictions
    from osteon.report.foreign import write_foreign_report
    from osteon.runs import default_cache

    place = out or options.default_out(path, "evaluated")
    with working():
        found, known = evaluate_predictions(
            path,
            out=place,
            manifest=manifest,
            validation=validation,
            goals=goals,
            cache=default_cache(),
        )
        page = write_foreign_report(place, found, known)
    foreign.show_foreign(found, page, json)


@command(epilog="Example: osteon report runs/fracatlas-linear-probe")
def report(run: Run, json: Json = False) -> None:
    """Write report.html from what lies in the run folder."""
    from osteon import console
    from osteon.run import existing_run, report_run

    with console.working():
        path = report_run(existing_run(run))
    console.show_path("report", path, json)


@command(name="export", epilog="Example: osteon export runs/fracatlas-linear-probe --int8")
def export_command(
    run: Run,
    out: Out = None,
    int8: Annotated[
        bool, typer.Option("--int8", help="An 8-bit form as well, if its AUROC holds.")
    ] = False,
    json: Json = False,
) -> None:
    """Write a bundle that reads films without torch; checked against the run on validation."""
    from osteon import console
    from osteon.console import predict as printed
    from osteon.export import export

    with console.working():
        path = export(run, out, int8=int8)
    printed.show_bundle(path, json)


@command(
    epilog="Example: osteon predict runs/mine/bundle films 'more/**/*.dcm' --output scores.csv; "
    "or: find . -name '*.png' | osteon predict runs/mine - --output scores.parquet"
)
def predict(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="Run folder, or a bundle.")],
    paths: Annotated[
        list[Path],
        typer.Argument(metavar="PATHS...", help="Films, folders, patterns; - reads a list."),
    ],
    output: Annotated[
        Path | None, typer.Option(help="A .csv, .jsonl or .parquet to go on with; else CSV here.")
    ] = None,
    workers: Annotated[int | None, typer.Option(help="Films read at once. All cores.")] = None,
    engine: Annotated[
        str | None, typer.Option(help="openvino, onnxruntime, torch; else the fastest here.")
    ] = None,
    heatmaps: Annotated[
        Path | None, typer.Option(help="Folder for a heat map of each film (of a run).")
    ] = None,
    despite_withheld: Annotated[
        bool, typer.Option("--despite-withheld", help="Maps that failed their trial as well.")
    ] = False,
    json: Json = False,
) -> None:
    """Score films: one row each, with the reason where a film cannot be read or is refused."""
    from sys import stdin

    from osteon import console, options
    from osteon.console import predict as printed
    from osteon.predict import open_reader

    films = options.films_in(paths, stdin)
    count = options.predict_plan(workers, len(films))
    with console.working():
        reader = open_reader(
            model, workers=count, engine=engine, heatmaps=heatmaps,
            despite_withheld=despite_withheld,
        )  # fmt: skip
        answered = printed.answered(reader, films, output)
    printed.show_answers(answered, reader.classes, output, json)

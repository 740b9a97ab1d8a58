"""The command line: parse, call, print. What is printed is made in ``osteon.console``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from osteon.decisions import Goals

app = typer.Typer(
    name="osteon",
    help="From a folder of X-ray films to a fracture classifier whose numbers can be trusted.",
    epilog="Research software, not a medical device. Exit codes: 0 fine, 1 a check failed, "
    "2 wrong use, 3 data cannot be used, 4 out of resources, 130 interrupted.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
data_app = typer.Typer(help="Get public data sets.", no_args_is_help=True)
app.add_typer(data_app, name="data")

Data = Annotated[
    Path, typer.Argument(metavar="DATA", help="Folder of films, or a CSV or Parquet manifest.")
]
TestData = Annotated[
    Path | None,
    typer.Argument(metavar="[TEST]", help="Are these films new to a model trained on DATA?"),
]
Run = Annotated[Path, typer.Argument(metavar="RUN", help="Run folder.")]
Out = Annotated[Path | None, typer.Option("--out", "-o", help="Where to write.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON on standard output.")]
RecipeName = Annotated[
    str, typer.Option("--recipe", "-r", help="See: osteon recipes; or a JSON file.")
]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", help="Change a field of the recipe: --set optimiser.lr=3e-4."),
]
Layout = Annotated[str | None, typer.Option(help="Read the data as this layout, do not guess.")]
Verdicts = Annotated[
    Path | None,
    typer.Option(help="CSV of films to keep, relabel or remove; see: osteon suspects."),
]
Choice = Annotated[
    str,
    typer.Option(
        "--split",
        help="auto (the shipped split if there is one and it is clean, else grouped), grouped, "
        "shipped, or the shares of train/val/test, grouped: 80/10/10.",
    ),
]
Despite = Annotated[
    bool, typer.Option("--despite-leaks", help="Use the shipped split although it leaks.")
]
Seed = Annotated[int, typer.Option(help="Same seed, same result.")]


def _version(wanted: bool) -> None:
    if wanted:
        from osteon import __version__

        print(f"osteon {__version__}")
        raise typer.Exit


@app.callback()
def osteon(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Options that every command shares."""


@app.command(epilog="Example: osteon run fracatlas --recipe linear-probe")
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


@app.command(epilog="Example: osteon audit fracatlas --report audit.html")
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
    from osteon.report.audit import write_audit_report
    from osteon.run import compare_data, look_at
    from osteon.runs import default_cache
    from osteon.values import write_value

    judged = options.verdicts_in(verdicts)
    if test:
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


@app.command(epilog="Example: osteon suspects fracatlas --out review")
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


@app.command(epilog="Example: osteon split fracatlas --out split.csv --folds 5")
def split(
    data: Data,
    out: Out = None,
    choice: Choice = "auto",
    despite_leaks: Despite = False,
    folds: Annotated[int | None, typer.Option(help="Write this many folds instead.")] = None,
    seed: Seed = 0,
    verdicts: Verdicts = None,
    layout: Layout = None,
    json: Json = False,
) -> None:
    """Divide the films so that no patient, study or copy is on two sides."""
    from osteon import console, options
    from osteon.run import look_at, make_folds, make_split
    from osteon.runs import default_cache

    plan = options.split_plan(choice, despite_leaks, seed)
    judged = options.verdicts_in(verdicts)
    with console.working():
        manifest, audit = look_at(data, layout=layout, verdicts=judged, cache=default_cache())
        made = make_folds(manifest, audit, folds, seed) if folds else None
        parts = made or [make_split(manifest, audit, plan)]
    console.show_splits(manifest, parts, out or Path("split.csv"), json)


@app.command(
    epilog="Example: osteon prepare films --set pixels.mend=frame,zoom --preview mended.html"
)
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
    from osteon.prepare import prepare
    from osteon.report.mending import write_preview
    from osteon.run import look_at
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


@app.command(epilog="Example: osteon train fracatlas --recipe small-cnn --set epochs=30")
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
            options.refuse_with_resume(verdicts=verdicts, set=settings, layout=layout, out=out)
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


@app.command(
    epilog="Examples: osteon evaluate runs/fracatlas-linear-probe --sensitivity 0.98; "
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
    sensitivity: Annotated[float, typer.Option(help="Wanted of the answer 'negative'.")] = 0.95,
    specificity: Annotated[float, typer.Option(help="Wanted of the answer 'positive'.")] = 0.95,
    coverage: Annotated[float, typer.Option(help="Wanted of the sets, for each class.")] = 0.90,
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
    goals = Goals(
        sensitivity=sensitivity, specificity=specificity, coverage=coverage, prevalence=prevalence
    )
    if predictions:
        return _evaluate_foreign(given, manifest, validation, goals, out, json)
    options.refuse_without("--predictions", manifest=manifest, validation=validation, out=out)
    goals = Goals(
        sensitivity=sensitivity, specificity=specificity, coverage=coverage, prevalence=prevalence
    )
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


@app.command(epilog="Example: osteon report runs/fracatlas-linear-probe")
def report(run: Run, json: Json = False) -> None:
    """Write report.html from what lies in the run folder."""
    from osteon import console
    from osteon.run import existing_run, report_run

    with console.working():
        path = report_run(existing_run(run))
    console.show_path("report", path, json)


@app.command(epilog="Example: osteon predict runs/mine films/*.jpg --output scores.csv")
def predict(
    run: Run,
    paths: Annotated[
        list[Path], typer.Argument(metavar="PATHS...", help="Films, or folders of films.")
    ],
    output: Annotated[Path | None, typer.Option(help="A CSV file; else standard output.")] = None,
    json: Json = False,
) -> None:
    """Score films: one row each, with the reason where a film cannot be read."""
    from osteon import console, options
    from osteon.classifier import Classifier

    with console.working():
        classifier = Classifier.load(run)
        readings = list(classifier.read(options.films_in(paths)))
    console.show_readings(readings, classifier.classes, output, json)


@app.command(
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
    sampler: Annotated[str, typer.Option(help="tpe, random or grid.")] = "",
    pruner: Annotated[
        str, typer.Option(help="halving (the default, but for a grid), median or none.")
    ] = "",
    trials: Annotated[int, typer.Option(min=0, help="How many (20); a grid tries all.")] = 0,
    workers: Annotated[int, typer.Option(min=1, help="Processes that share the cores.")] = 1,
    storage: Annotated[
        str, typer.Option(help="sqlite:///FILE, journal:FILE or postgresql://USER@HOST/BASE.")
    ] = "",
    nested: Annotated[int, typer.Option(min=0, help="Outer folds of a nested search.")] = 0,
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
            data, chosen, how, place, plan, nested, layout=layout, verdicts=judged
        )
    research.show_tuning(found, place, outer, json)


@app.command(epilog="Example: osteon reproduce types10-cnn films/bonebreak10")
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


@app.command(epilog="Example: osteon claim 85.15% --n 613 --baseline 82.44%")
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


@app.command(epilog="Example: osteon recipes")
def recipes(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="Show this one whole.")
    ] = None,
    json: Json = False,
) -> None:
    """List the recipes with their cost and expected score."""
    from osteon import console

    console.show_recipes(name, json)


@app.command(epilog="Example: osteon phantom phantoms/demo --films 360 --set plants.copies=0.05")
def phantom(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder to write to.")],
    films: Annotated[int, typer.Option(min=1, help="How many films.")] = 360,
    seed: Annotated[int, typer.Option(help="Same seed, same bytes.")] = 0,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set", help="A field of the plan: --set classes=types --set plants.truncated=3."
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Make radiographs by physics, with known truths, to try everything on."""
    from osteon import console, options
    from osteon.phantom import make_phantoms

    plan = options.phantom_plan(films, seed, settings)
    with console.working():
        path = make_phantoms(out, plan)
    console.show_path("phantoms", path, json)


@app.command(epilog="Example: osteon deidentify films/clinic --out films/deidentified")
def deidentify(
    data: Annotated[Path, typer.Argument(metavar="DATA", help="Folder of DICOM films.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="A new folder.")],
    keep: Annotated[
        list[str] | None, typer.Option(help="What else may stay: characteristics, dates.")
    ] = None,
    secret: Annotated[
        Path | None, typer.Option(help="File (made if absent): the same one, the same new names.")
    ] = None,
    key: Annotated[
        Path | None, typer.Option(help="Write old and new names to this CSV; keep it secret.")
    ] = None,
    json: Json = False,
) -> None:
    """Take the patients' identities off DICOM films (PS3.15 basic profile); pixels stay.

    Exit code 1 where a file was set aside, or a film must be looked at for writing on it.
    """
    from osteon.artefacts.writing import looks_written
    from osteon.console import privacy, working
    from osteon.deidentify import deidentify

    with working():
        done = deidentify(
            data, out=out, keep=keep or (), secret=secret, key=key, looks_written=looks_written
        )
    privacy.show_deidentified(done, key, json)
    raise typer.Exit(0 if done.complete else 1)


@app.command(epilog="Example: osteon card runs/fracatlas-linear-probe")
def card(run: Run, out: Out = None, json: Json = False) -> None:
    """Write a model card with the weights beside it: a classifier to share, in one folder."""
    from osteon import console
    from osteon.paper import write_card

    console.show_path("card", write_card(run, out), json)


@app.command(epilog="Example: osteon checklists runs/fracatlas-linear-probe --only claim-2024")
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


@app.command(epilog="Example: osteon compare runs/one predictions.csv --report compared.html")
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


@app.command(epilog="Example: osteon explain runs/fracatlas-linear-probe --methods all --films 200")
def explain(
    run: Run,
    methods: Annotated[
        str, typer.Option(help="With commas; or all, which adds the slow ones.")
    ] = "gradcam,hirescam",
    films: Annotated[int, typer.Option(min=1, help="Of validation and of test, at most.")] = 64,
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


@app.command(epilog="Example: osteon shift runs/fracatlas --shifts exposure,blur")
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


@app.command(epilog="Example: osteon travel films/fracatlas films/multiregion")
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


@data_app.command("list", epilog="Example: osteon data list")
def data_list(json: Json = False) -> None:
    """List the data sets that can be fetched, with their licences."""
    from osteon import console

    console.show_datasets(json)


@data_app.command("fetch", epilog="Example: osteon data fetch fracatlas films/fracatlas")
def data_fetch(
    name: Annotated[str, typer.Argument(metavar="NAME", help="See: osteon data list.")],
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where to unpack it.")],
    json: Json = False,
) -> None:
    """Download a data set; goes on where it stopped, checks the checksum."""
    from osteon import console
    from osteon.datasets import fetch

    with console.working():
        console.show_licence(name, json)
        path = fetch(name, folder)
    console.show_path("data", path, json)

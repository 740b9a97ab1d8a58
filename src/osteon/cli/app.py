"""The command line itself, and the arguments that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

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
app.add_typer(data_app, name="data", rich_help_panel="Films")

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
    typer.Option("--set", help="Change a field of the recipe: --set pixels.size_px=320."),
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
Seed = Annotated[int, typer.Option(help="Same seed, same result.", min=0)]


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

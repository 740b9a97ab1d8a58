"""Films: made, fetched, de-identified."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from osteon.cli.app import Json, app, data_app

command = partial(app.command, rich_help_panel="Films")


@command(epilog="Example: osteon phantom phantoms/demo --films 360 --set plants.copies=0.05")
def phantom(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder to write to.")],
    films: Annotated[int, typer.Option(min=1, help="How many films.")] = 360,
    seed: Annotated[int, typer.Option(help="Same seed, same bytes.", min=0)] = 0,
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


@command(epilog="Example: osteon deidentify films/clinic --out films/deidentified")
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

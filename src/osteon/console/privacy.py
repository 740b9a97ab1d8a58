"""What ``osteon deidentify`` prints."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.padding import Padding

from osteon.console import IDS_SHOWN, out, print_json
from osteon.values import as_json
from osteon.words import counted

if TYPE_CHECKING:
    from osteon.deidentify import Deidentified


def show_deidentified(done: Deidentified, key: Path | None, as_data: bool) -> None:
    if as_data:
        print_json({"complete": done.complete, **as_json(done)})
        return
    films, studies = counted(done.n_films, "film"), f"{done.n_studies:,} studies"
    out.print(f"[bold]{films} of {_patients(done)}, {studies}[/]")
    if done.n_labelled:
        out.print(f"{done.n_labelled:,} of them are in labels.csv, with their labels.")
    else:
        out.print(f"! no labels.csv: {done.no_labels}", style="yellow", markup=False)
    _show_named(f"{counted(len(done.set_aside), 'file')} set aside, not written:", done.set_aside)
    _show_named(
        f"{counted(len(done.flagged), 'film')} to look at, written all the same:", done.flagged
    )
    if key is not None:
        out.print(
            f"! {key} names the patients: keep it apart from the films, and from others.",
            style="yellow",
            markup=False,
        )
    out.print("Writing on films is not erased; no promise is made in law. See docs/privacy.md.")
    out.print(f"films: {done.folder}", soft_wrap=True, markup=False)


def _patients(done: Deidentified) -> str:
    unnamed = f" and {counted(done.n_unnamed, 'film')} without a patient id"
    return counted(done.n_patients, "patient") + (unnamed if done.n_unnamed else "")


def _show_named(head: str, reasons: Mapping[str, str]) -> None:
    if not reasons:
        return
    out.print(head, style="yellow")
    for name, why in list(reasons.items())[:IDS_SHOWN]:
        out.print(Padding(f"[dim]{escape(name)}: {escape(why)}[/]", (0, 0, 0, 4)))
    if len(reasons) > IDS_SHOWN:
        out.print(f"    ... and {len(reasons) - IDS_SHOWN:,} more: --json lists all", style="dim")

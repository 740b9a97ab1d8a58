"""What ``osteon suspects`` prints."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Table

from osteon.console import IDS_SHOWN, out, print_json, shown_estimate
from osteon.metrics import TITLES
from osteon.values import as_json
from osteon.words import counted

if TYPE_CHECKING:
    from osteon.suspects import Suspects


def show_suspects(found: Suspects, folder: Path, as_data: bool) -> None:
    if as_data:
        words = {"folder": str(folder), "verdict": found.verdict, "warning": found.warning}
        print_json(words | as_json(found))
        return
    out.print(f"[bold]{escape(found.verdict)}[/]")
    if found.warning:
        out.print(f"! {found.warning}", style="yellow", markup=False)
    for remark in found.remarks:
        out.print(f"! {remark}", style="yellow", markup=False)
    table = Table("", "model", "majority", box=None, header_style="bold", pad_edge=False)
    for metric, estimate in found.scores.items():
        others = escape(shown_estimate(found.majority[metric]))
        table.add_row(TITLES[metric], escape(shown_estimate(estimate)), others)
    out.print(table)
    for film in found.suspects[:IDS_SHOWN]:
        filed = f"{film.given} ({film.given_score:.2f})"
        like = f"{film.proposed} ({film.proposed_score:.2f})"
        told = f"{film.id}: filed as {filed}, looks like {like}"
        out.print(told, markup=False, style="dim", soft_wrap=True)
    n_files = sum(map(len, found.contradictions))
    out.print(
        f"{counted(len(found.contradictions), 'film')} ({counted(n_files, 'file')}) with several "
        f"labels; {counted(len(found.outliers), 'film')} unlike all others."
    )
    out.print(f"gallery: {folder / 'suspects.html'}", soft_wrap=True, markup=False)
    out.print(f"verdicts: {folder / 'suspects.csv'}", soft_wrap=True, markup=False)
    out.print("next: osteon run DATA --verdicts FILE", markup=False)

"""What ``osteon compare`` prints."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Table

from osteon.console import out, print_json, shown_estimate
from osteon.metrics import TITLES
from osteon.values import as_json
from osteon.words import counted, shown_p

if TYPE_CHECKING:
    from osteon.compare import Comparison


def show_comparisons(made: Sequence[Comparison], report: Path | None, as_data: bool) -> None:
    if as_data:
        print_json({
            "comparisons": [{"verdict": each.verdict, **as_json(each)} for each in made],
            **({"report": str(report)} if report else {}),
        })  # fmt: skip
        return
    for each in made:
        _show(each)
    if report:
        out.print(f"report: {report}", soft_wrap=True, markup=False)


def _show(made: Comparison) -> None:
    first, second = made.names
    out.print(f"[bold]{escape(first)} - {escape(second)}[/]: {escape(made.verdict)}")
    heads = ("", first, second, "difference", "p", f"Holm of {made.n_compared}")
    table = Table(*map(escape, heads), box=None, header_style="bold", pad_edge=False)
    for row in made.metrics:
        figures = (row.first, row.second, row.by_formula or row.difference)
        table.add_row(
            TITLES[row.metric],
            *(escape(shown_estimate(figure).replace(" [", "\n[")) for figure in figures),
            *("-" if p is None else shown_p(p).removeprefix("= ") for p in (row.p, row.p_adjusted)),
        )
    out.print(table)
    for name, ids in made.only.items():
        if ids:
            few = ", ".join(ids[:3]) + (", ..." if len(ids) > 3 else "")
            text = f"left out: {counted(len(ids), 'film')} that only {name} scored ({few})"
            out.print(text, style="dim", markup=False, soft_wrap=True)
    if made.unlabelled:
        text = f"left out: {counted(len(made.unlabelled), 'film')} without a label"
        out.print(text, style="dim", markup=False)

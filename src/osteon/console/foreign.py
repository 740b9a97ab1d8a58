"""What the command line prints of predictions that another tool made."""

from __future__ import annotations

from pathlib import Path

from osteon.console import out, print_json, show_scores
from osteon.foreign import Foreign
from osteon.values import as_json


def show_foreign(found: Foreign, report: Path, as_data: bool) -> None:
    if as_data:
        print_json({**as_json(found), "report": str(report)})
        return
    for name, meaning in found.taken_for.items():
        out.print(f"column {name}: {meaning}", markup=False)
    out.print()
    show_scores(found.evaluation)
    for remark in found.evaluation.remarks:
        out.print(f"! {remark}", style="yellow", markup=False)
    out.print(f"\n{found.subgroups.verdict}", markup=False)
    if found.subgroups.sizes:
        out.print(found.subgroups.sizes.told, markup=False)
    out.print("\nResearch software, not a medical device.", style="dim")
    out.print(f"report: {report}", soft_wrap=True, markup=False)

"""What the command line prints of maps, and of what they are worth."""

from __future__ import annotations

from pathlib import Path

from rich.markup import escape
from rich.table import Table

from osteon.console import out, print_json, shown_estimate
from osteon.explain.values import Explanation
from osteon.types import Estimate
from osteon.values import as_json

PART_TITLES = {"val": "validation", "test": "test"}


def chosen_methods(typed: str | None) -> tuple[str, ...] | None:
    """The methods named with commas."""
    if typed is None:
        return None
    return tuple(name.strip() for name in typed.split(",") if name.strip())


def show_explanation(found: Explanation, run: Path, as_data: bool) -> None:
    if as_data:
        print_json({"verdict": found.verdict, **as_json(found)})
        return
    out.print(f"[bold]{escape(found.verdict)}[/]", soft_wrap=True)
    out.print(f"Declared: {found.criterion}\n", style="dim", markup=False)
    if found.baselines:
        _show_boxes(found)
    _show_checks(found)
    for each in found.methods:
        if each.withheld:
            out.print(f"! {each.title} withheld: {each.withheld}", style="yellow", markup=False)
    for remark in found.remarks:
        out.print(f"! {remark}", style="yellow", markup=False)
    if found.not_judged:
        out.print(f"not judged: {', '.join(found.not_judged)} (--methods all)", markup=False)
    out.print()
    for failure in found.failures:
        words = f"{failure.kind}, score {failure.score:.3f}: {failure.id}\n    {failure.words}"
        out.print(words, markup=False)
    out.print(f"\nreport: {run / 'report.html'}", soft_wrap=True, markup=False)


def _show_boxes(found: Explanation) -> None:
    for part, n in found.n_films.items():
        heads = (f"{PART_TITLES.get(part, part)}, {n} films", "pointing", "less middle", "energy")
        table = Table(*heads, "AP", box=None, header_style="bold", pad_edge=False)
        for each in found.methods:
            if part in each.boxes:
                boxes = each.boxes[part]
                table.add_row(
                    each.title,
                    _shown(boxes.scores["pointing"]),
                    _shown(boxes.gains["centre"]["pointing"]),
                    _shown(boxes.scores["energy"]),
                    _shown(boxes.scores["average_precision"]),
                )
        for name, parts in found.baselines.items():
            scores = parts[part].scores
            cells = [_shown(scores["pointing"]), "", _shown(scores["energy"])]
            table.add_row(f"  {name}", *cells, _shown(scores["average_precision"]), style="dim")
        chance = next(iter(found.baselines.values()))[part].chance
        table.add_row("  chance", *[_shown(chance), "", _shown(chance), _shown(chance)])
        out.print(table)
        out.print()


def _show_checks(found: Explanation) -> None:
    heads = ("on validation", "like random weights", "insertion - deletion, less random's")
    table = Table(*heads, box=None, header_style="bold", pad_edge=False)
    for each in found.methods:
        gain = each.faithfulness.gain if each.faithfulness else None
        empty = f" ({each.n_empty} empty)" if each.n_empty else ""
        table.add_row(each.title, _shown(each.similarity) + empty, _shown(gain))
    out.print(table)


def _shown(estimate: Estimate | None) -> str:
    return "-" if estimate is None else escape(shown_estimate(estimate))

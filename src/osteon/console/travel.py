"""What the command line prints of journeys: shifted films, other data sets."""

from __future__ import annotations

from pathlib import Path

from rich.markup import escape
from rich.table import Table

from osteon.console import out, print_json, shown_estimate
from osteon.crossings import Travels, told_travels
from osteon.metrics import TITLES
from osteon.travelled import ShiftReport, told_losses
from osteon.values import as_json
from osteon.words import shown_p

MAJORITY = "The most frequent class has an AUROC of 0.5. Metadata only: learnt from the same films."


def show_shift(report: ShiftReport, folder: Path, as_data: bool) -> None:
    if as_data:
        print_json({"run": str(folder), "shift": as_json(report)})
        return
    at = f", {report.operating_point.rule} on validation" if report.operating_point else ""
    counts = ", ".join(f"{count:,} {name}" for name, count in report.class_counts.items())
    out.print(f"{report.n_films:,} of {report.n_of_part:,} test films ({escape(counts)}){at}")
    for name, figure in report.clean.items():
        out.print(f"as they are: {TITLES[name]} {escape(shown_estimate(figure))}")
    for name, figure in report.baselines.items():
        out.print(f"{name.replace('_', ' ')}, which no shift changes: AUROC "
                  + escape(shown_estimate(figure)), style="dim")  # fmt: skip
    heads = ("shift", "mean relative drop", "worst strength", "AUROC there", "Holm's p")
    table = Table(*heads, box=None, header_style="bold", pad_edge=False)
    for curve in sorted(report.curves, key=lambda curve: -(curve.mean_drop.value or 0)):
        worst = curve.worst
        style = "bold" if curve.shown else "dim"
        table.add_row(
            f"[{style}]{escape(curve.title)}[/]",
            escape(shown_estimate(curve.mean_drop)),
            escape(worst.told),
            escape(shown_estimate(worst.figures["auroc"])),
            shown_p(curve.p).removeprefix("= "),
        )
    out.print(table)
    out.print()
    for sentence in told_losses(report):
        out.print(escape(sentence))
    out.print(
        f"\n[bold]Mean relative drop over all shifts: {escape(shown_estimate(report.mean_drop))}[/]"
    )
    curve, point = report.worst
    out.print(f"Worst slice: {escape(curve.title)} {escape(point.told)}")
    out.print(f"report: {folder / 'report.html'}", soft_wrap=True, markup=False)


def show_travels(travels: Travels, folder: Path, as_data: bool) -> None:
    if as_data:
        print_json({"folder": str(folder), "travel": as_json(travels)})
        return
    out.print(f"classes: {escape(', '.join(travels.classes))}")
    for remark in travels.remarks:
        out.print(escape(remark), style="yellow")
    if travels.cells:
        _show_cells(travels)
    if travels.left_out:
        _show_left_out(travels)
    for sentence in told_travels(travels):
        out.print(escape(sentence))
    out.print(f"report: {folder / 'travel.html'}", soft_wrap=True, markup=False)


def _show_cells(travels: Travels) -> None:
    heads = ("trained on", "judged on", "AUROC", "metadata only", "films", "removed")
    table = Table(*heads, box=None, header_style="bold", pad_edge=False)
    for cell in travels.cells:
        table.add_row(
            escape(cell.train),
            escape(cell.test),
            escape(shown_estimate(cell.auroc)),
            escape(shown_estimate(cell.baselines["metadata_only"])),
            f"{cell.auroc.n:,}",
            f"{cell.n_removed:,}",
        )
    out.print(table)
    out.print(MAJORITY, style="dim")


def _show_left_out(travels: Travels) -> None:
    heads = (f"{travels.by} left out", "films", "AUROC on it", "metadata only", "on the others",
             "difference")  # fmt: skip
    table = Table(*heads, box=None, header_style="bold", pad_edge=False)
    for left in travels.left_out:
        figures = (left.outside, left.baselines["metadata_only"], left.inside, left.drop)
        told = [escape(shown_estimate(figure)) for figure in figures]
        table.add_row(escape(left.value), f"{left.n_films:,}", *told)
    out.print(table)
    out.print(MAJORITY, style="dim")

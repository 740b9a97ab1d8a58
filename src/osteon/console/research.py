"""What the command line prints of searches, reproductions and claims."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from rich.markup import escape
from rich.table import Table

from osteon.claim import Claim
from osteon.console import out, print_json, shown_estimate
from osteon.metrics import TITLES
from osteon.reproduced import Judged, Reproduced
from osteon.searched import Nested, Tuning, is_gain, nested_verdict
from osteon.types import Estimate
from osteon.values import as_json
from osteon.words import counted

TRIALS_SHOWN = 10


def show_tuning(
    tuning: Tuning, folder: Path, nested: Nested | None, films: str, as_data: bool
) -> None:
    """``films``: the data and the options that divided them, as typed."""
    from osteon.report.tuning import ranked

    if as_data:
        told = {"search": str(folder), "tuning": as_json(tuning)}
        print_json(told | ({"nested": as_json(nested)} if nested else {}))
        return
    fields = list(dict.fromkeys(name for trial in tuning.trials for name in trial.values))
    heads = ("trial", TITLES[tuning.metric], "s.e.", "epochs")
    short = [escape(name.rpartition(".")[2]) for name in fields]
    table = Table(*heads, *short, box=None, header_style="bold", pad_edge=False)
    for trial in ranked(tuning)[:TRIALS_SHOWN]:
        values = [trial.values.get(name, "") for name in fields]
        table.add_row(
            f"{trial.number}{'' if trial.state == 'complete' else ' ' + trial.state}",
            "-" if trial.score is None else f"{trial.score:.4f}",
            "-" if trial.standard_error is None else f"{trial.standard_error:.4f}",
            str(trial.epochs),
            *(f"{value:.3g}" if isinstance(value, float) else str(value) for value in values),
        )
    out.print(table)
    if len(tuning.trials) > TRIALS_SHOWN:
        out.print(f"... and {len(tuning.trials) - TRIALS_SHOWN} more: the report lists all")
    out.print(f"\n[bold]{escape(tuning.verdict)}[/]")
    for remark in tuning.remarks:
        out.print(f"! {remark}", style="yellow", markup=False)
    if nested is not None:
        gain = nested.gains[nested.metric]
        out.print(
            f"nested, {nested.folds} folds: {TITLES[nested.metric]} after the search "
            f"{escape(shown_estimate(nested.winner[nested.metric]))}, as it is "
            f"{escape(shown_estimate(nested.default[nested.metric]))}, difference "
            f"{escape(shown_estimate(gain))}"
        )
        out.print(f"[bold]{escape(nested_verdict(nested))}[/]")
    out.print(f"report: {folder / 'report.html'}", soft_wrap=True, markup=False)
    best = folder / "best-recipe.json"
    to_keep = best if is_gain(tuning, nested) else folder / "recipe.json"
    if to_keep.exists():
        chosen = shlex.quote(str(to_keep))
        out.print(f"next: osteon run {films} --recipe {chosen}", soft_wrap=True, markup=False)
    if to_keep != best and best.exists():
        out.print(f"the best trial: {best}", soft_wrap=True, markup=False)


def show_reproduction(result: Reproduced, folder: Path, as_data: bool) -> None:
    if as_data:
        print_json(as_json(result))
        return
    seeds = counted(len(result.seeds), "seed")
    out.print(f"[bold]{escape(result.name)}[/], {seeds}; 95 % intervals\n")
    table = Table(box=None, header_style="bold", pad_edge=False)
    for head in ("", "accuracy", "AUROC", "films", "groups"):
        table.add_column(head, justify="right" if head in ("films", "groups") else "left")
    for published in result.published:
        figure = published.figure
        value = Estimate(
            value=figure.value,
            low=published.low,
            high=published.high,
            n=published.n,
            n_groups=published.n,
            method="Wilson",
        )
        what = f"published, {figure.part}{' (tuned)' if figure.after_search else ''}"
        told = "" if published.n_is_told else "*"
        table.add_row(what, _shown(value), "", f"{published.n:,}{told}", "")
    for title, side in (("naive", result.naive), ("honest", result.honest)):
        table.add_row(f"re-run, {title}", *_row(side.model), style="bold")
        for name, scores in side.baselines.items():
            table.add_row(f"  {name.replace('_', ' ')}", *_row(scores))
    table.add_row("leakage price", *_row(result.price))
    if result.control is not None:
        table.add_row("control, honest", *_row(result.control.model))
        table.add_row("model - control", *_row(result.control.gains))
    if result.untuned is not None:
        table.add_row("untuned, honest", *_row(result.untuned.model))
        table.add_row("tuned - untuned", *_row(result.untuned.gains))
    out.print(table)
    if not all(published.n_is_told for published in result.published):
        out.print("* how many is not told: as many as here", markup=False)
    _show_slices(result)
    out.print(f"\nnaive: judged on {result.naive.part}; {_leaked(result.naive)}", markup=False)
    for search in result.searches:
        out.print(f"search, {search.way}: {search.verdict}", markup=False)
    for remark in result.remarks:
        out.print(f"! {remark}", style="yellow", markup=False)
    out.print("\nResearch software, not a medical device.", style="dim")
    place = folder / "reproduction.html"
    out.print(f"report: {place}", soft_wrap=True, markup=False)


def _show_slices(result: Reproduced) -> None:
    if not result.slices:
        return
    heads = ("held out of training", "AUROC there", "like training", "drop")
    table = Table(*heads, box=None, header_style="bold", pad_edge=False)
    for held in result.slices:
        cells = (held.outside, held.inside, held.drop)
        table.add_row(escape(held.title), *map(_shown, cells))
    out.print()
    out.print(table)
    out.print(
        f"held out: means over {counted(len(result.seeds), 'seed')}, one training a line each"
    )


def _row(scores: Mapping[str, Estimate]) -> tuple[str, str, str, str]:
    """Accuracy, AUROC, and the films and groups that they are of, over all seeds."""
    accuracy = scores["accuracy"]
    films, groups = f"{accuracy.n:,}", f"{accuracy.n_groups:,}"
    return _shown(accuracy), _shown(scores["auroc"]), films, groups


def _shown(estimate: Estimate) -> str:
    return escape(shown_estimate(estimate))


def _leaked(side: Judged) -> str:
    return f"{100 * side.share_leaked:.1f} % of its films have a copy or relative in training"


def show_claim(claim: Claim, as_data: bool) -> None:
    if as_data:
        print_json(asdict(claim))
        return
    for number, sentence in enumerate(claim.sentences):
        out.print(sentence, style="bold" if number == 0 else None, markup=False)

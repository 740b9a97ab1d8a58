"""What the command line prints: one function a command, words and tables, or JSON."""

from __future__ import annotations

import csv
import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table

from osteon.progress import shown
from osteon.runs import RunFolder
from osteon.types import (
    PARTS,
    Audit,
    Estimate,
    Evaluation,
    Finding,
    Manifest,
    Split,
    count_classes,
)
from osteon.values import as_json, read_value
from osteon.words import counted

if TYPE_CHECKING:
    from osteon.independence import Independence
    from osteon.prepare import Prepared

out = Console(highlight=False)
COLOURS = {"error": "bold red", "warning": "yellow", "note": "cyan"}
IDS_SHOWN = 8


@contextmanager
def working() -> Iterator[None]:
    """Long work: progress goes to standard error, answers to standard output."""
    with shown():
        yield


def print_json(value: object) -> None:
    print(json.dumps(value, indent=2, allow_nan=False))


def show_path(what: str, path: Path, as_data: bool) -> None:
    if as_data:
        print_json({what: str(path)})
    else:
        out.print(f"{what}: {path}", soft_wrap=True, markup=False)


# --- audit, split, prepare ------------------------------------------------------------------------


def show_audit(manifest: Manifest, audit: Audit, as_data: bool, report: Path | None = None) -> None:
    from osteon.audit import verdict

    words = verdict(audit, manifest)
    if as_data:
        print_json({
            "verdict": words,
            "recognised_by": manifest.recognised_by,
            "classes": count_classes(manifest),
            "n_films": len(manifest.radiographs),
            "set_aside": {id_: audit.facts[id_].fault for id_ in sorted(audit.unreadable)},
            **as_json(audit, exclude={"facts"}),
            **({"report": str(report)} if report else {}),
        })  # fmt: skip
        return
    out.print(f"[bold]{escape(words)}[/bold]\n")
    for finding in audit.findings:
        _show_finding(finding, audit)
    if report:
        show_path("report", report, as_data)
    else:
        out.print("The films side by side: --report audit.html", style="dim")


def show_independence(found: Independence, as_data: bool) -> None:
    if as_data:
        print_json({"verdict": found.verdict, "independent": found.independent, **as_json(found)})
        return
    out.print(f"[bold]{escape(found.verdict)}[/bold]")
    lines = [f"{film.test_id}  =  {film.train_id}  ({film.how})" for film in found.shared]
    lines += [f"{test}  is of a patient of  {train}" for test, train in found.same_patient]
    lines += [f"{test}  is like  {train}: look at it" for test, train in found.similar]
    for line in lines[:IDS_SHOWN]:
        out.print(Padding(f"[dim]{escape(line)}[/]", (0, 0, 0, 4)))
    if len(lines) > IDS_SHOWN:
        out.print(f"    ... and {len(lines) - IDS_SHOWN:,} more: --json lists all", style="dim")
    if not found.independent:
        out.print("-> Leave these films out of the test before any score is believed.")


def _show_finding(finding: Finding, audit: Audit) -> None:
    colour = COLOURS[finding.severity]
    out.print(f"[{colour}]{finding.severity}[/] [bold]{finding.check}[/]")
    out.print(Padding(escape(finding.message), (0, 0, 0, 2)))
    pairs = [f"{a}  =  {b}" for a, b in finding.pairs]
    ids = pairs or [_with_fault(id_, audit) for id_ in finding.ids]
    for line in ids[:IDS_SHOWN]:
        out.print(Padding(f"[dim]{escape(line)}[/]", (0, 0, 0, 4)))
    if len(ids) > IDS_SHOWN:
        more = f"... and {len(ids) - IDS_SHOWN:,} more: --json lists all"
        out.print(Padding(f"[dim]{more}[/]", (0, 0, 0, 4)))
    if finding.remedy:
        out.print(Padding(f"-> {escape(finding.remedy)}", (0, 0, 0, 2)))
    if finding.command:
        out.print(Padding(escape(finding.command), (0, 0, 0, 5)), soft_wrap=True)
    out.print()


def _with_fault(id_: str, audit: Audit) -> str:
    fault = audit.facts[id_].fault if id_ in audit.facts else None
    return f"{id_}: {fault}" if fault else id_


def show_splits(manifest: Manifest, splits: Sequence[Split], path: Path, as_data: bool) -> None:
    from osteon.split_file import write_split

    paths = [
        path if len(splits) == 1 else path.with_stem(f"{path.stem}-{number}")
        for number in range(1, len(splits) + 1)
    ]
    for parts, place in zip(splits, paths, strict=True):
        write_split(parts, place)
    if as_data:
        sizes = [_split_sizes(parts) for parts in splits]
        print_json([
            {"path": str(place), **size} for place, size in zip(paths, sizes, strict=True)
        ])  # fmt: skip
        return
    for parts, place in zip(splits, paths, strict=True):
        out.print(_split_table(manifest, parts))
        out.print(f"split: {place}", soft_wrap=True, markup=False)


def _split_sizes(parts: Split) -> dict[str, Any]:
    sizes = {name: len(parts.part(name)) for name in ("train", "val", "test")}
    return {"origin": parts.origin, "seed": parts.seed, "leaked": len(parts.leaked), **sizes}


def _split_table(manifest: Manifest, parts: Split) -> Table:
    table = Table("films", *PARTS, box=None, header_style="bold", pad_edge=False)
    counts = [count_classes(manifest, frozenset(parts.part(part))) for part in PARTS]
    for name in manifest.classes:
        table.add_row(escape(name), *(_n(of_part[name]) for of_part in counts))
    table.add_row("all", *(_n(len(parts.part(part))) for part in PARTS), style="bold")
    groups = [{parts.groups[id_] for id_ in parts.part(part)} for part in PARTS]
    table.add_row("independent groups", *(_n(len(of_part)) for of_part in groups))
    for column in table.columns[1:]:
        column.justify = "right"
    return table


def _n(count: int) -> str:
    return f"{count:,}"


def show_prepared(
    prepared: Prepared, audit: Audit, as_data: bool, preview: Path | None = None
) -> None:
    loss = prepared.crop_loss
    facts = {
        "folder": str(prepared.folder),
        "films": len(prepared.row_of),
        "distinct": int(prepared.pixels.shape[0]),
        "decoded_now": prepared.n_decoded,
        "set_aside": len(audit.unreadable),
        "size_px": prepared.rules.size_px,
        "boxes": loss.n_boxes,
        "boxes_cut": loss.n_cut,
        **({"preview": str(preview)} if preview else {}),
    }
    if as_data:
        print_json(facts)
        return
    for name, value in facts.items():
        out.print(f"{name.replace('_', ' '):<12} {value}", markup=False, soft_wrap=True)


# --- train, evaluate, run -------------------------------------------------------------------------


def show_training(folder: RunFolder, as_data: bool) -> None:
    rows = list(csv.DictReader(folder.history.read_text().splitlines()))
    if as_data:
        print_json({"run": str(folder.path), "history": rows})
        return
    table = Table("epoch", "train loss", "val loss", "val AUROC", box=None, header_style="bold")
    for row in rows[-10:]:
        figures = (row["train_loss"], row["val_loss"], row["val_auroc"])
        table.add_row(row["epoch"], *(f"{float(figure):.4f}" for figure in figures))
    out.print(table)
    out.print(f"run: {folder.path}", soft_wrap=True, markup=False)
    _show_next("evaluate", folder)


def _show_next(command: str, folder: RunFolder) -> None:
    path = shlex.quote(str(folder.path))
    out.print(f"next: osteon {command} {path}", soft_wrap=True, markup=False)


def show_evaluation(folder: RunFolder, as_data: bool) -> None:
    evaluation = read_value(Evaluation, folder.evaluation("test"))
    limits = _scope_of(folder)
    if as_data:
        print_json({**as_json(evaluation), "scope": limits})
        return
    _show_judged(folder, evaluation, limits)
    _show_next("report", folder)


def _scope_of(folder: RunFolder) -> str | None:
    from osteon.audit import scope
    from osteon.manifest import read_manifest

    return scope(read_value(Audit, folder.audit), read_manifest(folder.manifest))


def _show_judged(folder: RunFolder, evaluation: Evaluation, limits: str | None) -> None:
    show_scores(evaluation)
    _show_verdicts(folder)
    for remark in (*evaluation.remarks, *([limits] if limits else ())):
        out.print(f"! {remark}", style="yellow", markup=False)


def _show_verdicts(folder: RunFolder) -> None:
    """What is beside the scores in one sentence each; the report has the rest."""
    from osteon import decisions
    from osteon.decisions import Decisions
    from osteon.subgroups import Subgroups

    decided, parts = folder.path / decisions.FILE, folder.path / "subgroups.json"
    if decided.is_file() and (three := read_value(Decisions, decided).three) is not None:
        out.print(f"\n{three.verdict}", markup=False)
    if parts.is_file():
        out.print(f"\n{read_value(Subgroups, parts).verdict}", markup=False)
    out.print()


def show_run(folder: RunFolder, as_data: bool) -> None:
    from osteon.audit import scope, verdict
    from osteon.manifest import read_manifest
    from osteon.split_file import read_split

    manifest = read_manifest(folder.manifest)
    audit = read_value(Audit, folder.audit)
    parts = read_split(folder.split)
    if as_data:
        print_json({
            "run": str(folder.path),
            "report": str(folder.report),
            "verdict": verdict(audit, manifest, parts),
            "scope": scope(audit, manifest),
            "set_aside": {id_: audit.facts[id_].fault for id_ in sorted(audit.unreadable)},
            "split": _split_sizes(parts),
            "evaluation": as_json(read_value(Evaluation, folder.evaluation("test"))),
        })  # fmt: skip
        return
    out.print(f"\n[bold]{escape(verdict(audit, manifest, parts))}[/]")
    if audit.unreadable:
        aside = counted(len(audit.unreadable), "film")
        out.print(f"Set aside: {aside}; the report says why.")
    out.print(_split_table(manifest, parts))
    out.print()
    _show_judged(folder, read_value(Evaluation, folder.evaluation("test")), scope(audit, manifest))
    out.print("\nResearch software, not a medical device.", style="dim")
    out.print(f"report: {folder.report}", soft_wrap=True, markup=False)


def show_scores(evaluation: Evaluation) -> None:
    from osteon.metrics import TITLES

    groups = f"{evaluation.n:,} films in {evaluation.n_groups:,} independent groups"
    out.print(f"[bold]{evaluation.part}[/]: {groups}; 95 % intervals")
    if len(evaluation.classes) == 2:  # sensitivity and PPV are of this one
        out.print(f"positive class: '{evaluation.classes[1]}'", markup=False)
    heads = ("", "model", *map(_words, evaluation.baselines))
    table = Table(*heads, box=None, header_style="bold", pad_edge=False)
    for metric, estimate in evaluation.scores.items():
        others = [baseline.get(metric) for baseline in evaluation.baselines.values()]
        table.add_row(
            TITLES.get(metric, metric), escape(shown_estimate(estimate)), *map(_or_dash, others)
        )
    out.print(table)
    point = evaluation.operating_point
    if point is not None:
        out.print(
            f"\nat the threshold {point.threshold:.4f}, chosen for {point.rule} on validation"
        )
        table = Table("", "model", box=None, show_header=False, pad_edge=False)
        for metric, estimate in evaluation.at_operating_point.items():
            table.add_row(f"{TITLES.get(metric, metric):<17}", escape(shown_estimate(estimate)))
        out.print(table)


def _words(name: str) -> str:
    return name.replace("_", " ")


def _or_dash(estimate: Estimate | None) -> str:
    return "-" if estimate is None else escape(shown_estimate(estimate))


def shown_estimate(estimate: Estimate) -> str:
    """Such as ``0.872 [.831, .905]``; a dash where it is undefined."""
    if estimate.value is None:
        return "-"
    if estimate.low is None or estimate.high is None:
        return f"{estimate.value:z.3f} [no interval]"
    digits = 3 if abs(estimate.value) < 1 else 2  # three of them fit on 80 columns
    low, high = (f"{end:z.{digits}f}" for end in (estimate.low, estimate.high))
    return f"{estimate.value:z.{digits}f} [{_bare(low)}, {_bare(high)}]"


def _bare(number: str) -> str:
    return number.replace("0.", ".", 1) if number.removeprefix("-").startswith("0.") else number


# --- recipes, data --------------------------------------------------------------------------------


def show_recipes(name: str | None, as_data: bool) -> None:
    from osteon.recipe import describe, named_recipe, recipe_to_json
    from osteon.recipes import RECIPES

    if name is not None:
        print(recipe_to_json(named_recipe(name)), end="")
        return
    cards = [describe(recipe) for recipe in RECIPES]
    if as_data:
        print_json([asdict(card) for card in cards])
        return
    for card in cards:
        out.print(f"[bold]{card.name}[/]  {escape(card.summary)}")
        for label in ("command", "expected", "hardware", "time"):
            out.print(Padding(f"[dim]{label:<9}[/] {escape(getattr(card, label))}", (0, 0, 0, 2)))


def show_datasets(as_data: bool) -> None:
    from osteon.datasets import DATASETS

    rows: list[Mapping[str, Any]] = [asdict(DATASETS[name]) for name in DATASETS]
    if as_data:
        print_json(rows)
        return
    for name in DATASETS:
        entry = DATASETS[name]
        out.print(f"[bold]{name}[/]  {escape(entry.title)}")
        out.print(Padding(f"licence {escape(entry.licence)}", (0, 0, 0, 2)))
        out.print(f"  {entry.page}", soft_wrap=True)  # to be copied whole


def show_licence(name: str, as_data: bool) -> None:
    from osteon.datasets import DATASETS

    if not as_data:
        out.print(f"{DATASETS[name].title}: licence as stated: {DATASETS[name].licence}")

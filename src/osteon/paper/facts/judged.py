"""Facts of what further commands left in the run."""

from __future__ import annotations

from typing import TypeVar

from osteon import calibrate, decisions
from osteon.calibrate import Calibrated
from osteon.decisions import Decisions
from osteon.explain.values import Explanation
from osteon.metrics import TITLES
from osteon.paper.facts.fact import fact, stated, table
from osteon.report.material import Material
from osteon.subgroups import Subgroups
from osteon.travelled import ShiftReport, told_losses
from osteon.values import read_value

T = TypeVar("T")


@fact
def calibration(m: Material) -> str | None:
    found = _left(m, calibrate.FILE, Calibrated)
    if found is None:
        return None
    rows = [
        [name, stated(tried.on_test.get("log_loss")), stated(tried.on_test.get("brier_loss")),
         stated(tried.on_test.get("ece_smooth"))]
        for name, tried in ((each.name, each) for each in found.tried)
    ]  # fmt: skip
    head = ["calibrator, on test", "log loss", "Brier loss", "ECE, smooth"]
    return f"Chosen on validation: {found.chosen}. {found.reason}\n\n{table(head, rows)}"


@fact
def indeterminate(m: Material) -> str | None:
    found = _left(m, decisions.FILE, Decisions)
    return None if found is None or found.three is None else found.three.verdict


@fact
def fairness(m: Material) -> str | None:
    found = _left(m, "subgroups.json", Subgroups)
    if found is None:
        return None
    judged = list(dict.fromkeys(name for each in found.subgroups for name in each.figures))
    rows = [
        [each.column, each.value, f"{each.n:,}", *(stated(each.figures.get(k)) for k in judged)]
        for each in found.subgroups
    ]
    names = [TITLES.get(name, name) for name in judged]
    return f"{found.verdict}\n\n{table(['subgroup', 'value', 'films', *names], rows)}"


@fact
def robustness(m: Material) -> str | None:
    found = _left(m, "shift.json", ShiftReport)
    if found is None:
        return None
    lines = "\n".join(f"- {sentence}" for sentence in told_losses(found))
    return (
        f"{len(found.curves)} shifts of {found.n_films:,} test films; mean relative drop "
        f"{stated(found.mean_drop)}.\n\n{lines}"
    )


@fact
def explainability(m: Material) -> str | None:
    found = _left(m, "explanation.json", Explanation)
    if found is None:
        return None
    judged = "\n".join(
        f"- {each.title}: {f'withheld: {each.withheld}' if each.withheld else 'passed'}"
        for each in found.methods
    )
    return f"{found.criterion}\n\n{judged}"


def _left(m: Material, name: str, kind: type[T]) -> T | None:
    path = m.folder.path / name
    return read_value(kind, path) if path.is_file() else None

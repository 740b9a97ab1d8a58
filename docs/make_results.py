"""The tables of docs/results-fracatlas*.md, from a run folder.

python docs/make_results.py RUN
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

from osteon import decisions
from osteon.decisions import Decisions
from osteon.explain.values import BOX_SCORES, RIVALS, Explanation
from osteon.paper.facts import known_facts, stated, table
from osteon.report.material import Material, gather
from osteon.subgroups import Subgroups
from osteon.travelled import ShiftReport
from osteon.types import Estimate
from osteon.values import read_value

SECTIONS = {
    "Scores": ("sample_size", "performance"),
    "At the operating point": ("operating_point",),
    "Calibration": ("calibration",),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    material = gather(parser.parse_args().run)
    known = known_facts(material)
    for title, names in SECTIONS.items():
        print(f"## {title}\n")
        for name in names:
            print(f"{known.get(name, 'not measured')}\n")
    for line in (*_decided(material), *_subgroups(material), *_sizes(material),
                 *_shifts(material), *_maps(material)):  # fmt: skip
        print(f"{line}\n")


def _decided(m: Material) -> Iterator[str]:
    found = read_value(Decisions, m.folder.path / decisions.FILE)
    yield "## Decisions"
    if found.three is not None:
        yield found.three.verdict
        yield table(["promise", "target", "seen", "verdict"],
                    [[p.what, f"{p.target:.2f}", stated(p.seen), p.verdict]
                     for p in (*found.three.promises, *found.conformal.promises)])  # fmt: skip
    yield table(
        ["sensitivity on validation", "reached on test", "answered negative", "NPV"],
        [[f"{s.target:.2f}", stated(s.sensitivity), stated(s.answered_negative), stated(s.npv)]
         for s in found.savings],
    )  # fmt: skip


def _subgroups(m: Material) -> Iterator[str]:
    found = read_value(Subgroups, m.folder.path / "subgroups.json")
    yield "## Who is it good for"
    yield found.verdict
    names = ("auroc", "sensitivity", "specificity")
    yield table(
        ["subgroup", "value", "films", *names],
        [[each.column, each.value, each.n, *(_marked(each.figures.get(name), name in each.too_few)
                                             for name in names)] for each in found.subgroups],
    )  # fmt: skip


def _marked(estimate: Estimate | None, few: bool) -> str:
    return "too few" if few else stated(estimate)


def _sizes(m: Material) -> Iterator[str]:
    found = read_value(Subgroups, m.folder.path / "subgroups.json").sizes
    if found is not None:
        yield "## How small a fracture is still found"
        yield found.told
        yield table(
            ["box, share of the film", "median side, px", "fractures", "found"],
            [[f"{100 * band.low:.2f} to {100 * band.high:.2f} %", f"{band.median_side_px:.0f}",
              band.found.n, stated(band.found)] for band in found.bands],
        )  # fmt: skip


def _shifts(m: Material) -> Iterator[str]:
    path = m.folder.path / "shift.json"
    if not path.is_file():
        return
    found = read_value(ShiftReport, path)
    yield "## Will it travel"
    curve, worst = found.worst
    yield (
        f"{found.n_films:,} of {found.n_of_part:,} test films. Unchanged: AUROC "
        f"{stated(found.clean['auroc'])}. Mean relative drop {stated(found.mean_drop)}. Worst: "
        f"{curve.title} {worst.told}, AUROC {stated(worst.figures['auroc'])}."
        + "".join(f" {name.replace('_', ' ').capitalize()}, unchanged by shifts: {stated(each)}."
                  for name, each in found.baselines.items())
    )  # fmt: skip
    ranked = sorted(found.curves, key=lambda each: -(each.mean_drop.value or 0))
    yield table(
        ["shift", "mean relative drop", "at", "AUROC lost there", "sensitivity", "specificity",
         "loss shown"],
        [[each.title, stated(each.mean_drop), each.worst.told, stated(each.worst.losses["auroc"]),
          stated(each.worst.figures.get("sensitivity")),
          stated(each.worst.figures.get("specificity")), "yes" if each.shown else "no"]
         for each in ranked],
    )  # fmt: skip


def _maps(m: Material) -> Iterator[str]:
    path = m.folder.path / "explanation.json"
    if not path.is_file():
        return
    found = read_value(Explanation, path)
    yield "## What it looks at"
    yield found.criterion
    rows = [
        (each.title, part, boxes) for each in found.methods for part, boxes in each.boxes.items()
    ]
    rows += [
        (RIVALS[name], part, boxes)
        for name, parts in found.baselines.items()
        for part, boxes in parts.items()
    ]
    yield table(
        ["maps", "part", "films", *BOX_SCORES.values()],
        [
            [title, part, str(boxes.chance.n), *(stated(boxes.scores[name]) for name in BOX_SCORES)]
            for title, part, boxes in rows
        ],
    )
    for each in found.methods:
        yield f"- {each.title}: {f'withheld: {each.withheld}' if each.withheld else 'passed'}"


if __name__ == "__main__":
    main()

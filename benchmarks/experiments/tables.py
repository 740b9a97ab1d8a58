"""The tables of ``docs/experiments.md``, from ``results/*.json``: no figure there is typed by hand.

python -m benchmarks.experiments.tables
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"
PAGE = Path(__file__).parents[2] / "docs" / "experiments.md"
FRACATLAS = {
    "fracatlas-probe": "linear probe, 384 px, C = 0.001: the baseline",
    "fracatlas-strong": "**`strong`**, as it is",
    "fracatlas-strong-cells": "its cells' head alone",
    "fracatlas-strong-whole": "its probe alone: 512 px",
    "fracatlas-no-boxes": "`strong` without the boxes",
    "fracatlas-strong-mirrored": "`strong`, mean over each film and its mirror image",
    "fracatlas-strong-averaged": "`strong`, mean of the weights of its last three epochs",
    "fracatlas-probes": "linear probes at 384 and 512 px, mean log-odds",
    "fracatlas-strong-and-probe": "`strong` and the probe at 384 px, mean log-odds",
    "fracatlas-cells-and-probe": "the cells' head and the probe at 384 px, mean log-odds",
    "fracatlas-lite2": "`strong` on EfficientNet-Lite2 instead of Lite0",
    "fracatlas-lite2-cells": "its cells' head alone",
    "fracatlas-lite2-whole": "its probe alone",
    "fracatlas-two-trunks": "`strong` on Lite0 and on Lite2, mean log-odds",
    "fracatlas-bfloat16": "`strong` trained in bfloat16",
    "fracatlas-three-seeds": "`strong`, mean log-odds of three seeds of the head",
    "fracatlas-weights": "`strong` with weighted classes",
    "fracatlas-epochs": "`strong`, ten epochs",
    "fracatlas-epochs-averaged": "ten epochs, mean of the weights of the last three",
}
TYPES = {
    "probe": "linear probe, 384 px, C = 0.001",
    "strong": "`strong`, as it is (no boxes to learn from)",
    "strong-cells": "its cells' head alone",
    "strong-whole": "its probe alone: 512 px",
    "strong-mirrored": "`strong`, mean over each film and its mirror image",
    "probes": "linear probes at 384 and 512 px, mean log-odds",
    "strong-and-probe": "`strong` and the probe at 384 px, mean log-odds",
}
STRONG = {"strong": "`strong`", "probe": "linear-probe"}  # files' names, and words
FINETUNED = {"finetuned": "`strong-finetuned`", "strong": "`strong`"}
SEALED = {
    "auroc": "AUROC",
    "sensitivity_at_specificity": "sensitivity at specificity 0.85 of the ROC curve",
    "balanced_accuracy": "balanced accuracy",
    "accuracy": "accuracy",
}


def main() -> None:
    argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0]).parse_args()
    PAGE.write_text(filled(PAGE.read_text()))


def filled(text: str) -> str:
    """The page with what stands between each pair of its markers made anew."""
    parts = {"fracatlas": _rows(FRACATLAS, "fracatlas-probe", "fracatlas-strong", "auroc")}
    finetuned = {"fracatlas-finetuned": "**`strong-finetuned`**"}
    parts["fracatlas-finetuned"] = _rows(finetuned, "fracatlas-probe", "fracatlas-strong", "auroc")
    for name in ("bonebreak12", "bonebreak10"):
        rows = {f"{name}-{stem}": words for stem, words in TYPES.items()}
        parts[name] = _rows(rows, f"{name}-probe", f"{name}-strong", "accuracy")
    parts["commands"] = _commands()
    for path in sorted(RESULTS.glob("*-strong-test.json")):
        parts[path.stem] = _sealed(path.stem.removesuffix("-strong-test"), STRONG)
    for path in sorted(RESULTS.glob("*-finetuned-test.json")):
        parts[path.stem] = _sealed(path.stem.removesuffix("-finetuned-test"), FINETUNED)
    for path in sorted(RESULTS.glob("*-split.json")):
        parts[path.stem] = _same_split(path)
    for name, made in parts.items():
        begin, end = f"<!-- begin {name} -->\n", f"<!-- end {name} -->"
        if begin in text:
            before, rest = text.split(begin)
            text = f"{before}{begin}\n{made}\n{end}{rest.split(end)[1]}"
    return text


def _rows(rows: Mapping[str, str], probe: str, strong: str, metric: str) -> str:
    two = metric == "auroc"
    head = ["tried", "AUROC"] if two else ["tried", "accuracy", "AUROC"]
    last = ["sensitivity at specificity 0.85"] if two else []
    made = [[*head, "gain on the probe", "gain on `strong`", *last, "CPU s", "file"]]
    for stem, words in rows.items():
        path = RESULTS / f"{stem}.json"
        if not path.exists():
            continue
        told = json.loads(path.read_text())
        gains = [told["gain"].get(other, {}).get(metric) for other in (probe, strong)]
        figures = [_three(told["auroc"])] if two else [_three(told[metric]), _three(told["auroc"])]
        at_85 = [f"{told['sensitivity_at_specificity_0.85']:.3f}"] if two else []
        cost = str(told["cpu_s"])
        made.append(
            [words, *figures, *(_three(gain, "+") for gain in gains), *at_85, cost, f"`{stem}`"]
        )
    return table(made)


def _sealed(data: str, pair: Mapping[str, str]) -> str:
    """By seed and the mean, of a recipe and of the one that it is held against."""
    strong, probe = (
        json.loads((RESULTS / f"{data}-{name}-test.json").read_text()) for name in pair
    )
    metrics = [name for name in SEALED if name in strong["mean"]]
    made = [["seed of the split", "metric", *pair.values(), "difference, paired"]]
    for at, seed in enumerate(strong["seeds"]):
        ours, theirs, gain = (strong["by_seed"][at], probe["by_seed"][at], strong["gain_by_seed"])
        films = f"{seed} ({ours['films']} films, {ours['groups']} groups)"
        for name in metrics:
            if name in ours:
                two = [_three(ours[name]), _three(theirs[name])]
                made.append([films, SEALED[name], *two, _three(gain[at][name], "+")])
        for name in ("sensitivity_at_point", "specificity_at_point"):
            if name in ours:
                words = f"{name.removesuffix('_at_point')} at the threshold"
                made.append([films, words, _three(ours[name]), _three(theirs[name]), ""])
    for name in metrics if len(strong["seeds"]) > 1 else ():
        means = [_three(each["mean"][name]) for each in (strong, probe)]
        made.append(["**mean**", SEALED[name], *means, _three(strong["gain"][name], "+")])
    return table(made)


def _same_split(path: Path) -> str:
    """Two systems on the films of one test part."""
    told = json.loads(path.read_text())
    made = [["metric", "`strong`", f"`{told['their_recipe']}`", "difference, paired"]]
    for name, words in ((name, words) for name, words in SEALED.items() if name in told["gain"]):
        pair = [_three(told[of][name]) for of in ("ours", "their_scores")]
        made.append([words, *pair, _three(told["gain"][name], "+")])
    return table(made)


def _commands() -> str:
    said: list[str] = []
    for path in sorted(RESULTS.glob("*.json")):
        told: Mapping[str, Any] = json.loads(path.read_text())
        said += [told["command"]] if "command" in told else told["runs"]
    return "```\n" + "\n".join(dict.fromkeys(said)) + "\n```\n"


def _three(estimate: Sequence[float | None] | None, sign: str = "") -> str:
    if estimate is None or estimate[0] is None:
        return ""
    value, low, high = estimate
    if low is None or high is None:
        return f"{value:{sign}.3f}"
    return f"{value:{sign}.3f} [{low:{sign}.3f}, {high:{sign}.3f}]"


def table(rows: Sequence[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    return (
        "\n".join([lines[0], "| " + " | ".join("---" for _ in rows[0]) + " |", *lines[1:]]) + "\n"
    )


if __name__ == "__main__":
    main()

"""The tables of docs/reproductions.md, from the raw results beside this file.

python docs/reproductions/table.py
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from osteon.reproduced import Reproduced
from osteon.types import Estimate
from osteon.values import read_value

HEAD = (
    "| system | published | re-run, naive | re-run, honest | majority | metadata only "
    "| leakage price | leaked | s/epoch |\n| --- | --- | --- | --- | --- | --- | --- | --- | --- |"
)


def main() -> None:
    paths = [path for path in sorted(Path(__file__).parent.glob("*.json"))
             if not path.name.startswith("search-")]  # fmt: skip
    results = [read_value(Reproduced, path) for path in paths]
    for metric, title in (("accuracy", "Accuracy, %"), ("auroc", "AUROC, %")):
        print(f"{title}\n\n{HEAD}")
        for result in results:
            print(f"| {' | '.join(_row(result, metric))} |")
        print()
    print("| system | command | raw |\n| --- | --- | --- |")
    for path, result in zip(paths, results, strict=True):
        print(f"| {_name(result)} | `{result.environment.command}` | `{path.name}` |")
    print()
    circuits = [result for result in results if result.control is not None]
    if circuits:
        print("| circuit | parameters | AUROC, % | its control, % | circuit minus control |")
        print("| --- | --- | --- | --- | --- |")
    for result in circuits:
        control = result.control
        if control is not None:
            print(f"| `{result.name}` | {control.n_parameters:,} | "
                  f"{_percent(result.honest.model['auroc'])} | {_percent(control.model['auroc'])} "
                  f"| {_percent(control.gains['auroc'])} |")  # fmt: skip
    print()
    for result in results:
        for held in result.slices:
            print(f"| `{result.name}`, {held.title} | {_percent(held.outside)} | "
                  f"{_percent(held.inside)} | {_percent(held.drop)} |")  # fmt: skip


def _name(result: Reproduced) -> str:
    changed = [f"`{name}`" for name in result.settings if not name.startswith("precision")]
    searched = ["after its search"] if result.searches else []
    seeds = [f"{len(result.seeds)} seed"] if len(result.seeds) == 1 else []
    return ", ".join([f"`{result.name}`", *changed, *searched, *seeds])


def _row(result: Reproduced, metric: str) -> Iterator[str]:
    yield _name(result)
    yield "; ".join(_published(result)) if metric == "accuracy" else ""
    yield _percent(result.naive.model[metric])
    yield _percent(result.honest.model[metric])
    for baseline in ("majority", "metadata_only"):
        yield _percent(result.honest.baselines[baseline][metric])
    yield _percent(result.price[metric])
    yield f"{100 * result.naive.share_leaked:.0f} %"
    yield f"{result.honest.seconds_an_epoch:.1f}"


def _published(result: Reproduced) -> Iterator[str]:
    for said in result.published:
        if said.figure.metric == "accuracy":
            value = f"{100 * said.figure.value:.{said.figure.decimals}f}"
            interval = f"[{100 * said.low:.1f}, {100 * said.high:.1f}]"
            yield f"{said.figure.part} {value} {interval}"


def _percent(estimate: Estimate) -> str:
    if estimate.value is None or estimate.low is None or estimate.high is None:
        return "-"
    return f"{100 * estimate.value:.1f} [{100 * estimate.low:.1f}, {100 * estimate.high:.1f}]"


if __name__ == "__main__":
    main()

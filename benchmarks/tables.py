"""The tables and plots of ``docs/performance.md``, from ``benchmarks/results/*.json``.

    python -m benchmarks.tables

Each result replaces what stands between its two markers, so that no figure there is typed by hand.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.side_by_side import RESULTS

from osteon.report.charts import Axis, LineChart, Series, line_chart

PAGE = Path(__file__).parent.parent / "docs" / "performance.md"


def main() -> None:
    argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0]).parse_args()
    PAGE.write_text(filled(PAGE.read_text()))
    grown = RESULTS / "growth.json"
    if grown.is_file():
        for name, chart in growth_charts(json.loads(grown.read_text())["figures"]).items():
            (PAGE.parent / f"performance-{name}.svg").write_text(chart.svg())
    print(f"{PAGE.name} is written.")


def filled(text: str) -> str:
    """The page with the tables of all results that it has a place for."""
    for path in sorted(RESULTS.glob("*.json")):
        begin, end = f"<!-- begin {path.stem} -->\n", f"<!-- end {path.stem} -->"
        if begin in text:
            before, rest = text.split(begin)
            made = shown(json.loads(path.read_text()))
            text = f"{before}{begin}{made}{end}{rest.split(end)[1]}"
    return text


def growth_charts(figures: Mapping[str, list[dict[str, float]]]) -> dict[str, LineChart]:
    """Seconds and memory of each stage against the number of films, both axes in decades."""

    def drawn(title: str, label: str, column: str) -> LineChart:
        lines = {
            stage: tuple((float(row["films"]), float(row[column])) for row in rows)
            for stage, rows in figures.items()
        }
        x, y = ([at for line in lines.values() for at, _ in line],
                [at for line in lines.values() for _, at in line])  # fmt: skip
        series = [
            Series(name=stage, points=points, colour=at, dots=True)
            for at, (stage, points) in enumerate(lines.items())
        ]
        films = Axis(label="films", low=min(x) / 1.3, high=max(x) * 1.6, log=True)
        return line_chart(title, films, _decades(label, y), series)

    return {
        "growth": drawn("Processor time against films", "seconds", "cpu_s"),
        "memory": drawn("Peak memory against films", "MB", "peak_mb"),
    }


def _decades(label: str, values: list[float]) -> Axis:
    low, high = (10.0 ** way(math.log10(end)) for way, end in
                 ((math.floor, min(values)), (math.ceil, max(values))))  # fmt: skip
    return Axis(label=label, low=low, high=max(high, 10 * low), log=True)


def shown(result: Mapping[str, Any]) -> str:
    """Command, tables, machine."""
    machine, versions = result["machine"], result["versions"]
    said = ", ".join(f"{name} {number}" for name, number in versions.items() if name != "osteon")
    return (
        f"\n```\n{result['command']}\n```\n\n{tables(result['figures'])}\n"
        f"{machine['processor']}, {machine['cores']} cores, load {machine['load_at_the_end']} "
        f"when it ended; {said}.\n\n"
    )


def tables(figures: Mapping[str, Any]) -> str:
    """Single figures in one table; those of several cases in a table each."""
    single = {name: value for name, value in figures.items() if not isinstance(value, dict | list)}
    made = [_table([[_words(name), _said(value)] for name, value in single.items()], ["", ""])]
    many = {name: value for name, value in figures.items() if name not in single}
    flat: dict[str, Mapping[str, Any]] = {}
    for name, value in many.items():
        if isinstance(value, list):
            made.append(f"{_words(name)}:\n\n{_wide(value)}")
        elif all(isinstance(one, dict) for one in value.values()):
            rows = [{_words(name): case, **one} for case, one in value.items()]
            made.append(_wide(rows))
        else:
            flat[name] = value
    by_keys: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for name, value in flat.items():
        by_keys.setdefault(tuple(value), []).append({"of": name, **value})
    made += [_wide(rows) for rows in by_keys.values()]
    return "\n".join(part for part in made if part)


def _wide(rows: list[dict[str, Any]]) -> str:
    return _table([[_said(v) for v in row.values()] for row in rows], [_words(k) for k in rows[0]])


def _table(rows: list[list[str]], head: list[str]) -> str:
    if not rows:
        return ""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _words(name: str) -> str:
    return name.replace("_", " ")


def _said(value: object) -> str:
    if isinstance(value, dict) and {"value", "low", "high"} <= set(value):
        return "{value:.3f} [{low:.3f}, {high:.3f}]".format(**value)
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


if __name__ == "__main__":
    main()

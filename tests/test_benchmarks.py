"""The page of figures says what the results say, and nothing of the machine's folders."""

from __future__ import annotations

import json
import re
from pathlib import Path

from benchmarks.side_by_side import RESULTS, interleaved, ratio
from benchmarks.tables import PAGE, filled, growth_charts, tables


def test_the_page_holds_the_figures_of_all_results() -> None:
    assert filled(PAGE.read_text()) == PAGE.read_text()
    for path in RESULTS.glob("*.json"):
        assert f"<!-- begin {path.stem} -->" in PAGE.read_text()


def test_the_plots_hold_the_figures_of_growth() -> None:
    told = json.loads((RESULTS / "growth.json").read_text())["figures"]
    for name, chart in growth_charts(told).items():
        drawn = PAGE.parent / f"performance-{name}.svg"
        assert drawn.read_text() == chart.svg()
        assert f"]({drawn.name})" in PAGE.read_text()
        assert {row[0] for row in chart.numbers()[1:]} == set(told)


def test_the_page_of_reproductions_names_the_raw_figures_of_its_benchmarks() -> None:
    told = (PAGE.parent / "reproductions.md").read_text()
    found = [*(RESULTS / "reproductions").glob("*.json")]
    assert found
    for path in found:
        assert path.name in told
    for network in ("types12-cnn", "types10-cnn", "regions-cnn"):
        figures = json.loads((RESULTS / "reproductions" / f"keras-{network}.json").read_text())
        ratio = figures["figures"]["keras_over_osteon"]
        (row,) = re.findall(rf"\| `{network}` \| \d+ \| .*", told)
        assert f"| {ratio:.2f} |" in row


def test_results_name_machine_and_versions_and_no_folder() -> None:
    for path in (*RESULTS.glob("*.json"), *(RESULTS / "reproductions").glob("*.json")):
        told = json.loads(path.read_text())
        assert set(told) == {"command", "figures", "machine", "versions"}
        assert not re.search(r"/(home|root|tmp|work|Users)/", path.read_text())


def test_figures_of_each_shape_become_tables() -> None:
    made = tables(
        {
            "films": 1200,
            "cases": {"160": {"times_pillow": 3.2}, "224": {"times_pillow": 3.6}},
            "stage": [{"films": 10, "s": 1.5}],
            "net": {"share": 0.02},
        }
    )
    assert "| films | 1,200 |" in made
    assert "| cases | times pillow |\n| --- | --- |\n| 160 | 3.2 |\n| 224 | 3.6 |" in made
    assert "stage:\n\n| films | s |\n| --- | --- |\n| 10 | 1.5 |" in made
    assert "| of | share |\n| --- | --- |\n| net | 0.02 |" in made


def test_ways_take_turns_and_the_ratio_is_a_median() -> None:
    order: list[str] = []
    ways = {name: lambda name=name: order.append(name) for name in "ab"}
    seconds = interleaved(ways, 3)
    assert "".join(order) == "abbaab"
    assert {name: len(took) for name, took in seconds.items()} == {"a": 3, "b": 3}
    assert ratio([2.0, 9.0, 4.0], [1.0, 3.0, 4.0]) == 2.0


def test_a_phantom_folder_is_made_once(tmp_path: Path) -> None:
    from benchmarks.side_by_side import phantoms

    made = phantoms(tmp_path / "films", 4, 64)
    assert len([*made.rglob("*.jpg"), *made.rglob("*.jpeg")]) == 4
    assert phantoms(tmp_path / "films", 4, 64) == made

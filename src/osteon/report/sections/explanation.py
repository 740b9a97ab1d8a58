"""What the network looks at, how far its maps can be believed, and its surest failures."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import TYPE_CHECKING

from osteon.explain.values import BOX_SCORES, RIVALS, Explanation
from osteon.report.charts import Axis, LineChart, Series, line_chart
from osteon.report.rendering import fragment
from osteon.report.sections import SECTIONS, Section
from osteon.values import read_value

if TYPE_CHECKING:
    from osteon.report.material import Material

PART_TITLES = {"val": "validation", "test": "test"}


@SECTIONS.register("explanation")
def explanation(material: Material) -> Section | None:
    path = material.folder.path / "explanation.json"
    if not path.is_file():
        return None
    found = read_value(Explanation, path)
    charts = [chart for part in found.n_films if (chart := _by_size(found, part))]
    body = fragment(
        "explanation.html.jinja",
        e=found,
        parts=PART_TITLES,
        scores=BOX_SCORES,
        rivals=RIVALS,
        charts=charts,
        picture=lambda name: picture_in(material.folder.path, name),
    )
    return Section(title="Explanation", body=body, charts=tuple(charts))


def picture_in(run: Path, name: str) -> str:
    """A picture of the run folder as a data URI; empty where it is gone."""
    path = run / name
    if not path.is_file():
        return ""
    return "data:image/png;base64," + base64.b64encode(path.read_bytes()).decode()


def _by_size(found: Explanation, part: str) -> LineChart | None:
    """Pointing game in thirds of the films by the size of their boxes."""
    of_part = {each.title: each.boxes[part] for each in found.methods if part in each.boxes}
    of_part |= {
        RIVALS.get(name, name): parts[part]
        for name, parts in found.baselines.items()
        if part in parts
    }
    series = []
    for colour, (title, boxes) in enumerate(of_part.items()):
        points, bars = [], []
        for at, size in enumerate(boxes.by_size, start=1):
            score = size.scores["pointing"]
            if score.value is not None and score.low is not None and score.high is not None:
                x = at + 0.07 * (colour - (len(of_part) - 1) / 2)  # bars stand side by side
                points.append((x, score.value))
                bars.append((x, score.low, score.high))
        if points:
            series.append(
                Series(
                    name=title, points=tuple(points), colour=colour, dots=True, bars=tuple(bars),
                    lines=False,
                )
            )  # fmt: skip
    if not series:
        return None
    return line_chart(
        f"Pointing game by size of fracture, {PART_TITLES.get(part, part)}",
        Axis(label="third of the films: 1 small, 2 medium, 3 large", low=0.5, high=3.5, whole=True),
        Axis(label="share of films", low=0.0, high=1.0),
        series,
    )

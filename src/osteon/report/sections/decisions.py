"""Decisions: three answers, prediction sets, the decision curve, and the work that is saved."""

from __future__ import annotations

from typing import TYPE_CHECKING

from osteon.decisions import FILE, Decisions
from osteon.decisions.values import TITLES, DecisionCurve
from osteon.report.charts import Axis, LineChart, Series, line_chart
from osteon.report.rendering import fragment
from osteon.report.sections import SECTIONS, Section
from osteon.values import read_value

if TYPE_CHECKING:
    from osteon.report.material import Material

ALL, NOBODY = 7, 6  # colours
DEEPEST = -0.05  # net benefit drawn; treating all falls far below


@SECTIONS.register("decisions")
def decisions(material: Material) -> Section | None:
    path = material.folder.path / FILE
    if not path.is_file():
        return None
    found = read_value(Decisions, path)
    charts = (curve_chart(found.curve),) if found.curve else ()
    body = fragment(
        "decisions.html.jinja",
        d=found,
        titles=TITLES,
        charts=charts,
        useful=useful(found.curve) if found.curve else "",
    )
    return Section(title="Decisions", body=body, charts=charts)


def useful(curve: DecisionCurve) -> str:
    """At which thresholds acting on the score is shown to be worth more than all or none."""
    ranges = [f"{low:.2f} to {high:.2f}" for low, high in curve.useful if high > low]
    if not ranges:
        return (
            "Over no range of thresholds is acting on the score shown to be better than treating "
            "all or none."
        )
    return (
        "Acting on the score is shown to be better than treating all or none at threshold "
        f"probabilities of {', '.join(ranges)}."
    )


def curve_chart(curve: DecisionCurve) -> LineChart:
    """Net benefit of the model with its 95 % band, of treating all, and of treating none."""
    xs = [point.threshold for point in curve.points]
    model = [point.model.value for point in curve.points]
    lows = [point.model.low for point in curve.points]
    highs = [point.model.high for point in curve.points]
    everyone = [point.treat_all.value for point in curve.points]
    series = [
        _line("model", xs, model, 0),
        _line("its 95 % band: low", xs, lows, 0, dashed=True),
        _line("its 95 % band: high", xs, highs, 0, dashed=True),
        _line("treat all", xs, everyone, ALL),
        Series(name="treat none", points=((0.0, 0.0), (1.0, 0.0)), colour=NOBODY, dashed=True),
    ]
    highest = max(b for line in series for _, b in line.points)
    return line_chart(
        "Decision curve",
        Axis(label="threshold probability", low=0.0, high=1.0),
        Axis(label="net benefit, true positives a film", low=DEEPEST, high=highest * 1.05 or 0.05),
        series,
    )


def _line(
    name: str, xs: list[float], ys: list[float | None], colour: int, *, dashed: bool = False
) -> Series:
    points = tuple((x, y) for x, y in zip(xs, ys, strict=True) if y is not None and y >= DEEPEST)
    return Series(name=name, points=points, colour=colour, dashed=dashed)

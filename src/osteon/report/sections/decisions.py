"""Decisions: three answers, prediction sets, the decision curve, and the work that is saved."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from osteon.decisions import FILE, Decisions
from osteon.decisions.values import TITLES, DecisionCurve
from osteon.report.charts import Axis, LineChart, Series, bar, line_chart
from osteon.report.rendering import fragment
from osteon.report.sections import SECTIONS, Section
from osteon.types import Estimate
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
    series = [
        _line(
            "model, with its 95 % band",
            [(p.threshold, p.model) for p in curve.points],
            0,
            band=True,
        ),
        _line("treat all", [(p.threshold, p.treat_all) for p in curve.points], ALL),
        Series(name="treat none", points=((0.0, 0.0), (1.0, 0.0)), colour=NOBODY, dashed=True),
    ]
    highest = max(
        max(b for line in series for _, b in line.points),
        max((high for _, _, high in series[0].bars if math.isfinite(high)), default=0.0),
    )
    return line_chart(
        "Decision curve",
        Axis(label="threshold probability", low=0.0, high=1.0),
        Axis(label="net benefit, true positives a film", low=DEEPEST, high=highest * 1.05 or 0.05),
        series,
    )


def _line(
    name: str, benefits: list[tuple[float, Estimate]], colour: int, *, band: bool = False
) -> Series:
    told = [(x, of, of.value) for x, of in benefits if of.value is not None]
    return Series(
        name=name,
        points=tuple((x, value) for x, _, value in told),
        bars=tuple(bar(x, of) for x, of, _ in told) if band else (),
        shaded=band,
        colour=colour,
    )

"""Calibration: how far the scores can be read as probabilities, before and after a calibrator."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from osteon.calibrate import FILE, Calibrated
from osteon.calibrate.values import TITLES
from osteon.calibrators import NONE
from osteon.report.charts import Axis, LineChart, Series, bar, line_chart
from osteon.report.rendering import fragment
from osteon.report.sections import SECTIONS, Section
from osteon.values import read_value

if TYPE_CHECKING:
    from osteon.report.material import Material
    from osteon.types import CalibrationBin

IDEAL = 7  # the colour of what is compared with


@SECTIONS.register("calibration")
def calibration(material: Material) -> Section | None:
    path = material.folder.path / FILE
    if not path.is_file():
        return None
    found = read_value(Calibrated, path)
    chart = reliability_diagram(found)
    first = found.tried[0].on_test
    body = fragment(
        "calibration.html.jinja",
        c=found,
        chart=chart,
        sentence=sentence(found),
        called=called,
        titles={name: title for name, title in TITLES.items() if name in first},
        positive=found.classes[1] if len(found.classes) == 2 else None,
    )
    return Section(title="Calibration", body=body, charts=(chart,))


def sentence(found: Calibrated) -> str:
    """What calibrating was worth on test, in plain words."""
    if found.chosen == NONE:
        return (
            "On validation no calibrator was better than the scores as they are: they are used "
            "unchanged."
        )
    gain = found.of(found.chosen).gain
    begun = f"Validation chose {called(found.chosen)} calibration. "
    if gain is None or gain.low is None or gain.high is None:
        return begun + "What it is worth on test has no interval."
    if gain.high < 0:
        return begun + "On test it makes the probabilities better: the log loss falls."
    if gain.low > 0:
        return begun + "On test it makes the probabilities worse: the log loss rises."
    return begun + "On test its gain is not shown: the interval of the change holds 0."


def called(name: str) -> str:
    """A calibrator's name in a sentence or a head."""
    return {NONE: "scores as they are", "platt": "Platt"}.get(name, name)


def reliability_diagram(found: Calibrated) -> LineChart:
    """Observed share against mean score in bins of equal mass, with 95 % intervals."""
    after = f"after ({called(found.chosen)})"
    series = [_dots("scores as they are", found.before, colour=1)]
    if found.chosen != NONE:
        series.append(_dots(after, found.after, colour=0))
    ideal = Series(name="perfect calibration", points=((0, 0), (1, 1)), colour=IDEAL, dashed=True)
    return line_chart(
        "Reliability diagram",
        Axis(label="mean score", low=0.0, high=1.0),
        Axis(label="observed share", low=0.0, high=1.0),
        [*series, ideal],
    )


def _dots(name: str, bins: Sequence[CalibrationBin], *, colour: int) -> Series:
    known = [b for b in bins if b.observed.value is not None]
    return Series(
        name=name,
        points=tuple((b.mean_score, b.observed.value or 0.0) for b in known),
        bars=tuple(bar(b.mean_score, b.observed) for b in known),
        colour=colour,
        dots=True,
        lines=False,  # bins are apart; a line would suggest what lies between
    )

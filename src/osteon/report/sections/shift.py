"""Will it travel: the test films under shifts, in five strengths each."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from osteon.errors import UnreadableFilm
from osteon.loading import square_of
from osteon.metrics import TITLES
from osteon.pixels import read_film
from osteon.report.charts import Axis, LineChart, Series, bar, line_chart
from osteon.report.gallery import Thumbnail, thumbnail_of
from osteon.report.rendering import fragment
from osteon.report.sections import SECTIONS, Section
from osteon.shifts import SHIFTS, chance, shifted
from osteon.travelled import FILE, SHOWN, ShiftCurve, ShiftReport
from osteon.values import read_value

if TYPE_CHECKING:
    from osteon.report.material import Material

OPEN = 4  # charts that are not folded away
COLOUR = {"auroc": 0, "sensitivity": 1, "specificity": 2, "balanced_accuracy": 3}
THUMBNAIL_PX = 150


@SECTIONS.register("shift")
def shift_section(material: Material) -> Section | None:
    path = material.folder.path / FILE
    if not path.is_file():
        return None
    report = read_value(ShiftReport, path)
    curves = sorted(report.curves, key=lambda curve: -(curve.mean_drop.value or 0))
    charts = [_chart(curve, report) for curve in curves]
    body = fragment(
        "shift.html.jinja",
        report=report,
        curves=curves,
        most=max(len(curve.points) for curve in curves),
        shown=[curve for curve in curves if curve.shown],
        alpha=SHOWN,
        opened=charts[:OPEN],
        folded=charts[OPEN:],
        titles=TITLES,
        pictures=_pictures(report, curves, material),
    )
    return Section(title="Will it travel?", body=body, charts=tuple(charts))


def _chart(curve: ShiftCurve, report: ShiftReport) -> LineChart:
    """Metrics over the strengths 0 (as they are) to 5."""
    series = [
        Series(
            name=TITLES[name],
            points=tuple((at, _known(figure.value)) for at, figure in enumerate(figures)),
            bars=tuple(bar(at, figure) for at, figure in enumerate(figures)),
            colour=COLOUR[name],
            dots=True,
        )
        for name in report.clean
        for figures in [[report.clean[name], *(point.figures[name] for point in curve.points)]]
    ]
    steps = ", ".join(f"{point.strength:.3g}" for point in curve.points)
    label = f"strength: {steps} {curve.unit}".strip() if curve.unit else "0: as it is, 1: shifted"
    return line_chart(
        f"Shifted, {curve.title}",
        Axis(label=label, low=0, high=max(len(curve.points), 1), whole=True),
        Axis(label="AUROC and shares", low=0.0, high=1.0),
        series,
    )


def _known(value: float | None) -> float:
    return math.nan if value is None else value


def _pictures(
    report: ShiftReport, curves: list[ShiftCurve], material: Material
) -> tuple[Thumbnail, ...]:
    """One film as it is fed, and under each shift in its middle strength; none if it is gone."""
    film = next((f for f in material.manifest.radiographs if f.id == report.example), None)
    if film is None or material.recipe is None:
        return ()
    try:
        square = square_of(read_film(film.path), material.recipe.pixels, film.window).pixels
    except UnreadableFilm:
        return ()
    made = [(square, "as it is")]
    for curve in curves:
        point = curve.points[len(curve.points) // 2]
        rng = chance(report.seed, film.id, curve.name)
        if curve.name in SHIFTS:  # else by another version of osteon
            done = shifted(square, SHIFTS[curve.name], point.strength, rng)
            made.append((done, f"{curve.title} {point.told}".strip()))
    return tuple(
        replace(
            thumbnail_of(film.id, np.ascontiguousarray(pixels), long_side_px=THUMBNAIL_PX),
            caption=words,
        )
        for pixels, words in made
    )

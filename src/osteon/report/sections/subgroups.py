"""Who is it good for: every subgroup that is known, and how small a fracture is still found."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from osteon.fracture_size import FractureSizes, in_percent
from osteon.metrics import TITLES
from osteon.report.charts import Axis, Chart, Series, bar, line_chart
from osteon.report.forest import GRAY, MARKED, ForestChart, ForestRow
from osteon.report.material import Material
from osteon.report.rendering import fragment
from osteon.report.sections import SECTIONS, Section
from osteon.subgroups import FEWEST, TESTED, Subgroup, Subgroups
from osteon.types import Evaluation
from osteon.values import read_value


@SECTIONS.register("subgroups")
def subgroups(material: Material) -> Section | None:
    path = material.folder.path / "subgroups.json"
    if not path.is_file():
        return None
    found = read_value(Subgroups, path)
    forests = list(_forests(found, material.test))
    sizes = list(_size_charts(found.sizes)) if found.sizes else []
    body = fragment(
        "subgroups.html.jinja",
        s=found,
        metrics=list(found.subgroups[0].figures) if found.subgroups else [],
        titles=TITLES,
        in_percent=in_percent,
        fewest=FEWEST,
        forests=forests,
        size_charts=sizes,
        positive=found.classes[1] if len(found.classes) == 2 else "",
    )
    return Section(title="Who is it good for", body=body, charts=(*forests, *sizes))


def _forests(found: Subgroups, test: Evaluation | None) -> Iterator[Chart]:
    metrics = [m for m in found.subgroups[0].figures if m in TESTED] if found.subgroups else []
    for metric in metrics:
        yield ForestChart(
            title=f"{TITLES[metric]} by subgroup",
            label=TITLES[metric],
            rows=tuple(_rows(found, metric)),
            reference=_whole(test, metric),
        )


def _rows(found: Subgroups, metric: str) -> Iterator[ForestRow]:
    for column, of_column in groupby(found.subgroups, key=lambda subgroup: subgroup.column):
        yield ForestRow(name=column, heading=True)
        yield from (_row(subgroup, metric) for subgroup in of_column)


def _row(subgroup: Subgroup, metric: str) -> ForestRow:
    figure, difference = subgroup.figures[metric], subgroup.differences.get(metric)
    colour, note = 0, ""
    if metric in subgroup.too_few:
        colour, note = GRAY, "too few"
    elif difference is not None and difference.shown:
        colour, note = MARKED, "shown to differ"
    return ForestRow(
        name=subgroup.value,
        value=figure.value,
        low=figure.low,
        high=figure.high,
        n=subgroup.n,
        colour=colour,
        note=note,
    )


def _whole(test: Evaluation | None, metric: str) -> float | None:
    if test is None:
        return None
    figure = test.at_operating_point.get(metric) or test.scores.get(metric)
    if metric == "auroc":
        figure = test.scores.get(metric)
    return figure.value if figure else None


def _size_charts(sizes: FractureSizes) -> Iterator[Chart]:
    if not sizes.bands:
        return
    known = [(100 * (band.low * band.high) ** 0.5, band.found) for band in sizes.bands]
    told = [(x, share, share.value) for x, share in known if share.value is not None]
    series = [
        Series(
            name="thirds, with 95 % intervals",
            points=tuple((x, value) for x, _, value in told),
            bars=tuple(bar(x, share) for x, share, _ in told),
            dots=True,
            lines=False,
        )
    ]
    if sizes.curve:
        series.append(
            Series(
                name="expected, with its 95 % band",
                points=tuple((100 * at.share, at.value) for at in sizes.curve),
                bars=tuple(bar(100 * at.share, at) for at in sizes.curve),
                shaded=True,
                colour=1,
            )
        )
    seen = [x for line in series for x, _ in line.points]
    yield line_chart(
        "Fractures found by size",
        Axis(label="% of the film that the box covers", low=min(seen), high=max(seen), log=True),
        Axis(label="share found (sensitivity)", low=0.0, high=1.0),
        series,
        _half(sizes, min(seen), max(seen)),
    )


def _half(sizes: FractureSizes, low: float, high: float) -> list[tuple[float, str]]:
    """Where half are found, if that is on the chart."""
    half = sizes.half_found_at.value if sizes.half_found_at else None
    return [(100 * half, "half found")] if half and low <= 100 * half <= high else []

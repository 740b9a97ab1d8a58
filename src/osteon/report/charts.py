"""Charts as inline SVG: axes, ticks, units, a legend; colours follow the page's light or dark."""

from __future__ import annotations

import csv
import io
import math
import re
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Protocol

from markupsafe import escape

from osteon.files import write_text

WIDTH, HEIGHT = 440, 330
LEFT, RIGHT, TOP, BOTTOM = 56, 14, 14, 46
COLOURS = 8  # classes c0 to c7 of the style sheet: Okabe and Ito's palette
Bar = tuple[float, float, float]  # x, low, high; the ends NaN where they are not known


class Interval(Protocol):
    """What has the ends of an interval, or None where it has none."""

    @property
    def low(self) -> float | None: ...

    @property
    def high(self) -> float | None: ...


def bar(x: float, interval: Interval) -> Bar:
    """The interval at ``x``; without one nothing is drawn there."""
    if interval.low is None or interval.high is None:
        return x, math.nan, math.nan
    return x, interval.low, interval.high


@dataclass(frozen=True, kw_only=True, slots=True)
class Series:
    """A line. ``bars`` are vertical intervals (x, low, high): none, or one of each point."""

    name: str
    points: tuple[tuple[float, float], ...]
    colour: int = 0
    dashed: bool = False
    dots: bool = False
    bars: tuple[Bar, ...] = ()
    shaded: bool = False  # the bars as one band
    lines: bool = True  # off: dots and bars alone


@dataclass(frozen=True, kw_only=True, slots=True)
class Axis:
    label: str
    low: float
    high: float
    log: bool = False
    whole: bool = False  # ticks at whole numbers alone

    def share(self, value: float) -> float:
        if self.log:
            low, high = math.log10(self.low), math.log10(self.high)
            return (math.log10(value) - low) / (high - low or 1)
        return (value - self.low) / (self.high - self.low or 1)

    def holds(self, value: float) -> bool:
        """Whether it lies on the axis; rounding may not throw it off."""
        return -1e-9 <= self.share(value) <= 1 + 1e-9

    def ticks(self) -> list[float]:
        if self.log:
            first, last = math.floor(math.log10(self.low)), math.ceil(math.log10(self.high))
            decades = [10.0**power for power in range(first, last + 1)]
            return [tick for tick in decades if self.low * 0.99 <= tick <= self.high * 1.01]
        step = _round_step((self.high - self.low) / 5)
        step = math.ceil(step) if self.whole else step
        first = math.ceil(self.low / step - 1e-9)
        last = math.floor(self.high / step + 1e-9)
        return [number * step for number in range(first, last + 1)]


def _round_step(rough: float) -> float:
    power: float = 10.0 ** math.floor(math.log10(rough)) if rough > 0 else 1.0
    return next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= rough * 0.999)


class Chart(Protocol):
    """A figure that a page takes as it is (Jinja asks for ``__html__``), or a file of its own."""

    @property
    def title(self) -> str: ...

    def __html__(self) -> str: ...

    def svg(self) -> str:
        """A whole SVG file: with its title and legend, without a style sheet elsewhere."""
        ...

    def numbers(self) -> list[tuple[object, ...]]:
        """The rows of a CSV file with all that is drawn; the first names the columns."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class LineChart:
    """``marks`` are vertical lines at x with a word."""

    title: str
    x: Axis
    y: Axis
    series: tuple[Series, ...]
    marks: tuple[tuple[float, str], ...] = ()

    def __html__(self) -> str:
        legend = "".join(
            f'<span><i class="key c{line.colour % COLOURS}{_style(line)}"></i>'
            f"{escape(line.name)}</span>"
            for line in self.series
        )
        return (
            f"<figure><figcaption>{escape(self.title)}</figcaption>"
            f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{self._described()}">'
            f'{self._body()}</svg><p class="legend">{legend}</p>'
            f"{_numbers(self.x, self.y, self.series)}</figure>"
        )

    def svg(self) -> str:
        return as_file(self.title, WIDTH, HEIGHT, self._body(), self.series)

    def numbers(self) -> list[tuple[object, ...]]:
        rows: list[tuple[object, ...]] = [("line", self.x.label, self.y.label, "low", "high")]
        for line in self.series:
            for at, (x, y) in enumerate(line.points):
                rows.append((line.name, x, y, *(_ends(line, at) or ("", ""))))
        return rows

    def _described(self) -> str:
        return str(escape(f"{self.title}: {self.y.label} against {self.x.label}"))

    def _body(self) -> str:
        body = [_frame(self.x, self.y)]
        for value, word in self.marks:
            at = _x(self.x, value)
            right_half = self.x.share(value) > 0.5  # there the word stands left of its line
            body.append(f'<line class="mark" x1="{at:.1f}" x2="{at:.1f}" y1="{TOP}" '
                        f'y2="{HEIGHT - BOTTOM}"/><text class="tick" '
                        f'text-anchor="{"end" if right_half else "start"}" '
                        f'x="{at + (-4 if right_half else 4):.1f}" '
                        f'y="{TOP + 11}">{escape(word)}</text>')  # fmt: skip
        return "".join([*body, *(_drawn(line, self.x, self.y) for line in self.series)])


def line_chart(
    title: str, x: Axis, y: Axis, series: Sequence[Series], marks: Iterable[tuple[float, str]] = ()
) -> LineChart:
    return LineChart(title=title, x=x, y=y, series=tuple(series), marks=tuple(marks))


# --- a chart as a file ----------------------------------------------------------------------------

INK, SOFT, PAPER, RULE = "#1c2126", "#59636e", "#ffffff", "#d4dae0"
PALETTE = (
    "#0072b2", "#d55e00", "#008f68", "#a8518a", "#b07d00", "#3d8fc4", "#7d7a00", "#6b7580",
)  # fmt: skip
FILE_STYLE = (
    f"svg{{background:{PAPER}}} text{{fill:{INK};font:12px sans-serif}} "
    f".grid{{stroke:{RULE}}} .tick{{fill:{SOFT};font-size:11px}} "
    f".title{{font-weight:bold;font-size:14px}} .line{{fill:none;stroke-width:2}} "
    f".mark{{stroke:{SOFT};stroke-dasharray:2 3}} .dashed{{stroke-dasharray:5 4}} "
    ".band{fill-opacity:.18} "
    f".over{{paint-order:stroke;stroke:{PAPER};stroke-width:4px;stroke-linejoin:round}} "
    + " ".join(
        f".line.c{at}{{stroke:{colour}}} .dot.c{at},.bar.c{at},.band.c{at}{{fill:{colour}}}"
        for at, colour in enumerate(PALETTE)
    )
)
TITLE_PX, LEGEND_PX = 18, 18  # a line
TITLE_LETTER_PX = 8  # wide, on average


def as_file(title: str, width: int, height: int, body: str, legend: Sequence[Series] = ()) -> str:
    """A whole SVG file, light, with the title above and the legend below."""
    lines = textwrap.wrap(title, (width - 24) // TITLE_LETTER_PX)
    head = "".join(
        f'<text class="title" x="12" y="{TITLE_PX * (at + 1)}">{escape(line)}</text>'
        for at, line in enumerate(lines)
    )
    top = TITLE_PX * len(lines) + 8
    rows = "".join(
        _legend_row(line, top + height + LEGEND_PX * (at + 1)) for at, line in enumerate(legend)
    )
    whole = top + height + LEGEND_PX * (len(legend) + 1)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {whole}" width="{width}" '
        f'height="{whole}" role="img"><title>{escape(title)}</title><style>{FILE_STYLE}</style>'
        f'<rect width="{width}" height="{whole}" fill="{PAPER}"/>'
        f'{head}<g transform="translate(0 {top})">{body}</g>{rows}</svg>\n'
    )


def write_chart(chart: Chart, folder: Path) -> list[Path]:
    """Write the chart as SVG and its numbers as CSV, named by its title; returns the paths."""
    name = named(chart.title)
    table = io.StringIO()
    csv.writer(table, lineterminator="\n").writerows(chart.numbers())
    return [
        write_text(folder / f"{name}.svg", chart.svg()),
        write_text(folder / f"{name}.csv", table.getvalue()),
    ]


def named(title: str) -> str:
    """What a file of this figure is called: the title's words up to a colon or a bracket."""
    head = re.split(r"[:(]", title)[0].strip().lower()
    return re.sub(r"[^a-z0-9]+", "-", head)


def _legend_row(line: Series, y: int) -> str:
    colour = f"c{line.colour % COLOURS}"
    key = (
        f'<line class="line {colour}{_style(line)}" x1="{LEFT}" x2="{LEFT + 20}" '
        f'y1="{y - 4}" y2="{y - 4}"/>'
        if line.lines
        else f'<circle class="dot {colour}" cx="{LEFT + 10}" cy="{y - 4}" r="4"/>'
    )
    return f'{key}<text x="{LEFT + 28}" y="{y}">{escape(line.name)}</text>'


# --- parts of a line chart ------------------------------------------------------------------------


def _x(axis: Axis, value: float) -> float:
    return LEFT + axis.share(value) * (WIDTH - LEFT - RIGHT)


def _y(axis: Axis, value: float) -> float:
    return HEIGHT - BOTTOM - axis.share(value) * (HEIGHT - TOP - BOTTOM)


def _frame(x: Axis, y: Axis) -> str:
    parts = []
    for tick in x.ticks():
        at = _x(x, tick)
        parts.append(f'<line class="grid" x1="{at:.1f}" x2="{at:.1f}" y1="{TOP}" '
                     f'y2="{HEIGHT - BOTTOM}"/><text class="tick" text-anchor="middle" '
                     f'x="{at:.1f}" y="{HEIGHT - BOTTOM + 16}">{tick:g}</text>')  # fmt: skip
    for tick in y.ticks():
        at = _y(y, tick)
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{at:.1f}" '
                     f'y2="{at:.1f}"/><text class="tick" text-anchor="end" x="{LEFT - 6}" '
                     f'y="{at + 4:.1f}">{tick:.4g}</text>')  # fmt: skip
    middle_x, middle_y = (LEFT + WIDTH - RIGHT) / 2, (TOP + HEIGHT - BOTTOM) / 2
    parts += [
        f'<text class="axis" text-anchor="middle" x="{middle_x}" y="{HEIGHT - 8}">'
        f"{escape(x.label)}</text>",
        f'<text class="axis" text-anchor="middle" transform="translate(14 {middle_y}) '
        f'rotate(-90)">{escape(y.label)}</text>',
    ]
    return "".join(parts)


def _drawn(line: Series, x: Axis, y: Axis) -> str:
    runs = [
        [(_x(x, a), _y(y, b)) for a, b in run]
        for inside, run in groupby(line.points, lambda point: y.holds(point[1]))
        if inside  # a line is broken where it leaves the chart, and where it is not known
    ]
    colour = f"c{line.colour % COLOURS}"
    parts = [_band(line, x, y)] if line.shaded else []
    if line.lines:
        parts += [f'<polyline class="line {colour}{_style(line)}" points="{_path(run)}"/>'
                  for run in runs]  # fmt: skip
    for at, low, high in () if line.shaded else _known(line.bars):
        parts.append(f'<line class="line {colour}" x1="{_x(x, at):.1f}" x2="{_x(x, at):.1f}" '
                     f'y1="{_y(y, low):.1f}" y2="{_y(y, high):.1f}"/>')  # fmt: skip
    if line.dots:
        parts += [f'<circle class="dot {colour}" cx="{a:.1f}" cy="{b:.1f}" r="3.5"/>'
                  for run in runs for a, b in run]  # fmt: skip
    return "".join(parts)


def _band(line: Series, x: Axis, y: Axis) -> str:
    """The bars as one area, cut at the ends of the axis."""
    bars = _known(line.bars)
    over = [(_x(x, at), _y(y, min(high, y.high))) for at, _, high in bars]
    under = [(_x(x, at), _y(y, max(low, y.low))) for at, low, _ in reversed(bars)]
    return f'<polygon class="band c{line.colour % COLOURS}" points="{_path([*over, *under])}"/>'


def _path(places: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{a:.1f},{b:.1f}" for a, b in places)


def _numbers(x: Axis, y: Axis, series: Sequence[Series]) -> str:
    rows = "".join(
        f"<tr><td>{escape(line.name)}</td><td>{a:.4g}</td><td>{b:.4g}{_interval(line, at)}</td>"
        "</tr>"
        for line in series
        for at in _some(len(line.points), 40)
        for a, b in [line.points[at]]
    )
    return (
        "<details><summary>numbers</summary><table><thead><tr><th>line</th>"
        f"<th>{escape(x.label)}</th><th>{escape(y.label)}</th></tr></thead><tbody>{rows}</tbody>"
        "</table></details>"
    )


def _style(line: Series) -> str:
    return " dashed" if line.dashed else "" if line.lines else " spot"


def _interval(line: Series, at: int) -> str:
    ends = _ends(line, at)
    return f" [{ends[0]:.3f}, {ends[1]:.3f}]" if ends else ""


def _ends(line: Series, at: int) -> tuple[float, float] | None:
    """The interval of the point ``at``, where it is known."""
    known = _known(line.bars[at : at + 1])
    return known[0][1:] if known else None


def _known(bars: Sequence[Bar]) -> list[Bar]:
    return [each for each in bars if not math.isnan(each[1])]


def _some(count: int, most: int) -> list[int]:
    """Evenly spaced places of ``count``, the first and the last among them."""
    step = max(1, math.ceil(count / most))
    return [*range(0, count - 1, step), *range(max(0, count - 1), count)]


def shortened(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"

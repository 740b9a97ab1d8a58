"""Charts as inline SVG: axes, ticks, units, a legend; colours follow the page's light or dark."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

WIDTH, HEIGHT = 440, 330
LEFT, RIGHT, TOP, BOTTOM = 56, 14, 14, 46
COLOURS = 8  # classes c0 to c7 of the style sheet: Okabe and Ito's palette


@dataclass(frozen=True, kw_only=True, slots=True)
class Series:
    """A line. ``bars`` are vertical intervals (x, low, high)."""

    name: str
    points: tuple[tuple[float, float], ...]
    colour: int = 0
    dashed: bool = False
    dots: bool = False
    bars: tuple[tuple[float, float, float], ...] = ()
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


def line_chart(
    title: str, x: Axis, y: Axis, series: Sequence[Series], marks: Iterable[tuple[float, str]] = ()
) -> Markup:
    """``marks`` are vertical lines at x with a word."""
    body = [_frame(x, y)]
    for value, word in marks:
        at = _x(x, value)
        right_half = x.share(value) > 0.5  # there the word stands left of its line
        body.append(f'<line class="mark" x1="{at:.1f}" x2="{at:.1f}" y1="{TOP}" '
                    f'y2="{HEIGHT - BOTTOM}"/><text class="tick" '
                    f'text-anchor="{"end" if right_half else "start"}" '
                    f'x="{at + (-4 if right_half else 4):.1f}" '
                    f'y="{TOP + 11}">{escape(word)}</text>')  # fmt: skip
    body += [_drawn(line, x, y) for line in series]
    legend = "".join(
        f'<span><i class="key c{line.colour % COLOURS}{_style(line)}"></i>'
        f"{escape(line.name)}</span>"
        for line in series
    )
    described = escape(f"{title}: {y.label} against {x.label}")
    return Markup(
        f'<figure><figcaption>{escape(title)}</figcaption><svg viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'role="img" aria-label="{described}">{"".join(body)}</svg>'
        f'<p class="legend">{legend}</p>{_numbers(x, y, series)}</figure>'
    )


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
    places = [(_x(x, a), _y(y, b)) for a, b in line.points if math.isfinite(a) and math.isfinite(b)]
    colour = f"c{line.colour % COLOURS}"
    path = " ".join(f"{a:.1f},{b:.1f}" for a, b in places)
    parts = (
        [f'<polyline class="line {colour}{_style(line)}" points="{path}"/>'] if line.lines else []
    )
    for at, low, high in line.bars:
        parts.append(f'<line class="line {colour}" x1="{_x(x, at):.1f}" x2="{_x(x, at):.1f}" '
                     f'y1="{_y(y, low):.1f}" y2="{_y(y, high):.1f}"/>')  # fmt: skip
    if line.dots:
        parts += [f'<circle class="dot {colour}" cx="{a:.1f}" cy="{b:.1f}" r="3.5"/>'
                  for a, b in places]  # fmt: skip
    return "".join(parts)


def _numbers(x: Axis, y: Axis, series: Sequence[Series]) -> str:
    rows = "".join(
        f"<tr><td>{escape(line.name)}</td><td>{a:.4g}</td><td>{b:.4g}{_interval(line, at)}</td>"
        "</tr>"
        for line in series
        for at, (a, b) in enumerate(_some(line.points, 40))
    )
    return (
        "<details><summary>numbers</summary><table><thead><tr><th>line</th>"
        f"<th>{escape(x.label)}</th><th>{escape(y.label)}</th></tr></thead><tbody>{rows}</tbody>"
        "</table></details>"
    )


def _style(line: Series) -> str:
    return " dashed" if line.dashed else "" if line.lines else " spot"


def _interval(line: Series, at: int) -> str:
    """The interval of the point ``at``, for lines that have them (never thinned)."""
    if not line.bars:
        return ""
    _, low, high = line.bars[at]
    return f" [{low:.3f}, {high:.3f}]"


def _some(points: Sequence[tuple[float, float]], most: int) -> list[tuple[float, float]]:
    step = max(1, math.ceil(len(points) / most))
    return [*points[:-1:step], *points[-1:]]


MOST_NAMED_COLUMNS = 4


def confusion_chart(title: str, classes: Sequence[str], table: Sequence[Sequence[int]]) -> Markup:
    """Rows are the truth; a cell is shaded by its share of the row. Many classes are numbered."""
    many = len(classes) > MOST_NAMED_COLUMNS
    numbered = [f"{at}. {name}" if many else name for at, name in enumerate(classes, start=1)]
    heads = [str(at) if many else name for at, name in enumerate(classes, start=1)]
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in heads)
    rows = []
    for name, counts in zip(numbered, table, strict=True):
        total = sum(counts) or 1
        cells = "".join(
            f'<td style="--share:{count / total:.2f}">{count:,}<small>{count / total:.0%}</small>'
            "</td>"
            for count in counts
        )
        rows.append(f'<tr><th scope="row">{escape(name)}</th>{cells}</tr>')
    return Markup(
        f"<figure{' class=wide' if many else ''}><figcaption>{escape(title)}</figcaption>"
        f'<div class="scroll" tabindex="0" role="group" aria-label="{escape(title)}">'
        '<table class="confusion"><thead><tr><th>truth \\ answer</th>'
        f"{head}</tr></thead><tbody>{''.join(rows)}</tbody></table></div></figure>"
    )

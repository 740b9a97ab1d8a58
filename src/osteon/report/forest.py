"""Figures with intervals below one another, each with its name: a forest plot."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import escape

from osteon.report.charts import Axis, as_file, shortened

WIDTH, LABEL, RIGHT, TOP, ROW, BOTTOM = 440, 214, 12, 6, 19, 40
GRAY, MARKED = 7, 1  # the colours of rows that say nothing, and of those that stand out
LONGEST = 27  # letters of a name
MARGIN = 12  # of a file; a page has its own


@dataclass(frozen=True, kw_only=True, slots=True)
class ForestRow:
    """``heading`` rows have a name alone; ``note`` stands in the file of the numbers."""

    name: str
    value: float | None = None
    low: float | None = None
    high: float | None = None
    n: int = 0
    colour: int = 0
    note: str = ""
    heading: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class ForestChart:
    """``reference`` is a dashed line, the figure of ``reference_of``."""

    title: str
    label: str
    rows: tuple[ForestRow, ...]
    reference: float | None
    reference_of: str = "all films"

    def __html__(self) -> str:
        return (
            f"<figure><figcaption>{escape(self.title)}</figcaption>"
            f'<svg viewBox="0 0 {WIDTH} {self._height}" role="img" '
            f'aria-label="{escape(self.title)}: the table below has its numbers">{self._body()}'
            "</svg></figure>"
        )

    def svg(self) -> str:
        body = f'<g transform="translate({MARGIN} 0)">{self._body()}</g>'
        return as_file(self.title, WIDTH + 2 * MARGIN, self._height, body)

    def numbers(self) -> list[tuple[object, ...]]:
        head: list[tuple[object, ...]] = [("films of", self.label, "low", "high", "films", "note")]
        group = ""
        for row in self.rows:
            if row.heading:
                group = row.name
                continue
            ends = ["" if end is None else end for end in (row.value, row.low, row.high)]
            head.append((f"{group}: {row.name}" if group else row.name, *ends, row.n, row.note))
        return head

    @property
    def _height(self) -> int:
        return TOP + ROW * len(self.rows) + BOTTOM

    @property
    def _axis(self) -> Axis:
        seen = [end for row in self.rows for end in (row.value, row.low) if end is not None]
        low = min([0.5, *seen])
        return Axis(label=self.label, low=max(0.0, int(low * 10) / 10), high=1.0)

    def _body(self) -> str:
        axis, bottom = self._axis, TOP + ROW * len(self.rows)
        parts = []
        for tick in axis.ticks():
            x = _x(axis, tick)
            parts.append(
                f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{bottom}"/>'
                f'<text class="tick" text-anchor="middle" x="{x:.1f}" y="{bottom + 15}">'
                f"{tick:.4g}</text>"
            )
        if self.reference is not None:
            x = _x(axis, self.reference)
            parts.append(f'<line class="mark" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{bottom}"/>')
        middle = (LABEL + WIDTH - RIGHT) / 2
        parts.append(
            f'<text class="axis" text-anchor="middle" x="{middle:.1f}" y="{bottom + 33}">'
            f"{escape(self.label)}; dashed: {escape(self.reference_of)}</text>"
        )
        rows = (_row(row, axis, TOP + ROW * at) for at, row in enumerate(self.rows))
        return "".join([*parts, *rows])


def _x(axis: Axis, value: float) -> float:
    return LABEL + axis.share(min(max(value, axis.low), axis.high)) * (WIDTH - LABEL - RIGHT)


def _row(row: ForestRow, axis: Axis, top: float) -> str:
    name = escape(shortened(row.name, LONGEST))
    y = top + ROW / 2
    if row.heading:
        return f'<text x="0" y="{y + 4:.1f}" style="font-weight:600">{name}</text>'
    style = ' class="tick"' if row.colour == GRAY else ""
    parts = [
        f'<text{style} x="8" y="{y + 4:.1f}">{name}</text><text class="tick" text-anchor="end" '
        f'x="{LABEL - 8}" y="{y + 4:.1f}">{row.n:,}</text>'
    ]
    if row.low is not None and row.high is not None:
        parts.append(
            f'<line class="line c{row.colour}" x1="{_x(axis, row.low):.1f}" '
            f'x2="{_x(axis, row.high):.1f}" y1="{y:.1f}" y2="{y:.1f}"/>'
        )
    if row.value is not None:
        parts.append(
            f'<circle class="dot c{row.colour}" cx="{_x(axis, row.value):.1f}" cy="{y:.1f}" '
            'r="3.5"/>'
        )
    return "".join(parts)

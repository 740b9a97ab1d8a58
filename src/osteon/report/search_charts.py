"""What a search tried: shares as bars, trials as parallel coordinates."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import escape

from osteon.report.charts import WIDTH, as_file, shortened

LABEL_PX = 150


@dataclass(frozen=True, kw_only=True, slots=True)
class BarChart:
    """Horizontal bars of shares, 0 to 1."""

    title: str
    shares: tuple[tuple[str, float], ...]

    def _height(self) -> int:
        return 26 * len(self.shares) + 8

    def _body(self) -> str:
        body = []
        for row, (name, share) in enumerate(self.shares):
            y = 26 * row + 4
            body.append(
                f'<text text-anchor="end" x="{LABEL_PX}" y="{y + 15}">{escape(shortened(name, 24))}'
                f'</text><rect class="bar c0" x="{LABEL_PX + 8}" y="{y + 2}" height="18" '
                f'width="{share * (WIDTH - LABEL_PX - 60):.1f}"/><text class="tick" '
                f'x="{LABEL_PX + 14 + share * (WIDTH - LABEL_PX - 60):.1f}" y="{y + 15}">'
                f"{share:.2f}</text>"
            )
        return "".join(body)

    def __html__(self) -> str:
        said = "; ".join(f"{name} {share:.2f}" for name, share in self.shares)
        return (
            f'<figure><figcaption>{escape(self.title)}</figcaption><svg role="img" '
            f'viewBox="0 0 {WIDTH} {self._height()}" aria-label="{escape(said)}">'
            f"{self._body()}</svg></figure>"
        )

    def svg(self) -> str:
        return as_file(self.title, WIDTH, self._height(), self._body())

    def numbers(self) -> list[tuple[object, ...]]:
        return [("name", "share"), *self.shares]


@dataclass(frozen=True, kw_only=True, slots=True)
class Upright:
    """One vertical axis of a parallel chart: ticks are (share of the height, word)."""

    name: str
    ticks: tuple[tuple[float, str], ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class ParallelChart:
    """Parallel coordinates: each line is a trial, its places are shares of the axes' heights.

    ``strengths`` (0 to 1) make good trials stand out; the last of the lines is drawn as the winner.
    """

    title: str
    uprights: tuple[Upright, ...]
    lines: tuple[tuple[float | None, ...], ...]
    strengths: tuple[float, ...]

    def _width(self) -> int:
        return max(900, 130 * len(self.uprights))

    def _place(self, at: int, share: float) -> tuple[float, float]:
        step = (self._width() - 120) / max(len(self.uprights) - 1, 1)
        return 50 + at * step, 250 - share * 210

    def _body(self) -> str:
        body = []
        for number, (line, strength) in enumerate(zip(self.lines, self.strengths, strict=True)):
            places = [self._place(at, share) for at, share in enumerate(line) if share is not None]
            path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
            last = number == len(self.lines) - 1
            colour, opacity = ("c1", 1.0) if last else ("c0", 0.15 + 0.6 * strength)
            body.append(f'<polyline class="line {colour}" points="{path}" '
                        f'stroke-opacity="{opacity:.2f}"/>')  # fmt: skip
        for at, upright in enumerate(self.uprights):
            (x, low), (_, high) = self._place(at, 0), self._place(at, 1)
            short = upright.name.rpartition(".")[2]
            body += [
                f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{high}" y2="{low}"/>',
                f'<text text-anchor="middle" x="{x:.1f}" y="22">{escape(short)}</text>',
            ]
            for share, word in upright.ticks:
                y = self._place(at, share)[1] + 4
                word = escape(shortened(word, 14))
                body.append(f'<text class="tick over" x="{x + 8:.1f}" y="{y:.1f}">{word}</text>')
        return "".join(body)

    def __html__(self) -> str:
        return (
            f'<figure class=wide><figcaption>{escape(self.title)}</figcaption><svg role="img" '
            f'viewBox="0 0 {self._width()} 270" aria-label="{escape(self.title)}">{self._body()}'
            "</svg></figure>"
        )

    def svg(self) -> str:
        return as_file(self.title, self._width(), 270, self._body())

    def numbers(self) -> list[tuple[object, ...]]:
        names = [upright.name for upright in self.uprights]
        rows = zip(self.lines, self.strengths, strict=True)
        return [(*names, "strength"), *((*line, strength) for line, strength in rows)]

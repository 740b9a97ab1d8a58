"""A confusion matrix, as a table of a page or as a file."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import escape

from osteon.report.charts import PALETTE, RULE, as_file, shortened

MOST_NAMED_COLUMNS = 4
CELL_PX, LABEL_PX = 46, 150
LETTER_PX, MOST_LETTERS = 7, 16  # of the name of a column


@dataclass(frozen=True, kw_only=True, slots=True)
class ConfusionChart:
    """Rows are the truth; a cell is shaded by its share of the row. Many classes are numbered."""

    title: str
    classes: tuple[str, ...]
    table: tuple[tuple[int, ...], ...]

    @property
    def _many(self) -> bool:
        return len(self.classes) > MOST_NAMED_COLUMNS

    def _heads(self) -> list[str]:
        return [str(n) if self._many else name for n, name in enumerate(self.classes, start=1)]

    def _rows(self) -> list[str]:
        return [f"{n}. {c}" if self._many else c for n, c in enumerate(self.classes, start=1)]

    def __html__(self) -> str:
        head = "".join(f'<th scope="col">{escape(name)}</th>' for name in self._heads())
        rows = []
        for name, counts in zip(self._rows(), self.table, strict=True):
            total = sum(counts) or 1
            cells = "".join(
                f'<td style="--share:{n / total:.2f}">{n:,}<small>{n / total:.0%}</small></td>'
                for n in counts
            )
            rows.append(f'<tr><th scope="row">{escape(name)}</th>{cells}</tr>')
        return (
            f"<figure{' class=wide' if self._many else ''}>"
            f"<figcaption>{escape(self.title)}</figcaption>"
            f'<div class="scroll" tabindex="0" role="group" aria-label="{escape(self.title)}">'
            '<table class="confusion"><thead><tr><th>truth \\ answer</th>'
            f"{head}</tr></thead><tbody>{''.join(rows)}</tbody></table></div></figure>"
        )

    def numbers(self) -> list[tuple[object, ...]]:
        rows = zip(self.classes, self.table, strict=True)
        return [("truth \\ answer", *self.classes), *((name, *counts) for name, counts in rows)]

    def svg(self) -> str:
        heads = [shortened(name, MOST_LETTERS) for name in self._heads()]
        wide = max(CELL_PX, 10 + LETTER_PX * max(map(len, heads)))
        body = ['<text class="tick" x="12" y="30">truth \\ answer</text>']
        for at, name in enumerate(heads):
            x = LABEL_PX + (at + 0.5) * wide
            body.append(f'<text text-anchor="middle" x="{x}" y="30">{escape(name)}</text>')
        for row, (name, counts) in enumerate(zip(self._rows(), self.table, strict=True)):
            y, total = 40 + row * CELL_PX, sum(counts) or 1
            body.append(
                f'<text x="12" y="{y + CELL_PX / 2 + 4}">{escape(shortened(name, 20))}</text>'
            )
            for at, count in enumerate(counts):
                x, share = LABEL_PX + at * wide, count / total
                body.append(
                    f'<rect x="{x}" y="{y}" width="{wide}" height="{CELL_PX}" '
                    f'fill="{PALETTE[0]}" fill-opacity="{0.45 * share:.3f}" stroke="{RULE}"/>'
                    f'<text text-anchor="middle" x="{x + wide / 2}" y="{y + 21}">{count:,}'
                    f'</text><text class="tick" text-anchor="middle" x="{x + wide / 2}" '
                    f'y="{y + 36}">{share:.0%}</text>'
                )
        across, down = len(self.classes) * wide, len(self.classes) * CELL_PX
        return as_file(self.title, max(LABEL_PX + across + 12, 420), 40 + down, "".join(body))

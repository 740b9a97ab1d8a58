"""The page of a comparison: the metrics of each pair, the ROC curves, who is right where."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from osteon.compare import Comparison
from osteon.files import write_text
from osteon.metrics import TITLES
from osteon.report.charts import Axis, Chart, Series, line_chart
from osteon.report.rendering import rendered

CHANCE = 7  # the colour of what must be beaten


def write_comparison(comparisons: Sequence[Comparison], path: Path) -> Path:
    """Write the page of one comparison or more, all with the same first classifier."""
    page = rendered(
        "compare.html.jinja",
        pairs=comparisons,
        titles=TITLES,
        roc=roc_chart(comparisons),
    )
    return write_text(path, page)


def roc_chart(comparisons: Sequence[Comparison]) -> Chart | None:
    """The first's curve, once, and each other's; None for more than two classes."""
    drawn = [made for made in comparisons if len(made.curves) == 2]
    if not drawn:
        return None
    named = [(drawn[0].names[0], drawn[0].curves[0])]
    named += [(made.names[1], made.curves[1]) for made in drawn]
    lines = [
        Series(
            name=name,
            points=tuple(zip(curve.x, curve.y, strict=True)),
            colour=at % CHANCE,
            dashed=at >= CHANCE,
        )
        for at, (name, curve) in enumerate(named)
    ]
    chance = Series(name="chance", points=((0, 0), (1, 1)), colour=CHANCE, dashed=True)
    return line_chart(
        "ROC",
        Axis(label="1 - specificity", low=0.0, high=1.0),
        Axis(label="sensitivity", low=0.0, high=1.0),
        [*lines, chance],
    )

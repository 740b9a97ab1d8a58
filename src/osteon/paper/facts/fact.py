"""How a fact is written, and where all of them are kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from osteon.report.material import Material
from osteon.types import Estimate

Fact = Callable[[Material], str | None]
FACTS: dict[str, Fact] = {}


def fact(function: Fact) -> Fact:
    FACTS[function.__name__] = function
    return function


def stated(estimate: Estimate | None) -> str:
    """Such as ``0.872 [0.831, 0.905]``; the number of films stands at the head of its table."""
    if estimate is None or estimate.value is None:
        return "undefined"
    interval = (
        "no interval" if estimate.low is None else f"{estimate.low:z.3f}, {estimate.high:z.3f}"
    )
    return f"{estimate.value:z.3f} [{interval}]"


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    def line(cells: Sequence[object]) -> str:
        return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |"

    return "\n".join([line(head), line(["---"] * len(head)), *(line(row) for row in rows)])

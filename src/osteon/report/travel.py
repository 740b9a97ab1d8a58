"""The page of journeys between data sets: who was trained where, and judged where."""

from __future__ import annotations

from pathlib import Path

from osteon.crossings import Travels, told_travels
from osteon.files import write_text
from osteon.report.rendering import rendered


def write_travel_report(travels: Travels, folder: Path) -> Path:
    """Write ``folder``/travel.html."""
    page = rendered("travel.html.jinja", t=travels, told=told_travels(travels))
    return write_text(folder / "travel.html", page)

"""The page of a reproduction: published, naive, honest, side by side."""

from __future__ import annotations

from pathlib import Path

from osteon.files import write_text
from osteon.metrics import TITLES
from osteon.report.rendering import rendered
from osteon.reproduced import JUDGED, Reproduced
from osteon.values import read_value


def write_reproduction_report(folder: Path) -> Path:
    """Write reproduction.html beside ``folder``/reproduction.json, which must be there."""
    result = read_value(Reproduced, folder / "reproduction.json")
    page = rendered("reproduction.html.jinja", r=result, titles=TITLES, metrics=JUDGED)
    return write_text(folder / "reproduction.html", page)

"""The page of a reproduction: published, naive, honest, side by side, and its figures as files."""

from __future__ import annotations

from pathlib import Path

from osteon.files import write_text
from osteon.metrics import TITLES
from osteon.report.charts import write_chart
from osteon.report.plots import write_films
from osteon.report.rendering import rendered
from osteon.report.reproduction_figures import (
    confusions,
    films_drawn,
    learning_curves,
    side_by_side,
)
from osteon.report.tuning import write_tuning_report
from osteon.reproduced import JUDGED, Reproduced
from osteon.runs import RunFolder
from osteon.values import read_value


def write_reproduction_report(folder: Path) -> Path:
    """Write reproduction.html beside ``folder``/reproduction.json, which must be there, its figures
    in plots/, and the page of each of its searches."""
    result = read_value(Reproduced, folder / "reproduction.json")
    for search in result.searches:
        write_tuning_report(folder / f"search-{search.way}")
    compared = list(side_by_side(result))
    curves, matrices = list(learning_curves(folder, result)), list(confusions(folder, result))
    shelves = films_drawn(folder, result)
    plots = RunFolder(folder).plots
    for chart in (*compared, *curves, *matrices):
        write_chart(chart, plots)
    write_films(shelves, plots)
    page = rendered(
        "reproduction.html.jinja",
        r=result,
        titles=TITLES,
        metrics=JUDGED,
        compared=compared,
        curves=curves,
        matrices=matrices,
        shelves=shelves,
        boxes=any(film.boxes for shelf in shelves for film in shelf.thumbnails),
    )
    return write_text(folder / "reproduction.html", page)

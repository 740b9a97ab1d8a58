"""The report of a run: one self-contained HTML file, and its figures as files."""

from __future__ import annotations

from pathlib import Path


def write_report(run: Path) -> Path:
    """Write report.html from whatever lies in the run folder, and its figures as files in plots/;
    returns the path of the page.

    A run that stopped on its way gets a report of what is there, and the command to go on with.
    Raises DataError if ``run`` is no run folder.
    """
    from osteon.files import write_text
    from osteon.report.material import gather
    from osteon.report.page import page
    from osteon.report.plots import write_plots

    material = gather(run)
    write_plots(material)
    return write_text(material.folder.report, page(material))

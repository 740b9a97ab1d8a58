"""The report of a run: one self-contained HTML file."""

from __future__ import annotations

from pathlib import Path


def write_report(run: Path) -> Path:
    """Write report.html from whatever lies in the run folder; returns its path.

    A run that stopped on its way gets a report of what is there, and the command to go on with.
    Raises DataError if ``run`` is no run folder.
    """
    from osteon.files import write_text
    from osteon.report.material import gather
    from osteon.report.page import page

    material = gather(run)
    return write_text(material.folder.report, page(material))

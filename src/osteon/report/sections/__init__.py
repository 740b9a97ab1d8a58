"""Sections of a run's report, one file each: a new file is a new section of every report."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup

from osteon.registry import Registry

if TYPE_CHECKING:
    from osteon.report.charts import Chart
    from osteon.report.material import Material


@dataclass(frozen=True, kw_only=True, slots=True)
class Section:
    """What one section shows. ``charts`` are those within ``body`` that also become files."""

    title: str
    body: Markup
    charts: tuple[Chart, ...] = ()


# None where the run holds nothing for it.
SectionMaker = Callable[["Material"], Section | None]
SECTIONS: Registry[SectionMaker] = Registry("section", package="osteon.report.sections")

ORDER = (
    "calibration",
    "decisions",
    "studies",
    "subgroups",
    "shift",
    "explanation",
)
"""In which order a reader meets them; others follow by name."""


def sections(material: Material) -> Iterator[tuple[str, Section]]:
    """Name and content of every section that the run has something for, in reading order."""
    known = [name for name in ORDER if name in SECTIONS]
    for name in [*known, *(name for name in SECTIONS if name not in ORDER)]:
        section = SECTIONS[name](material)
        if section is not None:
            yield name, section

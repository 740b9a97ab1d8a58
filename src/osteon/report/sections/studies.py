"""Study level: several films of one study fused to one answer."""

from __future__ import annotations

from osteon.fusion import StudyLevel
from osteon.metrics import TITLES
from osteon.report.material import Material
from osteon.report.rendering import fragment
from osteon.report.sections import SECTIONS, Section
from osteon.values import read_value


@SECTIONS.register("studies")
def studies(material: Material) -> Section | None:
    path = material.folder.path / "studies.json"
    if not path.is_file():
        return None
    found = read_value(StudyLevel, path)
    body = fragment(
        "studies.html.jinja",
        s=found,
        metrics=list(found.ways[0].figures) if found.ways else [],
        gains=list(found.ways[-1].gain) if found.ways else [],
        titles=TITLES,
    )
    return Section(title="Study by study", body=body)

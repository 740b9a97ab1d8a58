"""The page of a model that osteon never saw: its figures, and every section that they fill."""

from __future__ import annotations

from pathlib import Path

from osteon.files import write_text
from osteon.foreign import Foreign
from osteon.known_films import Known
from osteon.metrics import TITLES
from osteon.predictions import read_predictions, selected
from osteon.report.charts import Chart, write_chart
from osteon.report.figures import calibration_figure, confusion_figures, curve_figures
from osteon.report.gallery import Shelf, shelves
from osteon.report.material import Material
from osteon.report.page import headlines, resampling
from osteon.report.rendering import rendered
from osteon.report.sections import sections
from osteon.runs import RunFolder
from osteon.types import Audit, Evaluation
from osteon.values import read_value


def write_foreign_report(out: Path, found: Foreign, known: Known) -> Path:
    """Write report.html and plots/ from what ``evaluate_predictions`` left in ``out``; returns the
    path of the page."""
    material = _material(RunFolder(out), found, known)
    filled = list(sections(material))
    curves = list(curve_figures(found.evaluation))
    confusions = list(confusion_figures(found.evaluation))
    calibration = calibration_figure(found.evaluation)
    charts: list[Chart] = [*curves, *confusions, *([calibration] if calibration else [])]
    for chart in [*charts, *(chart for _, section in filled for chart in section.charts)]:
        write_chart(chart, material.folder.plots)
    page = rendered(
        "foreign.html.jinja",
        f=found,
        m=material,
        titles=TITLES,
        headlines=list(headlines(found.evaluation)),
        resampling=resampling(found.evaluation),
        curves=curves,
        confusions=confusions,
        calibration=calibration,
        sections=filled,
        shelves=_shelves(material, known),
    )
    return write_text(material.folder.report, page)


def _material(folder: RunFolder, found: Foreign, known: Known) -> Material:
    """What the sections ask for: there was no audit, no split and no training."""
    val = folder.evaluation("val")
    digest = known.manifest.digest
    return Material(
        folder=folder,
        manifest=known.manifest,
        audit=Audit(manifest_digest=digest, findings=(), facts=known.facts, clusters={}),
        split=None,
        recipe=None,
        crop_loss=None,
        environment=None,
        history=(),
        predictions=read_predictions(folder.predictions("test"), part="test"),
        val=read_value(Evaluation, val) if val.is_file() else None,
        test=found.evaluation,
        openings=(),
    )


def _shelves(material: Material, known: Known) -> list[Shelf]:
    """Films right and wrong, of those that the manifest has."""
    if not known.name or material.predictions is None or material.test is None:
        return []
    ids = material.predictions.ids
    there = selected(material.predictions, [i for i, id_ in enumerate(ids) if id_ in known.matched])
    return list(shelves(there, material.test, known.manifest))

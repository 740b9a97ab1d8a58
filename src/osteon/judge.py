"""What an evaluation leaves beside its scores: decisions, and who the classifier is good for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace

from osteon import calibrate, decisions
from osteon.attributes import attributes_of
from osteon.decisions import Goals
from osteon.fracture_size import fracture_sizes
from osteon.fusion import fuse, studies_of
from osteon.runs import RunFolder
from osteon.subgroups import subgroups
from osteon.types import FilmFacts, Manifest, OperatingPoint, PixelRules, Predictions
from osteon.values import write_value


def write_decisions(
    folder: RunFolder, on_val: Predictions, on_test: Predictions, goals: Goals | None = None
) -> None:
    """Calibration and decisions, chosen on validation: calibration.json, decisions.json."""
    calibrated = calibrate.judge_calibration(on_val, on_test)
    write_value(folder.path / calibrate.FILE, calibrated)
    decided = decisions.decide(
        on_val,
        on_test,
        calibrator=calibrate.chosen_calibrator(calibrated),
        **asdict(goals or Goals()),
    )
    write_value(folder.path / decisions.FILE, decided)


def write_subgroups(
    folder: RunFolder,
    on_val: Predictions,
    on_test: Predictions,
    manifest: Manifest,
    facts: Mapping[str, FilmFacts],
    point: OperatingPoint | None,
    rules: PixelRules,
) -> None:
    """Figures by subgroup, fracture size and study: subgroups.json, studies.json."""
    found = subgroups(on_test, attributes_of(manifest, facts), point=point)
    sizes = fracture_sizes(on_test, manifest, facts, point=point, rules=rules)
    write_value(folder.path / "subgroups.json", replace(found, sizes=sizes))
    study_of, unit = studies_of(manifest)
    studies = fuse(on_test, on_val, study_of, point=point, unit=unit)
    write_value(folder.path / "studies.json", studies)

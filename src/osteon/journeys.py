"""Travel on run folders: the shift suite of a run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from osteon.environment import timed
from osteon.errors import UsageError
from osteon.run import existing_run, make_ready, report_run
from osteon.runs import RunFolder, log_opening
from osteon.travel import FILE, FILMS, ShiftReport, shift_suite
from osteon.types import Audit
from osteon.values import read_value, write_value


def shift_run(
    path: Path,
    *,
    films: int | None = FILMS,
    shifts: Sequence[str] | None = None,
    seed: int = 0,
    cache: Path | None = None,
) -> ShiftReport:
    """The shift suite on the test part of an evaluated run; RUN/shift.json, and a new report.

    The test part is scored again, so it adds a line to openings.log. Raises UsageError for a run
    that has not been evaluated; see ``osteon.travel.shift_suite``.
    """
    from osteon.classifier import Classifier
    from osteon.manifest import read_manifest
    from osteon.predictions import read_predictions

    folder: RunFolder = existing_run(path)
    if not folder.predictions("test").is_file():
        raise UsageError(f"{path} has not been evaluated yet: osteon evaluate {path}")
    classifier = Classifier.load(path)
    manifest, audit = read_manifest(folder.manifest), read_value(Audit, folder.audit)
    prepared = make_ready(folder, classifier.recipe, manifest, audit, cache=cache)
    with timed(folder.environment, "shift"):
        log_opening(folder, "osteon shift")
        report = shift_suite(
            classifier,
            prepared,
            read_predictions(folder.predictions("test"), part="test"),
            classifier.operating_point,
            keep=path / "shift",
            films=films,
            shifts=shifts,
            seed=seed,
        )
        write_value(path / FILE, report)
    report_run(folder)
    return report

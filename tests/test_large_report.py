"""A report grows with what it says, not with the films."""

from __future__ import annotations

from pathlib import Path

import pytest

from osteon.report import write_report

MOST_BYTES = 15e6


@pytest.mark.slow
def test_a_report_of_many_test_films_stays_small(tmp_path: Path) -> None:
    from benchmarks.large_report import made_run

    few, _ = made_run(tmp_path / "few", 500)
    many, _ = made_run(tmp_path / "many", 5000)
    sizes = [write_report(run.path).stat().st_size for run in (few, many)]
    assert sizes[1] < MOST_BYTES / 2
    assert sizes[1] < 3 * sizes[0]  # of ten times the films

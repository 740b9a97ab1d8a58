"""Fixtures that several test files share."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.bundles import Exported


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real films, for those who have it; never needed for the suite to mean much."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("OSTEON_TEST_DATA", beside))
    if not folder.is_dir():
        pytest.skip("no real films: set OSTEON_TEST_DATA to the folder that holds fracatlas/ ...")
    return folder


@pytest.fixture(scope="session", autouse=True)
def cache_of_the_session(tmp_path_factory: pytest.TempPathFactory) -> None:
    """No test leaves anything in the user's own cache."""
    os.environ["OSTEON_CACHE"] = str(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="session")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """A tiny run and its bundle: read it, do not change it."""
    pytest.importorskip("onnxscript")
    pytest.importorskip("onnxruntime")
    from tests.bundles import exported_run

    return exported_run(tmp_path_factory.mktemp("exported"))

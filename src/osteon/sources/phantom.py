"""Folders written by ``osteon phantom``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from osteon.errors import DataError
from osteon.phantom.write import PLAN_FILE
from osteon.sources import SOURCES, Recognition
from osteon.types import Manifest


class PhantomFolder:
    """``phantoms.json`` beside ``manifest.csv`` and ``images/``."""

    rank = 0

    def recognise(self, path: Path) -> Recognition:
        if not (path / PLAN_FILE).is_file():
            return Recognition(fits=False, reason=f"it holds no {PLAN_FILE}")
        return Recognition(
            fits=True, reason=f"it holds {PLAN_FILE}, written by the phantom generator"
        )

    def read(self, path: Path) -> Manifest:
        """Raises DataError if the generator did not finish."""
        from osteon.manifest import read_manifest

        table = path / "manifest.csv"
        if not table.is_file():
            raise DataError(
                f"{path} holds unfinished phantoms: {table.name} is missing. Run `osteon phantom` "
                "with the same plan again to finish them, or delete the folder."
            )
        return replace(
            read_manifest(table), source="phantom", recognised_by=self.recognise(path).reason
        )


SOURCES.register("phantom")(PhantomFolder())

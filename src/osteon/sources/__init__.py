"""Data sets as they come: each source recognises its layout and reads it into a manifest."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from osteon.registry import Registry
from osteon.types import Manifest


@dataclass(frozen=True, kw_only=True, slots=True)
class Recognition:
    """Whether a source can read a path, and the reason in one sentence either way."""

    fits: bool
    reason: str


class Source(Protocol):
    """A layout. ``rank``: of several that fit, the one of the lowest rank is taken."""

    rank: int

    def recognise(self, path: Path) -> Recognition: ...

    def read(self, path: Path) -> Manifest: ...


SOURCES: Registry[Source] = Registry("source", package="osteon.sources")

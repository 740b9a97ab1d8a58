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
    """A layout. ``rank``: of several that fit, the one of the lowest rank is taken.

    ``osteon.testing.sources.check_source`` holds each one to this contract.
    """

    rank: int

    def recognise(self, path: Path) -> Recognition:
        """Look, without opening films but for a few first bytes; any path may be asked about."""
        ...

    def read(self, path: Path) -> Manifest:
        """The manifest of ``path``, with a remark on all that is odd or left out.

        Raises DataError, with what to do, where it cannot be read or has fewer than two classes.
        """
        ...


SOURCES: Registry[Source] = Registry("source", package="osteon.sources")

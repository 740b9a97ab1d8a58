"""The checks of the audit, one small file each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from osteon.registry import Registry
from osteon.types import FilmFacts, Finding, Manifest


@dataclass(frozen=True, kw_only=True, slots=True)
class Evidence:
    """What a check may look at."""

    manifest: Manifest
    facts: Mapping[str, FilmFacts]  # film id -> what opening its file told
    clusters: Mapping[str, str]  # film id -> cluster of copies; films without a copy are absent


Check = Callable[[Evidence], Iterable[Finding]]
CHECKS: Registry[Check] = Registry("check", package="osteon.checks")

"""The checks of the audit, one small file each.

A check looks at an ``Evidence`` and yields findings: ``message`` says what and where, with figures;
``remedy`` says what to do. ``osteon.testing.checks.check_check`` holds each one to this contract.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from osteon.registry import Registry
from osteon.types import Copies, FilmFacts, Finding, Manifest, Radiograph, Shortcuts


@dataclass(frozen=True, kw_only=True, slots=True)
class Evidence:
    """What a check may look at."""

    manifest: Manifest
    facts: Mapping[str, FilmFacts]  # film id -> what opening its file told
    clusters: Mapping[str, str]  # film id -> cluster of copies; films without a copy are absent
    copies: Copies | None = None  # whose pixels differ; None where they were not looked for
    shortcuts: Shortcuts | None = None  # None where they were not looked for

    def readable(self, id_: str) -> bool:
        """Whether the film was opened and decoded whole."""
        return id_ in self.facts and self.facts[id_].fault is None

    def counts(self, film: Radiograph) -> bool:
        """Whether the film takes part in training or judging: it is readable and has a label."""
        return film.label is not None and self.readable(film.id)


Check = Callable[[Evidence], Iterable[Finding]]
CHECKS: Registry[Check] = Registry("check", package="osteon.checks")


def percent(part: int, whole: int) -> str:
    """
    >>> percent(491, 506)
    '97.0 %'
    """
    return f"{100 * part / whole:.1f} %"

"""What the source itself remarked: contradictions of its annotations, merged class names."""

from __future__ import annotations

from collections.abc import Iterable

from osteon.checks import CHECKS, Evidence
from osteon.types import Finding


@CHECKS.register("annotations")
def remarks_of_the_source(evidence: Evidence) -> Iterable[Finding]:
    return evidence.manifest.remarks

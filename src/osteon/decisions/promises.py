"""Was a promise of validation kept on test?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from osteon.decisions.values import Promise

if TYPE_CHECKING:
    from osteon.decisions.values import Verdict
    from osteon.types import Estimate


def promise(what: str, target: float, seen: Estimate) -> Promise:
    """Judged by the interval; without one nothing is shown."""
    verdict: Verdict = "open"
    if seen.low is not None and seen.low >= target:
        verdict = "kept"
    elif seen.high is not None and seen.high < target:
        verdict = "broken"
    return Promise(what=what, target=target, seen=seen, verdict=verdict)

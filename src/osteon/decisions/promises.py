"""Was a promise of validation kept on test?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from osteon.decisions.values import Promise

if TYPE_CHECKING:
    from osteon.decisions.values import Verdict
    from osteon.types import Estimate


def promise(what: str, target: float, seen: Estimate) -> Promise:
    """Judged by the interval; without one nothing is shown. A promise of all is broken by one film,
    whatever the interval."""
    verdict: Verdict = "open"
    if seen.low is not None and seen.low >= target:
        verdict = "kept"
    elif (seen.high is not None and seen.high < target) or _one_is_enough(target, seen):
        verdict = "broken"
    return Promise(what=what, target=target, seen=seen, verdict=verdict)


def _one_is_enough(target: float, seen: Estimate) -> bool:
    return target >= 1 and seen.value is not None and seen.value < 1

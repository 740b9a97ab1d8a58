"""Work saved: films that need no urgent look, at a sensitivity that validation set."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from osteon.decisions.promises import promise
from osteon.decisions.tables import Share, cells, share, shares
from osteon.decisions.values import Saving
from osteon.operating_point import choose_operating_point
from osteon.statistics import RESAMPLES
from osteon.types import Predictions

if TYPE_CHECKING:
    from osteon.types import Floats

NEGATIVE, POSITIVE = 0, 1
BOTH = (0, 1)
SHARES: dict[str, Share] = {
    "sensitivity": (cells(2, [1], [POSITIVE]), cells(2, [1], BOTH)),
    "answered_negative": (cells(2, BOTH, [NEGATIVE]), cells(2, BOTH, BOTH)),
    "npv": (cells(2, [0], [NEGATIVE]), cells(2, BOTH, [NEGATIVE])),
}


def saving(
    validation: Predictions,
    test: Predictions,
    target: float,
    *,
    prevalence: float | None = None,
    n_resamples: int = RESAMPLES,
    seed: int = 0,
) -> Saving:
    """At the highest threshold with a sensitivity of ``target`` on ``validation``; 1 is the score
    of its lowest positive film. Both parts are labelled, of two classes.

    Work saved over sampling is the share answered negative less the share of positives lost, with
    the sensitivity that was truly reached: Cohen et al., J Am Med Inform Assoc 13:206 (2006).
    """
    point = choose_operating_point(validation, sensitivity=target)
    answers = (test.scores[:, 1] >= point.threshold).astype(np.int64)
    found = shares(
        SHARES,
        test.labels,
        answers,
        test.groups,
        prevalence=prevalence,
        extra={"wss": _wss},
        n_resamples=n_resamples,
        seed=seed,
    )
    return Saving(
        point=point,
        target=target,
        sensitivity=found["sensitivity"],
        answered_negative=found["answered_negative"],
        npv=found["npv"],
        wss=found["wss"],
        promise=promise("Sensitivity", target, found["sensitivity"]),
    )


def _wss(table: Floats) -> Floats:
    return share(table, SHARES["answered_negative"]) - (1 - share(table, SHARES["sensitivity"]))

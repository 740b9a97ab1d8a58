"""Maps of what a classifier looks at, and how far they can be believed.

``explain`` makes maps; ``osteon.explain.judge`` scores the methods; ``osteon.explain.gallery``
shows the failures.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from osteon.classifier import Classifier
    from osteon.explainers import Maps
    from osteon.prepare import Prepared

__all__ = ["explain"]

AT_ONCE = 32


def explain(
    classifier: Classifier,
    prepared: Prepared,
    ids: Sequence[str],
    *,
    method: str = "gradcam",
    targets: int | Sequence[int] | None = None,
) -> Maps:
    """What in each film speaks for a class: (N, S, S) float32, at least 0, on the prepared films.

    ``targets`` is the class, or one for each film; without it the positive one of two, or the one
    answered. How far a method can be believed is judged by ``osteon explain RUN``.

    Raises UnknownName for no method of that name, UsageError where it does not apply to the
    network, DataError for a film that was set aside.
    """
    import torch

    from osteon.batches import films_of, probabilities
    from osteon.explainers import EXPLAINERS

    how = EXPLAINERS[method].explain
    side = prepared.rules.size_px
    maps = np.zeros((len(ids), side, side), np.float32)
    for begun in range(0, len(ids), AT_ONCE):
        some = ids[begun : begun + AT_ONCE]
        films = films_of(prepared, some, classifier.device)
        if targets is None and len(classifier.classes) == 2:
            wanted = np.ones(len(some), np.int64)
        elif targets is None:
            with torch.inference_mode():
                wanted = probabilities(classifier.net(films)).argmax(1)
        elif isinstance(targets, int):
            wanted = np.full(len(some), targets)
        else:
            wanted = np.asarray(targets[begun : begun + AT_ONCE])
        for target in np.unique(wanted):
            places = np.flatnonzero(wanted == target)
            maps[begun + places] = how(classifier.net, films[places], int(target))
    return maps

"""Is a film like those that the network was taught with? A distance, and where it is too large.

Legend of shapes: N films, D features, K directions.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from osteon.errors import DataError
from osteon.files import write_bytes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from osteon.types import Floats

ACCEPTED = 0.98  # of validation films, and of as many new ones of the kind
DIRECTIONS = 128
BEYOND = 2.0  # times the farthest validation film, where they are too few for a quantile
FILMS_A_DIRECTION = 4  # fewer, and the spread along a direction is not known
NAMES = ("centre", "directions", "spreads", "rest", "threshold")


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Gate:
    """A Mahalanobis distance of features: along the K main directions of the training films each
    in its own spread, and across all others in their common one.

    Lee et al., NeurIPS 2018, p. 7167 (without classes); the rest by probabilistic PCA: Tipping and
    Bishop, J R Stat Soc B 61:611 (1999), with the rest's weight set so that both parts count alike.
    """

    centre: NDArray[np.float32]  # (D,)
    directions: NDArray[np.float32]  # (K, D)
    spreads: NDArray[np.float32]  # (K,), standard deviations
    rest: float  # mean squared length across the directions; 0: no training film had any
    threshold: float

    def distance(self, features: NDArray[np.float32]) -> Floats:
        """(N, D) -> (N,), at least 0; about 1 on average of training films."""
        away = features.astype(np.float64) - self.centre
        along = away @ self.directions.T.astype(np.float64)
        near = ((along / self.spreads) ** 2).mean(1)
        if self.rest <= 0:
            return np.asarray(near, np.float64)
        across = np.maximum((away**2).sum(1) - (along**2).sum(1), 0)
        total: Floats = (near + across / self.rest) / 2
        return total

    def accepts(self, distances: Floats) -> NDArray[np.bool_]:
        return distances <= self.threshold


def fit_gate(train: NDArray[np.float32], val: NDArray[np.float32]) -> Gate:
    """From features (N, D): the distance of training films, the threshold of validation films.

    The threshold accepts at least 98 % of validation, and in expectation of new films like them:
    it is the conformal quantile (Vovk et al., Algorithmic Learning in a Random World, 2005). Fewer
    than 49 films have no such quantile: twice the farthest distance is taken, which promises less.
    Raises DataError for fewer than two training films or none of validation.
    """
    if len(train) < 2 or not len(val):
        raise DataError(
            f"A gate needs films to know: {len(train)} of train and {len(val)} of val are too few."
        )
    centre = train.mean(0, dtype=np.float64)
    away = (train - centre).astype(np.float64)
    _, lengths, directions = np.linalg.svd(away, full_matrices=False)
    spreads = lengths / math.sqrt(len(train))
    most = max(1, min(DIRECTIONS, len(train) // FILMS_A_DIRECTION))
    sure = spreads > 1e-6 * max(float(spreads[0]), 1e-12)
    kept = max(1, min(most, int(sure.sum())))
    gate = Gate(
        centre=centre.astype(np.float32),
        directions=directions[:kept].astype(np.float32),
        spreads=np.maximum(spreads[:kept], 1e-12).astype(np.float32),
        rest=float((spreads[kept:][sure[kept:]] ** 2).sum()),
        threshold=0.0,
    )
    distances = np.sort(gate.distance(val))
    place = math.ceil(ACCEPTED * (len(distances) + 1))
    if place > len(distances):  # of fewer than 49 films the quantile lies beyond the farthest
        threshold = BEYOND * float(distances[-1])
    else:  # a little above the film that it was read from, which rounding must not refuse
        threshold = (1 + 1e-3) * float(distances[place - 1])
    return Gate(
        centre=gate.centre,
        directions=gate.directions,
        spreads=gate.spreads,
        rest=gate.rest,
        threshold=threshold,
    )


def write_gate(gate: Gate, path: Path) -> Path:
    from safetensors.numpy import save

    arrays = {name: np.atleast_1d(np.asarray(getattr(gate, name))) for name in NAMES}
    return write_bytes(path, save({n: np.ascontiguousarray(a) for n, a in arrays.items()}))


def read_gate(path: Path) -> Gate:
    """Raises DataError for a file that is missing or no gate."""
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        told = load(path.read_bytes())
        return Gate(
            centre=told["centre"],
            directions=told["directions"],
            spreads=told["spreads"],
            rest=float(told["rest"][0]),
            threshold=float(told["threshold"][0]),
        )
    except FileNotFoundError:
        raise DataError(f"{path} is missing: copy the whole bundle.") from None
    except (SafetensorError, KeyError) as error:
        raise DataError(f"{path} is no gate: {error}. Export the run again.") from None

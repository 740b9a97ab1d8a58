"""Forests of decision trees that tell kinds of films by their looks: numbers in, a share out.

They were grown by benchmarks/artefact_forests.py on development films and phantoms; the trees lie
beside this file as plain arrays.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from importlib.resources import as_file, files
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

TREES = "forests.npz"


@dataclass(frozen=True, kw_only=True, slots=True)
class Forest:
    """Nodes of all trees in one row. At a leaf ``feature`` is -1 and ``value`` its share."""

    roots: NDArray[np.int32]  # (trees,)
    feature: NDArray[np.int16]  # (nodes,)
    value: NDArray[np.float32]  # (nodes,): the threshold, at leaves the share
    right: NDArray[np.int32]  # (nodes,): the child above the threshold; the other one comes next
    least: float  # share from which on it says yes

    def tells(self, numbers: NDArray[np.float32]) -> bool:
        return self.share(numbers) >= self.least

    def share(self, numbers: NDArray[np.float32]) -> float:
        """The mean over the trees, 0 to 1. ``numbers`` are (F,)."""
        at = self.roots.astype(np.intp)
        while True:
            inner = self.feature[at] >= 0
            if not inner.any():
                return float(self.value[at].mean())
            node = at[inner]
            above = numbers[self.feature[node]] > self.value[node]
            at[inner] = np.where(above, self.right[node], node + 1)


@functools.cache
def forest(kind: str) -> Forest:
    with (
        as_file(files("osteon.artefacts") / TREES) as path,
        np.load(path, allow_pickle=False) as kept,
    ):
        return Forest(
            roots=kept[f"{kind}.roots"],
            feature=kept[f"{kind}.feature"],
            value=kept[f"{kind}.value"],
            right=kept[f"{kind}.right"],
            least=float(kept[f"{kind}.least"]),
        )

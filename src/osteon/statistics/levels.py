"""What every interval of osteon promises, and how films share groups."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from osteon.types import Ints

LEVEL = 0.95
Z = 1.959963984540054  # 97.5 % of a standard normal variable lies below


def numbered(groups: Sequence[str]) -> tuple[Ints, int]:
    """The number of each film's group, in the order of their names, and how many there are."""
    names, group_of = np.unique(np.asarray(groups, dtype=object).astype(str), return_inverse=True)
    return group_of.astype(np.int64), len(names)

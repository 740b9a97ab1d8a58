"""64-bit hashes of films, and pairs of hashes within a few bits without comparing all pairs."""

from __future__ import annotations

from itertools import combinations, pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Hashes = NDArray[np.uint64]
    Pairs = NDArray[np.int64]

WORKING_PX, KEPT = 32, 8
MOST_AT_ONCE = 2_000_000  # pairs that are looked at together


def hash_of(gray: NDArray[Any]) -> int:
    """The signs of the 64 lowest coefficients of the film's cosine transform but the mean, the
    film stretched to a square: pHash (Zauner 2010), with signs in place of the median, so that
    ``turned_hashes`` follows from them."""
    return int(_packed(_coefficients(gray)[None])[0])


def turned_hashes(gray: NDArray[Any]) -> Hashes:
    """(8,) hashes of the film as it is, mirrored, and turned by right angles: the order of
    ``TURNS``. Of an inverted film each bit of a hash is the other one."""
    wave = _coefficients(gray)
    alternating = np.where(np.arange(KEPT + 1) % 2, -1.0, 1.0)
    turned = []
    for transposed, across, down in TURNS:
        one = wave.T if transposed else wave
        one = one * alternating[None, :] if across else one
        turned.append(one * alternating[:, None] if down else one)
    return _packed(np.stack(turned))


TURNS = tuple((t, a, d) for t in (False, True) for a in (False, True) for d in (False, True))
# transposed first, then mirrored left-right (across), then top-bottom (down)


def _coefficients(gray: NDArray[Any]) -> NDArray[np.float64]:
    import cv2

    square = cv2.resize(gray, (WORKING_PX, WORKING_PX), interpolation=cv2.INTER_AREA)
    wave: NDArray[np.float64] = cv2.dct(square.astype(np.float64))
    return wave[: KEPT + 1, : KEPT + 1]


def _packed(waves: NDArray[np.float64]) -> Hashes:
    """(n, 9, 9) -> (n,): the 64 coefficients of lowest frequency but the mean, by diagonals."""
    down, across = np.indices(waves.shape[1:])
    order = np.lexsort((np.minimum(down, across).ravel(), (down + across).ravel()))[1:65]
    bits = waves.reshape(len(waves), -1)[:, order] > 0
    return np.ascontiguousarray(np.packbits(bits, axis=1)).view(">u8").ravel().astype(np.uint64)


def neighbours(hashes: Hashes, *, within: int = 4) -> Pairs:
    """All pairs (i < j) of positions whose hashes differ in at most ``within`` bits, (n, 2).

    Exact. The 64 bits are cut into ``within`` + 2 bands; hashes that near are equal in at least two
    of them, so only those are compared (Norouzi, Punjani and Fleet, CVPR 2012). Equal hashes are
    gathered first; the pairs among them are all in the result, which may be long.
    """
    distinct, member_of = np.unique(hashes, return_inverse=True)
    near = _distinct_neighbours(distinct, within)
    return _spread(near, np.asarray(member_of).ravel(), len(distinct))


def _distinct_neighbours(hashes: Hashes, within: int) -> Pairs:
    found: list[Pairs] = []
    for mask, earlier in _masks(within):
        keys = hashes & mask
        order = np.argsort(keys, kind="stable")
        keys = keys[order]
        for first, second in _equal_runs(keys):
            one, other = order[first], order[second]
            differ = hashes[one] ^ hashes[other]
            near = np.bitwise_count(differ) <= within
            for before in earlier:  # a pair is told by the first of its bands alone
                near &= (differ & before) != 0
            one, other = one[near], other[near]
            found.append(np.stack([np.minimum(one, other), np.maximum(one, other)], axis=1))
    return np.concatenate(found) if found else np.zeros((0, 2), np.int64)


def _masks(within: int) -> Iterator[tuple[np.uint64, list[np.uint64]]]:
    """Two bands each, with all masks that came before."""
    edges = np.linspace(0, 64, within + 3).round().astype(int)
    bands = [(1 << int(high)) - (1 << int(low)) for low, high in pairwise(edges)]
    earlier: list[np.uint64] = []
    for one, other in combinations(bands, 2):
        mask = np.uint64(one | other)
        yield mask, list(earlier)
        earlier.append(mask)


def _equal_runs(keys: Hashes) -> Iterator[tuple[Pairs, Pairs]]:
    """Positions of all pairs with equal keys, keys sorted; in portions."""
    lag = 1
    alive = np.arange(len(keys) - 1)
    while len(alive):
        alive = alive[alive + lag < len(keys)]
        alive = alive[keys[alive] == keys[alive + lag]]
        for at in range(0, len(alive), MOST_AT_ONCE):
            some = alive[at : at + MOST_AT_ONCE]
            yield some, some + lag
        lag += 1


def _spread(near: Pairs, member_of: NDArray[np.int64], n_distinct: int) -> Pairs:
    """Pairs of distinct hashes to pairs of their bearers, with the pairs of equal ones."""
    order = np.argsort(member_of, kind="stable")
    starts = np.searchsorted(member_of[order], np.arange(n_distinct + 1))
    counts = np.diff(starts)
    if counts.max(initial=0) <= 1:
        pairs = order[near]
        return np.stack([pairs.min(axis=1), pairs.max(axis=1)], axis=1) if len(near) else near
    found = []
    for one in np.flatnonzero(counts > 1):
        mine = order[starts[one] : starts[one + 1]]
        above, below = np.triu_indices(len(mine), 1)
        found.append(np.stack([mine[above], mine[below]], axis=1))
    single = (counts[near] == 1).all(axis=1)
    found.append(order[starts[near[single]]])
    for one, other in near[~single]:
        mine, theirs = (order[starts[k] : starts[k + 1]] for k in (one, other))
        found.append(np.stack([np.repeat(mine, len(theirs)), np.tile(theirs, len(mine))], axis=1))
    pairs = np.concatenate(found)
    return np.stack([pairs.min(axis=1), pairs.max(axis=1)], axis=1)

"""Pairs of films that may be copies, found without comparing all pairs.

Keypoints of two films whose codes agree in all bits of one of several draws meet in a bucket
(locality-sensitive hashing: Indyk and Motwani, STOC 1998) and vote for the pair of their films,
those of one ratio of scales together. Films whose hashes are near each other are candidates too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from osteon.likeness.hashes import TURNS, neighbours
from osteon.likeness.signature import BITS, STEP

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

DRAWS, DRAWN_BITS = 16, 22
REACH = 10  # neighbours within a bucket that a keypoint votes with: large buckets stay cheap
MOST_BITS = 62  # of BITS that two keypoints' codes may differ in; unlike ones differ in half
MOST_RIVALS = 4  # candidates of a film that are looked at
HASH_BITS = 4
AT_ONCE = 1_000_000  # pairs of keypoints whose votes are counted at once


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Keypoints:
    """Those of all films, one after the other."""

    film: Ints  # (D,) number of the film, rising
    sigma: NDArray[np.float32]  # (D,)
    codes: NDArray[np.uint8]  # (D, BITS / 8)


def candidates(points: Keypoints, hashes: NDArray[np.uint64]) -> list[tuple[int, int]]:
    """Pairs (i < j) of films, most promising first.

    ``hashes`` (N, 8) are each film's in all TURNS.
    """
    one, other, votes = _most_voted(points, len(hashes))
    order = np.lexsort((other, one, -votes))
    pairs = dict.fromkeys(zip(one[order].tolist(), other[order].tolist(), strict=True))
    pairs.update(dict.fromkeys(_near_hashes(hashes)))
    return list(pairs)


def _most_voted(points: Keypoints, n_films: int) -> tuple[Ints, Ints, NDArray[np.float64]]:
    """Pairs of films (i < j) and their votes: of each film the MOST_RIVALS best, as first and as
    second of a pair."""
    portions = _portions(points)
    met_by = np.zeros(len(points.film), np.int64)
    for met in portions:
        met_by += np.bincount(np.concatenate(np.divmod(met, len(met_by))), minlength=len(met_by))
    best, votes, by_first = np.zeros(0, np.int64), np.zeros(0), np.zeros(0, bool)
    for met in portions:
        pairs, theirs = _voted(points, met, met_by, n_films)
        # All pairs of a first film are in one portion: here its best are known for good.
        among = _rank(pairs // n_films, theirs, n_films) < MOST_RIVALS
        best, votes = np.concatenate([best, pairs]), np.concatenate([votes, theirs])
        by_first = np.concatenate([by_first, among])
        keep = by_first | (_rank(best % n_films, votes, n_films) < MOST_RIVALS)
        best, votes, by_first = best[keep], votes[keep], by_first[keep]
    return best // n_films, best % n_films, votes


def _portions(points: Keypoints) -> list[Ints]:
    """The distinct pairs of keypoints that met, as first * D + second, those of one first film
    together, about AT_ONCE in each portion: what is made of all of them at once fills the memory.
    """
    n = len(points.film)
    drawn = [np.sort(_meeting(points, draw)) for draw in range(DRAWS)]
    if not (total := sum(map(len, drawn))):
        return []
    met_from = sum(np.bincount(met // n, minlength=n) for met in drawn)
    shares = np.arange(1, total // AT_ONCE + 1) * AT_ONCE
    films = points.film[np.searchsorted(np.cumsum(met_from), shares).clip(max=n - 1)]
    ends = np.searchsorted(points.film, films, side="right") * n  # a film is not divided
    slices = [np.split(met, np.searchsorted(met, ends)) for met in drawn]
    return [_distinct(np.concatenate(parts)) for parts in zip(*slices, strict=True)]


def _voted(
    points: Keypoints, met: Ints, met_by: Ints, n_films: int
) -> tuple[Ints, NDArray[np.float64]]:
    """Pairs of films, as first * N + second, and their votes."""
    one, other = np.divmod(met, len(met_by))
    differ = _differing_bits(points.codes, one, other)
    weight = np.clip((MOST_BITS + 8 - differ) / 60, 0, 1)
    # What many films show (a plate's edge, a marker) says little of any of them.
    weight = weight / np.sqrt(met_by[one] * met_by[other])
    octaves = np.log(points.sigma[one] / points.sigma[other]) / np.log(STEP)
    both = points.film[one] * n_films + points.film[other]
    order = np.argsort(both, kind="stable")
    pair, weight, octaves = _distinct(both[order]), weight[order], octaves[order]
    pair_of = np.cumsum(np.diff(both[order], prepend=both[order][:1]) > 0)
    votes = np.zeros(len(pair))
    for shift in (0.0, 0.5):  # a ratio near the edge of a bin is in the middle of the other
        ratio = np.clip(np.floor(octaves + shift).astype(np.int64) + 8, 0, 16)
        counted = np.bincount(pair_of * 17 + ratio, weights=weight, minlength=len(pair) * 17)
        votes = np.maximum(votes, counted.reshape(-1, 17).max(axis=1, initial=0))
    return pair, votes


def _rank(side: Ints, votes: NDArray[np.float64], n_films: int) -> Ints:
    """Each pair's place among those of one film on this ``side``: 0 has most votes."""
    order = np.lexsort((-votes, side))
    starts = np.searchsorted(side[order], np.arange(n_films))
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order)) - starts[side[order]]
    return rank


def _distinct(values: Ints) -> Ints:
    """Sorted; several times as fast as numpy's, which hashes."""
    values = np.sort(values)
    return values[np.diff(values, prepend=-1) > 0]


def _meeting(points: Keypoints, draw: int) -> Ints:
    """Pairs of keypoints of two films in one bucket of a draw, as first * D + second."""
    n = len(points.film)
    bits = np.random.default_rng(draw).choice(BITS, DRAWN_BITS, replace=False)
    key = np.zeros(n, np.uint32)
    for bit in bits:
        key = (key << 1) | ((points.codes[:, bit >> 3] >> (7 - (bit & 7))) & 1)
    order = np.argsort(key, kind="stable")
    key, film = key[order], points.film[order]
    found = []
    alive = np.arange(n - 1)
    for lag in range(1, REACH + 1):
        alive = alive[alive < n - lag]
        alive = alive[key[alive] == key[alive + lag]]
        some = alive[film[alive] != film[alive + lag]]
        one, other = order[some], order[some + lag]  # stable: film of one < film of other
        near = _differing_bits(points.codes, one, other) <= MOST_BITS
        found.append(one[near] * n + other[near])
    return np.concatenate(found)


def _differing_bits(codes: NDArray[np.uint8], one: Ints, other: Ints) -> Ints:
    words = codes.view(np.uint64)
    differ = np.zeros(len(one), np.int64)
    for word in range(words.shape[1]):
        differ += np.bitwise_count(words[one, word] ^ words[other, word])
    return differ


def _near_hashes(hashes: NDArray[np.uint64]) -> Sequence[tuple[int, int]]:
    """Pairs whose hashes agree in one of TURNS, inverted or not. Films that show nothing, whose
    hash has no bit, would all be pairs of one another, of which none can be compared."""
    shown = np.flatnonzero(hashes[:, 0])
    n = len(shown)
    if not n:
        return []
    ways = np.concatenate([hashes[shown], ~hashes[shown]], axis=1).T.ravel()  # way by way
    pairs = neighbours(ways, within=HASH_BITS)
    way, film = pairs // n, shown[pairs % n]
    told = (way == 0).any(axis=1) & (film[:, 0] != film[:, 1])
    return sorted({(min(a, b), max(a, b)) for a, b in film[told].tolist()})


assert len(TURNS) == 8

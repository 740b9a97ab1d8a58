"""Calibration in bins: expected calibration error, and the Brier loss in its parts.

Legend: N films, C classes, K bins, B resamples. Bins are laid once, on the films themselves, and
stay where they are in every resample.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from osteon.types import Floats, Ints

N_BINS = 10


def score_and_hit(labels: Ints, scores: Floats) -> tuple[Floats, Floats]:
    """What is to agree: of two classes the positive's score, and whether the film is positive; of
    more the highest score, and whether that answer is right. Two (N,)."""
    if scores.shape[1] == 2:
        return scores[:, 1], (labels == 1).astype(np.float64)
    return scores.max(1), (scores.argmax(1) == labels).astype(np.float64)


def equal_width(score: Floats, n_bins: int = N_BINS) -> Ints:
    """Which of ``n_bins`` bins of equal width in [0, 1] each score is in: (N,)."""
    return np.minimum((score * n_bins).astype(np.int64), n_bins - 1)


def equal_mass(score: Floats, n_bins: int = N_BINS) -> Ints:
    """Bins of as equal numbers of films as ties allow: films of one score stay together. (N,)."""
    edges = np.unique(np.quantile(score, np.linspace(0, 1, n_bins + 1)[1:-1], method="lower"))
    bins = np.searchsorted(edges, score, side="left")
    return np.unique(bins, return_inverse=True)[1].astype(np.int64)


@dataclass(frozen=True, kw_only=True, slots=True)
class Sums:
    """Of each bin, in each resample, the weight of its films and its weighted means: (B, K)."""

    weight: Floats
    score: Floats  # mean score
    share: Floats  # share of hits
    total: Floats  # (B, 1)

    @property
    def part(self) -> Floats:
        """Share of the films that lie in the bin."""
        part: Floats = self.weight / self.total
        return part


def sums(score: Floats, hit: Floats, bins: Ints, weights: Floats) -> Sums:
    """Weighted by ``weights`` (B, N); means of an empty bin are 0."""
    member = np.eye(int(bins.max()) + 1)[bins]  # (N, K)
    weight = weights @ member

    def mean(of: Floats) -> Floats:
        total = weights @ (member * of[:, None])
        return np.divide(total, weight, out=np.zeros_like(total), where=weight > 0)

    return Sums(
        weight=weight, score=mean(score), share=mean(hit), total=weights.sum(1, keepdims=True)
    )


def ece(gaps: Floats, total: Floats, bins: Ints) -> Floats:
    """Expected calibration error: mean over the films of |mean score - share| of their bin. (B,).

    ``gaps`` (B, N) are weight * (score - hit), ``total`` (B,) the weight of all films. Naeini et
    al., AAAI 2015, p. 2901; Guo et al., ICML 2017. Noise within bins adds to it.
    """
    error: Floats = np.abs(gaps @ np.eye(int(bins.max()) + 1)[bins]).sum(1) / total
    return error


@dataclass(frozen=True, kw_only=True, slots=True)
class InBins:
    """Films and hits of each group in each bin: (G, K)."""

    films: Floats
    hits: Floats

    @classmethod
    def of(cls, hit: Floats, bins: Ints, group_of: Ints) -> InBins:
        """``bins`` and ``group_of`` (N,) number them from 0."""
        shape = (int(group_of.max()) + 1, int(bins.max()) + 1)
        films, hits = np.zeros(shape), np.zeros(shape)
        np.add.at(films, (group_of, bins), 1.0)
        np.add.at(hits, (group_of, bins), hit)
        return cls(films=films, hits=hits)


def squared_errors(found: Sums, inside: InBins, drawn: Floats) -> tuple[Floats, Floats]:
    """The mean squared gap between score and share, as it is, and less what chance adds: two (B,).

    ``drawn`` (B, G) says how often each group is in the resample that ``found`` sums. The second
    can be below 0. Each bin's squared gap is lessened by the variance of its share, between its M
    groups (linearised, times M / (M - 1)); of single films that is share * (1 - share) / (n - 1).
    Kumar et al., NeurIPS 2019 (Verified uncertainty calibration), section 4. Bins of a single group
    are left out.
    """
    groups = drawn @ (inside.films > 0)
    several = groups > 1
    spread = (  # sum over the groups of (hits - films * share) squared
        drawn @ inside.hits**2
        - 2 * found.share * (drawn @ (inside.hits * inside.films))
        + found.share**2 * (drawn @ inside.films**2)
    )
    variance = np.divide(
        spread * groups,
        (groups - 1) * found.weight**2,
        out=np.zeros_like(found.share),
        where=several,
    )
    squared = np.where(several, (found.score - found.share) ** 2, 0.0)
    return (found.part * squared).sum(1), (found.part * (squared - variance)).sum(1)


@dataclass(frozen=True, kw_only=True, slots=True)
class BrierParts:
    """Brier loss = reliability - resolution + uncertainty + residual; each (B,)."""

    reliability: Floats  # squared gap between score and share of a bin: 0 is best
    resolution: Floats  # squared gap between a bin's share and the share overall: much is good
    uncertainty: Floats  # of the data alone: share * (1 - share)
    residual: Floats  # what lies within the bins: variance of the scores, less twice covariance


def brier_parts(labels: Ints, scores: Floats, weights: Floats) -> BrierParts:
    """The Brier loss taken apart in bins of equal mass; of more than two classes the sum over them.

    Murphy, J Appl Meteorol 12:595 (1973). He has as many bins as scores; with fewer, two terms
    within the bins remain: Stephenson et al., Weather Forecast 23:752 (2008), here ``residual``.
    """
    several = [_parts_of(*one, weights) for one in _one_by_one(labels, scores)]
    terms: list[Floats] = [np.sum([each[at] for each in several], axis=0) for at in range(4)]
    return BrierParts(
        reliability=terms[0], resolution=terms[1], uncertainty=terms[2], residual=terms[3]
    )


def _one_by_one(labels: Ints, scores: Floats) -> Iterator[tuple[Floats, Floats]]:
    for index in [1] if scores.shape[1] == 2 else range(scores.shape[1]):
        yield scores[:, index], (labels == index).astype(np.float64)


def _parts_of(score: Floats, hit: Floats, weights: Floats) -> tuple[Floats, ...]:
    bins = equal_mass(score)
    found = sums(score, hit, bins, weights)
    total = found.total[:, 0]
    overall = (weights @ hit) / total
    reliability = (found.part * (found.score - found.share) ** 2).sum(1)
    resolution = (found.part * (found.share - overall[:, None]) ** 2).sum(1)
    uncertainty = overall * (1 - overall)
    squared = weights @ score**2 / total - (found.part * found.score**2).sum(1)
    crossed = weights @ (score * hit) / total - (found.part * found.score * found.share).sum(1)
    return reliability, resolution, uncertainty, squared - 2 * crossed

"""Smooth calibration error: no bins, and a width that the data choose.

Legend: N films, B resamples, K cosines, T places on [0, 1].
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from osteon.types import Floats

COSINES = 384  # at the narrowest width the last one is damped to below 0.001
PLACES = 400
NARROWEST = 2.0**-8
HALVINGS = 10  # width and error are known to 0.001


def cosines(score: Floats) -> Floats:
    """The cosine basis at each film's score (N, K), the same for all resamples of the films."""
    basis: Floats = np.cos(np.pi * np.outer(score, np.arange(COSINES)))
    return basis


def smooth_ece(basis: Floats, gaps: Floats, total: Floats) -> Floats:
    """smECE (B,): the gap between score and outcome, smoothed by a Gaussian that is reflected at 0
    and 1, its size integrated over [0, 1]; at the width that is as large as the error found.

    ``basis`` is what ``cosines`` gives for the scores, ``gaps`` (B, N) are weight * (score - hit),
    ``total`` (B,) the weight of all films.
    Blasiok and Nakkiran, ICLR 2024 (Smooth ECE). The width is sought between 0.004 and 1: a
    smaller error comes out at the width of 0.004. In the cosine basis the reflected Gaussian of
    width w damps the k-th cosine by exp(-(pi k w)**2 / 2), so that each resample can have its own
    width and nothing is rounded to a grid but the integral.
    """
    waves = gaps @ basis / total[:, None]  # (B, K)
    waves[:, 1:] *= 2
    narrow = np.full(len(waves), NARROWEST)
    wide = np.ones(len(waves))
    for _ in range(HALVINGS):  # the error falls as the width grows, so they meet once
        middle = (narrow + wide) / 2
        beyond = _size(waves, middle) < middle
        wide = np.where(beyond, middle, wide)
        narrow = np.where(beyond, narrow, middle)
    return _size(waves, wide)


def _size(waves: Floats, width: Floats) -> Floats:
    """Integral over [0, 1] of the size of the gap, smoothed by each row's own width: (B,)."""
    damped = waves * np.exp(-((np.pi * np.arange(COSINES) * width[:, None]) ** 2) / 2)
    size: Floats = np.abs(damped @ _at_places()).mean(1)
    return size


@functools.cache
def _at_places() -> Floats:
    """The cosines (K, T) at the places of the integral."""
    return cosines((np.arange(PLACES) + 0.5) / PLACES).T

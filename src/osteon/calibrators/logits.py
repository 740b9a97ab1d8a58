"""Scores as logits, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from osteon.types import Floats

SMALLEST = 1e-12  # a score of 0 has no logit; networks in float32 do give it


def logit(share: Floats) -> Floats:
    """ln(p / (1 - p)), of p kept away from 0 and 1."""
    kept = np.clip(share, SMALLEST, 1 - SMALLEST)
    odds: Floats = np.log(kept) - np.log1p(-kept)
    return odds


def sigmoid(odds: Floats) -> Floats:
    """1 / (1 + exp(-x)), without overflow."""
    half: Floats = np.exp(-np.abs(odds))
    share: Floats = np.where(odds >= 0, 1.0, half) / (1 + half)
    return share


def softmax(odds: Floats) -> Floats:
    """(N, C) logits to scores whose rows sum to 1."""
    raised = np.exp(odds - odds.max(1, keepdims=True))
    scores: Floats = raised / raised.sum(1, keepdims=True)
    return scores


def of_two(positive: Floats) -> Floats:
    """(N,) scores of the positive class to (N, 2)."""
    return np.stack([1 - positive, positive], axis=1)

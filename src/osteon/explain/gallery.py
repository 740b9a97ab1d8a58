"""The surest wrong answers, each with the training films that are nearest to it.

Legend: N films, D features.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from osteon.batches import films_of
from osteon.cellnet import CellNet
from osteon.features import frozen_features
from osteon.maps import described_films
from osteon.networks import Probe
from osteon.operating_point import answers_at
from osteon.progress import say, track

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from osteon.classifier import Classifier
    from osteon.prepare import Prepared
    from osteon.types import Floats, OperatingPoint, Predictions

A_SHELF = 4  # failures of each kind
NEIGHBOURS = 3
AT_ONCE = 32
MOST_COMPARED = 1000  # films of train, where features are not kept; a quarter of it of val
NEW_FROM = 0.95  # farther from training than so many of the validation films
NEAR_UNTIL = 0.50


@dataclass(frozen=True, kw_only=True, slots=True)
class Wrong:
    """A wrong answer of the test part."""

    id: str
    kind: str
    truth: int
    answered: int
    score: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Near:
    """The nearest training films, the nearest first, and how far that is among others."""

    ids: tuple[str, ...]
    distances: tuple[float, ...]  # 1 - cosine: 0 to 2
    farther_than: float  # share of validation films that are nearer to theirs


@dataclass(frozen=True, kw_only=True, slots=True)
class Nearness:
    """``remark`` says which films were compared, where that is not all."""

    of: Mapping[str, Near]  # film id ->
    remark: str = ""


def failures(
    predictions: Predictions, point: OperatingPoint | None, *, each: int = A_SHELF
) -> tuple[Wrong, ...]:
    """Of two classes the lowest scores of missed positives and the highest of false alarms, of more
    the highest scores of wrong answers; the surest first. Films without a label are left out."""
    scores, labels = predictions.scores, predictions.labels
    answered = (answers_at(scores, point) if point else scores).argmax(1)
    wrong = (answered != labels) & (labels >= 0)
    if scores.shape[1] == 2:
        shown = scores[:, 1]
        wanted = [
            ("missed", wrong & (labels == 1), shown),
            ("false alarm", wrong & (labels == 0), -shown),
        ]
    else:
        shown = scores.max(1)
        wanted = [("wrong answer", wrong, -shown)]
    made: list[Wrong] = []
    for kind, chosen, order in wanted:
        places = np.flatnonzero(chosen)
        made += [
            Wrong(
                id=predictions.ids[at],
                kind=kind,
                truth=int(labels[at]),
                answered=int(answered[at]),
                score=float(shown[at]),
            )
            for at in places[np.argsort(order[places], kind="stable")][:each]
        ]
    return tuple(made)


def nearest(
    classifier: Classifier,
    prepared: Prepared,
    ids: Sequence[str],
    *,
    train: Sequence[str],
    val: Sequence[str],
    seed: int = 0,
) -> Nearness:
    """For each film of ``ids`` the nearest of ``train`` by cosine of the features before the last
    layer, and the share of ``val`` films that are nearer to theirs.

    Features of a frozen trunk are kept; of other networks a random sample of the films is compared.
    """
    remark = ""
    if not isinstance(classifier.net, Probe | CellNet) and len(train) > MOST_COMPARED:
        rng = np.random.default_rng(seed)
        remark = f"Nearest of {MOST_COMPARED:,} of the {len(train):,} training films, at random."
        train = [train[at] for at in rng.permutation(len(train))[:MOST_COMPARED]]
        val = [val[at] for at in rng.permutation(len(val))[: MOST_COMPARED // 4]]
    if not ids:
        return Nearness(of={}, remark=remark)
    say(f"features of {len(train) + len(val) + len(ids):,} films")
    inside = _unit(features(classifier.net, prepared, train, classifier.device))
    usual = _distances(features(classifier.net, prepared, val, classifier.device), inside).min(1)
    apart = _distances(features(classifier.net, prepared, ids, classifier.device), inside)
    made = {}
    for id_, row in zip(ids, apart, strict=True):
        first = np.argsort(row, kind="stable")[:NEIGHBOURS]
        made[id_] = Near(
            ids=tuple(train[at] for at in first),
            distances=tuple(float(row[at]) for at in first),
            farther_than=float((usual < row[first[0]]).mean()),
        )
    return Nearness(of=made, remark=remark)


def described(near: Near, labels: Sequence[int | None], truth: int) -> str:
    """In words: is the film a look-alike of another class, new, or neither? ``labels`` are those of
    the nearest films."""
    others = sum(label != truth for label in labels)
    if near.farther_than >= NEW_FROM:
        return "New: no training film is near."
    close = near.farther_than <= NEAR_UNTIL
    if others * 2 > len(labels) and close:
        return "Look-alike: the nearest training films are of another class, and close."
    if others * 2 > len(labels):
        return "The nearest training films are of another class, at an ordinary distance."
    if close:
        return (
            "The nearest training films are of its own class, and close: the network has seen "
            "such films, and still answers wrongly."
        )
    return "The nearest training films are of its own class, at an ordinary distance."


def _unit(rows: Floats) -> Floats:
    unit: Floats = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
    return unit


def _distances(rows: Floats, inside: Floats) -> Floats:
    apart: Floats = 1 - _unit(rows) @ inside.T
    return apart


def features(
    net: nn.Module, prepared: Prepared, ids: Sequence[str], device: torch.device
) -> Floats:
    """(N, D) of what the last layer with weights is given; maps are averaged over the film."""
    if isinstance(net, Probe):
        raw = torch.from_numpy(frozen_features(net, prepared, ids)).to(device)
        standard: NDArray[np.float32] = ((raw - net.centre) / net.scale).cpu().numpy()
        return standard.astype(np.float64)
    if isinstance(net, CellNet):
        described: Floats = described_films(net, prepared, ids).double().cpu().numpy()
        return described
    last: list[Tensor] = []

    def keep(_: nn.Module, inputs: tuple[Any, ...]) -> None:
        last[:] = [inputs[0]]

    leaves = [
        each for each in net.modules() if not [*each.children()] and [*each.parameters(False)]
    ]
    handles = [leaf.register_forward_pre_hook(keep) for leaf in leaves]
    parts = [ids[at : at + AT_ONCE] for at in range(0, len(ids), AT_ONCE)]
    made = []
    try:
        with torch.inference_mode():
            for part in track(parts, f"features, {AT_ONCE} films each", total=len(parts)):
                net(films_of(prepared, part, device))
                given = last[0]
                made.append((given.mean((2, 3)) if given.ndim == 4 else given).cpu().double())
    finally:
        for handle in handles:
            handle.remove()
    found: Floats = torch.cat(made).numpy()
    return found

"""The films that two classifiers both scored, in one order, with one label and one group each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from osteon.clusters import connected, sharing
from osteon.errors import DataError
from osteon.types import Predictions


@dataclass(frozen=True, slots=True)
class Pair:
    """Both sides on the same films in the same order, with the same labels and groups."""

    first: Predictions
    second: Predictions
    only: Mapping[str, tuple[str, ...]]
    unlabelled: tuple[str, ...]


def aligned(a: Predictions, b: Predictions, names: tuple[str, str]) -> Pair:
    """Both on the films that they share by id.

    Raises DataError where the classes differ, a film has two labels, or no labelled film is in
    both.
    """
    if set(a.classes) != set(b.classes):
        raise DataError(
            f"{names[0]} knows the classes {', '.join(a.classes)}, {names[1]} "
            f"{', '.join(b.classes)}: these cannot be compared."
        )
    known = _labels(a, b, names)
    kept = [id_ for id_, label in known.items() if label >= 0]
    if not kept:
        raise DataError("No film that is in both has a label: there is nothing to compare.")
    groups = _groups(kept, a, b)

    def side(whose: Predictions) -> Predictions:
        places = {id_: at for at, id_ in enumerate(whose.ids)}
        columns = [whose.classes.index(name) for name in a.classes]
        return Predictions(
            ids=tuple(kept),
            labels=np.array([known[id_] for id_ in kept], dtype=np.int64),
            scores=whose.scores[[places[id_] for id_ in kept]][:, columns],
            groups=groups,
            classes=a.classes,
            part=a.part,
        )

    return Pair(
        first=side(a),
        second=side(b),
        only={
            names[0]: tuple(id_ for id_ in a.ids if id_ not in known),
            names[1]: tuple(id_ for id_ in b.ids if id_ not in known),
        },
        unlabelled=tuple(id_ for id_, label in known.items() if label < 0),
    )


def _labels(a: Predictions, b: Predictions, names: tuple[str, str]) -> dict[str, int]:
    """Of every film in both, by a's classes; a label that one lacks is the other's."""
    renamed = [a.classes.index(name) for name in b.classes]
    of_b = {id_: renamed[n] if n >= 0 else -1 for id_, n in zip(b.ids, b.labels, strict=True)}
    known: dict[str, int] = {}
    for id_, given in zip(a.ids, a.labels.tolist(), strict=True):
        if id_ not in of_b:
            continue
        other = of_b[id_]
        if given >= 0 and other >= 0 and given != other:
            raise DataError(
                f"'{id_}' is {a.classes[given]} for {names[0]} and {a.classes[other]} for "
                f"{names[1]}: put the label right first."
            )
        known[id_] = max(given, other)
    if not known:
        raise DataError(
            f"No film is in both: {names[0]} has ids such as '{a.ids[0]}', {names[1]} '{b.ids[0]}'."
        )
    return known


def _groups(kept: Sequence[str], a: Predictions, b: Predictions) -> tuple[str, ...]:
    """One group where either table says so."""
    links = []
    for side in (a, b):
        of_film = dict(zip(side.ids, side.groups, strict=True))
        links += sharing({id_: of_film[id_] for id_ in kept})
    group = connected(kept, links)
    return tuple(group[id_] for id_ in kept)

"""Train on one data set, judge on another: what classes they share, and what each cell says.

Every column of the matrix is judged on the same films, the test part of one data set, less those
that the training data set has too; so its cells can be compared, film by film.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from osteon.classes import same_class
from osteon.errors import DataError
from osteon.metrics import METRICS
from osteon.statistics import differences, estimates
from osteon.types import Estimate, Manifest, Predictions, Radiograph
from osteon.words import counted

if TYPE_CHECKING:
    from osteon.types import Floats, Ints

AUROC = {"auroc": METRICS["auroc"]}


@dataclass(frozen=True, kw_only=True, slots=True)
class Cell:
    """A classifier of ``train`` on the test part of ``test``."""

    train: str
    test: str
    auroc: Estimate  # of more than two classes macro
    loss: Estimate | None  # AUROC of test's own classifier less this one, paired; None at home
    baselines: Mapping[str, Estimate]  # AUROC of metadata_only and majority, learnt from train
    gain: Estimate  # AUROC less that of metadata_only on the same films, paired
    n_removed: int  # test films that train has too, and others of their patients and studies


@dataclass(frozen=True, kw_only=True, slots=True)
class LeftOut:
    """One source, kept out of training altogether."""

    value: str
    n_films: int
    outside: Estimate  # AUROC on the films left out
    inside: Estimate  # AUROC of the same classifier on test films of the other sources
    drop: Estimate  # inside less outside; other films, so it is not paired
    baselines: Mapping[str, Estimate]  # outside: AUROC of metadata_only and majority
    gain: Estimate  # outside less metadata_only, paired


@dataclass(frozen=True, kw_only=True, slots=True)
class Travels:
    """A cross-data-set matrix (``cells``), or sources left out one by one (``left_out``)."""

    names: tuple[str, ...]
    classes: tuple[str, ...]  # those judged
    recipe: str
    seed: int
    remarks: tuple[str, ...]  # classes left out or taken for one another, and the like
    cells: tuple[Cell, ...] = ()
    by: str = ""
    left_out: tuple[LeftOut, ...] = ()

    def cell(self, train: str, test: str) -> Cell:
        return next(cell for cell in self.cells if (cell.train, cell.test) == (train, test))


def told_travels(travels: Travels) -> list[str]:
    """What can be said of each journey, one sentence each."""
    told = []
    for cell in travels.cells:
        if cell.loss is not None and cell.loss.value is not None and cell.loss.low is not None:
            how = "loses" if cell.loss.low > 0 else "is not shown to lose"
            ends = f"{cell.loss.value:z.3f} [{cell.loss.low:z.3f}, {cell.loss.high:z.3f}]"
            told.append(
                f"Trained on {cell.train} and judged on {cell.test} it {how} AUROC against a "
                f"classifier of {cell.test} itself: {ends}."
            )
        where = f"Trained on {cell.train} and judged on {cell.test} it"
        told += _not_above_metadata(cell.gain, where)
    for left in travels.left_out:
        if left.drop.value is not None and left.drop.low is not None:
            how = "lower" if left.drop.low > 0 else "not shown to be lower"
            ends = f"{left.drop.value:z.3f} [{left.drop.low:z.3f}, {left.drop.high:z.3f}]"
            told.append(f"Never having seen {left.value}, the AUROC on it is {how}: by {ends}.")
        told += _not_above_metadata(left.gain, f"On {left.value}, which it has never seen, it")
    return told


def _not_above_metadata(gain: Estimate, where: str) -> list[str]:
    if gain.low is None or gain.low > 0:
        return []
    return [
        f"{where} is not shown to beat file metadata alone, without any picture, in AUROC: "
        f"{gain.value:+z.3f} [{gain.low:+z.3f}, {gain.high:+z.3f}]."
    ]


def shared_classes(manifests: Mapping[str, Manifest]) -> tuple[list[Manifest], tuple[str, ...]]:
    """The manifests with the classes that all of them have, in the first one's words and order.

    Names are equal but for case, blanks, _ and -. Where all have two classes of which none is
    shared, negative stands for negative and positive for positive. The other films are left out;
    the remarks say so. Raises DataError where fewer than two classes are shared.
    """
    first, *_ = manifests.values()
    keys = [{same_class(name) for name in m.classes} for m in manifests.values()]
    common = [name for name in first.classes if all(same_class(name) in each for each in keys)]
    if not common and all(len(m.classes) == 2 for m in manifests.values()):
        said = "; ".join(f"{name}: {' / '.join(m.classes)}" for name, m in manifests.items())
        remark = f"Classes are taken for one another by their order, negative / positive: {said}."
        return [replace(m, classes=first.classes) for m in manifests.values()], (remark,)
    if len(common) < 2:
        raise DataError(
            f"{' and '.join(manifests)} share {len(common)} class{'' if len(common) == 1 else 'es'}"
            f" ({', '.join(common) or 'none'}); two are needed. They have: "
            + "; ".join(f"{name}: {', '.join(m.classes)}" for name, m in manifests.items())
        )
    places = {same_class(name): at for at, name in enumerate(common)}
    made, remarks = [], []
    for name, manifest in manifests.items():
        new = {at: places.get(same_class(c)) for at, c in enumerate(manifest.classes)}
        films = [
            replace(film, label=None if film.label is None else new[film.label])
            for film in manifest.radiographs
            if film.label is None or new[film.label] is not None
        ]
        made.append(replace(manifest, classes=tuple(common), radiographs=tuple(films)))
        others = [c for at, c in enumerate(manifest.classes) if new[at] is None]
        if others:
            n = len(manifest.radiographs) - len(films)
            remarks.append(f"{name}: left out {counted(n, 'film')} of {', '.join(others)}.")
    return made, tuple(remarks)


def without(predictions: Predictions, ids: Collection[str]) -> Predictions:
    """Less the films ``ids`` and every other film of their groups."""
    gone = {g for id_, g in zip(predictions.ids, predictions.groups, strict=True) if id_ in ids}
    kept = [at for at, group in enumerate(predictions.groups) if group not in gone]
    return replace(
        predictions,
        ids=tuple(predictions.ids[at] for at in kept),
        labels=predictions.labels[kept],
        scores=predictions.scores[kept],
        groups=tuple(predictions.groups[at] for at in kept),
    )


def crossed(
    train: str,
    test: str,
    theirs: Predictions,
    own: Predictions,
    baselines: Mapping[str, Floats],
    shared: Collection[str],
    seed: int,
) -> Cell:
    """``theirs`` are the scores of train's classifier on test's films, ``own`` those of test's,
    ``baselines`` those (N, C) of metadata_only and majority, learnt from train.

    Raises DataError where no film of some class is left.
    """
    kept, home = without(theirs, shared), without(own, shared)
    check_crossing(train, test, kept.labels, kept.classes, len(theirs.ids) - len(kept.ids))
    rivals = {
        name: without(replace(theirs, scores=scores), shared).scores
        for name, scores in baselines.items()
    }
    return Cell(
        train=train,
        test=test,
        auroc=auroc_of(kept, kept.scores, seed),
        loss=None if train == test else _gain(kept, home.scores, kept.scores, seed),
        baselines={name: auroc_of(kept, scores, seed) for name, scores in rivals.items()},
        gain=_gain(kept, kept.scores, rivals["metadata_only"], seed),
        n_removed=len(theirs.ids) - len(kept.ids),
    )


def check_crossing(
    train: str, test: str, labels: Ints, classes: Sequence[str], n_removed: int
) -> None:
    """Raises DataError where ``labels``, of the test films of ``test`` that are left once
    ``n_removed`` were taken out for ``train``, lack a class."""
    counts = np.bincount(labels[labels >= 0], minlength=len(classes))
    if counts.all():
        return
    taken = f", once the {counted(n_removed, 'film')} that {train} has too are taken out"
    raise DataError(
        f"The test part of {test} has no film of '{classes[int(counts.argmin())]}'"
        f"{taken if n_removed else ''}: these data sets cannot be crossed."
    )


def auroc_of(films: Predictions, scores: Floats, seed: int) -> Estimate:
    """The AUROC of other ``scores`` (N, C) for these films."""
    return estimates(AUROC, films.labels, scores, films.groups, seed=seed)["auroc"]


def _gain(films: Predictions, mine: Floats, theirs: Floats, seed: int) -> Estimate:
    return differences(AUROC, films.labels, mine, theirs, films.groups, seed=seed)["auroc"]


def sources_in(manifest: Manifest, column: str, fewest: int) -> dict[str, frozenset[str]]:
    """Films by what ``column`` says of them, of values with ``fewest`` films of every class.

    Raises DataError, naming the columns there are, where fewer than two values have that.
    """
    by_value: dict[str, list[tuple[str, int]]] = {}
    for film in manifest.radiographs:
        if film.label is not None and (value := _told(film).get(column)):
            by_value.setdefault(value, []).append((film.id, film.label))
    enough = {
        value: frozenset(id_ for id_, _ in films)
        for value, films in sorted(by_value.items())
        if _least(films, len(manifest.classes)) >= fewest
    }
    if len(enough) < 2:
        there = sorted({name for film in manifest.radiographs for name in _told(film)})
        raise DataError(
            f"Column '{column}' has {counted(len(enough), 'value')} with "
            f"{fewest} films of every class; two are needed. Columns: {', '.join(there) or 'none'}."
        )
    return enough


def _told(film: Radiograph) -> dict[str, str]:
    """What is known of where a film comes from; a film of two regions is of a kind of its own."""
    fields = {
        "region": " and ".join(sorted(film.regions)),
        "view": " and ".join(sorted(film.views)),
        "laterality": film.laterality or "",
    }
    return {name: value for name, value in (fields | dict(film.extra)).items() if value}


def _least(films: Sequence[tuple[str, int]], n_classes: int) -> int:
    return int(np.bincount([label for _, label in films], minlength=n_classes).min())

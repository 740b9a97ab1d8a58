"""A model that osteon never saw: its predictions, joined with what is known of the films."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from osteon.attributes import attributes_of, column
from osteon.calibrate import FILE as CALIBRATION
from osteon.clusters import connected, copy_clusters, group_films, sharing
from osteon.decisions import FILE as DECISIONS
from osteon.errors import DataError, UsageError
from osteon.evaluate import choose_operating_point, evaluate
from osteon.fracture_size import fracture_sizes
from osteon.fusion import StudyLevel, fuse, studies_of
from osteon.judge import write_decisions
from osteon.known_films import Known, known_films
from osteon.predictions import ScoreTable, read_score_table, selected, write_predictions
from osteon.runs import RunFolder
from osteon.subgroups import Subgroups, subgroups
from osteon.types import (
    Evaluation,
    OperatingPoint,
    Predictions,
)
from osteon.values import write_value
from osteon.words import counted, first_few

if TYPE_CHECKING:
    from osteon.decisions import Goals
    from osteon.types import Floats

STUDY_COLUMNS = ("study", "study_id")  # of the table of predictions: films of one study


@dataclass(frozen=True, kw_only=True, slots=True)
class Foreign:
    """What was handed in, and what was made of it."""

    name: str  # of the table of predictions
    manifest_name: str  # empty where none was given
    has_validation: bool
    taken_for: Mapping[str, str]  # column of the table -> what it was taken for
    grouped_by: str  # what the intervals hold to be independent
    n_matched: int | None  # films found in the manifest; None without one
    evaluation: Evaluation
    subgroups: Subgroups
    studies: StudyLevel


def evaluate_predictions(
    path: Path,
    *,
    out: Path,
    manifest: Path | None = None,
    validation: Path | None = None,
    goals: Goals | None = None,
    cache: Path | None = None,
) -> tuple[Foreign, Known]:
    """Judge the predictions in ``path`` (see ``read_score_table``); all figures go to ``out``.

    ``manifest`` is a folder of films or a table of them; it gives patients, studies, boxes and
    subgroups. ``validation`` are predictions of the same model for other films: there, and nowhere
    else, the operating point, the calibrator and the decisions are chosen, as ``goals`` want them.

    Raises DataError where a table cannot be used, all films have one class, none is in the
    manifest, or a film is in both tables; UsageError where ``out`` holds something else.
    """
    _check_room(out)
    table = read_score_table(path, part="test")
    _check_classes(table.predictions, path)
    val_table = _validation(validation, table) if validation else None
    tables = [table, val_table] if val_table else [table]
    known = known_films([each.predictions for each in tables], manifest, cache)
    study_of, unit = _studies(tables, known)
    grouping = _grouping(tables, known, study_of)
    test, *others = (grouping.applied(each.predictions) for each in tables)
    on_val = others[0] if others else None
    binary = len(test.classes) == 2
    point = choose_operating_point(on_val) if on_val is not None and binary else None
    evaluation = evaluate(
        test,
        operating_point=point,
        baselines={"majority": _majority(on_val or test, len(test.ids))},
        remarks=[*_remarks(grouping, on_val, test), *known.remarks],
    )
    told = _attributes(table, known)
    found = Foreign(
        name=path.name,
        manifest_name=known.name,
        has_validation=on_val is not None,
        taken_for=dict(table.taken_for) | _not_subgroups(table, told),
        grouped_by=grouping.told,
        n_matched=sum(id_ in known.matched for id_ in test.ids) if manifest else None,
        evaluation=evaluation,
        subgroups=_subgroups(test, told, known, point),
        studies=fuse(test, on_val, study_of, point=point, unit=unit),
    )
    folder = RunFolder(out)
    _clear(folder)
    _write(folder, found, test, on_val, point)
    if on_val is not None:
        write_decisions(folder, on_val, test, goals)
    return found, known


def _check_room(out: Path) -> None:
    """An evaluation is written over an older one, and over nothing else."""
    if out.is_dir() and any(out.iterdir()) and not RunFolder(out).foreign.is_file():
        raise UsageError(f"{out} holds something else. Name another folder: --out.")


def _check_classes(predictions: Predictions, path: Path) -> None:
    counts = Counter(predictions.labels[predictions.labels >= 0].tolist())
    if len(counts) < 2:
        told = f"only '{predictions.classes[next(iter(counts))]}'" if counts else "none"
        raise DataError(
            f"{path}: of the labels there is {told}. How well classes are told apart needs films "
            "of two at least."
        )


def _validation(path: Path, table: ScoreTable) -> ScoreTable:
    read = read_score_table(path, part="val")
    other = read.predictions
    if other.classes != table.predictions.classes:
        raise DataError(
            f"{path} is of the classes {', '.join(other.classes)}, the predictions to judge of "
            f"{', '.join(table.predictions.classes)}. Both must have the same columns of scores."
        )
    if both := sorted({*other.ids} & {*table.predictions.ids}):
        raise DataError(
            f"{first_few(both)} {'is' if len(both) == 1 else 'are'} in {path} too: what is chosen "
            "on validation must not have seen a film that is judged. Take them out of one table."
        )
    return read


# --- groups and studies ---------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class _Grouping:
    """Film id -> group, of all tables together, and in words what told it; empty for nothing."""

    group_of: Mapping[str, str]
    told: str

    def applied(self, predictions: Predictions) -> Predictions:
        return replace(predictions, groups=tuple(self.group_of[id_] for id_ in predictions.ids))


def _grouping(tables: Sequence[ScoreTable], known: Known, study_of: Mapping[str, str]) -> _Grouping:
    """Films of one group of the table, one study, one patient, or equal to the last pixel."""
    ids = [id_ for table in tables for id_ in table.predictions.ids]
    cells: dict[str, str] = {}
    for table in tables:
        if table.has_groups:
            cells |= dict(zip(table.predictions.ids, table.predictions.groups, strict=True))
    links = [*sharing(cells), *sharing({id_: study_of[id_] for id_ in ids if id_ in study_of})]
    told = ["the column 'group'"] if cells else []
    if any(_study_cells(table) for table in tables):
        told.append("the column of studies")
    if known.name:
        links += sharing(group_films(known.manifest, copy_clusters(known.facts)))
        films = known.manifest.radiographs
        told += ["patients of the manifest"] if any(film.patient_id for film in films) else []
        told += ["studies of the manifest"] if any(film.study_id for film in films) else []
        told.append("exact copies")
    return _Grouping(group_of=connected(ids, links), told=", ".join(told))


def _study_cells(table: ScoreTable) -> dict[str, str]:
    name = next((name for name in STUDY_COLUMNS if name in table.columns), None)
    return {id_: cell for id_, cell in table.columns[name].items() if cell} if name else {}


def _studies(tables: Sequence[ScoreTable], known: Known) -> tuple[dict[str, str], str]:
    """Film id -> study, by a column of the tables or else by the manifest; and what a study is."""
    cells: dict[str, str] = {}
    for table in tables:
        cells |= _study_cells(table)
    if not cells:
        return studies_of(known.manifest)
    first: dict[str, str] = {}
    for id_ in sorted(cells):
        first.setdefault(cells[id_], id_)
    return {id_: first[cell] for id_, cell in cells.items()}, "study"


# --- figures --------------------------------------------------------------------------------------


def _majority(predictions: Predictions, n: int) -> Floats:
    known = predictions.labels[predictions.labels >= 0]
    counts = np.bincount(known, minlength=len(predictions.classes))
    shares: Floats = np.tile(counts / counts.sum(), (n, 1))
    return shares


def _remarks(grouping: _Grouping, on_val: Predictions | None, test: Predictions) -> Iterator[str]:
    if len(set(test.groups)) == len(test.ids):
        why = f" by {grouping.told}" if grouping.told else ""
        yield (
            f"No two films are known{why} to be of one patient: each counts as its own group, and "
            "the intervals are too narrow if patients have several films. A column 'group' in the "
            "table of predictions tells it."
        )
    if on_val is not None and (both := {*on_val.groups} & {*test.groups}):
        yield (
            f"{counted(len(both), 'group')} in validation and in test: the operating point has "
            "seen their other films."
        )
    if on_val is None:
        yield (
            "No validation predictions were given: nothing was chosen, the class of the highest "
            "score answers, and the majority baseline has the class shares of these films "
            "themselves."
        )
    yield (
        "A metadata-only baseline needs films to learn from, which were not handed in: whether the "
        "label can be read without the bone is not known."
    )


def _attributes(table: ScoreTable, known: Known) -> dict[str, dict[str, tuple[str, ...]]]:
    """What the manifest says of the films, and what the table of predictions does."""
    told = attributes_of(known.manifest, known.facts) if known.name else {}
    for name, cells in table.columns.items():
        values = column(name, cells, quoted=True) if name not in STUDY_COLUMNS else {}
        if len({value for own in values.values() for value in own}) > 1:
            told[_own(name, told)] = values
    return told


def _own(name: str, told: Mapping[str, object]) -> str:
    return name if name not in told else f"{name} (of the predictions)"


def _not_subgroups(table: ScoreTable, told: Mapping[str, object]) -> dict[str, str]:
    """The columns of which no subgroups were made, and why."""
    studies = _study_cells(table)
    unused = {name: cells for name, cells in table.columns.items() if name not in told}
    return {
        name: "the study of the film"
        if name in STUDY_COLUMNS and studies
        else f"nothing: it has {len({*cells.values()} - {''}):,} different values"
        for name, cells in unused.items()
    }


def _subgroups(
    test: Predictions,
    told: Mapping[str, Mapping[str, tuple[str, ...]]],
    known: Known,
    point: OperatingPoint | None,
) -> Subgroups:
    found = subgroups(test, told, point=point)
    if not known.name:
        return found
    matched = selected(test, [at for at, id_ in enumerate(test.ids) if id_ in known.matched])
    sizes = fracture_sizes(matched, known.manifest, known.facts, point=point)
    return replace(found, sizes=sizes)


def _clear(folder: RunFolder) -> None:
    """Of an older evaluation nothing may be taken for this one's: it may have had validation."""
    made = [folder.predictions("val"), folder.evaluation("val"), *folder.plots.glob("*")]
    for path in (*made, folder.path / CALIBRATION, folder.path / DECISIONS, folder.report):
        path.unlink(missing_ok=True)


def _write(
    folder: RunFolder,
    found: Foreign,
    test: Predictions,
    on_val: Predictions | None,
    point: OperatingPoint | None,
) -> None:
    write_value(folder.foreign, found)  # first: by it the folder is known for what it is
    write_predictions(test, folder.predictions("test"))
    write_value(folder.evaluation("test"), found.evaluation)
    if on_val is not None:
        write_predictions(on_val, folder.predictions("val"))
        write_value(folder.evaluation("val"), evaluate(on_val, operating_point=point))
    write_value(folder.path / "subgroups.json", found.subgroups)
    write_value(folder.path / "studies.json", found.studies)

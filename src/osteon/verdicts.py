"""What a person decided about films: keep, relabel or remove, read from a CSV and applied.

The CSV is the one that ``osteon suspects`` writes: columns id, verdict and, to relabel, label;
``given``, where it is there, is the class that the film had when the verdict was made.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, cast, get_args

from osteon.errors import DataError, UnknownName
from osteon.sources.cells import columns_of, rows_of
from osteon.types import Finding, Manifest, Radiograph
from osteon.words import counted

Decision = Literal["keep", "relabel", "remove"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """One film, looked at. ``row`` of the CSV is for messages alone."""

    id: str
    decision: Decision
    label: str = ""  # the class that it belongs to; of relabel alone
    given: str = ""  # the class that it had when it was looked at, where that is known
    row: int = field(default=0, compare=False)


def read_verdicts(path: Path) -> tuple[Verdict, ...]:
    """The rows with a verdict; those without one are films that nobody has decided about.

    Raises DataError, naming the row, for a word that is no verdict, a film told twice, or a film
    to relabel without a label.
    """
    if not path.is_file():
        raise DataError(f"There is no file of verdicts {path}. Make one with: osteon suspects DATA")
    columns = columns_of(path)
    if missing := [name for name in ("id", "verdict") if name not in columns]:
        raise DataError(
            f"{path} lacks the column {' and '.join(missing)}: it has {', '.join(columns)}. "
            "Make a file of verdicts with: osteon suspects DATA"
        )
    found: dict[str, Verdict] = {}
    for number, cells in rows_of(path):
        row = dict(zip(columns, cells, strict=False))
        if (verdict := _verdict(row, number, f"{path}, row {number}")) is None:
            continue
        if verdict.id in found:
            raise DataError(
                f"{path}, row {number}: '{verdict.id}' has a verdict in row "
                f"{found[verdict.id].row} already. Leave one of them."
            )
        found[verdict.id] = verdict
    return tuple(found.values())


def _verdict(row: Mapping[str, str], number: int, where: str) -> Verdict | None:
    word, label = row.get("verdict", "").lower(), row.get("label", "")
    if not word:
        return None
    if word not in get_args(Decision):
        known = ", ".join(get_args(Decision))
        raise DataError(f"{where}: verdict '{word}' is none of {known}. Empty is: not decided.")
    if word == "relabel" and not label:
        raise DataError(f"{where}: to relabel a film, name its class in the column label.")
    return Verdict(
        id=row.get("id", ""),
        decision=cast("Decision", word),
        label=label if word == "relabel" else "",
        given=row.get("given", ""),
        row=number,
    )


def apply_verdicts(manifest: Manifest, verdicts: Sequence[Verdict]) -> Manifest:
    """``manifest`` with films relabelled or gone, and a remark that says so.

    Raises DataError, naming the row, for a film that is not in the manifest or no longer of the
    class that it was judged in, and for a class that the manifest does not have.
    """
    if not verdicts:
        return manifest
    films = {film.id.strip(): film for film in manifest.radiographs}
    for verdict in verdicts:
        _fits(verdict, films.get(verdict.id), manifest)
    decided = {verdict.id: verdict for verdict in verdicts}
    return replace(
        manifest,
        radiographs=tuple(_judged(films.values(), decided, manifest)),
        remarks=(*manifest.remarks, _remark(verdicts)),
    )


def _fits(verdict: Verdict, film: Radiograph | None, manifest: Manifest) -> None:
    where = f"Verdicts, row {verdict.row}"
    if film is None:
        raise DataError(
            f"{where}: there is no film '{verdict.id}' in {manifest.root}. The ids must be those "
            "of the data that the verdicts are about."
        )
    if verdict.decision == "relabel" and verdict.label not in _stripped(manifest.classes):
        raise DataError(f"{where}: {UnknownName('class', verdict.label, manifest.classes)}")
    now = (manifest.class_name(film) or "").strip()
    if verdict.given not in ("", now):
        raise DataError(
            f"{where}: '{film.id}' was '{verdict.given}' when it was judged and is '{now}' now. "
            "Look at it again, or delete the row."
        )


def _stripped(classes: Sequence[str]) -> list[str]:
    """As they stand in the cells of a table, where blanks around them are dropped."""
    return [name.strip() for name in classes]


def _judged(
    films: Iterable[Radiograph], decided: Mapping[str, Verdict], manifest: Manifest
) -> Iterable[Radiograph]:
    for film in films:
        verdict = decided.get(film.id.strip())
        if verdict is None or verdict.decision == "keep":
            yield film
        elif verdict.decision == "relabel":
            label = _stripped(manifest.classes).index(verdict.label)
            # Boxes are fractures: a film judged to have none has no boxes either.
            unbroken = len(manifest.classes) == 2 and label == 0
            yield replace(film, label=label, boxes=() if unbroken else film.boxes)


def _remark(verdicts: Sequence[Verdict]) -> Finding:
    of = {word: [v.id for v in verdicts if v.decision == word] for word in get_args(Decision)}
    return Finding(
        check="verdicts",
        severity="note",
        message=f"A person looked at {counted(len(verdicts), 'film')}: "
        f"{len(of['relabel']):,} relabelled, {len(of['remove']):,} removed, {len(of['keep']):,} "
        "kept, by the verdicts handed in. All figures are of the data after that.",
        ids=tuple(of["relabel"]),
    )

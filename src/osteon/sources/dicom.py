"""A folder of DICOM files; labels from a table beside them, or from class folders."""

from __future__ import annotations

import posixpath
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path

from osteon.errors import DataError
from osteon.progress import track
from osteon.sources import SOURCES, Recognition
from osteon.sources.assembly import Labelled, assembled, remark
from osteon.sources.cells import columns_of, rows_of
from osteon.sources.films import (
    contents,
    film_id,
    films_below,
    holds_films,
    is_dicom,
    part_named,
    subfolders,
)
from osteon.sources.headers import Header, Kind, read_header, without_patient
from osteon.sources.words import known
from osteon.types import Finding, Manifest, Part, Radiograph
from osteon.words import counted

LABELS = ("labels.csv", "label.csv")
KEYS: dict[str, tuple[Kind, ...]] = {  # column of the table of labels, without case and
    "path": ("file",),  # underscores -> what it names; the first one there is used
    "file": ("file",),
    "filename": ("file",),
    "sopinstanceuid": ("film",),
    "studyinstanceuid": ("study",),
    "patientid": ("patient",),
    "id": ("file", "film", "study", "patient"),
}


class DicomFolder:
    """Headers only are read: patient (0010,0020), study (0020,000D), view (0018,5101), laterality
    (0020,0062) or (0020,0060), body part (0018,0015), spacing.

    Labels come from ``labels.csv`` in the folder (a column ``label``, one that names the file, the
    SOP instance, the study or the patient, and ``split`` if there is one) or else from the class
    folder that each file lies in; folders named train, val or test above or below it are a shipped
    split.
    """

    rank = 20

    def recognise(self, path: Path) -> Recognition:
        some = list(islice(films_below(path), 20)) if path.is_dir() else []
        n_dicom = sum(map(is_dicom, some))
        if not some or n_dicom < len(some) / 2:
            return Recognition(fits=False, reason="most of its files are no DICOM")
        if table := table_in(path):
            return Recognition(fits=True, reason=f"it holds DICOM files, labelled in {table.name}")
        if any(map(holds_films, subfolders(path))):
            return Recognition(fits=True, reason="it holds DICOM files in a folder per class")
        return Recognition(
            fits=False, reason="it holds DICOM files, but neither class folders nor labels.csv"
        )

    def read(self, path: Path) -> Manifest:
        found = contents(path)
        table = table_in(path)
        labels = _labels(table) if table else None
        headers = [
            read_header(file, film_id(file, path))
            for file in track(found.films, "headers", total=len(found.films))
        ]
        rows = labels.rows_of(headers) if labels else {}
        films = [_labelled(header, rows) if labels else _by_folder(header.film)
                 for header in headers]  # fmt: skip
        return assembled(
            path,
            "dicom",
            self.recognise(path).reason,
            films,
            others=[file for file in found.others if file != table],
            remarks=_remarks(headers, labels, rows),
        )


def table_in(path: Path) -> Path | None:
    return next((path / name for name in LABELS if (path / name).is_file()), None)


# --- labels ---------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """What the table of labels says of a film, a study or a patient."""

    label: str
    split: Part | None
    number: int = field(compare=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Labels:
    """The table of labels: what it names, and the row of each name."""

    table: Path
    column: str
    kinds: tuple[Kind, ...]
    rows: Mapping[str, Row]
    nameless: tuple[int, ...]  # numbers of rows that name nothing

    def rows_of(self, headers: Sequence[Header]) -> Mapping[str, Row]:
        """Film id -> its row. A column that does not say what it names, names what most of its rows
        are of. Raises DataError where two readings of it, or a file's name, may mean several."""
        ways = [self._by_file(headers) if kind == "file" else self._by(kind, headers)
                for kind in self.kinds]  # fmt: skip
        used = [len({row.number for row in way.values()}) for way in ways]
        best = [way for way, n in zip(ways, used, strict=True) if n == max(used)]
        if max(used) and any(way != best[0] for way in best):
            raise DataError(
                f"{self.table}: '{self.column}' may name files, films, studies or patients, and as "
                f"many rows fit either way. Call it by what it names: one of {', '.join(KEYS)}."
            )
        if best[0] is ways[0] and self.kinds[0] == "file":
            self._refuse_ambiguous(headers, best[0])
        return best[0]

    def _by(self, kind: Kind, headers: Sequence[Header]) -> Mapping[str, Row]:
        named = ((header.film.id, header.names.get(kind, ())) for header in headers)
        return {id_: self.rows[names[0]] for id_, names in named if names and names[0] in self.rows}

    def _by_file(self, headers: Sequence[Header]) -> Mapping[str, Row]:
        """By the path or else, where one film alone has it, by the file's name."""
        return {
            films[0]: self.rows[name]
            for name, films in self._files(headers).items()
            if len(films) == 1
        }

    def _refuse_ambiguous(self, headers: Sequence[Header], found: Mapping[str, Row]) -> None:
        for name, films in self._files(headers).items():
            if len(films) > 1 and any(film not in found for film in films):
                raise DataError(
                    f"{self.table}, row {self.rows[name].number}: {len(films):,} files are called "
                    f"so. Name each by its path below {self.table.parent}."
                )

    def _files(self, headers: Sequence[Header]) -> Mapping[str, list[str]]:
        """Of each row that names a file: the films that it may mean, by their paths where one is
        that, else by their whole names, else by their names without suffix."""
        meant: dict[str, list[str]] = {}
        for way in range(max((len(header.names["file"]) for header in headers), default=0)):
            called = defaultdict[str, list[str]](list)
            for header in headers:
                called[header.names["file"][way]].append(header.film.id)
            found = {name: films for name, films in called.items() if name in self.rows}
            meant = {**found, **meant}
        return meant


def _labels(table: Path) -> Labels:
    """No message quotes what names a film, a study or a patient: it may be a patient's name."""
    header = columns_of(table)
    columns = {re.sub(r"[\s_]", "", name).lower(): at for at, name in enumerate(header)}
    key = next((name for name in KEYS if name in columns), None)
    if key is None or "label" not in columns:
        raise DataError(
            f"{table} needs a column 'label' and one of {', '.join(KEYS)}; it has: "
            f"{', '.join(header) or 'none'}."
        )
    kinds, labels, nameless = KEYS[key], dict[str, Row](), list[int]()
    for number, row in rows_of(table):
        cells = {at: known(cell) for at, cell in enumerate(row)}
        name, label = cells.get(columns[key], ""), cells.get(columns["label"], "")
        part = _part(cells.get(columns.get("split", -1), ""), f"{table}, row {number}")
        said = Row(label=label, split=part, number=number)
        if "file" in kinds and name:
            name = posixpath.normpath(name.replace("\\", "/"))
        if not name:
            nameless.append(number)
        elif labels.setdefault(name, said) != said:
            first = labels[name]
            raise DataError(
                f"{table}: rows {first.number} and {number} are of the same "
                f"'{header[columns[key]]}', but say '{_told(first)}' and '{_told(said)}'. Leave "
                "one of them."
            )
    return Labels(
        table=table,
        column=header[columns[key]],
        kinds=kinds,
        rows=labels,
        nameless=tuple(nameless),
    )


def _part(word: str, where: str) -> Part | None:
    part = part_named(word)
    if word and part is None:
        raise DataError(f"{where}: split '{word}' is none of train, val, test.")
    return part


def _told(row: Row) -> str:
    return f"{row.label}, {row.split}" if row.split else row.label


def _labelled(header: Header, rows: Mapping[str, Row]) -> Labelled:
    row = rows.get(header.film.id)
    if row is None:
        return Labelled(film=header.film, class_name=None)
    return Labelled(film=replace(header.film, split=row.split), class_name=row.label or None)


def _by_folder(film: Radiograph) -> Labelled:
    """The class is the first folder that is no part of a split; a patient's folder is no class."""
    folders = film.id.split("/")[:-1]
    part = next((part for name in folders if (part := part_named(name))), None)
    class_name = next((name for name in folders if part_named(name) is None), None)
    if class_name == film.patient_id:
        class_name = None
    return Labelled(film=replace(film, split=part), class_name=class_name)


# --- remarks --------------------------------------------------------------------------------------


def _remarks(
    headers: list[Header], labels: Labels | None, rows: Mapping[str, Row]
) -> Iterator[Finding]:
    broken = [header.film.id for header in headers if not header.whole]
    if broken:
        yield remark(
            f"{counted(len(broken), 'file')} without a readable DICOM header.",
            ids=broken,
            severity="warning",
            remedy="Fetch them again from where they came.",
        )
    yield from without_patient([header.film for header in headers if header.whole])
    unused = _unused(labels, rows) if labels else []
    if unused:
        yield remark(
            f"{counted(len(unused), 'row')} of the table of labels without a film: row "
            f"{', '.join(map(str, unused[:3]))}{' ...' if len(unused) > 3 else ''}.",
            severity="warning",
            remedy="Bring the films, or take out the rows.",
        )


def _unused(labels: Labels, rows: Mapping[str, Row]) -> list[int]:
    """The numbers of the rows that are of no film."""
    used = {row.number for row in rows.values()}
    return sorted({*(row.number for row in labels.rows.values()), *labels.nameless} - used)


SOURCES.register("dicom")(DicomFolder())

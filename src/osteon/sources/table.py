"""A CSV or Parquet manifest of the user's own."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path

from osteon.errors import DataError
from osteon.manifest import as_boxes, as_spacing, read_manifest
from osteon.progress import track
from osteon.sources import SOURCES, Recognition
from osteon.sources.assembly import Labelled, assembled, remark
from osteon.sources.cells import TABLES, columns_of, rows_of
from osteon.sources.columns import NEEDED, OPTIONAL, ROW_NUMBERS, hint, is_extra, plain
from osteon.sources.films import film_id, films_below, is_dicom, part_named
from osteon.sources.headers import with_header, without_patient
from osteon.sources.which_table import is_ours, only_table, tables_in
from osteon.sources.words import as_regions, as_side, as_views, identified, known
from osteon.types import Box, Finding, Laterality, Manifest, Part, Radiograph
from osteon.words import counted

SPOKEN = frozenset({*NEEDED, *OPTIONAL}) - {"path", "id"}  # where "NaN" says that there is none
FIELDS = {"region": "regions", "view": "views"}  # column -> field of a film, where they differ
Row = tuple[int, Mapping[str, str]]  # the line or row number, and column -> cell


class Table:
    """``path`` and ``label``, and optional columns; every other column is kept as extra.

    Paths are relative to the table's folder. The case of the known columns does not matter, nor
    whether a blank or _ stands in their names. ``id`` is what a film is called in all that
    osteon writes; without it, that is its path. Boxes are JSON: a list of [left, top, width,
    height] or of objects as in ``osteon.types.Box``, in px of the upright film. What the table has
    no column for is read from the headers of films that are DICOM.
    """

    rank = 10

    def recognise(self, path: Path) -> Recognition:
        if path.is_file():
            if path.suffix.lower() in TABLES:
                return Recognition(fits=True, reason=f"{path.name} is a table")
            return Recognition(fits=False, reason=f"{path.name} is neither CSV nor Parquet")
        tables, reason = tables_in(path)
        if len(tables) == 1:
            return Recognition(
                fits=True, reason=f"it holds {tables[0].name} with the columns path and label"
            )
        return Recognition(fits=False, reason=reason)

    def read(self, path: Path) -> Manifest:
        table = path if path.is_file() else only_table(path)
        if is_ours(table):
            return read_manifest(table)
        rows = _rows(table)
        films = [_labelled(row, table.parent, f"{table}, row {number}") for number, row in rows]
        films, of_headers = _with_headers(films, said={*rows[0][1]})
        _check_ids(table, films, [number for number, _ in rows])
        absent = [item.film.id for item in films if not item.film.path.exists()]
        if len(absent) == len(films):
            raise DataError(
                f"None of the films that {table} lists is there; the first would be "
                f"{films[0].film.path}. Paths are relative to the folder of the table."
            )
        lacking = remark(
            f"{counted(len(absent), 'film')} listed in {table.name} but absent.",
            ids=absent,
            severity="warning",
            remedy="Bring the files, or take out the rows.",
        )
        return assembled(
            table.parent,
            "table",
            self.recognise(path).reason,
            films,
            remarks=[
                *([lacking] if absent else []),
                *of_headers,
                *_on_row_numbers(table, rows[0][1]),
                *(_on_unlisted(path, table, films) if path.is_dir() else ()),
            ],
        )


def _on_row_numbers(table: Path, columns: Collection[str]) -> Iterator[Finding]:
    for column in filter(ROW_NUMBERS.fullmatch, columns):
        yield remark(f"The column '{column}' of {table.name} numbers the rows: left out.")


def _on_unlisted(folder: Path, table: Path, films: Sequence[Labelled]) -> Iterator[Finding]:
    listed = {os.path.normpath(item.film.path) for item in films}
    unlisted = [film for film in films_below(folder) if os.path.normpath(film) not in listed]
    if unlisted:
        yield remark(
            f"{counted(len(unlisted), 'film')} below {folder.name or folder} not listed in "
            f"{table.name}: not used.",
            ids=[film_id(film, folder) for film in unlisted],
        )


# --- reading it -----------------------------------------------------------------------------------


def _rows(table: Path) -> list[Row]:
    columns = columns_of(table)
    names = plain(columns)
    missing = [wanted for wanted in NEEDED if wanted not in names]
    if missing:
        lacks = " and no column ".join(f"'{wanted}'" for wanted in missing)
        hints = "".join(hint(wanted, columns) for wanted in missing)
        raise DataError(
            f"{table} has no column {lacks}. It has: {', '.join(columns) or 'none'}.{hints}"
        )
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise DataError(f"{table} has two columns '{twice.pop()}'. Rename one of them.")
    rows = rows_of(table)
    if not rows:
        raise DataError(f"{table} has no row below its header.")
    return [(number, dict(zip(names, cells, strict=False))) for number, cells in rows]


def _check_ids(table: Path, films: Sequence[Labelled], numbers: Sequence[int]) -> None:
    seen: dict[str, int] = {}
    for number, item in zip(numbers, films, strict=True):
        if item.film.id in seen:
            raise DataError(
                f"{table}: rows {seen[item.film.id]} and {number} are of one film: they have the "
                "same id or, without one, the same path. Give each film one row. What names a "
                "patient belongs into a column patient_id."
            )
        seen[item.film.id] = number


# --- one row --------------------------------------------------------------------------------------


def _labelled(row: Mapping[str, str], folder: Path, where: str) -> Labelled:
    name = row.get("path", "").replace("\\", "/")
    if not name:
        raise DataError(f"{where}: path is empty.")
    if "\0" in name:
        raise DataError(f"{where}: path holds a zero byte, which no file's name can.")
    row = {column: known(cell) if column in SPOKEN else cell for column, cell in row.items()}
    path = Path(os.path.normpath(folder / name))
    film = Radiograph(
        id=row.get("id") or _id(path, folder),
        path=path,
        split=_part(row.get("split", ""), where),
        patient_id=identified(row.get("patient_id", "")),
        study_id=identified(row.get("study_id", "")),
        regions=as_regions(row.get("region", "")),
        views=as_views(row.get("view", "")),
        laterality=_side(row.get("laterality", ""), where),
        boxes=_boxes(row.get("boxes", ""), where),
        spacing_mm=as_spacing(row.get("spacing_mm", ""), where),
        extra={n: cell for n, cell in row.items() if cell and is_extra(n)},
    )
    return Labelled(film=film, class_name=row.get("label") or None)


def _id(path: Path, folder: Path) -> str:
    """The way from the folder, as "../films/1.png": the same however the two were written."""
    try:
        return Path(os.path.relpath(path, folder)).as_posix()
    except ValueError:  # on another drive of Windows
        return path.as_posix()


def _with_headers(
    films: Sequence[Labelled], said: Collection[str]
) -> tuple[list[Labelled], list[Finding]]:
    """Films that are DICOM with what their headers add to the columns ``said``, and what there is
    to tell of it."""
    files = [item.film for item in films if is_dicom(item.film.path)]
    if not files:
        return list(films), []
    fields = {FIELDS.get(column, column) for column in said}
    added = {film.id: with_header(film, fields) for film in track(files, "headers", len(files))}
    whole = [replace(item, film=added.get(item.film.id, item.film)) for item in films]
    remarks = [] if "patient_id" in said else without_patient(list(added.values()))
    return whole, list(remarks)


def _part(word: str, where: str) -> Part | None:
    if not word:
        return None
    part = part_named(word)
    if part is None:
        raise DataError(f"{where}: split '{word}' is none of train, val, test.")
    return part


def _side(word: str, where: str) -> Laterality | None:
    try:
        return as_side(word)
    except ValueError as error:
        raise DataError(f"{where}: laterality {error}.") from None


def _boxes(cell: str, where: str) -> tuple[Box, ...]:
    boxes = _listed_boxes(cell, where)
    if any(min(box.width_px, box.height_px) <= 0 for box in boxes):
        raise DataError(
            f"{where}: a box of '{cell}' has no width or no height above 0. A box is [left, top, "
            "width, height] in px."
        )
    return boxes


def _listed_boxes(cell: str, where: str) -> tuple[Box, ...]:
    try:
        given = json.loads(cell) if cell else []
        if isinstance(given, list) and all(isinstance(box, list) for box in given):
            corners = [[float(side) for side in box] for box in given]
            if not all(map(math.isfinite, chain.from_iterable(corners))):
                raise ValueError("a side is no number")
            return tuple(
                Box(left_px=left, top_px=top, width_px=width, height_px=height)
                for left, top, width, height in corners
            )
    except (TypeError, ValueError, RecursionError):
        raise DataError(
            f"{where}: boxes '{cell}' are not JSON such as [[left, top, width, height], ...] in px."
        ) from None
    return as_boxes(cell, where)


SOURCES.register("table")(Table())

"""A CSV or Parquet manifest of the user's own."""

from __future__ import annotations

import csv
import difflib
import json
import os
from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, cast

from osteon.errors import DataError, MissingExtra
from osteon.manifest import as_boxes, as_spacing
from osteon.sources import SOURCES, Recognition
from osteon.sources.assembly import Labelled, assembled, counted, remark
from osteon.sources.films import films_below, is_dicom, part_named
from osteon.sources.words import as_side, as_views
from osteon.types import Box, Laterality, Manifest, Part, Radiograph

NEEDED = ("path", "label")
OPTIONAL = (
    "id",
    "patient_id",
    "study_id",
    "split",
    "view",
    "region",
    "laterality",
    "boxes",
    "spacing_mm",
)
ALIASES = {"views": "view", "regions": "region"}  # as ``write_manifest`` writes them
SUFFIXES = (".csv", ".tsv", ".parquet")
Row = tuple[int, Mapping[str, str]]  # the line or row number, and column -> cell


class Table:
    """``path`` and ``label``, and optional columns; every other column is kept as extra.

    Paths are relative to the table's folder. The case of the known columns does not matter, nor
    whether a blank or _ stands in their names. Boxes are JSON: a list of [left, top, width, height]
    or of objects as in ``osteon.types.Box``, in px of the upright film.
    """

    rank = 10

    def recognise(self, path: Path) -> Recognition:
        if path.is_file():
            if path.suffix.lower() in SUFFIXES:
                return Recognition(fits=True, reason=f"{path.name} is a table")
            return Recognition(fits=False, reason=f"{path.name} is neither CSV nor Parquet")
        tables, reason = _tables_in(path)
        if len(tables) == 1:
            return Recognition(
                fits=True, reason=f"it holds {tables[0].name} with the columns path and label"
            )
        return Recognition(fits=False, reason=reason)

    def read(self, path: Path) -> Manifest:
        table = path if path.is_file() else _only(path)
        if _is_ours(table):
            from osteon.manifest import read_manifest

            return read_manifest(table)
        rows = _rows(table)
        films = [_labelled(row, table.parent, f"{table}, row {number}") for number, row in rows]
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
            remarks=[lacking] if absent else [],
        )


# --- which table ----------------------------------------------------------------------------------


def _tables_in(folder: Path) -> tuple[list[Path], str]:
    """The tables of a folder that could be its manifest; where there is not one, why."""
    if not folder.is_dir():
        return [], "it is no folder"
    tables = [p for p in sorted(folder.iterdir()) if p.suffix.lower() in SUFFIXES and p.is_file()]
    if not tables:
        return [], "it holds no CSV or Parquet file"
    wanting = {table: _wanting(table) for table in tables}
    fitting = [table for table, lack in wanting.items() if not lack]
    fitting = [table for table in fitting if table.stem.lower() == "manifest"] or fitting
    if len(fitting) > 1:
        return fitting, f"it holds several tables ({_names(fitting)}): name the one to read"
    return fitting, "; ".join(lack for lack in wanting.values() if lack)


def _wanting(table: Path) -> str:
    """What keeps a table from being a manifest, or nothing."""
    try:
        columns = _columns(table)
    except (DataError, MissingExtra) as error:
        return str(error)
    missing = [name for name in NEEDED if name not in map(_plain, columns)]
    if missing:
        return f"{table.name} has no column {' nor '.join(missing)}"
    if table.stem.lower() in ("labels", "label") and _beside_dicom(table.parent):
        return f"{table.name} labels DICOM files"
    return ""


def _beside_dicom(folder: Path) -> bool:
    return any(map(is_dicom, islice(films_below(folder), 20)))


def _only(folder: Path) -> Path:
    tables, reason = _tables_in(folder)
    if len(tables) != 1:
        raise DataError(f"{folder}: {reason}. A table needs the columns path and label.")
    return tables[0]


def _names(tables: Sequence[Path]) -> str:
    return ", ".join(table.name for table in tables)


def _is_ours(table: Path) -> bool:
    """Whether ``write_manifest`` wrote it: then its sidecar lies beside it."""
    sidecar = table.with_suffix(".json")
    if table.suffix.lower() != ".csv" or not sidecar.is_file():
        return False
    try:
        said = json.loads(sidecar.read_text(encoding="utf-8"))
    except ValueError:
        return False
    return isinstance(said, dict) and "recognised_by" in said


# --- reading it -----------------------------------------------------------------------------------


def _plain(column: str) -> str:
    """A known column's own name, whatever its case; any other as it is."""
    name = column.strip().lower().replace(" ", "_")
    name = ALIASES.get(name, name)
    return name if name in NEEDED + OPTIONAL else column.strip()


def _columns(table: Path) -> list[str]:
    if table.suffix.lower() == ".parquet":
        return list(_parquet(table).schema_arrow.names)
    with table.open(newline="", encoding="utf-8-sig", errors="replace") as file:
        return next(csv.reader(file, delimiter=_comma(table)), [])


def _rows(table: Path) -> list[Row]:
    columns = _columns(table)
    names = [_plain(column) for column in columns]
    for wanted in NEEDED:
        if wanted not in names:
            near = difflib.get_close_matches(wanted, map(str.lower, columns), n=1, cutoff=0.4)
            hint = f" Is it '{near[0]}'? Rename that column to '{wanted}'." if near else ""
            raise DataError(
                f"{table} has no column '{wanted}'. It has: {', '.join(columns) or 'none'}.{hint}"
            )
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise DataError(f"{table} has two columns '{twice.pop()}'. Rename one of them.")
    cells = _parquet_cells(table) if table.suffix.lower() == ".parquet" else _csv_cells(table)
    if not cells:
        raise DataError(f"{table} has no row below its header.")
    for number, row in cells:
        if len(row) > len(names):
            raise DataError(
                f"{table}, row {number}: {len(row)} cells for {len(names)} columns. Put a cell "
                "that holds a comma between double quotes."
            )
    return [(number, dict(zip(names, row, strict=False))) for number, row in cells]


def _csv_cells(table: Path) -> list[tuple[int, list[str]]]:
    try:
        with table.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file, delimiter=_comma(table))
            next(reader)
            return [(reader.line_num, [cell.strip() for cell in row]) for row in reader if row]
    except UnicodeDecodeError:
        raise DataError(f"{table} is not UTF-8 text. Save it as CSV UTF-8.") from None
    except csv.Error as error:
        raise DataError(f"{table} is no CSV: {error}.") from None


def _parquet_cells(table: Path) -> list[tuple[int, list[str]]]:
    columns = _parquet(table).read().to_pydict().values()
    rows = zip(*columns, strict=True)
    return [(number, [_word(cell) for cell in row]) for number, row in enumerate(rows, start=1)]


def _word(value: Any) -> str:
    """A cell as text; nothing is empty, and lists (of boxes) are JSON."""
    if value is None:
        return ""
    return json.dumps(value) if isinstance(value, list | dict) else str(value).strip()


def _comma(table: Path) -> str:
    """What stands between the cells: Excel writes ; where the comma marks decimals."""
    if table.suffix.lower() == ".tsv":
        return "\t"
    with table.open(encoding="utf-8-sig", errors="replace") as file:
        head = file.readline(100_000)
    return max(",;\t", key=head.count)


def _parquet(table: Path) -> Any:
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        raise MissingExtra("Reading Parquet", "parquet") from None
    try:
        return parquet.ParquetFile(table)
    except (pyarrow.ArrowException, OSError) as error:
        raise DataError(f"{table} is no Parquet file: {str(error).splitlines()[0]}") from None


def _check_ids(table: Path, films: Sequence[Labelled], numbers: Sequence[int]) -> None:
    seen: dict[str, int] = {}
    for number, item in zip(numbers, films, strict=True):
        if item.film.id in seen:
            raise DataError(
                f"{table}: rows {seen[item.film.id]} and {number} are both {item.film.id}. "
                "Give each film one row."
            )
        seen[item.film.id] = number


# --- one row --------------------------------------------------------------------------------------


def _labelled(row: Mapping[str, str], folder: Path, where: str) -> Labelled:
    name = row["path"].replace("\\", "/")
    if not name:
        raise DataError(f"{where}: path is empty.")
    path = Path(os.path.normpath(folder / name))
    film = Radiograph(
        id=row.get("id") or _id(path, folder),
        path=path,
        split=_part(row.get("split", ""), where),
        patient_id=row.get("patient_id") or None,
        study_id=row.get("study_id") or None,
        regions=_regions(row.get("region", "")),
        views=as_views(row.get("view", "")),
        laterality=_side(row.get("laterality", ""), where),
        boxes=_boxes(row.get("boxes", ""), where),
        spacing_mm=as_spacing(row.get("spacing_mm", ""), where),
        extra={n: cell for n, cell in row.items() if cell and n and n not in NEEDED + OPTIONAL},
    )
    return Labelled(film=film, class_name=row.get("label") or None)


def _id(path: Path, folder: Path) -> str:
    here = Path(os.path.normpath(folder))
    return (path.relative_to(here) if path.is_relative_to(here) else path).as_posix()


def _regions(cell: str) -> frozenset[str]:
    return frozenset(filter(None, (word.strip().lower() for word in cell.split(";"))))


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
    try:
        given = json.loads(cell) if cell else []
        if isinstance(given, list) and all(isinstance(box, list) for box in given):
            corners = cast("list[list[Any]]", given)
            return tuple(
                Box(left_px=float(left), top_px=float(top), width_px=float(w), height_px=float(h))
                for left, top, w, h in corners
            )
    except (TypeError, ValueError):
        raise DataError(
            f"{where}: boxes '{cell}' are not JSON such as [[left, top, width, height], ...] in px."
        ) from None
    return as_boxes(cell, where)


SOURCES.register("table")(Table())

"""A CSV or Parquet manifest of the user's own."""

from __future__ import annotations

import csv
import difflib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from osteon.errors import DataError, MissingExtra
from osteon.manifest import as_boxes, as_laterality
from osteon.sources import SOURCES, Recognition
from osteon.sources.films import Labelled, assembled, part_named
from osteon.sources.words import as_views
from osteon.types import Box, Manifest, Part, Radiograph

KNOWN = (
    "path",
    "label",
    "patient_id",
    "study_id",
    "split",
    "view",
    "region",
    "laterality",
    "boxes",
)
SUFFIXES = (".csv", ".tsv", ".parquet")
Row = Mapping[str, str]


class Table:
    """``path`` and ``label``, optional columns of ``KNOWN``; every other column is kept as extra.

    Paths are relative to the table's folder. Boxes are JSON: a list of [left, top, width, height]
    or of objects as in ``osteon.types.Box``, in px of the upright film.
    """

    rank = 10

    def recognise(self, path: Path) -> Recognition:
        if path.is_file():
            if path.suffix.lower() in SUFFIXES:
                return Recognition(fits=True, reason=f"it is a table, {path.name}")
            return Recognition(fits=False, reason=f"{path.suffix or path.name} is no table")
        tables = _tables_in(path)
        if len(tables) == 1 and {"path", "label"} <= set(_columns(tables[0])):
            return Recognition(
                fits=True, reason=f"it holds {tables[0].name} with the columns path and label"
            )
        return Recognition(
            fits=False, reason="it holds no single CSV or Parquet with the columns path and label"
        )

    def read(self, path: Path) -> Manifest:
        table = path if path.is_file() else _tables_in(path)[0]
        if _is_ours(table):
            from osteon.manifest import read_manifest

            return read_manifest(table)
        rows = _rows(table)
        _check_columns(table, rows)
        films = [
            _labelled(row, table.parent, f"{table.name}, row {number}")
            for number, row in enumerate(rows, start=2)
        ]
        _check_ids(table, films)
        return assembled(table.parent, "table", self.recognise(path).reason, films)


def _tables_in(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    tables = sorted(p for p in folder.iterdir() if p.suffix.lower() in SUFFIXES and p.is_file())
    named = [table for table in tables if table.stem == "manifest"]
    return named[:1] or tables


def _is_ours(table: Path) -> bool:
    """Whether ``write_manifest`` wrote it: then its sidecar lies beside it."""
    sidecar = table.with_suffix(".json")
    if table.suffix.lower() != ".csv" or not sidecar.is_file():
        return False
    try:
        return "recognised_by" in json.loads(sidecar.read_text(encoding="utf-8"))
    except ValueError:
        return False


def _columns(table: Path) -> Sequence[str]:
    if table.suffix.lower() == ".parquet":
        return list(_parquet().ParquetFile(table).schema_arrow.names)
    with table.open(newline="", encoding="utf-8-sig", errors="replace") as file:
        return [name.strip() for name in next(csv.reader(file, delimiter=_comma(table)), [])]


def _rows(table: Path) -> list[Row]:
    if table.suffix.lower() == ".parquet":
        loaded = _parquet().read_table(table).to_pylist()
        return [{name: _word(value) for name, value in row.items()} for row in loaded]
    try:
        with table.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file, delimiter=_comma(table))
            return [
                {(name or "").strip(): _word(value).strip() for name, value in row.items()}
                for row in reader
            ]
    except UnicodeDecodeError:
        raise DataError(f"{table} is not UTF-8 text. Save it as CSV UTF-8.") from None


def _word(value: Any) -> str:
    """A cell as text; nothing is empty, and lists (of boxes) are JSON."""
    if value is None:
        return ""
    return json.dumps(value) if isinstance(value, list | dict) else str(value)


def _comma(table: Path) -> str:
    if table.suffix.lower() == ".tsv":
        return "\t"
    with table.open(encoding="utf-8-sig", errors="replace") as file:
        head = file.readline()
    return ";" if head.count(";") > head.count(",") else ","


def _parquet() -> Any:
    try:
        import pyarrow.parquet as parquet
    except ImportError:
        raise MissingExtra("Reading Parquet", "parquet") from None
    return parquet


def _check_columns(table: Path, rows: Sequence[Row]) -> None:
    columns = _columns(table)
    for wanted in ("path", "label"):
        if wanted in columns:
            continue
        near = difflib.get_close_matches(wanted, columns, n=1, cutoff=0.4)
        hint = f" Is it '{near[0]}'? Rename that column to '{wanted}'." if near else ""
        raise DataError(
            f"{table} has no column '{wanted}'. It has: {', '.join(columns) or 'none'}.{hint}"
        )
    if not rows:
        raise DataError(f"{table} has no row below its header.")


def _check_ids(table: Path, films: Sequence[Labelled]) -> None:
    seen: dict[str, int] = {}
    for number, item in enumerate(films, start=2):
        if item.film.id in seen:
            raise DataError(
                f"{table}: rows {seen[item.film.id]} and {number} are both {item.film.id}. "
                "Give each film one row."
            )
        seen[item.film.id] = number


def _labelled(row: Row, folder: Path, where: str) -> Labelled:
    name = row["path"].replace("\\", "/")
    if not name:
        raise DataError(f"{where}: path is empty.")
    views = as_views(row.get("view", ""))
    film = Radiograph(
        id=name,
        path=folder / name,
        split=_part(row.get("split", ""), where),
        patient_id=row.get("patient_id") or None,
        study_id=row.get("study_id") or None,
        regions=frozenset(filter(None, row.get("region", "").lower().split(";"))),
        views=views,
        laterality=as_laterality(row.get("laterality", "").upper()[:1], where),
        boxes=_boxes(row.get("boxes", ""), where),
        extra={name: value for name, value in row.items() if name not in KNOWN and value},
    )
    return Labelled(film=film, class_name=row["label"] or None)


def _part(word: str, where: str) -> Part | None:
    if not word:
        return None
    part = part_named(word)
    if part is None:
        raise DataError(f"{where}: split '{word}' is none of train, val, test.")
    return part


def _boxes(cell: str, where: str) -> tuple[Box, ...]:
    try:
        given = json.loads(cell) if cell else []
    except ValueError:
        given = None
    if isinstance(given, list) and all(isinstance(b, list) and len(b) == 4 for b in given):
        return tuple(
            Box(left_px=left, top_px=top, width_px=width, height_px=height)
            for left, top, width, height in cast("list[list[float]]", given)
        )
    return as_boxes(cell, where)


SOURCES.register("table")(Table())

"""Which of the tables in a folder is its manifest, and which may have been meant to be."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from pathlib import Path

from osteon.errors import DataError, MissingExtra
from osteon.sources.assembly import remark
from osteon.sources.cells import TABLES, columns_of
from osteon.sources.columns import ALIASES, NEEDED, OPTIONAL, SYNONYMS, plain, squeezed
from osteon.sources.films import films_below, is_dicom
from osteon.types import Finding


def tables_in(folder: Path) -> tuple[list[Path], str]:
    """The tables of a folder that could be its manifest; where there is not one, why."""
    if not folder.is_dir():
        return [], "it is no folder"
    tables = [p for p in sorted(folder.iterdir()) if p.suffix.lower() in TABLES and p.is_file()]
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
        columns = columns_of(table)
    except (DataError, MissingExtra) as error:
        return str(error)
    missing = [name for name in NEEDED if name not in plain(columns)]
    if missing:
        return f"{table.name} has no column {' nor '.join(missing)}"
    if table.stem.lower() in ("labels", "label") and _beside_dicom(table.parent):
        return f"{table.name} labels DICOM files"
    return ""


def _beside_dicom(folder: Path) -> bool:
    return any(map(is_dicom, islice(films_below(folder), 20)))


def only_table(folder: Path) -> Path:
    tables, reason = tables_in(folder)
    if len(tables) != 1:
        raise DataError(f"{folder}: {reason}. A table needs the columns path and label.")
    return tables[0]


def overlooked(folder: Path, but: Path | None) -> Iterator[Finding]:
    """A warning for each table beside the films, ``but`` one, that may have been meant to be read
    with them: patients and labels that it names are not known then."""
    fitting, _ = tables_in(folder)
    if len(fitting) > 1:
        yield _overlooked(f"none of {_names(fitting)} was read, since several could be meant")
    tables = (p for p in sorted(folder.iterdir()) if p.suffix.lower() in TABLES and p.is_file())
    for table in tables:
        if table not in (*fitting, but) and _speaks_of_films(table):
            yield _overlooked(f"{table.name} was not read. {_wanting(table)}")


def _overlooked(what: str) -> Finding:
    return remark(
        f"Beside the films: {what}.",
        severity="warning",
        remedy="What it says of patients is not known: films of one patient cannot be kept "
        "together. Name the table in place of the folder, with the columns path and label.",
    )


def _speaks_of_films(table: Path) -> bool:
    """Whether a table that is no manifest has a column of one, or one of its usual other names."""
    try:
        columns = {squeezed(column) for column in columns_of(table)}
    except (DataError, MissingExtra):
        return True
    usual = {*chain.from_iterable(SYNONYMS.values()), *ALIASES, *NEEDED, *OPTIONAL}
    return bool(columns & {squeezed(name) for name in usual})


def _names(tables: Sequence[Path]) -> str:
    return ", ".join(table.name for table in tables)


def is_ours(table: Path) -> bool:
    """Whether ``write_manifest`` wrote it: then its sidecar lies beside it."""
    sidecar = table.with_suffix(".json")
    if table.suffix.lower() != ".csv" or not sidecar.is_file():
        return False
    try:
        said = json.loads(sidecar.read_text(encoding="utf-8"))
    except ValueError:
        return False
    return isinstance(said, dict) and "recognised_by" in said

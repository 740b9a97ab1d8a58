"""CSV, TSV and Parquet files as rows of text."""

from __future__ import annotations

import codecs
import csv
import json
from pathlib import Path
from typing import Any

from osteon.errors import DataError, MissingExtra

TABLES = (".csv", ".tsv", ".parquet")  # suffixes
Row = tuple[int, list[str]]  # the line of the file (of Parquet: the row, from 1), and its cells


def columns_of(table: Path) -> list[str]:
    """The header. Raises DataError for a damaged file, MissingExtra where Parquet needs pyarrow."""
    if table.suffix.lower() == ".parquet":
        return list(_parquet(table).schema_arrow.names)
    with table.open("rb") as file:
        if file.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
            raise _no_utf8(table)
    try:
        with table.open(newline="", encoding="utf-8-sig", errors="replace") as file:
            return next(csv.reader(file, delimiter=_comma(table)), [])
    except csv.Error as error:
        raise DataError(f"{table} is no CSV: {error}.") from None


def rows_of(table: Path) -> list[Row]:
    """The rows below the header, without empty lines; blanks around a cell are dropped.

    Raises DataError for a damaged file, or a row with more cells than the header.
    """
    columns = columns_of(table)
    rows = _parquet_rows(table) if table.suffix.lower() == ".parquet" else _csv_rows(table)
    for number, row in rows:
        if len(row) > len(columns):
            raise DataError(
                f"{table}, row {number}: {len(row)} cells for {len(columns)} columns. Put a cell "
                "that holds a comma between double quotes."
            )
    return rows


def _csv_rows(table: Path) -> list[Row]:
    try:
        with table.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file, delimiter=_comma(table))
            next(reader)
            return [(reader.line_num, [cell.strip() for cell in row]) for row in reader if row]
    except UnicodeDecodeError:
        raise _no_utf8(table) from None
    except csv.Error as error:
        raise DataError(f"{table} is no CSV: {error}.") from None


def _no_utf8(table: Path) -> DataError:
    return DataError(f"{table} is not UTF-8 text. Save it as CSV UTF-8.")


def _parquet_rows(table: Path) -> list[Row]:
    columns = _parquet(table).read().to_pydict().values()
    rows = zip(*columns, strict=True)
    return [(number, [_word(cell) for cell in row]) for number, row in enumerate(rows, start=1)]


def _word(value: Any) -> str:
    """A cell as text; nothing is empty, and lists (of boxes) are JSON."""
    if value is None or value != value:  # NaN and NaT, which pandas writes for nothing
        return ""
    if isinstance(value, bytes):
        value = value.decode(errors="replace")
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # whole numbers, of which some were missing
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

"""Many films to a table, row by row: a stopped work goes on where it stopped, to the same table."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from osteon.answers import NOT_READABLE, UNLIKE, read_each
from osteon.bundle import FILE, Bundle, Precision, is_bundle
from osteon.errors import DataError, MissingExtra, UsageError
from osteon.files import atomic_writer, explained, write_json
from osteon.progress import say, track
from osteon.runs import RunFolder
from osteon.types import PixelRules, Reading

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SUFFIXES = {".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet"}
DIGITS = 6  # of a score
Row = Mapping[str, "str | float | None"]
Answer = Callable[[Path, "NDArray[np.uint8]"], Reading]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Reader:
    """A run or a bundle, ready to read many files with ``workers`` threads."""

    classes: tuple[str, ...]
    rules: PixelRules
    answer: Answer
    workers: int
    digest: str  # of all that decides an answer
    is_done: Callable[[Path], bool] = lambda _: True  # of a film with scores: is its map there?

    def read(self, paths: Sequence[Path]) -> Iterator[Reading]:
        return read_each(paths, self.rules, self.answer, workers=self.workers)


@dataclass(frozen=True, kw_only=True, slots=True)
class Tally:
    """What became of the films: those of this call and those found in the table."""

    n: int
    scored: int
    not_readable: int
    unlike: int
    found: int  # rows that were there before


def open_reader(
    model: Path,
    *,
    workers: int = 1,
    engine: str | None = None,
    heatmaps: Path | None = None,
    despite_withheld: bool = False,
) -> Reader:
    """A run folder or a bundle as a Reader; ``workers`` films are read at once, by a thread each.

    Raises DataError for neither, UsageError for heat maps of a bundle or maps that were withheld,
    and for a class that is called as a column of the table is.
    """
    reader = _opened(model, workers, engine, heatmaps, despite_withheld)
    header_of(reader.classes)
    return reader


def _opened(
    model: Path, workers: int, engine: str | None, heatmaps: Path | None, despite_withheld: bool
) -> Reader:
    if is_bundle(model):
        if heatmaps:
            raise UsageError(
                f"{model} is a bundle, which holds no network that maps could be made of. Name the "
                "run that it was exported from."
            )
        bundle = Bundle.load(model, engine=engine, workers=workers, threads=workers)
        return Reader(
            classes=bundle.classes, rules=bundle.facts.pixels, answer=bundle.answer,
            workers=workers, digest=_digest([model / FILE], bundle.form.precision),
        )  # fmt: skip
    if engine:
        raise UsageError(
            f"{model} is no bundle: --engine needs one. Make it: osteon export {model}"
        )
    return _of_run(model, workers, heatmaps, despite_withheld)


def _of_run(model: Path, workers: int, heatmaps: Path | None, despite: bool) -> Reader:
    import torch

    from osteon.calibrate import FILE as CALIBRATION
    from osteon.classifier import Classifier
    from osteon.decisions import FILE as DECISIONS
    from osteon.heatmaps import has_map, mapped

    classifier = Classifier.load(model)
    torch.set_num_threads(1)  # each worker has one
    folder = RunFolder(model)
    deciding = [folder.weights, folder.recipe, folder.evaluation("val")]
    answer: Answer = classifier.answer
    if heatmaps:
        answer = mapped(classifier, model, heatmaps, despite_withheld=despite)
    if is_bundle(model / "bundle"):
        say(f"{model}/bundle is faster, and refuses what is unlike the training films.")
    return Reader(
        classes=classifier.classes, rules=classifier.recipe.pixels, answer=answer,
        workers=workers,
        digest=_digest([*deciding, model / CALIBRATION, model / DECISIONS], "float32"),
        is_done=lambda film: heatmaps is None or has_map(heatmaps, film),
    )  # fmt: skip


def _digest(files: Iterable[Path], precision: Precision) -> str:
    said = hashlib.sha256(precision.encode())
    for path in files:
        said.update(path.read_bytes() if path.is_file() else b"-")
    return said.hexdigest()


# --- the table ------------------------------------------------------------------------------------


def header_of(classes: Sequence[str]) -> tuple[str, ...]:
    """Raises UsageError for a class that is called as another column is."""
    header = ("path", "category", *classes, "reason")
    if len(set(header)) < len(header):
        raise UsageError(
            f"A class has the name of another column of the table: {', '.join(header)}. Train with "
            "another name for it."
        )
    return header


def row_of(reading: Reading, classes: Sequence[str]) -> Row:
    """``path``, ``category``, a score for each class, ``reason``. The scores are calibrated; those
    of a run that was not evaluated are raw. A film without scores has None."""
    scores = reading.calibrated or reading.scores
    return {
        "path": printable(reading.path),
        "category": reading.category,
        **{name: round(scores[name], DIGITS) if scores else None for name in classes},
        "reason": printable(reading.reason),
    }


def printable(text: str) -> str:
    """Names of files can hold bytes that are no text; they are written as such: \\xff."""
    return os.fsencode(text).decode("utf-8", "backslashreplace")


def predict(reader: Reader, paths: Sequence[Path], output: Path) -> Tally:
    """Append a row for each film to ``output``: .csv, .jsonl or .parquet.

    Films that have a row are not read again. A killed call leaves whole rows but for the last,
    which the next call cuts off; rows come in the order of ``paths``. Beside it lies
    ``OUTPUT.made-by.json``, which names the model.

    Raises UsageError for another suffix, or a table of another model or of none.
    """
    kind = SUFFIXES.get(output.suffix.lower())
    if kind is None:
        raise UsageError(f"{output}: the suffix says the format: {', '.join(SUFFIXES)}.")
    if kind == "parquet":
        _require_parquet()
    header = header_of(reader.classes)
    _claim(output, reader)
    journal = output.with_name(f"{output.name}.rows.jsonl") if kind == "parquet" else output
    if kind == "parquet" and output.exists() and not journal.exists():
        _journal_of(output, journal)
    rows_as = "csv" if kind == "csv" else "jsonl"
    categories = _append(reader, paths, journal, header, rows_as)
    if kind == "parquet":
        _write_parquet(journal, output, header)
    return categories


def _claim(output: Path, reader: Reader) -> None:
    """A table holds the answers of one model."""
    mark = output.with_name(f"{output.name}.made-by.json")
    told = {"model": reader.digest, "classes": list(reader.classes)}
    if mark.is_file():
        try:
            known = json.loads(mark.read_text(encoding="utf-8"))
        except ValueError:
            raise DataError(
                f"{mark}, which says what model {output} is of, is damaged. Move both away, or "
                "name another --output."
            ) from None
        if known != told:
            raise UsageError(f"{output} holds scores of another model. Name another --output.")
    elif output.exists():
        raise UsageError(f"{output} was not written by osteon predict. Name another --output.")
    else:
        write_json(mark, told)


def _append(
    reader: Reader, paths: Sequence[Path], journal: Path, header: Sequence[str], kind: str
) -> Tally:
    with explained(journal), journal.open("ab+") as file:
        found = _found(file, kind, header)
        counts = dict.fromkeys((NOT_READABLE, UNLIKE), 0)
        named = {path: printable(str(path)) for path in dict.fromkeys(paths)}
        n_found = sum(name in found for name in named.values())
        waiting = [
            path
            for path, name in named.items()
            if name not in found or (found[name] not in counts and not reader.is_done(path))
        ]
        for reading in track(reader.read(waiting), "films", total=len(waiting)):
            name = printable(str(reading.path))
            if name in found:  # its map alone was missing
                continue
            file.write(_line(row_of(reading, reader.classes), kind))
            file.flush()  # a row at a time: a killed work has lost no more than one
            found[name] = reading.category
        os.fsync(file.fileno())
    wanted = [found[printable(str(path))] for path in dict.fromkeys(paths)]
    for category in wanted:
        if category in counts:
            counts[category] += 1
    return Tally(
        n=len(wanted),
        scored=len(wanted) - sum(counts.values()),
        not_readable=counts[NOT_READABLE],
        unlike=counts[UNLIKE],
        found=n_found,
    )


def _found(file: BinaryIO, kind: str, header: Sequence[str]) -> dict[str, str]:
    """Path -> category of the whole rows; half a row at the end is cut off, a header is written."""
    file.seek(0)
    data = file.read()
    whole = data[: _end_of_rows(data, kind)]
    if len(whole) < len(data):
        file.truncate(len(whole))
    if kind == "jsonl":
        rows = [json.loads(line) for line in whole.splitlines()]
        return {row["path"]: row["category"] for row in rows}
    if not whole:
        file.write(_csv_line(header))
        file.flush()
    table = csv.DictReader(io.StringIO(whole.decode("utf-8"), newline=""))
    return {row["path"]: row["category"] for row in table}


def _end_of_rows(data: bytes, kind: str) -> int:
    """Where the last whole row ends. In a CSV a line that ends within quotes is no row's end."""
    if kind == "jsonl":
        return data.rfind(b"\n") + 1
    end = quotes = at = 0
    for line in data.splitlines(keepends=True) if b"\r" not in data else _lines(data):
        quotes += line.count(b'"')
        at += len(line)
        if line.endswith(b"\n") and quotes % 2 == 0:
            end = at
    return end


def _lines(data: bytes) -> Iterator[bytes]:
    *whole, rest = data.split(b"\n")
    yield from (line + b"\n" for line in whole)
    yield rest


def _line(row: Row, kind: str) -> bytes:
    if kind == "csv":
        return _csv_line([_cell(value) for value in row.values()])
    return json.dumps(row, ensure_ascii=False, allow_nan=False).encode() + b"\n"


def _cell(value: str | float | None) -> str:
    if isinstance(value, float):
        return f"{value:.{DIGITS}f}"
    return value or ""


def _csv_line(cells: Sequence[str]) -> bytes:
    """Python's writer quotes a carriage return only where it ends its own lines."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerow(cells)
    return (text.getvalue().removesuffix("\r\n") + "\n").encode()


def as_csv(readings: Iterable[Reading], classes: Sequence[str]) -> str:
    """The table as text, with its header."""
    lines = [_csv_line(header_of(classes))]
    lines += [_line(row_of(reading, classes), "csv") for reading in readings]
    return b"".join(lines).decode()


# --- Parquet --------------------------------------------------------------------------------------


def _require_parquet() -> None:
    try:
        import pyarrow  # noqa: F401
    except ImportError:
        raise MissingExtra("A table in Parquet", "parquet") from None


def _journal_of(table: Path, journal: Path) -> None:
    """Parquet cannot be appended to: its rows become lines, and lines a new table at the end."""
    from pyarrow import ArrowInvalid, parquet

    try:
        rows: list[dict[str, Any]] = parquet.read_table(table).to_pylist()
    except ArrowInvalid as error:
        raise DataError(f"{table} is no Parquet file: {error}.") from None
    with atomic_writer(journal, "wb") as file:
        file.writelines(_line(row, "jsonl") for row in rows)


def _write_parquet(journal: Path, output: Path, header: Sequence[str]) -> None:
    import pyarrow
    from pyarrow import parquet

    rows = [json.loads(line) for line in journal.read_bytes().splitlines()]
    texts = ("path", "category", "reason")
    kinds = {name: pyarrow.string() if name in texts else pyarrow.float64() for name in header}
    table = pyarrow.Table.from_pylist(rows, schema=pyarrow.schema(kinds))
    with atomic_writer(output, "wb") as file:
        parquet.write_table(table, file)
    journal.unlink()

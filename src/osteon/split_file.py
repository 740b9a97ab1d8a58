"""A split as a file: a row a film, and the rest beside it."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from osteon.errors import DataError, LeakError, UsageError
from osteon.files import write_text
from osteon.manifest import as_csv
from osteon.types import PARTS, Manifest, Split
from osteon.values import read_value, write_value


@dataclass(frozen=True, kw_only=True, slots=True)
class _Sidecar:
    """split.json: what split.csv has no column for."""

    manifest_digest: str
    origin: Literal["grouped", "shipped", "by_film"]
    seed: int
    despite_leaks: bool
    leaked: tuple[str, ...]


def write_split(parts: Split, path: Path) -> Path:
    """Write ``path`` (CSV: id, part, group) and the rest beside it as JSON; the CSV comes last.

    Raises UsageError for a name that is the JSON's, or where another JSON file has that name.
    """
    beside = path.with_suffix(".json")
    if path == beside:
        raise UsageError(f"{path}: a split is a CSV, with a JSON file beside it. Call it .csv.")
    if beside.is_file() and not _is_sidecar(beside):
        raise UsageError(f"{beside} is in the way: it goes with {path.name}. Name another file.")
    sidecar = _Sidecar(
        manifest_digest=parts.manifest_digest,
        origin=parts.origin,
        seed=parts.seed,
        despite_leaks=parts.despite_leaks,
        leaked=parts.leaked,
    )
    write_value(beside, sidecar)
    lines = [_line("id", "part", "group")]
    lines += [_line(id_, part, parts.groups[id_]) for part in PARTS for id_ in parts.part(part)]
    return write_text(path, "".join(lines))


def _is_sidecar(path: Path) -> bool:
    try:
        read_value(_Sidecar, path)
    except DataError:
        return False
    return True


def _line(*cells: str) -> str:
    """A row. Python's writer quotes a carriage return only where it ends its own lines."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerow(cells)
    return text.getvalue().removesuffix("\r\n") + "\n"


def read_split(path: Path, manifest: Manifest | None = None) -> Split:
    """Read what ``write_split`` wrote, edited by hand or not.

    Raises DataError, naming the row, where it is no split, or names a film that ``manifest`` does
    not have; and LeakError where a group is in two parts of a split that was not made despite its
    leaks.
    """
    said = read_value(_Sidecar, path.with_suffix(".json"))
    if not path.is_file():
        raise DataError(f"{path} is missing.")
    ids: dict[str, list[str]] = {part: [] for part in PARTS}
    groups: dict[str, str] = {}
    part_of: dict[str, str] = {}
    with path.open(newline="", encoding="utf-8-sig") as file, as_csv(path):
        rows = csv.DictReader(file)
        for row in rows:
            where = f"{path}, row {rows.line_num}"
            id_, part, group = row.get("id"), row.get("part"), row.get("group")
            if part not in PARTS or not id_ or not group:
                raise DataError(f"{where}: needs an id, a group, and part one of {PARTS}.")
            if id_ in groups:
                raise DataError(f"{where}: a second '{id_}'. Give each film one row.")
            if part_of.setdefault(group, part) != part and not said.despite_leaks:
                raise LeakError(
                    f"{where}: the group '{group}' is in {part_of[group]} and in {part}. Films of "
                    "one patient or study, and copies, must be in one part."
                )
            ids[part].append(id_)
            groups[id_] = group
    if manifest is not None:
        _check_films(groups, manifest, path)
    return Split(
        train=tuple(ids["train"]),
        val=tuple(ids["val"]),
        test=tuple(ids["test"]),
        groups=groups,
        manifest_digest=said.manifest_digest,
        origin=said.origin,
        seed=said.seed,
        despite_leaks=said.despite_leaks,
        leaked=said.leaked,
    )


def _check_films(ids: Collection[str], manifest: Manifest, path: Path) -> None:
    there = {film.id for film in manifest.radiographs}
    unknown = [id_ for id_ in ids if id_ not in there]
    if unknown:
        raise DataError(
            f"{path} is no split of {manifest.root}: {len(unknown):,} of its {len(ids):,} films "
            f"are not there, '{unknown[0]}' for one. Put back the split that was made of these "
            "data, or begin a new run."
        )

"""A manifest as a CSV that a person can read and edit, and back.

One row a film: id, path, label, split, patient_id, study_id, regions, views, laterality, boxes,
spacing_mm, then what else the source said, a column each, named ``x_...``. Beside the CSV lies a
JSON file of the same name with the classes, the source and its remarks.
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import TypeVar, cast, get_args

from osteon.errors import DataError
from osteon.files import write_text
from osteon.types import PARTS, Box, Finding, Laterality, Manifest, Part, Radiograph, View
from osteon.values import read_value, write_value

S = TypeVar("S", bound=str)

COLUMNS = (
    "id",
    "path",
    "label",
    "split",
    "patient_id",
    "study_id",
    "regions",
    "views",
    "laterality",
    "boxes",
    "spacing_mm",
)
WINDOW = "window"  # there only where a film is a part of its file
EXTRA = "x_"


@dataclass(frozen=True, kw_only=True, slots=True)
class Sidecar:
    """What the CSV has no column for. ``root`` is relative to the CSV where it lies below it."""

    root: str
    source: str
    recognised_by: str
    classes: tuple[str, ...]
    remarks: tuple[Finding, ...]
    digest: str


def write_manifest(manifest: Manifest, path: Path) -> Path:
    """Write ``path`` (CSV) and its sidecar JSON; returns ``path``."""
    extras = sorted({name for film in manifest.radiographs for name in film.extra})
    parts = any(film.window for film in manifest.radiographs)
    lines = [_line([*COLUMNS, *([WINDOW] if parts else []), *(EXTRA + name for name in extras)])]
    for film in manifest.radiographs:
        said = (film.extra.get(name, "") for name in extras)
        window = [json.dumps(asdict(film.window)) if film.window else ""] if parts else []
        lines.append(_line([*_cells(film, manifest), *window, *said]))
    sidecar = Sidecar(
        root=_root_told(manifest.root, path.parent),
        source=manifest.source,
        recognised_by=manifest.recognised_by,
        classes=manifest.classes,
        remarks=manifest.remarks,
        digest=manifest.digest,
    )
    write_value(path.with_suffix(".json"), sidecar)
    return write_text(path, "".join(lines))


def read_manifest(path: Path) -> Manifest:
    """Read what ``write_manifest`` wrote, edited by hand or not. Equal to what was written, where
    roots are absolute and no cell is the empty string (which means unknown).

    A table of the user's own has no sidecar: ``osteon.reading.read_source`` reads that.

    Raises DataError, naming the row and the column, where a cell cannot be understood.
    """
    if not path.is_file():
        raise DataError(f"There is no manifest {path}.")
    said = read_value(Sidecar, path.with_suffix(".json"))
    root = path.parent / said.root
    with path.open(newline="", encoding="utf-8-sig") as file, as_csv(path):
        rows = csv.DictReader(file, restval="")
        missing = [name for name in COLUMNS if name not in (rows.fieldnames or ())]
        if missing:
            raise DataError(f"{path} lacks the columns {', '.join(missing)}.")
        films = []
        seen: set[str] = set()
        for row in rows:
            where = f"{path}, row {rows.line_num}"
            if row["id"] in seen:
                raise DataError(f"{where}: a second film '{row['id']}'. Give each film one row.")
            seen.add(row["id"])
            films.append(_film(row, root, said.classes, where))
    return Manifest(
        root=root,
        source=said.source,
        recognised_by=said.recognised_by,
        classes=said.classes,
        radiographs=tuple(films),
        remarks=said.remarks,
    )


@contextmanager
def as_csv(path: Path) -> Iterator[None]:
    """Raise DataError where what is read inside is no CSV in UTF-8: a spreadsheet may have saved
    it again."""
    try:
        yield
    except UnicodeDecodeError:
        raise DataError(f"{path} is not UTF-8 text. Save it as CSV UTF-8.") from None
    except csv.Error as error:
        raise DataError(f"{path} is no CSV: {error}.") from None


def _line(cells: list[str]) -> str:
    """A row. Python's writer quotes a carriage return only where it ends its own lines."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerow(cells)
    return text.getvalue().removesuffix("\r\n") + "\n"


def _root_told(root: Path, folder: Path) -> str:
    try:
        return root.resolve().relative_to(folder.resolve()).as_posix()
    except ValueError:
        return str(root.resolve())


def _cells(film: Radiograph, manifest: Manifest) -> list[str]:
    boxes = json.dumps([asdict(box) for box in film.boxes]) if film.boxes else ""
    try:
        path = film.path.relative_to(manifest.root).as_posix()
    except ValueError:
        path = str(film.path.absolute())
    return [
        film.id,
        path,
        manifest.class_name(film) or "",
        film.split or "",
        film.patient_id or "",
        film.study_id or "",
        ";".join(sorted(film.regions)),
        ";".join(sorted(film.views)),
        film.laterality or "",
        boxes,
        ";".join(repr(side) for side in film.spacing_mm) if film.spacing_mm else "",
    ]


def _film(row: Mapping[str, str], root: Path, classes: tuple[str, ...], where: str) -> Radiograph:
    label = row["label"]
    if label and label not in classes:
        raise DataError(
            f"{where}: label '{label}' is not among {', '.join(classes)}. Correct it, or name it "
            "among the classes of the JSON file beside."
        )
    return Radiograph(
        id=row["id"],
        path=root / row["path"],
        label=classes.index(label) if label else None,
        split=as_part(row["split"], where),
        patient_id=row["patient_id"] or None,
        study_id=row["study_id"] or None,
        regions=_shared(frozenset(filter(None, row["regions"].split(";")))),
        views=_shared(frozenset(as_view(view, where) for view in row["views"].split(";") if view)),
        laterality=as_laterality(row["laterality"], where),
        boxes=as_boxes(row["boxes"], where),
        spacing_mm=as_spacing(row["spacing_mm"], where),
        window=next(iter(as_boxes(f"[{row.get(WINDOW) or ''}]", where)), None),
        extra={
            name.removeprefix(EXTRA): value
            for name, value in row.items()
            if name and name.startswith(EXTRA) and value
        },
    )


@lru_cache(maxsize=1024)
def _shared(words: frozenset[S]) -> frozenset[S]:
    """One set for all films that have equal ones: sets of their own take 0.4 kB of each film."""
    return words


def as_part(word: str, where: str) -> Part | None:
    if not word:
        return None
    if word not in get_args(Part):
        raise DataError(f"{where}: split '{word}' is none of {', '.join(PARTS)}.")
    return cast("Part", word)


def as_view(word: str, where: str) -> View:
    if word not in get_args(View):
        raise DataError(f"{where}: view '{word}' is none of {', '.join(get_args(View))}.")
    return cast("View", word)


def as_laterality(word: str, where: str) -> Laterality | None:
    if not word:
        return None
    if word not in get_args(Laterality):
        known = ", ".join(get_args(Laterality))
        raise DataError(f"{where}: laterality '{word}' is none of {known}.")
    return cast("Laterality", word)


def as_boxes(cell: str, where: str) -> tuple[Box, ...]:
    """JSON: a list of objects with left_px, top_px, width_px, height_px and, if known, label."""
    if not cell:
        return ()
    try:
        boxes = tuple(Box(**box) for box in json.loads(cell))
        numbers = [side for b in boxes for side in (b.left_px, b.top_px, b.width_px, b.height_px)]
        if not all(math.isfinite(number) for number in numbers):
            raise ValueError("a side is no number")
    except (TypeError, ValueError) as error:
        raise DataError(f"{where}: boxes are not a JSON list of boxes: {error}.") from None
    return boxes


def as_spacing(cell: str, where: str) -> tuple[float, float] | None:
    if not cell:
        return None
    try:
        between_rows, between_columns = (float(side) for side in cell.split(";"))
    except ValueError:
        raise DataError(f"{where}: spacing_mm '{cell}' is not two numbers, as 0.1;0.1.") from None
    if not (0 < between_rows < math.inf and 0 < between_columns < math.inf):
        raise DataError(
            f"{where}: spacing_mm '{cell}' is not two distances in mm above 0, as 0.1;0.1. Leave "
            "it empty where nobody knows."
        )
    return between_rows, between_columns

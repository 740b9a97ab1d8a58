"""The columns of a user's table: which are known, and what people call them."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence

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
SYNONYMS = {
    "path": ("file", "filename", "file_name", "filepath", "image", "image_path", "image_id", "img"),
    "label": ("class", "target", "diagnosis", "fractured", "category", "y"),
}
ALIASES = {
    "views": "view",  # as ``write_manifest`` writes them
    "regions": "region",
    "patient": "patient_id",
    "studyinstanceuid": "study_id",  # DICOM's keyword; that of PatientID needs none
}
ROW_NUMBERS = re.compile(r"Unnamed: \d+|__index_level_\d+__")  # pandas' index, saved with the rest


def plain(columns: Sequence[str]) -> list[str]:
    """Known columns by their own names, whatever the case, and blanks or _ in them; any other as
    it is. An alias of a column that is there itself is another column."""
    own = {squeezed(name): name for name in NEEDED + OPTIONAL}
    there = [own.get(squeezed(column)) for column in columns]
    names = []
    for column, name in zip(columns, there, strict=True):
        meant = ALIASES.get(squeezed(column))
        names.append(name or (meant if meant and meant not in there else column.strip()))
    return names


def squeezed(column: str) -> str:
    return re.sub(r"[\s_]", "", column).lower()


def hint(wanted: str, columns: Sequence[str]) -> str:
    """Which of the columns may be meant."""
    said = {column.strip().lower().replace(" ", "_"): column for column in columns}
    near = [name for name in SYNONYMS[wanted] if name in said]
    near += difflib.get_close_matches(wanted, said, n=1, cutoff=0.4)
    return f" Is it '{said[near[0]]}'? Rename that column to '{wanted}'." if near else ""


def is_extra(column: str) -> bool:
    known = column in NEEDED + OPTIONAL or ROW_NUMBERS.fullmatch(column)
    return bool(column) and not known

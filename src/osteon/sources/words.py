"""The words that sources use for views and sides, as osteon's."""

from __future__ import annotations

import re

from osteon.types import Laterality, View

# DICOM View Position (0018,5101) and what people write; PS3.3 C.8.1.1 lists AP, PA, LL, RL, LLO ...
_VIEWS: dict[str, View] = {
    "ap": "frontal",
    "pa": "frontal",
    "frontal": "frontal",
    "front": "frontal",
    "anteroposterior": "frontal",
    "posteroanterior": "frontal",
    "ll": "lateral",
    "rl": "lateral",
    "lat": "lateral",
    "lateral": "lateral",
    "side": "lateral",
    "llo": "oblique",
    "rlo": "oblique",
    "lao": "oblique",
    "rao": "oblique",
    "lpo": "oblique",
    "rpo": "oblique",
    "obl": "oblique",
    "oblique": "oblique",
    "axial": "axial",
    "ax": "axial",
}
_SIDES: dict[str, Laterality] = {
    "r": "R",
    "right": "R",
    "l": "L",
    "left": "L",
    "b": "B",
    "both": "B",
    "bilateral": "B",
    "u": "U",
    "unpaired": "U",
}
# What pandas, R and spreadsheets write into a cell without a value. "none" may be a class.
_MISSING = frozenset({"", "nan", "na", "n/a", "<na>", "#n/a", "nat", "null"})
_UNKNOWN = _MISSING | {"unknown", "none", "?", "-"}
_NOBODY = _UNKNOWN | {"anonymous", "anonymized", "anonymised", "anon", "not available"}


def known(cell: str) -> str:
    """A cell as it is, but empty where some program spelt that there is no value.

    >>> known("NaN"), known("none")
    ('', 'none')
    """
    return "" if cell.strip().lower() in _MISSING else cell


def identified(cell: str) -> str | None:
    """The id of a patient or a study; None where a word stands for nobody's, which would make one
    patient of all that have it.

    >>> identified("P7"), identified("unknown"), identified("")
    ('P7', None, None)
    """
    return None if cell.strip().lower() in _NOBODY else cell


def as_regions(words: str) -> frozenset[str]:
    """Regions in a cell, separated by semicolons."""
    return frozenset(filter(None, (word.strip().lower() for word in words.split(";"))))


def as_views(words: str) -> frozenset[View]:
    """Views in a cell, separated by ; , or /; a word that is not known is "other"."""
    named = (word.strip().lower() for word in re.split(r"[;,/]", words))
    return frozenset(_VIEWS.get(word, "other") for word in named if word)


def as_side(word: str) -> Laterality | None:
    """DICOM's letter for a side in letters or words; None where nobody knows.

    Raises ValueError for any other word.
    """
    word = word.strip().lower()
    if word in _UNKNOWN:
        return None
    if word not in _SIDES:
        raise ValueError(f"'{word}' is none of {', '.join(_SIDES)}")
    return _SIDES[word]

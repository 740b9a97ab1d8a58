"""The words that sources use for views, as osteon's."""

from __future__ import annotations

from osteon.types import View

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


def as_views(words: str) -> frozenset[View]:
    """Views in a cell, separated by ; , or /; a word that is not known is "other"."""
    for separator in (",", "/"):
        words = words.replace(separator, ";")
    named = (word.strip().lower() for word in words.split(";"))
    return frozenset(_VIEWS.get(word, "other") for word in named if word)

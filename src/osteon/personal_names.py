"""Whether a text may name a person."""

from __future__ import annotations

import re
from collections.abc import Iterable


def words_of(text: str, *, least: int = 3) -> frozenset[str]:
    """Of three letters or digits at least: shorter ones are in anything."""
    return frozenset(word for word in _words(text) if len(word) >= least)


def may_name(label: str, person: Iterable[str]) -> bool:
    """Whether a folder's name and a person's, in each way that it is written, have a word in
    common, however short, or the one is within the other, written together. Of one film alone that
    may be chance."""
    whole, together = {*_words(label)}, "".join(_words(label))
    for name in person:
        parts = _words(name)
        joined = "".join(parts)
        within = len(together) > 1 and together in joined
        holds = any(len(part) > 2 and part in together for part in (*parts, joined))
        if whole & {*parts} or within or holds:
            return True
    return False


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", text.casefold())

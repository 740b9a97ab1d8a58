"""Everything that osteon raises, drawn as a tree; the number is the exit code.

OsteonError                     3
├── UsageError                  2   the call was wrong: a name, an option, a folder
│   ├── UnknownName             2   no plugin, recipe or field of that name
│   └── MissingExtra            2   an optional dependency is not installed
├── DataError                   3   the data cannot be used
│   ├── UnrecognisedLayout      3   no source fits the folder
│   └── UnreadableFilm          3   one file cannot be decoded whole
├── LeakError                   1   a check failed: films on both sides of a split
├── ParityError                 1   a check failed: an export that does not answer as its run
├── ResourceError               4   disk, memory, time
│   └── Unreachable             4   the network, or a file that only the network has
└── Interrupted               130   Ctrl-C; what was computed is kept

A message says what happened, where, and what to do.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class OsteonError(Exception):
    """The root: catch this to catch all that osteon raises on purpose."""

    exit_code = 3


class UsageError(OsteonError):
    exit_code = 2


class UnknownName(UsageError):
    """A name that is not known, with the nearest known one."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        choices = sorted(known)
        near = difflib.get_close_matches(name, choices, n=1, cutoff=0.5)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        super().__init__(f"There is no {kind} {name!r}.{hint} Known: {', '.join(choices)}.")


class MissingExtra(UsageError):
    """An optional dependency is absent; says which extra brings it."""

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(f'{what} needs an extra: pip install "osteon[{extra}]"')


class DataError(OsteonError):
    exit_code = 3


class UnrecognisedLayout(DataError):
    pass


class UnreadableFilm(DataError):
    pass


class LeakError(OsteonError):
    exit_code = 1


class ParityError(OsteonError):
    exit_code = 1


class ResourceError(OsteonError):
    exit_code = 4


class Unreachable(ResourceError):
    pass


class Interrupted(OsteonError):
    exit_code = 130

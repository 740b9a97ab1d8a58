"""Progress of long work: a bar with an ETA on a terminal, plain lines elsewhere, off by default.

Libraries stay silent; the command line switches progress on with ``shown()``.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

T = TypeVar("T")

_shown: ContextVar[bool] = ContextVar("osteon_progress_shown", default=False)
SECONDS_BETWEEN_LINES = 10.0


@contextmanager
def shown() -> Iterator[None]:
    """Show the progress of everything that runs inside, on standard error."""
    token = _shown.set(True)
    try:
        yield
    finally:
        _shown.reset(token)


def showing() -> bool:
    """Whether progress is shown, for processes that shall do as this one does."""
    return _shown.get()


def say(line: str) -> None:
    """One line about what is going on, on standard error, if progress is shown."""
    if _shown.get():
        print(line, file=sys.stderr, flush=True)


def track(items: Iterable[T], label: str, total: int) -> Iterator[T]:
    """Yield ``items`` unchanged while showing how many of ``total`` are done and how long is left.

    >>> for film in track(films, "decode", total=len(films)): ...
    """
    if not _shown.get() or total == 0:
        yield from items
    elif sys.stderr.isatty():
        yield from _bar(items, label, total)
    else:
        yield from _lines(items, label, total)


def _bar(items: Iterable[T], label: str, total: int) -> Iterator[T]:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (TextColumn("{task.description:<10}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True)) as bar:
        yield from bar.track(items, total=total, description=label)


def _lines(items: Iterable[T], label: str, total: int) -> Iterator[T]:
    begun = spoken = time.monotonic()
    done = 0
    for item in items:
        yield item
        done += 1
        now = time.monotonic()
        if done < total and now - spoken >= SECONDS_BETWEEN_LINES:
            left = (now - begun) / done * (total - done)
            print(f"{label}: {done}/{total}, about {left:.0f} s left", file=sys.stderr, flush=True)
            spoken = now
    taken = time.monotonic() - begun
    print(f"{label}: {done}/{total} in {taken:.1f} s", file=sys.stderr, flush=True)

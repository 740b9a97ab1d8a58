"""Signatures and comparisons of films seen before, by content: one SQLite file in the cache."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from osteon.errors import ResourceError
from osteon.likeness import registration, signature
from osteon.likeness.signature import Signature
from osteon.pixels import decoder_version
from osteon.progress import say

AT_ONCE = 500  # rows that a query asks for, or that are written at once
TABLES = """
create table if not exists signatures (content blob primary key, data blob) without rowid;
create table if not exists compared (
    one blob, other blob, data text, primary key (one, other)) without rowid;
create table if not exists copies (films text primary key, data text) without rowid;
"""


class Store:
    """Contents are SHA-256 digests in hex. Without a path, a file that lives as long as this.

    It is a cache: where its file cannot be written any more (a full disk, another process that
    holds it for long), what is new goes to a file that is gone afterwards, and that is said once.
    """

    def __init__(self, path: Path | None) -> None:
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._bases = [_opened(path)]
        self._waiting: list[tuple[bytes, bytes]] = []

    def close(self) -> None:
        self.commit()
        for base in self._bases:
            base.close()

    def check(self) -> None:
        """Raises sqlite3.DatabaseError where not even the contents can be listed."""
        self._bases[0].execute("select count(content) from signatures").fetchone()

    def commit(self) -> None:
        """Write the signatures that wait for others: many at once, and no lock held meanwhile."""
        rows, self._waiting = self._waiting, []
        self._write("insert or replace into signatures values (?, ?)", rows)

    def known(self) -> set[str]:
        """The contents that have a signature."""
        self.commit()
        return {row[0].hex() for row in self._rows("select content from signatures")}

    def put(self, content: str, made: Signature) -> None:
        self._waiting.append((bytes.fromhex(content), made.to_bytes()))
        if len(self._waiting) >= AT_ONCE:
            self.commit()

    def signatures(self, contents: Sequence[str]) -> Iterator[tuple[str, Signature]]:
        """Those of ``contents`` that are there, in no order."""
        self.commit()
        for at in range(0, len(contents), AT_ONCE):
            asked = [bytes.fromhex(content) for content in contents[at : at + AT_ONCE]]
            marks = ", ".join("?" * len(asked))
            query = f"select content, data from signatures where content in ({marks})"
            for content, data in self._rows(query, asked):
                yield content.hex(), Signature.from_bytes(data)

    def compared(self, one: str, other: str) -> str | None:
        """What ``remember`` was told of the pair."""
        query = "select data from compared where one = ? and other = ?"
        rows = self._rows(query, (bytes.fromhex(one), bytes.fromhex(other)))
        return next((str(row[0]) for row in rows), None)

    def remember(self, told: Iterable[tuple[str, str, str]]) -> None:
        rows = [(bytes.fromhex(one), bytes.fromhex(other), text) for one, other, text in told]
        self._write("insert or replace into compared values (?, ?, ?)", rows)

    def copies(self, films: str) -> str | None:
        rows = self._rows("select data from copies where films = ?", (films,))
        return next((str(row[0]) for row in rows), None)

    def remember_copies(self, films: str, text: str) -> None:
        self._write("insert or replace into copies values (?, ?)", [(films, text)])

    def _rows(self, query: str, values: Sequence[object] = ()) -> Iterator[tuple[Any, ...]]:
        """Raises ResourceError where the file is spoilt further in than ``_usable`` looked."""
        try:
            for base in self._bases:
                yield from base.execute(query, values)
        except sqlite3.DatabaseError as error:
            busy = isinstance(error, sqlite3.OperationalError)
            advice = "Run it again." if busy else "Delete it: it will be made anew."
            raise ResourceError(
                f"The cache of films {self._path or ''} cannot be read: {error}. {advice}"
            ) from None

    def _write(self, query: str, rows: Sequence[tuple[object, ...]]) -> None:
        if not rows:
            return
        try:
            with self._bases[-1] as base:
                base.executemany(query, rows)
        except sqlite3.Error as error:
            if len(self._bases) > 1:
                raise ResourceError(
                    f"What is known of films can be kept nowhere: {error}. Make room where "
                    "temporary files lie (TMPDIR)."
                ) from None
            say(f"The cache of films cannot be written ({error}): compared anew the next time.")
            self._bases.append(_opened(None))
            self._write(query, rows)


def _opened(path: Path | None) -> sqlite3.Connection:
    base = sqlite3.connect(path or "", timeout=60)
    if path is not None:
        base.execute("pragma journal_mode = wal")
        base.execute("pragma synchronous = normal")  # only a cache
    base.executescript(TABLES)
    return base


@contextlib.contextmanager
def open_store(cache: Path | None = None) -> Iterator[Store]:
    """The store below ``cache`` for today's decoder and kind of signature, if it can be used; else
    one that is gone afterwards."""
    import hashlib

    path = None
    if cache is not None:
        kind = f"{decoder_version()} {signature.VERSION} {registration.VERSION}"
        key = hashlib.sha256(kind.encode()).hexdigest()[:16]
        path = cache / "likeness" / f"{key}.sqlite"
    store = _usable(path)
    try:
        yield store
    finally:
        with contextlib.suppress(sqlite3.Error, ResourceError):
            store.close()


def _read_through(store: Store) -> Store:
    """Raises sqlite3.DatabaseError where the list of films is spoilt, though its head is not."""
    try:
        store.check()
    except sqlite3.DatabaseError:
        store.close()
        raise
    return store


def _usable(path: Path | None) -> Store:
    for _ in range(2):
        try:
            return _read_through(Store(path))
        except (sqlite3.OperationalError, OSError):  # a full disk, a folder without permission
            break
        except sqlite3.DatabaseError:  # a spoilt file: only a cache, so it begins anew
            assert path is not None
            for file in path.parent.glob(f"{path.name}*"):  # and its journal, of the spoilt one
                with contextlib.suppress(OSError):
                    file.unlink()
    return Store(None)

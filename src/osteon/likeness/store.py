"""Signatures and comparisons of films seen before, by content: one SQLite file in the cache."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from osteon.likeness import registration, signature
from osteon.likeness.signature import Signature
from osteon.pixels import decoder_version

AT_ONCE = 500  # rows a query asks for
TABLES = """
create table if not exists signatures (content blob primary key, data blob) without rowid;
create table if not exists compared (
    one blob, other blob, data text, primary key (one, other)) without rowid;
create table if not exists copies (films text primary key, data text) without rowid;
"""


class Store:
    """Contents are SHA-256 digests in hex. Without a path, a file that lives as long as this."""

    def __init__(self, path: Path | None) -> None:
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
        self._base = sqlite3.connect(path or "", timeout=60)
        if path is not None:
            self._base.execute("pragma journal_mode = wal")
            self._base.execute("pragma synchronous = normal")  # only a cache
        self._base.executescript(TABLES)

    def close(self) -> None:
        self._base.commit()
        self._base.close()

    def commit(self) -> None:
        self._base.commit()

    def known(self) -> set[str]:
        """The contents that have a signature."""
        return {row[0].hex() for row in self._base.execute("select content from signatures")}

    def put(self, content: str, made: Signature) -> None:
        row = bytes.fromhex(content), made.to_bytes()
        self._base.execute("insert or replace into signatures values (?, ?)", row)

    def signatures(self, contents: Sequence[str]) -> Iterator[tuple[str, Signature]]:
        """Those of ``contents`` that are there, in no order."""
        for at in range(0, len(contents), AT_ONCE):
            asked = [bytes.fromhex(content) for content in contents[at : at + AT_ONCE]]
            marks = ", ".join("?" * len(asked))
            query = f"select content, data from signatures where content in ({marks})"
            for content, data in self._base.execute(query, asked):
                yield content.hex(), Signature.from_bytes(data)

    def compared(self, one: str, other: str) -> str | None:
        """What ``remember`` was told of the pair."""
        query = "select data from compared where one = ? and other = ?"
        row = self._base.execute(query, (bytes.fromhex(one), bytes.fromhex(other))).fetchone()
        return None if row is None else str(row[0])

    def remember(self, told: Iterable[tuple[str, str, str]]) -> None:
        rows = [(bytes.fromhex(one), bytes.fromhex(other), text) for one, other, text in told]
        self._base.executemany("insert or replace into compared values (?, ?, ?)", rows)

    def copies(self, films: str) -> str | None:
        row = self._base.execute("select data from copies where films = ?", (films,)).fetchone()
        return None if row is None else str(row[0])

    def remember_copies(self, films: str, text: str) -> None:
        self._base.execute("insert or replace into copies values (?, ?)", (films, text))


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
    try:
        store = Store(path)
    except (sqlite3.Error, OSError):  # a full disk, a folder without permission, a spoilt file
        store = Store(None)
    try:
        yield store
    finally:
        with contextlib.suppress(sqlite3.Error):
            store.close()

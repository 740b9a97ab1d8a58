"""Writing files so that a reader never meets half of one, and folders so that errors teach."""

from __future__ import annotations

import errno
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import IO, Any

from osteon.errors import OsteonError, ResourceError, UsageError
from osteon.progress import say


@contextmanager
def atomic_writer(path: Path, mode: str = "w", *, private: bool = False) -> Iterator[IO[Any]]:
    """Open a temporary file beside ``path``; fsync and rename it to ``path`` on success.

    A ``private`` file can be read by its owner alone, at all times; others by whom the umask says.

    Raises ResourceError when the disk is full and UsageError when the folder cannot be written.
    """
    with explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        encoding = None if "b" in mode else "utf-8"
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
        part = Path(name)
        try:
            with os.fdopen(handle, mode, encoding=encoding) as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            if not private:
                part.chmod(usual_mode())
            part.replace(path)
            sync_folder(path.parent)
        finally:
            part.unlink(missing_ok=True)


def usual_mode(most: int = 0o666) -> int:
    """Of a new file, or of a folder with ``most`` 0o777: less the umask."""
    return most & ~_umask()


@cache
def _umask() -> int:
    umask = os.umask(0o077)  # it can only be asked for by setting it
    os.umask(umask)
    return umask


def sync_folder(folder: Path) -> None:
    """Make a rename in ``folder`` survive a power cut."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_text(path: Path, text: str) -> Path:
    with atomic_writer(path) as file:
        file.write(text)
    return path


def write_bytes(path: Path, data: bytes) -> Path:
    with atomic_writer(path, "wb") as file:
        file.write(data)
    return path


def write_json(path: Path, value: object) -> Path:
    """Indented JSON; NaN is refused, since JSON has none: write null where a value is unknown."""
    return write_text(path, json.dumps(value, indent=2, allow_nan=False) + "\n")


@contextmanager
def alone_with(path: Path) -> Iterator[None]:
    """Until the block ends no other process has this ``path`` to itself: it waits, and says so.

    The lock is a hidden file beside ``path`` that stays there; a process that is killed holds none.
    """
    from filelock import FileLock, Timeout

    with explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path.with_name(f".{path.stem}.lock"))
        try:
            lock.acquire(timeout=0)
        except Timeout:
            say(f"another process is making {path.name}: waiting for it")
            lock.acquire()
    try:
        yield
    finally:
        lock.release()


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn what the operating system says of ``path`` into an error that says what to do."""
    try:
        yield
    except OSError as error:
        raise _explain(error, path) from error


def _explain(error: OSError, path: Path) -> OsteonError:
    match error.errno:
        case errno.ENOSPC | errno.EDQUOT:
            return ResourceError(
                f"The disk is full: {path} could not be written. What was written before it is "
                "whole and kept. Free some space, or choose another folder, and run it again."
            )
        case errno.EACCES | errno.EPERM | errno.EROFS:
            return UsageError(
                f"{path} cannot be written ({error.strerror}). Choose a folder that you may "
                "write to (--out; OSTEON_CACHE for the cache), or change its permissions."
            )
        case errno.ENOTDIR | errno.EEXIST:
            return UsageError(f"{path} cannot be a folder: a file of that name is in the way.")
        case _:
            return ResourceError(f"{path}: {error.strerror or error}.")

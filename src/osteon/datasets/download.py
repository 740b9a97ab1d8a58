"""Downloads that go on where they stopped, and archives unpacked so that they may stop."""

from __future__ import annotations

import shutil
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING, Any

from osteon.errors import DataError
from osteon.progress import say, track

if TYPE_CHECKING:
    import requests

CHUNK = 1 << 16  # bytes: what is lost at most of a download that breaks off
MEGABYTE = 1_000_000
TIMEOUT_S = 30
TRIES = 5
PAUSE_S = 1.0  # before the second try, and twice as long before each that follows

Downloader = Callable[[str, str | IO[bytes], Any], None]  # of pooch


def resuming(part: Path, size: int | None = None) -> Downloader:
    """A downloader for pooch: it keeps what has arrived in ``part`` and asks for the rest.

    RFC 9110, section 14: ``Range``; a host that does not know it sends all again, and from 416 on
    there is nothing left to send. ``size`` in bytes, where the host has told it. Raises
    requests.RequestException when the connection breaks ``TRIES`` times.
    """
    import requests

    def download(url: str, output_file: str | IO[bytes], _: Any) -> None:
        for attempt in range(TRIES):
            try:
                if _more(url, part, size):
                    break
            except (requests.ConnectionError, requests.exceptions.ChunkedEncodingError):
                if attempt == TRIES - 1:
                    raise
            time.sleep(PAUSE_S * 2**attempt)
        else:
            raise requests.ConnectionError("the host sends less than it has promised")
        shutil.move(part, str(output_file))

    return download


def _more(url: str, part: Path, size: int | None) -> bool:
    """Fetch the rest of ``part``; whether it is whole then."""
    import requests

    have = part.stat().st_size if part.exists() else 0
    if size is not None and have == size:
        return True
    asked = {"Range": f"bytes={have}-"} if have else {}
    with requests.get(url, headers=asked, stream=True, timeout=TIMEOUT_S) as answer:
        if answer.status_code == requests.codes.requested_range_not_satisfiable:
            return True  # whole, or not what is there now: the checksum tells
        answer.raise_for_status()
        goes_on = answer.status_code == requests.codes.partial_content
        if have and goes_on:
            say(f"The download goes on after {have / MEGABYTE:,.0f} MB.")
        have = have if goes_on else 0
        promised = size or have + int(answer.headers.get("Content-Length", 0))
        with part.open("ab" if goes_on else "wb") as file:
            megabytes = -(-(promised - have) // MEGABYTE)
            for _ in track(_written(answer, file), "MB", total=max(megabytes, 1)):
                continue
    return part.stat().st_size >= max(promised, 1)


def _written(answer: requests.Response, file: IO[bytes]) -> Iterator[int]:
    """Write the answer to ``file``; yields once a megabyte."""
    n_bytes = said = 0
    for chunk in answer.iter_content(CHUNK):
        file.write(chunk)
        n_bytes += len(chunk)
        if n_bytes - said >= MEGABYTE:
            said += MEGABYTE
            yield said
    if n_bytes > said:
        yield n_bytes


def unpack(archive: Path, folder: Path) -> None:
    """Unpack a ZIP; each file appears whole, and what is there already is left.

    Raises DataError for a file that would come to lie outside ``folder``.
    """
    with zipfile.ZipFile(archive) as packed:
        members = [member for member in packed.infolist() if not member.is_dir()]
        places = {member.filename: _place(member.filename, folder, archive) for member in members}
        missing = [m for m in members if not _is_there(places[m.filename], m.file_size)]
        for member in track(missing, "unpack", total=len(missing)):
            with packed.open(member) as source:
                _put(source, places[member.filename])


def copy_files(source: Path, folder: Path) -> None:
    """Copy all files below ``source``, as ``unpack`` does."""
    files = [path for path in sorted(source.rglob("*")) if path.is_file()]
    places = {path: folder / path.relative_to(source) for path in files}
    missing = [path for path in files if not _is_there(places[path], path.stat().st_size)]
    for path in track(missing, "copy", total=len(missing)):
        with path.open("rb") as file:
            _put(file, places[path])


def _put(source: IO[bytes], place: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    part = place.with_name(f".{place.name}.part")
    with part.open("wb") as file:
        shutil.copyfileobj(source, file)
    part.replace(place)


def _place(name: str, folder: Path, archive: Path) -> Path:
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or ":" in path.parts[0]:
        raise DataError(
            f"{archive} holds '{name}', which would be written outside {folder}: it is not what it "
            "should be. Delete it and do not unpack it by hand."
        )
    return folder / path


def _is_there(path: Path, size: int) -> bool:
    return path.is_file() and path.stat().st_size == size

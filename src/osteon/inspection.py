"""Opens every file once and keeps what that told: the ground of the audit.

Files of equal bytes are decoded once. What is known of an unchanged file is read from the cache.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from osteon import artefacts
from osteon.artefacts import detect
from osteon.errors import DataError, ResourceError, UnreadableFilm, UsageError
from osteon.formats import SUFFIXES, TooLarge
from osteon.likeness.signature import Signature, signature
from osteon.likeness.store import Store
from osteon.parallel import in_order, one_blas_thread
from osteon.pixels import MAX_PIXELS, Decoded, decode_bytes, decoder_version, fault_of
from osteon.progress import say, track
from osteon.raster import quiet
from osteon.types import FilmFacts, Manifest, Radiograph

LARGE_PX = 20_000_000  # films above it, which are rare, are opened one at a time
_alone = threading.Lock()


@dataclass(frozen=True, kw_only=True, slots=True)
class Known:
    """Facts of one file, and what the file was like when they were found."""

    size: int
    mtime_ns: int
    facts: FilmFacts


@dataclass(frozen=True, kw_only=True, slots=True)
class Notebook:
    """All that is known of the films below one root, by path."""

    decoder: str
    films: Mapping[str, Known]


def inspect_films(
    manifest: Manifest,
    *,
    cache: Path | None = None,
    store: Store | None = None,
    workers: int | None = None,
) -> dict[str, FilmFacts]:
    """Open and decode every film; film id -> facts, in the manifest's order.

    A file that cannot be decoded whole, is gone or may not be read gets a ``fault`` and never
    raises; of one that could not even be opened, ``sha256`` is "" and ``n_bytes`` 0.
    With ``cache``, a file of the same path, size and time of change as before is not read again.
    With ``store``, each readable film's signature is put there, for ``osteon.find_copies``.
    Raises ResourceError when the memory is too small for a film.
    """
    signed = store.known() if store else None
    book = _notebook_path(cache, manifest.root) if cache else None
    known = _read_notebook(book) if book else {}
    looks: dict[str, FilmFacts] = {}  # by SHA-256 of the bytes and what the name claims

    def look(film: Radiograph) -> tuple[Known, Signature | None]:
        return _look(film, known.get(_place(film)), looks, signed)

    found: dict[str, Known] = {}
    facts: dict[str, FilmFacts] = {}
    films = manifest.radiographs
    try:
        with quiet(), one_blas_thread():
            seen = in_order(look, films, workers=workers)
            progress = track(seen, "inspect", total=len(films))
            for film, (one, signature) in zip(films, progress, strict=True):
                found[_place(film)] = one
                if store and signature:
                    store.put(one.facts.sha256, signature)
                own = one.facts.id == film.id
                facts[film.id] = one.facts if own else replace(one.facts, id=film.id)
    finally:  # stopped by Ctrl-C or an error: what was found is kept
        if store:
            store.commit()
        if book:
            _write_notebook(book, known, found)
    return facts


def _place(film: Radiograph) -> str:
    path = film.path
    return str(path if path.is_absolute() else path.absolute())


def _look(
    film: Radiograph, known: Known | None, looks: dict[str, FilmFacts], signed: set[str] | None
) -> tuple[Known, Signature | None]:
    """What is known of the film, and its signature if ``signed`` lacks it."""
    suffix = film.path.suffix.lower()
    claimed = SUFFIXES.get(suffix)
    try:
        with film.path.open("rb") as file:
            state = os.fstat(file.fileno())
            if (
                known
                and (known.size, known.mtime_ns) == (state.st_size, state.st_mtime_ns)
                and (signed is None or known.facts.fault or known.facts.sha256 in signed)
            ):
                return known, None
            data = file.read()
    except OSError as error:
        fault = f"the file cannot be opened ({error.strerror or error})"
        unseen = FilmFacts(id=film.id, n_bytes=0, sha256="", fault=fault, suffix_format=claimed)
        return Known(size=-1, mtime_ns=-1, facts=unseen), None
    digest = hashlib.sha256(data).hexdigest()
    # The sentence about a foreign file names the suffix, so copies under two names differ in it.
    facts, made = looks.get(digest + suffix), None
    if facts is None:
        opened = FilmFacts(id=film.id, n_bytes=len(data), sha256=digest, suffix_format=claimed)
        sign = signed is not None and digest not in signed
        try:
            facts, made = _facts(opened, data, film.path, max_pixels=LARGE_PX, sign=sign)
        except TooLarge:  # told by its header: hardly anything is done twice
            with _alone:
                facts, made = _facts(opened, data, film.path, max_pixels=MAX_PIXELS, sign=sign)
        facts = looks.setdefault(digest + suffix, facts)
    return Known(size=state.st_size, mtime_ns=state.st_mtime_ns, facts=facts), made


def _facts(
    opened: FilmFacts, data: bytes, path: Path, *, max_pixels: int, sign: bool
) -> tuple[FilmFacts, Signature | None]:
    """Raises TooLarge for a film of more than ``max_pixels`` where a film may have more."""
    try:
        film = decode_bytes(data, max_pixels=max_pixels)
    except UnreadableFilm as error:
        if isinstance(error, TooLarge) and max_pixels < MAX_PIXELS:
            raise
        return replace(opened, fault=fault_of(error, path)), None
    mean, std = _mean_and_std(film)
    facts = replace(
        opened,
        artefacts=detect(data, film),
        format=film.format,
        width_px=film.gray.shape[1],
        height_px=film.gray.shape[0],
        bit_depth=film.bit_depth,
        n_channels=film.n_channels,
        n_frames=film.n_frames,
        pixel_digest=pixel_digest(film),
        mean=mean,
        std=std,
    )
    return facts, signature(film.gray) if sign else None


def pixel_digest(film: Decoded) -> str:
    """SHA-256 of the shape and the upright gray pixels: equal for equal films of any format."""
    height, width = film.gray.shape
    said = hashlib.sha256(f"{height}x{width}:{film.gray.dtype.itemsize}\n".encode())
    said.update(film.gray.astype(film.gray.dtype.newbyteorder("<"), copy=False).data)
    return said.hexdigest()


def _mean_and_std(film: Decoded) -> tuple[float, float]:
    """Of the film in [0, 1]."""
    import cv2

    full = 255.0 if film.gray.dtype.itemsize == 1 else 65_535.0
    mean, std = cv2.meanStdDev(film.gray)
    return float(mean[0][0]) / full, float(std[0][0]) / full


def _reader() -> str:
    """What the facts depend on besides the files."""
    return f"{decoder_version()}/artefacts {artefacts.VERSION}"


# --- the notebook ---------------------------------------------------------------------------------


def _notebook_path(cache: Path, root: Path) -> Path:
    key = hashlib.sha256(str(root.resolve()).encode()).hexdigest()[:16]
    return cache / "inspection" / f"{root.resolve().name or 'root'}-{key}.json"


def _read_notebook(path: Path) -> Mapping[str, Known]:
    """What was known; nothing if it was written by another decoder, or is no notebook at all."""
    from osteon.values import read_value

    if not path.is_file():
        return {}
    try:
        notebook = read_value(Notebook, path)
    except DataError:
        return {}
    return notebook.films if notebook.decoder == _reader() else {}


def _write_notebook(path: Path, known: Mapping[str, Known], found: Mapping[str, Known]) -> None:
    from osteon.values import write_value

    news = {name: one for name, one in found.items() if one.size >= 0}
    if all(known.get(name) is one for name, one in news.items()):
        return
    try:
        write_value(path, Notebook(decoder=_reader(), films={**known, **news}))
    except (ResourceError, UsageError) as error:  # only a cache: the facts themselves are at hand
        say(f"The next inspection will open all files again. {error}")

"""Films decoded once into one memory-mapped array on disk, keyed by their content and the rules.

One row per distinct file content, in the order of the contents' SHA-256, so that any manifest of
the same films finds the same array. An array is written in a folder of its own that gets its final
name last: a killed run leaves none that could be taken for whole.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from osteon.artefacts import VERSION as ARTEFACTS
from osteon.errors import DataError, UnreadableFilm, UsageError
from osteon.files import explained, sync_folder, usual_mode, write_json
from osteon.loading import Square, square_of
from osteon.mending import VERSION as MENDING
from osteon.panels import panel_windows
from osteon.parallel import in_order
from osteon.pixels import decoder_version, read_film
from osteon.placement import CropLoss, Trace, boxes_in_square, check_rules, crop_loss
from osteon.progress import track
from osteon.raster import quiet
from osteon.types import Box, FilmFacts, Manifest, PixelRules
from osteon.values import read_value, write_value
from osteon.words import counted

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

TRACES = "mended.json"
ABANDONED_AFTER_S = 60.0  # a part that no process holds and that has been still for so long


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """Where the pixels of one row come from."""

    path: Path
    sha256: str  # of the file
    window: Box | None  # the part of it that is the film

    @property
    def digest(self) -> str:
        """What tells equal rows: the file, and which part of it."""
        if self.window is None:
            return self.sha256
        part = self.window
        where = f"{part.left_px:g},{part.top_px:g},{part.width_px:g},{part.height_px:g}"
        return f"{self.sha256}#{where}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Traces:
    """What mending did to the rows that it changed."""

    by_digest: Mapping[str, Trace]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Prepared:
    """Films ready for training: R distinct films of S x S px, memory-mapped, read-only."""

    folder: Path
    rules: PixelRules
    row_of: Mapping[str, int]  # film id -> row; films that were set aside are absent
    pixels: NDArray[np.uint8]  # (R, S, S)
    content_digests: tuple[str, ...]  # (R,), SHA-256 of each row's file; of a panel, and where
    n_decoded: int  # files decoded by this call: 0 when the array was there already
    crop_loss: CropLoss
    traces: Mapping[str, Trace] = field(default_factory=dict)  # film id -> what mending did to it
    boxes: Mapping[str, tuple[Box, ...]] = field(default_factory=dict)  # film id -> px of its row

    def batch(self, ids: Sequence[str]) -> NDArray[np.uint8]:
        """The films of ``ids`` as a new (n, S, S) array.

        Raises DataError for a film that was set aside or is not in the manifest.
        """
        import numpy as np

        try:
            rows = [self.row_of[id_] for id_ in ids]
        except KeyError as error:
            raise DataError(
                f"{error.args[0]} is not among the prepared films: it was set aside as unreadable, "
                "or is not in the manifest."
            ) from None
        return np.asarray(self.pixels[np.asarray(rows, np.intp)])

    def __reduce__(self) -> tuple[object, ...]:
        """For another process: where the films lie, and not a copy of them."""
        told = (self.folder, self.rules, dict(self.row_of), self.content_digests, self.crop_loss)
        return _reopened, (*told, dict(self.boxes))


def prepare(
    manifest: Manifest,
    rules: PixelRules,
    *,
    cache: Path,
    facts: Mapping[str, FilmFacts],
    workers: int | None = None,
) -> Prepared:
    """Decode every readable film once, or find that it has been done before.

    Raises DataError when no film is readable or one has changed since ``facts`` were found,
    ResourceError when the disk is full, and UsageError for rules that cannot be.
    """
    check_rules(rules)
    sources: dict[str, Source] = {}
    content_of: dict[str, str] = {}
    for film in manifest.radiographs:
        if film.id in facts and facts[film.id].fault is None:
            if "panels" in rules.mend and panel_windows(facts[film.id].artefacts):
                raise UsageError(
                    f"pixels.mend names panels, and {film.id} is a collage that was not cut: cut "
                    "the manifest first (osteon.panels.cut_panels). Only osteon run, train, "
                    "prepare and tune do so by themselves, and no search may change it."
                )
            source = Source(path=film.path, sha256=facts[film.id].sha256, window=film.window)
            content_of[film.id] = source.digest
            sources.setdefault(source.digest, source)
    if not sources:
        told = counted(len(manifest.radiographs), "film")
        raise DataError(
            f"Of {told} below {manifest.root} none can be decoded. See why with: osteon audit"
        )
    digests = tuple(sorted(sources))
    folder = cache / "prepared" / _key(digests, rules)
    pixels = _opened(folder, len(digests), rules.size_px)
    n_decoded = 0
    if pixels is None:
        _make(folder, digests, sources, rules, workers)
        pixels, n_decoded = _opened(folder, len(digests), rules.size_px), len(digests)
    if pixels is None:
        raise DataError(f"{folder} was changed while it was in use. Run it again.")
    rows = {digest: row for row, digest in enumerate(digests)}
    traces = _traces(folder) if rules.mend else {}
    of_film = {id_: traces[of] for id_, of in content_of.items() if of in traces}
    return Prepared(
        folder=folder,
        rules=rules,
        row_of={id_: rows[content] for id_, content in content_of.items()},
        pixels=pixels,
        content_digests=digests,
        n_decoded=n_decoded,
        crop_loss=crop_loss(manifest.radiographs, facts, rules, of_film),
        traces=of_film,
        boxes={
            film.id: boxes_in_square(film, facts[film.id], rules, of_film.get(film.id))
            for film in manifest.radiographs
            if film.boxes and film.id in content_of
        },
    )


def _reopened(
    folder: Path,
    rules: PixelRules,
    row_of: Mapping[str, int],
    digests: tuple[str, ...],
    loss: CropLoss,
    boxes: Mapping[str, tuple[Box, ...]],
) -> Prepared:
    pixels = _opened(folder, len(digests), rules.size_px)
    if pixels is None:
        raise DataError(f"{folder} was changed while it was in use. Run it again.")
    return Prepared(
        folder=folder,
        rules=rules,
        row_of=row_of,
        pixels=pixels,
        content_digests=digests,
        n_decoded=0,
        crop_loss=loss,
        boxes=boxes,
    )


def _key(digests: Sequence[str], rules: PixelRules) -> str:
    """The name of the array: what is in it, how it was placed, and by which decoder."""
    said = hashlib.sha256(json.dumps([decoder_version(), _told(rules), *digests]).encode())
    return f"{rules.fit}-{rules.size_px}-{said.hexdigest()[:32]}"


def _told(rules: PixelRules) -> dict[str, object]:
    told: dict[str, object] = {"fit": rules.fit, "size_px": rules.size_px}
    if rules.fit == "resize_crop":
        told["resize_px"] = rules.resize_px
    if steps := sorted(set(rules.mend) - {"panels"}):  # those are films of their own
        told |= {"mend": steps, "mending": MENDING, "artefacts": ARTEFACTS}
    return told


def _opened(folder: Path, n_rows: int, size_px: int) -> NDArray[np.uint8] | None:
    """The finished array (R, S, S) of ``folder``; None if there is none or it is not whole."""
    import numpy as np

    try:
        pixels = np.load(folder / "pixels.npy", mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    fits = pixels.shape == (n_rows, size_px, size_px) and pixels.dtype == np.uint8
    return pixels if fits else None


# --- making it ------------------------------------------------------------------------------------


def _make(
    folder: Path,
    digests: Sequence[str],
    sources: Mapping[str, Source],
    rules: PixelRules,
    workers: int | None,
) -> None:
    with explained(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        _remove_abandoned(folder.parent)
        with _part(folder) as part:
            with (part / "pixels.npy").open("wb") as file:
                traces = _write_rows(file, digests, sources, rules, workers)
                file.flush()
                os.fsync(file.fileno())
            told = {"decoder": decoder_version(), "rules": _told(rules), "sha256": list(digests)}
            write_json(part / "prepared.json", told)
            if traces:
                write_value(part / TRACES, Traces(by_digest=traces))
            _give_name(part, folder)
            sync_folder(folder.parent)


def _write_rows(
    file: BinaryIO,
    digests: Sequence[str],
    sources: Mapping[str, Source],
    rules: PixelRules,
    workers: int | None,
) -> dict[str, Trace]:
    """Rows are written, not mapped: a full disk is then an error and not a killed process.

    Returns what mending did to each film that it changed."""
    import numpy as np

    size = rules.size_px
    header = {"descr": "|u1", "fortran_order": False, "shape": (len(digests), size, size)}
    np.lib.format.write_array_header_1_0(file, header)
    file.flush()
    _reserve(file, len(digests) * size * size)

    def row(digest: str) -> Square:
        return _row(sources[digest], rules)

    traces: dict[str, Trace] = {}
    with quiet():
        rows = track(in_order(row, digests, workers=workers), "prepare", total=len(digests))
        for digest, square in zip(digests, rows, strict=True):
            file.write(square.pixels.data)
            if square.trace != Trace():
                traces[digest] = square.trace
    return traces


def _traces(folder: Path) -> dict[str, Trace]:
    told = folder / TRACES
    return dict(read_value(Traces, told).by_digest) if told.is_file() else {}


def _reserve(file: BinaryIO, n_bytes: int) -> None:
    """Let a disk that is too full say so before anything is decoded, where it can."""
    if not hasattr(os, "posix_fallocate"):
        return
    try:
        os.posix_fallocate(file.fileno(), file.tell(), n_bytes)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.EOPNOTSUPP, errno.ENOSYS):
            raise


def _row(source: Source, rules: PixelRules) -> Square:
    path = source.path
    try:
        data = read_film(path)
    except UnreadableFilm as error:
        raise DataError(f"{path}: {error}, though it could be read before. Run it again.") from None
    if hashlib.sha256(data).hexdigest() != source.sha256:
        raise DataError(f"{path} has changed since it was inspected. Run it again.")
    return square_of(data, rules, source.window)


def _give_name(part: Path, folder: Path) -> None:
    """Rename ``part`` to ``folder``, unless another process was first with the same array."""
    try:
        part.rename(folder)
    except OSError:
        if not folder.is_dir():
            raise
        if _is_whole(folder):
            return
        shutil.rmtree(folder)  # spoilt from outside, or it would have been opened before
        part.rename(folder)


def _is_whole(folder: Path) -> bool:
    import numpy as np

    try:
        np.load(folder / "pixels.npy", mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return False
    return (folder / "prepared.json").is_file()


@contextlib.contextmanager
def _part(folder: Path) -> Iterator[Path]:
    """A folder beside ``folder`` to work in, locked while this process lives, then removed."""
    part = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", suffix=".part", dir=folder.parent))
    try:
        with _locked(part):
            part.chmod(usual_mode(0o777))
            yield part
    finally:
        if part.exists():
            shutil.rmtree(part, ignore_errors=True)


@contextlib.contextmanager
def _locked(part: Path) -> Iterator[bool]:
    """Hold the lock of a part; yields False if another process holds it. It ends with the process.

    Without ``fcntl`` (Windows) nobody can tell, and nothing is taken for abandoned.
    """
    try:
        import fcntl
    except ImportError:
        yield False
        return
    handle = os.open(part, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
        else:
            yield True
    finally:
        os.close(handle)


def _remove_abandoned(room: Path) -> None:
    """Remove the parts of killed runs."""
    for part in room.glob(".*.part"):
        try:
            still_for = time.time() - part.stat().st_mtime
            if still_for < ABANDONED_AFTER_S:
                continue
            with _locked(part) as free:
                if free:
                    shutil.rmtree(part, ignore_errors=True)
        except FileNotFoundError:
            continue  # another process was faster

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
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from osteon.errors import DataError, UnreadableFilm
from osteon.files import explained, sync_folder, write_json
from osteon.parallel import in_order
from osteon.pixels import decoder_version, load_square, read_film
from osteon.placement import CropLoss, check_rules, crop_loss
from osteon.progress import track
from osteon.raster import quiet
from osteon.types import FilmFacts, Manifest, PixelRules

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

ABANDONED_AFTER_S = 60.0  # a part that no process holds and that has been still for so long


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Prepared:
    """Films ready for training: R distinct films of S x S px, memory-mapped, read-only."""

    folder: Path
    rules: PixelRules
    row_of: Mapping[str, int]  # film id -> row; films that were set aside are absent
    pixels: NDArray[np.uint8]  # (R, S, S)
    content_digests: tuple[str, ...]  # (R,), SHA-256 of the file of each row
    n_decoded: int  # files decoded by this call: 0 when the array was there already
    crop_loss: CropLoss

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
        return _reopened, told


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
    paths: dict[str, Path] = {}
    content_of: dict[str, str] = {}
    for film in manifest.radiographs:
        if film.id in facts and facts[film.id].fault is None:
            content_of[film.id] = facts[film.id].sha256
            paths.setdefault(facts[film.id].sha256, film.path)
    if not paths:
        raise DataError(
            f"None of the {len(manifest.radiographs)} films below {manifest.root} can be decoded. "
            "See why with: osteon audit"
        )
    digests = tuple(sorted(paths))
    folder = cache / "prepared" / _key(digests, rules)
    pixels = _opened(folder, len(digests), rules.size_px)
    n_decoded = 0
    if pixels is None:
        _make(folder, digests, paths, rules, workers)
        pixels, n_decoded = _opened(folder, len(digests), rules.size_px), len(digests)
    if pixels is None:
        raise DataError(f"{folder} was changed while it was in use. Run it again.")
    rows = {digest: row for row, digest in enumerate(digests)}
    return Prepared(
        folder=folder,
        rules=rules,
        row_of={id_: rows[content] for id_, content in content_of.items()},
        pixels=pixels,
        content_digests=digests,
        n_decoded=n_decoded,
        crop_loss=crop_loss(manifest.radiographs, facts, rules),
    )


def _reopened(
    folder: Path,
    rules: PixelRules,
    row_of: Mapping[str, int],
    digests: tuple[str, ...],
    loss: CropLoss,
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
    )


def _key(digests: Sequence[str], rules: PixelRules) -> str:
    """The name of the array: what is in it, how it was placed, and by which decoder."""
    said = hashlib.sha256(json.dumps([decoder_version(), _told(rules), *digests]).encode())
    return f"{rules.fit}-{rules.size_px}-{said.hexdigest()[:32]}"


def _told(rules: PixelRules) -> dict[str, object]:
    told: dict[str, object] = {"fit": rules.fit, "size_px": rules.size_px}
    return told | ({"resize_px": rules.resize_px} if rules.fit == "resize_crop" else {})


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
    paths: Mapping[str, Path],
    rules: PixelRules,
    workers: int | None,
) -> None:
    with explained(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        _remove_abandoned(folder.parent)
        with _part(folder) as part:
            with (part / "pixels.npy").open("wb") as file:
                _write_rows(file, digests, paths, rules, workers)
                file.flush()
                os.fsync(file.fileno())
            told = {"decoder": decoder_version(), "rules": _told(rules), "sha256": list(digests)}
            write_json(part / "prepared.json", told)
            _give_name(part, folder)
            sync_folder(folder.parent)


def _write_rows(
    file: BinaryIO,
    digests: Sequence[str],
    paths: Mapping[str, Path],
    rules: PixelRules,
    workers: int | None,
) -> None:
    """Rows are written, not mapped: a full disk is then an error and not a killed process."""
    import numpy as np

    size = rules.size_px
    header = {"descr": "|u1", "fortran_order": False, "shape": (len(digests), size, size)}
    np.lib.format.write_array_header_1_0(file, header)
    file.flush()
    _reserve(file, len(digests) * size * size)

    def row(digest: str) -> NDArray[np.uint8]:
        return _row(paths[digest], digest, rules)

    with quiet():
        rows = in_order(row, digests, workers=workers)
        for square in track(rows, "prepare", total=len(digests)):
            file.write(square.data)


def _reserve(file: BinaryIO, n_bytes: int) -> None:
    """Let a disk that is too full say so before anything is decoded, where it can."""
    if not hasattr(os, "posix_fallocate"):
        return
    try:
        os.posix_fallocate(file.fileno(), file.tell(), n_bytes)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.EOPNOTSUPP, errno.ENOSYS):
            raise


def _row(path: Path, digest: str, rules: PixelRules) -> NDArray[np.uint8]:
    try:
        data = read_film(path)
    except UnreadableFilm as error:
        raise DataError(f"{path}: {error}, though it could be read before. Run it again.") from None
    if hashlib.sha256(data).hexdigest() != digest:
        raise DataError(f"{path} has changed since it was inspected. Run it again.")
    return load_square(data, rules)


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
            part.chmod(0o755)
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

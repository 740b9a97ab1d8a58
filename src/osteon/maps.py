"""The maps of a frozen network, computed once for each distinct film and kept beside the films."""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from osteon.batches import probabilities
from osteon.cellnet import CellNet
from osteon.engine import rows_of
from osteon.features import fingerprint
from osteon.files import alone_with, explained
from osteon.progress import track

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from osteon.prepare import Prepared
    from osteon.types import Floats

COMPUTED_AT_ONCE = 16
AT_ONCE = 64


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Maps:
    """Maps of the R prepared films, on the disk, in the network's ``kept_as``."""

    rows: NDArray[np.floating[Any]]  # (R, L): the maps of a film, flat, one after the other
    shapes: tuple[tuple[int, ...], ...]
    device: torch.device

    def of(self, rows: NDArray[np.intp]) -> list[Tensor]:
        """The maps of these rows, each (n, *shape), floats."""
        flat = torch.from_numpy(np.asarray(self.rows[rows])).to(self.device).float()
        sizes = [int(np.prod(shape)) for shape in self.shapes]
        parts = zip(torch.split(flat, sizes, dim=1), self.shapes, strict=True)
        maps = [part.reshape(len(rows), *shape) for part, shape in parts]
        return [
            each.contiguous(memory_format=torch.channels_last) if each.ndim == 4 else each
            for each in maps
        ]


class _Flat(nn.Module):
    def __init__(self, net: CellNet) -> None:
        super().__init__()
        self.net = net

    def forward(self, films: Tensor) -> Tensor:
        return torch.cat([each.flatten(1) for each in self.net.maps(films)], dim=1)


def frozen_maps(net: CellNet, prepared: Prepared, ids: Sequence[str]) -> Maps:
    """The maps of the films ``ids``; what was computed before, by this run or a killed one, is not
    computed again, and of several processes at once one computes while the others wait."""
    size = prepared.rules.size_px
    device = next(net.parameters()).device
    with torch.inference_mode():
        shapes = [tuple(m.shape[1:]) for m in net.maps(torch.zeros(1, 1, size, size).to(device))]
    length = sum(int(np.prod(shape)) for shape in shapes)
    kept = prepared.folder / f"maps-{fingerprint(net)}-{net.kept_as}.npy"
    wanted = np.unique(rows_in(prepared, ids))
    if (known := _known(kept, wanted)) is not None:
        return Maps(rows=known, shapes=tuple(shapes), device=device)
    with alone_with(kept), explained(kept):
        if not kept.exists():
            _done_at(kept).unlink(missing_ok=True)  # it tells of maps that are gone
        rows = _opened(kept, (len(prepared.pixels), length), net.kept_as)
        done = _opened(_done_at(kept), (len(prepared.pixels),), "bool")
        missing = wanted[~done[wanted]]
        chunks = [
            missing[at : at + COMPUTED_AT_ONCE] for at in range(0, len(missing), COMPUTED_AT_ONCE)
        ]
        compute = rows_of(_Flat(net), size) if chunks else None
        for chunk in track(chunks, f"maps, {COMPUTED_AT_ONCE} films each", total=len(chunks)):
            assert compute is not None
            _make_room(kept, rows, chunk)
            rows[chunk] = compute(prepared.pixels[chunk])
            rows.flush()
            done[chunk] = True  # only once they lie on the disk
            done.flush()
    return Maps(rows=rows, shapes=tuple(shapes), device=device)


def _done_at(kept: Path) -> Path:
    return kept.with_suffix(".done.npy")


def _known(kept: Path, wanted: NDArray[np.intp]) -> np.memmap[Any, Any] | None:
    """The maps on the disk, if those of the ``wanted`` rows were all computed before."""
    if not (kept.exists() and _done_at(kept).exists()):
        return None
    with explained(kept):
        if not np.load(_done_at(kept), mmap_mode="r", allow_pickle=False)[wanted].all():
            return None
        found: np.memmap[Any, Any] = np.load(kept, mmap_mode="r", allow_pickle=False)
    return found


def _opened(path: Path, shape: tuple[int, ...], kind: str) -> np.memmap[Any, Any]:
    """Begun as a sparse file: rows of films that no one asks for take no room."""
    if not path.exists():
        part = path.with_name(f".{path.name}.part")
        if len(shape) == 1:  # which rows are done: small, and whole at once
            with part.open("wb") as file:
                np.save(file, np.zeros(shape, kind), allow_pickle=False)
        else:
            np.lib.format.open_memmap(part, "w+", np.dtype(kind), shape)
        part.replace(path)
    found: np.memmap[Any, Any] = np.load(path, mmap_mode="r+", allow_pickle=False)
    return found


def _make_room(path: Path, rows: np.memmap[Any, Any], chunk: NDArray[np.intp]) -> None:
    """Of a sparse file, what is about to be written: with no room for a page that is mapped the
    process would end, and here it is an error."""
    if not hasattr(os, "posix_fallocate"):  # no Linux
        return
    with path.open("rb+") as file:
        for row in chunk.tolist():
            at = rows.offset + row * rows.strides[0]
            try:
                os.posix_fallocate(file.fileno(), at, rows.strides[0])
            except OSError as error:
                if error.errno not in (errno.EOPNOTSUPP, errno.EINVAL):  # what the disk cannot do
                    raise


def rows_in(prepared: Prepared, ids: Sequence[str]) -> NDArray[np.intp]:
    return np.array([prepared.row_of[id_] for id_ in ids], dtype=np.intp)


@torch.inference_mode()
def described_films(net: CellNet, prepared: Prepared, ids: Sequence[str]) -> Tensor:
    """(n, D) what tells the films ``ids`` apart, as the network describes them."""
    net.eval()
    maps, rows = frozen_maps(net, prepared, ids), rows_in(prepared, ids)
    chunks = [rows[at : at + AT_ONCE] for at in range(0, len(rows), AT_ONCE)]
    return torch.cat([net.described(*maps.of(chunk)) for chunk in chunks])


@torch.inference_mode()
def scored_maps(net: CellNet, maps: Maps, rows: NDArray[np.intp]) -> Floats:
    """(n, C) probabilities of films whose maps are known."""
    net.eval()
    chunks = [rows[at : at + AT_ONCE] for at in range(0, len(rows), AT_ONCE)]
    return np.concatenate([probabilities(net.classify(*maps.of(chunk))) for chunk in chunks])

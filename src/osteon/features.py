"""Features of a frozen network, computed once for each distinct film and kept beside the films."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from osteon.files import atomic_writer, explained
from osteon.networks import Probe
from osteon.progress import track

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from osteon.cellnet import CellNet
    from osteon.prepare import Prepared

BATCH = 16  # larger ones are no faster on a CPU, and cost memory


def frozen_features(net: Probe, prepared: Prepared, ids: Sequence[str]) -> NDArray[np.float32]:
    """(n, D) features of the films ``ids``.

    They are kept in the prepared films' folder under the digest of the network's weights; what was
    computed before, by this run or a killed one, is not computed again.
    """
    rows = np.array([prepared.row_of[id_] for id_ in ids], dtype=np.intp)
    kept = prepared.folder / f"features-{fingerprint(net)}.npy"
    done_at = kept.with_suffix(".done.npy")
    _make_room(kept, done_at, len(prepared.pixels), len(net.centre))
    net = net.eval().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    with explained(kept):
        features = np.load(kept, mmap_mode="r+", allow_pickle=False)
        done = np.load(done_at, mmap_mode="r+", allow_pickle=False)
        missing = np.unique(rows[~done[rows]])
        chunks = [missing[at : at + BATCH] for at in range(0, len(missing), BATCH)]
        for chunk in track(chunks, f"features, {BATCH} films each", total=len(chunks)):
            features[chunk] = features_of(net, prepared.pixels[chunk])
            features.flush()
            done[chunk] = True  # only once they lie on the disk
            done.flush()
    found: NDArray[np.float32] = np.asarray(features[rows])
    return found


@torch.inference_mode()
def features_of(net: Probe, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(n, D) features of prepared films (n, S, S), computed at once: mind the memory."""
    device = net.centre.device
    films = torch.from_numpy(np.asarray(pixels)).to(device)[:, None].float().div_(255)
    features: NDArray[np.float32] = net.features(films).float().cpu().numpy()
    return features


def fingerprint(net: Probe | CellNet) -> str:
    """Of the trunk's and the normaliser's layers and weights."""
    # Equal weights are not equal features: efficientnet_lite0 and tf_efficientnet_lite0 share
    # every tensor's name and shape, and differ in padding.
    said = hashlib.sha256(repr(net.trunk).encode())
    for part in (net.normalise, net.trunk):
        for name, value in part.state_dict().items():
            said.update(name.encode())
            said.update(value.detach().cpu().contiguous().numpy().tobytes())
    return said.hexdigest()[:16]


def _make_room(kept: Path, done_at: Path, n_rows: int, width: int) -> None:
    """Files of zeros, written and not mapped, so that a full disk is an error and no crash."""
    if kept.exists() and done_at.exists():
        return
    for path, array in (
        (kept, np.zeros((n_rows, width), np.float32)),
        (done_at, np.zeros(n_rows, np.bool_)),
    ):
        with atomic_writer(path, "wb") as file:
            np.save(file, array, allow_pickle=False)

"""Features of a frozen network, computed once for each distinct film and kept beside the films."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from osteon.files import alone_with, atomic_writer, explained
from osteon.networks import Probe
from osteon.openvino_net import FAULTS, Outputs, compiled, first_line
from osteon.progress import say, track

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from osteon.cellnet import CellNet
    from osteon.prepare import Prepared

BATCH = 16  # larger ones are no faster on a CPU, and cost memory
FEWEST_PX = 2**24  # of all films: of fewer, compiling costs more than it saves
LIKENESS = 0.9999  # cosine of OpenVINO's features and torch's, of each of the first films


def frozen_features(net: Probe, prepared: Prepared, ids: Sequence[str]) -> NDArray[np.float32]:
    """(n, D) features of the films ``ids``.

    They are kept in the prepared films' folder under the digest of the network's weights; what was
    computed before, by this run or a killed one, is not computed again; of several processes at
    once, one computes and the others wait. Many films go through OpenVINO where it is installed and
    agrees with torch. An array is of one engine, which its name tells: features of the two differ
    by some 1e-5, and no run may mix them.
    """
    rows = np.array([prepared.row_of[id_] for id_ in ids], dtype=np.intp)
    net = net.eval().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    kept = prepared.folder / f"features-{fingerprint(net)}.npy"
    if (found := _known(kept, rows)) is not None:
        return found
    with alone_with(kept):
        if (found := _known(kept, rows)) is not None:  # by the process that was waited for
            return found
        if not kept.exists() and (engine := _fast_engine(net, prepared)) is not None:
            return _filled(_by_openvino(kept), engine, len(net.centre), prepared, rows)
        return _filled(kept, partial(features_of, net), len(net.centre), prepared, rows)


def _by_openvino(kept: Path) -> Path:
    return kept.with_suffix(".openvino.npy")


def _known(kept: Path, rows: NDArray[np.intp]) -> NDArray[np.float32] | None:
    """The features of these rows, if all were computed before: torch's, where it began."""
    return _read(kept if kept.exists() else _by_openvino(kept), rows)


def _read(kept: Path, rows: NDArray[np.intp]) -> NDArray[np.float32] | None:
    """The features of these rows, if all were computed before."""
    done_at = kept.with_suffix(".done.npy")
    if not (kept.exists() and done_at.exists()):
        return None
    with explained(kept):
        if not np.load(done_at, mmap_mode="r", allow_pickle=False)[rows].all():
            return None
        found: NDArray[np.float32] = np.load(kept, mmap_mode="r", allow_pickle=False)[rows]
    return found


def _filled(
    kept: Path, engine: Outputs, width: int, prepared: Prepared, rows: NDArray[np.intp]
) -> NDArray[np.float32]:
    """The features of these rows, those that are missing computed and kept."""
    done_at = kept.with_suffix(".done.npy")
    _make_room(kept, done_at, len(prepared.pixels), width)
    with explained(kept):
        features = np.load(kept, mmap_mode="r+", allow_pickle=False)
        done = np.load(done_at, mmap_mode="r+", allow_pickle=False)
        missing = np.unique(rows[~done[rows]])
        chunks = [missing[at : at + BATCH] for at in range(0, len(missing), BATCH)]
        for chunk in track(chunks, f"features, {BATCH} films each", total=len(chunks)):
            features[chunk] = engine(prepared.pixels[chunk])
            features.flush()
            done[chunk] = True  # only once they lie on the disk
            done.flush()
    found: NDArray[np.float32] = np.asarray(features[rows])
    return found


class _Features(nn.Module):
    def __init__(self, net: Probe) -> None:
        super().__init__()
        self.net = net

    def forward(self, films: Tensor) -> Tensor:
        return self.net.features(films)


def _fast_engine(net: Probe, prepared: Prepared) -> Outputs | None:
    """OpenVINO, compiled for these films; None where it is not at hand, does not give torch's
    features on the first films, or is not worth the seconds that compiling takes."""
    if prepared.pixels.size < FEWEST_PX or net.centre.device.type != "cpu":
        return None
    try:
        engine = compiled(_Features(net), prepared.rules.size_px)
    except ImportError:
        say('features by torch; several times as fast: pip install "osteon[fast]"')
        return None
    except FAULTS as error:
        say(f"features by torch: OpenVINO cannot take this network ({first_line(error)})")
        return None
    first = np.array(prepared.pixels[:BATCH])
    apart = likeness(engine(first), features_of(net, first))
    if not apart >= LIKENESS:
        say(f"features by torch: OpenVINO's have a cosine of {apart:.5f}, below {LIKENESS}")
        return None
    return engine


def likeness(some: NDArray[np.float32], others: NDArray[np.float32]) -> float:
    """The least cosine between rows of the same place, of (n, D) and (n, D): -1 to 1."""
    lengths = np.linalg.norm(some, axis=1) * np.linalg.norm(others, axis=1)
    alike = np.einsum("nd,nd->n", some, others, dtype=np.float64)
    same = (some == others).all(1)  # two rows of zeros have no angle
    cosines = np.divide(alike, lengths, out=same.astype(np.float64), where=lengths > 0)
    return float(cosines.min())


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
    done_at.unlink(missing_ok=True)  # it tells of features that are gone
    for path, array in (
        (kept, np.zeros((n_rows, width), np.float32)),
        (done_at, np.zeros(n_rows, np.bool_)),
    ):
        with atomic_writer(path, "wb") as file:
            np.save(file, array, allow_pickle=False)

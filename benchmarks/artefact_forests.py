"""Grow the forests that tell metal, casts, screenshots and slices (osteon.artefacts.forest).

    python -m benchmarks.artefact_forests FOLDER... --labels docs/audits/artefacts-development-2.csv

The labels are SHA-256 digests of files, as for artefact_detectors.py. Each film is scored by trees
that saw no copy of it (five folds; films alike under turns and mirrors are one group); the bound of
each forest is the lowest with at least LEAST_PRECISION there. No test film is looked at. The forest
that is kept, src/osteon/artefacts/forests.npz, is then grown on all of them.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from benchmarks.artefact_detectors import files_of, share
from numpy.typing import NDArray
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.metrics import average_precision_score
from sklearn.model_selection import StratifiedGroupKFold

from osteon.artefacts import LEAST_PX
from osteon.artefacts.metal import numbers_of
from osteon.artefacts.picture import Picture, colours_of, picture_of
from osteon.clusters import connected
from osteon.errors import OsteonError
from osteon.pixels import decode_bytes

KINDS = ("metal", "cast", "screenshot", "ct_or_mri")
LEAST_PRECISION = 0.6  # of development films, by grouped folds; fixed before any test film
TREES = 120
LIKE = 0.98  # correlation of two films' pictures of 24 px
KEPT = Path(__file__).parents[1] / "src/osteon/artefacts/forests.npz"

Floats = NDArray[np.float32]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--labels", nargs="+", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=KEPT)
    asked = parser.parse_args()
    labels: dict[str, dict[str, str]] = {}
    for path in asked.labels:
        labels |= {row["sha256"]: row for row in csv.DictReader(path.open())}
    numbers, thumbs = looked_at(asked.folders, labels)
    print(f"{len(numbers)} of {len(labels)} labelled films were found and can be read")
    groups = alike(thumbs)
    kept: dict[str, NDArray[Any]] = {}
    for kind in KINDS:
        ids = [id_ for id_ in numbers if labels[id_][kind] != "?"]
        truth = np.array([labels[id_][kind] == "yes" for id_ in ids])
        films = np.stack([asked_of(kind, numbers[id_]) for id_ in ids])
        least = bound(kind, films, truth, [groups[id_] for id_ in ids])
        kept |= {f"{kind}.{name}": part for name, part in flat(films, truth).items()}
        kept[f"{kind}.least"] = np.array(least, np.float32)
    np.savez_compressed(asked.out, **kept)  # type: ignore[arg-type]
    print(f"{asked.out.name}: {asked.out.stat().st_size:,} bytes")


def looked_at(
    folders: list[Path], labels: dict[str, dict[str, str]]
) -> tuple[dict[str, Floats], dict[str, Floats]]:
    numbers: dict[str, Floats] = {}
    thumbs: dict[str, Floats] = {}
    for data in files_of(folders, labels):
        try:
            film = decode_bytes(data)
        except OsteonError:
            continue
        picture: Picture = picture_of(film.gray, colours_of(data, film))
        if min(picture.gray.shape) >= LEAST_PX:
            digest = hashlib.sha256(data).hexdigest()
            numbers[digest] = numbers_of(picture)
            thumb = cv2.resize(picture.gray, (24, 24), interpolation=cv2.INTER_AREA)
            thumbs[digest] = thumb.astype(np.float32)
    return numbers, thumbs


def asked_of(kind: str, numbers: Floats) -> Floats:
    """The looks come last; only metal is asked of the bright parts, too."""
    from osteon.artefacts.bright_parts import most_telling

    parts = len(most_telling(np.zeros((0, 0), np.float32))[0])
    return numbers if kind == "metal" else numbers[parts:]


def alike(thumbs: dict[str, Floats]) -> dict[str, str]:
    ids = sorted(thumbs)
    films = np.stack([thumbs[id_] for id_ in ids])
    plain = normed(films)
    links = []
    for mirrored in (films, films[:, :, ::-1]):
        for turns in range(4):
            near = plain @ normed(np.rot90(mirrored, turns, axes=(1, 2))).T > LIKE
            links += [[ids[a], ids[b]] for a, b in np.argwhere(near) if a < b]
    return connected(ids, links)


def normed(films: Floats) -> Floats:
    rows = films.reshape(len(films), -1)
    rows = rows - rows.mean(axis=1, keepdims=True)
    unit: Floats = rows / (np.linalg.norm(rows, axis=1, keepdims=True) + np.float32(1e-6))
    return unit


def grown(films: Floats, truth: NDArray[np.bool_]) -> ExtraTreesClassifier:
    trees = ExtraTreesClassifier(
        TREES, min_samples_leaf=2, max_features=0.3, class_weight="balanced", random_state=0
    )
    return trees.fit(films, truth)


def bound(kind: str, films: Floats, truth: NDArray[np.bool_], groups: list[str]) -> float:
    scores = np.zeros(len(truth))
    folds = StratifiedGroupKFold(5, shuffle=True, random_state=0)
    for rest, fold in folds.split(films, truth, groups):
        scores[fold] = grown(films[rest], truth[rest]).predict_proba(films[fold])[:, 1]
    order = np.argsort(-scores)
    right = np.cumsum(truth[order])
    told = np.arange(1, len(order) + 1)
    last = int(np.flatnonzero(right / told >= LEAST_PRECISION)[-1])
    least = float(scores[order[last]])
    print(
        f"{kind}: {int(truth.sum())} of {len(truth)}; average precision "
        f"{average_precision_score(truth, scores):.2f}; from {least:.3f} on "
        f"recall {share(int(right[last]), int(truth.sum()))}, "
        f"precision {share(int(right[last]), last + 1)}",
        flush=True,
    )
    return least


def flat(films: Floats, truth: NDArray[np.bool_]) -> dict[str, NDArray[Any]]:
    """All trees in one row of nodes. The left child is the node after its parent."""
    roots, feature, value, right = [], [], [], []
    start = 0
    for one in grown(films, truth).estimators_:
        tree = one.tree_
        leaf = tree.children_left < 0
        assert (tree.children_left[~leaf] == np.flatnonzero(~leaf) + 1).all()
        shares = tree.value[:, 0, 1] / tree.value[:, 0].sum(axis=1)
        roots.append(start)
        feature.append(np.where(leaf, -1, tree.feature))
        value.append(np.where(leaf, shares, tree.threshold))
        right.append(np.where(leaf, 0, tree.children_right + start))
        start += tree.node_count
    return {
        "roots": np.array(roots, np.int32),
        "feature": np.concatenate(feature).astype(np.int16),
        "value": np.concatenate(value).astype(np.float32),
        "right": np.concatenate(right).astype(np.int32),
    }


if __name__ == "__main__":
    main()

"""What every peer is handed: the films of a run's parts as PNG squares, and the start weights."""

from __future__ import annotations

import csv
import hashlib
import json
from pathlib import Path

import numpy as np
from benchmarks.peer_scripts.common import NETWORK

from osteon.batches import labels_of
from osteon.errors import UsageError
from osteon.manifest import read_manifest
from osteon.prepare import prepare
from osteon.runs import RunFolder, begin_folder, default_cache
from osteon.split_file import read_split
from osteon.types import PARTS, Audit, PixelRules
from osteon.values import read_value


def write_films(run: RunFolder, place: Path, size_px: int) -> dict[str, str]:
    """``films/{train,val}/CLASS`` and ``test`` in ``place``; returns a film id for each name.

    Names are numbers drawn by chance, so that neither they nor their order say the class. What lies
    there already is left. Raises UsageError where ``place`` holds the films of another split.
    """
    manifest, parts = read_manifest(run.manifest), read_split(run.split)
    said = repr((manifest.digest, parts.train, parts.val, parts.test, size_px))
    begin_folder(place, hashlib.sha256(said.encode()).hexdigest(), "films for peers")
    index = place / "films.csv"
    if not index.is_file():
        audit = read_value(Audit, run.audit)
        rules = PixelRules(size_px=size_px)
        prepared = prepare(manifest, rules, cache=default_cache(), facts=audit.facts)
        ids = [id_ for part in PARTS for id_ in parts.part(part)]
        numbers = np.random.default_rng(0).permutation(len(ids))
        name_of = {id_: f"{at:05d}.png" for id_, at in zip(ids, numbers, strict=True)}
        for part in PARTS:
            chosen = parts.part(part)
            for id_, label in zip(chosen, labels_of(manifest, chosen).tolist(), strict=True):
                folder = place / ("test" if part == "test" else f"films/{part}")
                if part != "test":
                    folder /= manifest.classes[label]
                write_png(prepared.pixels[prepared.row_of[id_]], folder / name_of[id_])
        with index.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows(sorted((name, id_) for id_, name in name_of.items()))
    with index.open(newline="", encoding="utf-8") as file:
        return dict(csv.reader(file))


def write_png(pixels: np.ndarray[tuple[int, ...], np.dtype[np.uint8]], path: Path) -> None:
    import cv2

    path.parent.mkdir(parents=True, exist_ok=True)
    if not cv2.imwrite(str(path), np.asarray(pixels)):
        raise UsageError(f"{path} could not be written. Is the disk full?")


def write_weights(folder: Path) -> None:
    """The ImageNet weights of EfficientNet-Lite0, as timm, fastai, AutoGluon and Keras take them.

    ``model.safetensors`` is the whole network; ``config.json`` and ``pytorch_model.bin`` hold it
    without its classifier, as ``in_order.npz`` does, whose arrays lie in the order of the layers.
    """
    if (folder / "config.json").is_file():
        return
    import torch
    from safetensors.torch import save_file

    from osteon.backbones.timm_model import LITE_MEAN, LITE_STD, timm_net

    folder.mkdir(parents=True, exist_ok=True)
    state = timm_net(NETWORK, "imagenet", num_classes=1000).state_dict()
    trunk = {name: value for name, value in state.items() if not name.startswith("classifier.")}
    arrays = [value.numpy() for name, value in trunk.items() if "num_batches" not in name]
    save_file(state, folder / "model.safetensors")
    torch.save(trunk, folder / "pytorch_model.bin")
    np.savez(folder / "in_order.npz", *arrays)
    config = {
        "architecture": NETWORK,
        "num_features": 1280,
        "input_size": [3, 224, 224],
        "interpolation": "bicubic",
        "mean": [LITE_MEAN] * 3,
        "std": [LITE_STD] * 3,
    }
    (folder / "config.json").write_text(json.dumps(config, indent=1) + "\n")

"""A tiny data set that can be learnt, prepared, for the tests of training."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image

from osteon.audit import audit
from osteon.backbones.cnn import Cnn
from osteon.inspection import inspect_films
from osteon.prepare import Prepared, prepare
from osteon.reading import read_source
from osteon.split import group_films, split
from osteon.types import Augment, Manifest, Optimiser, PixelRules, Recipe, Split

TINY = Recipe(
    name="tiny",
    backbone=Cnn(channels=(4, 8), dense=(8,), dropout=0.3),
    pixels=PixelRules(size_px=24),
    augment=Augment(rotate_deg=5, flip=0.5, brightness=0.05, contrast=0.1, shift=0.05, scale=0.05),
    optimiser=Optimiser(lr=5e-3),
    batch_size=7,
    epochs=6,
    patience=6,
    seed=3,
)


def write_films(
    folder: Path, *, each: int = 20, classes: tuple[str, ...] = ("normal", "broken")
) -> Path:
    """Noise with, by class, a bright bar at another place."""
    rng = np.random.default_rng(0)
    for index, name in enumerate(classes):
        (folder / name).mkdir(parents=True, exist_ok=True)
        for number in range(each):
            film = rng.integers(60, 120, size=(24, 32), dtype=np.uint8)
            top = 4 + 6 * index
            film[top : top + 3] = rng.integers(130, 220, dtype=np.uint8)
            Image.fromarray(film).save(folder / name / f"{number}.png")
    return folder


def made_ready(
    data: Path, cache: Path, rules: PixelRules = TINY.pixels
) -> tuple[Prepared, Manifest, Split]:
    manifest = read_source(data)
    facts = inspect_films(manifest)
    result = audit(manifest, facts=facts)
    parts = split(manifest, groups=group_films(manifest, result.clusters))
    return prepare(manifest, rules, cache=cache, facts=facts), manifest, parts


def weights_file(model: str, folder: Path) -> str:
    """A file of weights that no seed of a recipe draws."""
    from safetensors.torch import save_file

    from osteon.backbones.timm_model import timm_net

    torch.manual_seed(12_345)
    path = folder / f"{model}.safetensors"
    save_file(timm_net(model, "none", num_classes=2).state_dict(), path)
    return str(path)

"""A small network from scratch."""

from __future__ import annotations

from osteon.backbones.cnn import Cnn
from osteon.recipes import RECIPES
from osteon.types import Augment, Optimiser, PixelRules, Recipe


@RECIPES.register("small-cnn")
def small_cnn() -> Recipe:
    """osteon run DATA --recipe small-cnn

    Four convolution blocks from scratch at 160 px with augmentation: what a course project trains.
    Expected: not measured to the end; far below linear-probe on FracAtlas in its first 8 epochs
    Hardware: any CPU; no GPU needed
    Time: half a minute an epoch for 2,252 films on two cores
    """
    return Recipe(
        name="small-cnn",
        backbone=Cnn(channels=(16, 32, 64, 128)),
        pixels=PixelRules(size_px=160),
        augment=Augment(
            rotate_deg=10, flip=0.5, scale=0.1, shift=0.05, brightness=0.1, contrast=0.2
        ),
        optimiser=Optimiser(lr=1e-3, weight_decay=1e-2, warmup_epochs=1),
        epochs=20,
        patience=6,
        monitor="val_auroc",
    )

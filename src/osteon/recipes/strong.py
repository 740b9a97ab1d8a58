"""Frozen ImageNet features read cell by cell, with the fracture boxes as supervision."""

from __future__ import annotations

from osteon.backbones.cells import Cells
from osteon.recipes import RECIPES
from osteon.types import Optimiser, PixelRules, Recipe


@RECIPES.register("strong")
def strong() -> Recipe:
    """osteon run DATA --recipe strong

    EfficientNet-Lite0 frozen, at 512 px: the linear probe's head and, on each of 32 x 32 cells, a
    small one that fracture boxes teach where the data have them; films score by their strongest
    cells. Chosen by grouped cross-validation on FracAtlas (docs/experiments.md).
    Expected: FracAtlas test AUROC 0.935 [0.901, 0.963] (483 films, 468 groups, seed 0), and 0.029
    [0.007, 0.050] above linear-probe; grouped folds of the train part 0.898 [0.879, 0.916]
    Hardware: any CPU; 0.5 MB of disk for each film, in the cache
    Time: 60 ms of CPU a film for the maps, kept in the cache, and for 2,252 films
    10 CPU seconds an epoch
    """
    return Recipe(
        name="strong",
        backbone=Cells(),
        pixels=PixelRules(size_px=512),
        optimiser=Optimiser(lr=2e-3, weight_decay=2e-2, warmup_epochs=1),
        epochs=6,
        patience=6,
        monitor="val_auroc",
        balance="none",
    )

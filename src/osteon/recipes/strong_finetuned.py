"""As strong, but the upper stages of the network learn as well."""

from __future__ import annotations

from osteon.backbones.tuned_cells import TunedCells
from osteon.recipes import RECIPES
from osteon.types import Augment, Optimiser, PixelRules, Recipe


@RECIPES.register("strong-finetuned")
def strong_finetuned() -> Recipe:
    """osteon run DATA --recipe strong-finetuned

    EfficientNet-Lite0 at 512 px, its lower stages frozen and computed once, its upper three
    fine-tuned with a head on each of 32 x 32 cells that fracture boxes teach where the data have
    them; films score by their strongest cells, and are mirrored at random. Chosen by grouped
    cross-validation on FracAtlas (docs/experiments.md).
    Expected: FracAtlas test AUROC 0.949 [0.924, 0.969] (483 films each, mean of three seeds of
    the split), 0.020 [0.005, 0.035] above strong; three grouped folds of the train part
    0.026 [0.011, 0.044] above it
    Hardware: any CPU; 0.5 MB of disk for each film, in the cache
    Time: 35 ms of CPU a film for the maps, kept in the cache, and for 2,252 films
    5 CPU minutes an epoch
    """
    return Recipe(
        name="strong-finetuned",
        backbone=TunedCells(),
        pixels=PixelRules(size_px=512),
        augment=Augment(flip=0.5),
        optimiser=Optimiser(lr=2e-3, weight_decay=2e-2, warmup_epochs=1),
        epochs=5,
        patience=5,
        monitor="val_auroc",
        balance="none",
    )

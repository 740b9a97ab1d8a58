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
    Expected: TO COME
    Hardware: any CPU; 0.5 MB of disk for each film, in the cache
    Time: TO COME
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

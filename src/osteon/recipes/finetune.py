"""A pre-trained network, all of it trained on."""

from __future__ import annotations

from osteon.backbones.timm_model import TimmModel
from osteon.recipes import RECIPES
from osteon.types import Augment, Optimiser, PixelRules, Recipe


@RECIPES.register("finetune")
def finetune() -> Recipe:
    """osteon run DATA --recipe finetune

    EfficientNet-Lite0 from ImageNet, every layer trained on at 224 px with augmentation.
    Expected: FracAtlas test AUROC 0.843 [0.795, 0.886] (483 films, 473 groups, seed 0; 80 % of the
    data set at 512 px; an older split than the other recipes'): four epochs are few
    Hardware: a GPU, or patience: 10 to 16 films a second on two CPU cores
    Time: 16 minutes for 3,265 films on two busy cores
    """
    return Recipe(
        name="finetune",
        backbone=TimmModel(dropout=0.2),
        pixels=PixelRules(size_px=224),
        augment=Augment(
            rotate_deg=10, flip=0.5, scale=0.1, shift=0.05, brightness=0.1, contrast=0.2
        ),
        optimiser=Optimiser(lr=3e-4, weight_decay=1e-2, warmup_epochs=1),
        epochs=4,
        patience=2,
        batch_size=16,
        monitor="val_auroc",
    )

"""Frozen ImageNet features and a linear head."""

from __future__ import annotations

from osteon.backbones.linear_probe import LinearProbe
from osteon.recipes import RECIPES
from osteon.types import PixelRules, Recipe, RegularisationPath


@RECIPES.register("linear-probe")
def linear_probe() -> Recipe:
    """osteon run DATA --recipe linear-probe

    Frozen EfficientNet-Lite0 features at 384 px and a regularised linear head: the default, since
    it is quick, has one thing to choose, and is hard to beat with few films.
    Expected: not measured yet
    Hardware: any CPU; no GPU needed
    Time: not measured yet
    """
    return Recipe(
        name="linear-probe",
        backbone=LinearProbe(),
        pixels=PixelRules(size_px=384),
        optimiser=RegularisationPath(),
        epochs=5,
        patience=5,
        monitor="val_auroc",
        balance="none",
    )

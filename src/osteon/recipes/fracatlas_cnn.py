"""A network with dropout and spatial dropout, meant for films unlike those of its training."""

from __future__ import annotations

from osteon.backbones.cnn import Cnn
from osteon.publications import PUBLICATIONS, Publication
from osteon.recipes import RECIPES
from osteon.types import Augment, Optimiser, PixelRules, Recipe


@RECIPES.register("fracatlas-cnn")
def fracatlas_cnn() -> Recipe:
    """osteon run DATA --recipe fracatlas-cnn

    Four blocks with dropout and spatial dropout, trained with rotation, flip, scale, brightness and
    contrast, to hold on films of another exposure, positioning, machine or kind of fracture.
    Expected: AUROC 0.71 [0.65, 0.78] on FracAtlas, grouped test, 3 seeds; nothing was published
    Hardware: any CPU; no GPU needed
    Time: 7 to 8 minutes of one CPU core a training, bfloat16
    """
    return Recipe(
        name="fracatlas-cnn",
        backbone=Cnn(
            channels=(16, 32, 64, 128),
            spatial_dropout=0.1,
            head="average",
            dense=(128,),
            dropout=0.5,
            init="kaiming",
        ),
        pixels=PixelRules(size_px=160),
        augment=Augment(rotate_deg=15, flip=0.5, scale=0.15, brightness=0.15, contrast=0.3),
        optimiser=Optimiser(name="adam", lr=1e-3, weight_decay=0.0, schedule="cosine"),
        balance="weights",
        batch_size=32,
        epochs=25,
        patience=25,
        monitor="val_auroc",
    )


@PUBLICATIONS.register("fracatlas-cnn")
def publication() -> Publication:
    return Publication(
        recipe=fracatlas_cnn(),
        films="FracAtlas",
        shares=(0.70, 0.15, 0.15),
        judged_on="test",
        slices=("exposure", "positioning", "machine", "kind"),
        assumptions=(
            "films of 160 px, 16-32-64-128 channels, Adam 1e-3, batches of 32, 25 epochs: not told",
            "how strong the augmentation and the dropouts are is not told",
        ),
    )

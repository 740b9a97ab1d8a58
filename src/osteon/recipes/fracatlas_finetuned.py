"""ResNet and DenseNet from ImageNet, fine-tuned on FracAtlas, then tuned by a Bayesian search."""

from __future__ import annotations

from osteon.backbones.timm_model import TimmModel
from osteon.publications import PUBLICATIONS, Figure, Publication, PublishedSearch
from osteon.recipes import RECIPES
from osteon.space import Choices, Range
from osteon.types import Optimiser, PixelRules, Recipe

SEARCH = PublishedSearch(
    sampler="tpe",
    trials=15,
    space={
        "optimiser.lr": Range(low=1e-4, high=1e-2, log=True),
        "batch_size": Choices(values=(32, 64)),
        "epochs": Range(low=2, high=3, whole=True),
        "optimiser.name": Choices(values=("sgd", "adam")),
        "optimiser.weight_decay": Range(low=1e-4, high=5e-3),
        "backbone.dropout": Choices(values=(0.1, 0.3, 0.5)),
    },
)
ASSUMPTIONS = ("before the search: Adam 1e-3, batches of 32, 3 epochs, no dropout",)


def _finetuned(name: str, model: str) -> Recipe:
    return Recipe(
        name=name,
        backbone=TimmModel(model=model),
        pixels=PixelRules(size_px=224, fit="resize_crop", resize_px=256),
        optimiser=Optimiser(name="adam", lr=1e-3, weight_decay=1e-4, schedule="constant"),
        balance="none",
        batch_size=32,
        epochs=3,
        patience=3,
        monitor="val_accuracy",
    )


@RECIPES.register("fracatlas-resnet")
def fracatlas_resnet() -> Recipe:
    """osteon run DATA --recipe fracatlas-resnet

    ResNet-18 from ImageNet, fine-tuned for three epochs at 224 px: a published system, re-done.
    Expected: accuracy 83.2 [80.5, 85.8] % from scratch, grouped test; published 82.54 % on val
    Hardware: a GPU, or patience: about 11 films a second on two CPU cores
    Time: 1 to 4 minutes an epoch of FracAtlas on one CPU core, bfloat16
    """
    return _finetuned("fracatlas-resnet", "resnet18")


@RECIPES.register("fracatlas-densenet")
def fracatlas_densenet() -> Recipe:
    """osteon run DATA --recipe fracatlas-densenet

    DenseNet-121 from ImageNet, fine-tuned for three epochs at 224 px: a published system, re-done.
    Expected: accuracy 83.5 [79.6, 87.4] % from scratch, 3 seeds; published 86.30 % on validation
    Hardware: a GPU, or patience: about 4 films a second on two CPU cores
    Time: 5 minutes an epoch of FracAtlas on one CPU core, bfloat16
    """
    return _finetuned("fracatlas-densenet", "densenet121")


@PUBLICATIONS.register("fracatlas-resnet")
def resnet_publication() -> Publication:
    return Publication(
        recipe=fracatlas_resnet(),
        films="FracAtlas",
        shares=(0.70, 0.15, 0.15),
        judged_on="val",
        figures=(Figure(metric="accuracy", part="val", value=0.8254, decimals=2),),
        search=SEARCH,
        assumptions=(*ASSUMPTIONS, "which ResNet is not told: ResNet-18"),
    )


@PUBLICATIONS.register("fracatlas-densenet")
def densenet_publication() -> Publication:
    return Publication(
        recipe=fracatlas_densenet(),
        films="FracAtlas",
        shares=(0.70, 0.15, 0.15),
        judged_on="test",
        figures=(
            Figure(metric="accuracy", part="val", value=0.8630, decimals=2),
            Figure(
                metric="accuracy", part="val", value=0.8611, decimals=2, n=613, after_search=True
            ),
            Figure(
                metric="accuracy", part="test", value=0.8515, decimals=2, n=613, after_search=True
            ),
        ),
        search=SEARCH,
        assumptions=(*ASSUMPTIONS, "which DenseNet is not told: DenseNet-121"),
    )

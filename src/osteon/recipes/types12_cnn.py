"""Twelve types of fracture by a small network, its hyper-parameters by a grid."""

from __future__ import annotations

from osteon.backbones.cnn import Cnn
from osteon.publications import PUBLICATIONS, Figure, Publication, PublishedSearch
from osteon.recipes import RECIPES
from osteon.space import Choices
from osteon.types import Augment, Optimiser, PixelRules, Recipe


@RECIPES.register("types12-cnn")
def types12_cnn() -> Recipe:
    """osteon run DATA --recipe types12-cnn

    Three blocks of convolution and max-pooling, batch norm, one dense layer: a published network
    for the twelve types of fracture of Bone Break, re-done.
    Expected: Bone Break, 12 classes, grouped test accuracy 0.193 [0.109, 0.283], AUROC 0.591
    [0.559, 0.620] (195 films, three seeds); published accuracy 35.9 %; see docs/reproductions.md
    Hardware: any CPU; no GPU needed
    Time: 2 minutes for 20 epochs of 900 films on one core with --set precision=bfloat16
    """
    return Recipe(
        name="types12-cnn",
        backbone=Cnn(
            channels=(32, 64, 128),
            batch_norm="end",
            activation="relu",
            head="flatten",
            input_px=128,
            dense=(128,),
            dropout=0.5,
            init="glorot",
        ),
        pixels=PixelRules(size_px=128),
        augment=Augment(flip=0.5),
        optimiser=Optimiser(name="adam", lr=1e-4, weight_decay=0.0, schedule="constant"),
        balance="none",
        batch_size=32,
        epochs=20,
        patience=20,
        monitor="val_accuracy",
    )


@PUBLICATIONS.register("types12-cnn")
def publication() -> Publication:
    return Publication(
        recipe=types12_cnn(),
        films="Bone Break, 12 classes",
        n_classes=12,
        shares=(0.7225, 0.1275, 0.15),
        judged_on="test",
        honest=(0.7225, 0.1275, 0.15),
        figures=(
            Figure(metric="accuracy", part="train", value=0.901, decimals=1, after_search=True),
            Figure(metric="accuracy", part="val", value=0.417, decimals=1, after_search=True),
            Figure(metric="accuracy", part="test", value=0.359, decimals=1, after_search=True),
        ),
        search=PublishedSearch(
            sampler="grid",
            space={
                "optimiser.lr": Choices(values=(1e-3, 1e-4, 1e-5)),
                "backbone.dense": Choices(values=(64, 128, 256)),
                "backbone.dropout": Choices(values=(0.2, 0.35, 0.5)),
            },
        ),
        assumptions=(
            "films of 128 px, 32-64-128 channels, Adam, batches of 32, 20 epochs: not told",
            "15 % of all films are the test part, 15 % of the others validation",
            "the grid's values are not told: three of each",
        ),
    )

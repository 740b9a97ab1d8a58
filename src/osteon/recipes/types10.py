"""Ten types of fracture by a multi-layer perceptron and by a small network."""

from __future__ import annotations

from osteon.backbones.cnn import Cnn
from osteon.backbones.mlp import Mlp
from osteon.publications import PUBLICATIONS, Figure, Publication
from osteon.recipes import RECIPES
from osteon.types import Backbone, Optimiser, PixelRules, Recipe


def _types10(name: str, backbone: Backbone, epochs: int) -> Recipe:
    return Recipe(
        name=name,
        backbone=backbone,
        pixels=PixelRules(size_px=256),
        optimiser=Optimiser(name="adam", lr=5e-4, weight_decay=0.0, schedule="constant"),
        balance="none",
        batch_size=32,
        epochs=epochs,
        patience=epochs,
        monitor="val_loss",
    )


@RECIPES.register("types10-mlp")
def types10_mlp() -> Recipe:
    """osteon run DATA --recipe types10-mlp

    Five dense layers on the bare pixels at 256 px: a published perceptron for the ten types of
    fracture of Bone Break, re-done.
    Expected: Bone Break, 10 classes, grouped test accuracy 0.129 [0.089, 0.173], AUROC 0.571
    [0.529, 0.610] (116 films, three seeds), no more than file metadata alone
    Hardware: any CPU; no GPU needed
    Time: 1 minute for 900 films on two cores
    """
    perceptron = Mlp(input_px=256, widths=(300, 250, 200, 150, 100), init="glorot")
    return _types10("types10-mlp", perceptron, 16)


@RECIPES.register("types10-cnn")
def types10_cnn() -> Recipe:
    """osteon run DATA --recipe types10-cnn

    Four strided convolutions and a dense layer at 256 px: a published network for the ten types of
    fracture of Bone Break, re-done.
    Expected: Bone Break, 10 classes, grouped test accuracy 0.175 [0.007, 0.331], AUROC 0.608
    [0.489, 0.724] (116 films, three seeds); published accuracy 89.34 % of 110, which cannot be
    Hardware: any CPU; no GPU needed
    Time: 2 to 4 minutes for 900 films on two cores
    """
    network = Cnn(
        channels=(32, 64, 128, 256),
        stride=2,
        pool="none",
        activation="leaky_relu",
        block_dropout=0.2,
        head="flatten",
        input_px=256,
        dense=(100,),
        dropout=0.0,
        init="glorot",
    )
    return _types10("types10-cnn", network, 10)


def _publication(recipe: Recipe, figures: tuple[Figure, ...]) -> Publication:
    return Publication(
        recipe=recipe,
        films="Bone Break Classification, 10 classes",
        n_classes=10,
        shares=(0.90, 0.10, 0.0),
        judged_on="val",
        honest=(0.80, 0.10, 0.10),
        figures=figures,
        assumptions=(
            "90/10 of all films; the best epoch on those 10 % is the figure told",
            "batches of 32; LeakyReLU with slope 0.01",
        ),
    )


@PUBLICATIONS.register("types10-mlp")
def mlp_publication() -> Publication:
    return _publication(types10_mlp(), ())


@PUBLICATIONS.register("types10-cnn")
def cnn_publication() -> Publication:
    figure = Figure(metric="accuracy", part="val", value=0.8934, decimals=2, n=110)
    return _publication(types10_cnn(), (figure,))

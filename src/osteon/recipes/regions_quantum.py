"""Quantum circuits on films of many regions, from scratch and on frozen features."""

from __future__ import annotations

from dataclasses import replace

from osteon.backbones.quantum import Quantum, QuantumTransfer
from osteon.publications import PUBLICATIONS, Publication
from osteon.recipes import RECIPES
from osteon.types import Augment, Optimiser, PixelRules, Recipe

ANNOUNCED = "announced by the author of regions-cnn without a description: all of it is ours"


@RECIPES.register("regions-quantum")
def regions_quantum() -> Recipe:
    """osteon run DATA --recipe regions-quantum

    A small convolutional front, six qubits in three strongly entangling layers, a linear read-out:
    whether the circuit earns anything is asked by osteon reproduce, against a classical control.
    Expected: multi-region, grouped test AUROC 0.782 [0.523, 1.000] (1,585 films, three seeds,
    103 groups in all), not shown to be above file metadata alone; its control 0.835
    Hardware: any CPU; needs pip install "osteon[quantum]"
    Time: 3 minutes for 7,400 films on one core
    """
    return Recipe(
        name="regions-quantum",
        backbone=Quantum(),
        pixels=PixelRules(size_px=64),
        augment=Augment(rotate_deg=15, flip=0.5, scale=0.1),
        optimiser=Optimiser(name="adam", lr=3e-3, weight_decay=0.0, schedule="cosine"),
        balance="none",
        batch_size=64,
        epochs=15,
        patience=15,
        monitor="val_auroc",
    )


@RECIPES.register("regions-quantum-transfer")
def regions_quantum_transfer() -> Recipe:
    """osteon run DATA --recipe regions-quantum-transfer

    Frozen EfficientNet-Lite0 features, linear to six qubits, a circuit, linear: transfer learning
    with a quantum head, against a classical control by osteon reproduce.
    Expected: multi-region, grouped test AUROC 0.808 [0.654, 0.954], accuracy 0.702 [0.522, 0.875]
    (1,585 films, three seeds); 0.989 on the shipped split, which leaks; its control AUROC 0.864
    Hardware: any CPU; needs pip install "osteon[quantum]"
    Time: 2 minutes for 7,400 films on one core, once the features are cached
    """
    return Recipe(
        name="regions-quantum-transfer",
        backbone=QuantumTransfer(),
        pixels=PixelRules(size_px=224),
        optimiser=Optimiser(name="adam", lr=1e-3, weight_decay=1e-4, schedule="cosine"),
        balance="none",
        batch_size=64,
        epochs=20,
        patience=20,
        monitor="val_auroc",
    )


def controlled(recipe: Recipe, backbone: Quantum | QuantumTransfer) -> Recipe:
    return replace(recipe, name=f"{recipe.name}-control", backbone=backbone)


@PUBLICATIONS.register("regions-quantum")
def publication() -> Publication:
    recipe = regions_quantum()
    return Publication(
        recipe=recipe,
        films="Fracture Multi-Region X-ray Data",
        shares=None,
        judged_on="test",
        control=controlled(recipe, Quantum(middle="classical")),
        assumptions=(ANNOUNCED,),
    )


@PUBLICATIONS.register("regions-quantum-transfer")
def transfer_publication() -> Publication:
    recipe = regions_quantum_transfer()
    return Publication(
        recipe=recipe,
        films="Fracture Multi-Region X-ray Data",
        shares=None,
        judged_on="test",
        control=controlled(recipe, QuantumTransfer(middle="classical")),
        assumptions=(ANNOUNCED,),
    )

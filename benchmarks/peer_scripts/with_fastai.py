"""fastai: ``vision_learner`` on the timm network, ``fine_tune`` (one-cycle, first the head alone).

Its defaults throughout: concatenated pooling, discriminative learning rates, ``aug_transforms``.
The epoch of the best validation AUROC is kept by its own callback.
"""

from __future__ import annotations

from benchmarks.peer_scripts.common import NETWORK, told, write_scores, write_told

from osteon.torchvision_shim import make_torchvision_importable


def main() -> None:
    make_torchvision_importable()
    from fastai.vision.all import (  # type: ignore[import-not-found]
        ImageDataLoaders,
        Resize,
        RocAucBinary,
        SaveModelCallback,
        aug_transforms,
        set_seed,
        vision_learner,
    )

    given = told()
    set_seed(given.seed)
    films = ImageDataLoaders.from_folder(
        given.films,
        train="train",
        valid="val",
        item_tfms=Resize(given.size_px),
        batch_tfms=aug_transforms(),
        bs=32,
        num_workers=0,
    )
    learner = vision_learner(
        films,
        NETWORK,
        metrics=RocAucBinary(),
        path=given.out,
        pretrained_cfg_overlay={"file": str(given.weights / "model.safetensors")},
    )
    head_alone, all_layers = given.epochs
    with learner.no_bar():
        learner.fine_tune(
            all_layers,
            freeze_epochs=head_alone,
            cbs=SaveModelCallback(monitor="roc_auc_score"),
        )
    history = [float(row[2]) for row in learner.recorder.values]
    positive = list(films.vocab).index(given.positive)  # fastai sorts the classes
    for part in ("val", "test"):
        unlabelled = films.test_dl(given.part(part), num_workers=0)
        with learner.no_bar():
            scores, _ = learner.get_preds(dl=unlabelled)
        write_scores(given, part, scores[:, positive].tolist())
    write_told(given, ("fastai", "timm", "torch"), val_auroc=history)


if __name__ == "__main__":
    main()

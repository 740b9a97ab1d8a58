"""AutoGluon MultiModal, image classification: ``fit`` at its default preset, the network local.

Its own augmentation, optimiser, layer-wise learning rates, checks twice an epoch, and the average
of its best checkpoints by validation AUROC. Its default network cannot be had without a model hub.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.peer_scripts.common import told, write_scores, write_told

from osteon.torchvision_shim import make_torchvision_importable


def main() -> None:
    make_torchvision_importable()
    import pandas as pd  # type: ignore[import-untyped]
    from autogluon.multimodal import MultiModalPredictor  # type: ignore[import-not-found]

    given = told()

    def table(paths: list[Path], *, labelled: bool = True) -> Any:
        cells: dict[str, list[Any]] = {"image": [str(path) for path in paths]}
        if labelled:
            cells["label"] = [int(path.parent.name == given.positive) for path in paths]
        return pd.DataFrame(cells)

    (epochs,) = given.epochs
    predictor = MultiModalPredictor(
        label="label",
        problem_type="binary",
        eval_metric="roc_auc",
        path=str(given.out / "predictor"),
        verbosity=1,
    )
    predictor.fit(
        train_data=table(given.part("train")),
        tuning_data=table(given.part("val")),
        seed=given.seed,
        hyperparameters={
            "model.names": ["timm_image"],
            "model.timm_image.checkpoint_name": str(given.weights),
            "model.timm_image.image_size": given.size_px,
            "optim.max_epochs": epochs,
            "env.num_gpus": 0,
            "env.num_workers": 0,
            "env.num_workers_inference": 0,
            "env.batch_size": 32,  # of 128: few epochs would be few steps
            "env.per_gpu_batch_size": 8,
        },
    )
    for part in ("val", "test"):
        scores = predictor.predict_proba(table(given.part(part), labelled=False), as_pandas=False)
        write_scores(given, part, scores[:, 1].tolist())
    write_told(given, ("autogluon.multimodal", "timm", "torch"))


if __name__ == "__main__":
    main()

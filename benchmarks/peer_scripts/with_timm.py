"""timm, as its documentation fine-tunes: its transforms, optimiser and schedule, a loop of torch.

All layers are trained on; the epoch of the best validation AUROC is kept. Random crops hold at
least half of a film and none is cut in scoring (timm's defaults are 8 % and 12.5 % off: a fracture
would be lost).
"""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import torch
from benchmarks.peer_scripts.common import NETWORK, Told, told, write_scores, write_told

from osteon.torchvision_shim import make_torchvision_importable

LR, WEIGHT_DECAY, BATCH = 5e-4, 0.05, 32


def main() -> None:
    given = told()
    torch.manual_seed(given.seed)
    np.random.seed(given.seed)
    net, train_way, score_way = network(given)
    history = trained(net, given, train_way, score_way)
    for part in ("val", "test"):
        write_scores(given, part, scores(net, given, part, score_way))
    write_told(given, ("timm", "torch"), val_auroc=history)


def network(given: Told) -> tuple[torch.nn.Module, Any, Any]:
    """With its transforms in training and in scoring."""
    make_torchvision_importable()
    import timm
    from timm.data import create_transform, resolve_model_data_config

    net = timm.create_model(
        NETWORK,
        pretrained=True,
        num_classes=2,
        drop_rate=0.2,
        pretrained_cfg_overlay={"file": str(given.weights / "model.safetensors")},
    ).to(memory_format=torch.channels_last)
    config = resolve_model_data_config(net)
    config["input_size"] = (3, given.size_px, given.size_px)
    train_way = create_transform(**config, is_training=True, scale=(0.5, 1.0))
    return net, train_way, create_transform(**{**config, "crop_pct": 1.0})


def trained(net: torch.nn.Module, given: Told, train_way: Any, score_way: Any) -> list[float]:
    """Leaves the best epoch in ``net``; returns the validation AUROC of each."""
    from sklearn.metrics import roc_auc_score
    from timm.data import ImageDataset
    from timm.optim import create_optimizer_v2
    from timm.scheduler import create_scheduler_v2
    from torch.utils.data import DataLoader

    class_map = {name: at for at, name in enumerate(given.classes)}
    films = ImageDataset(str(given.films / "train"), class_map=class_map, transform=train_way)
    loader: Any = DataLoader(films, batch_size=BATCH, shuffle=True, drop_last=True)
    optimiser = create_optimizer_v2(net, opt="adamw", lr=LR, weight_decay=WEIGHT_DECAY)
    schedule, epochs = create_scheduler_v2(
        optimiser,
        sched="cosine",
        num_epochs=given.epochs[0],
        warmup_epochs=0,
        step_on_epochs=False,
        updates_per_epoch=len(loader),
    )
    truth = [path.parent.name == given.positive for path in given.part("val")]
    best, kept, history, updates = -1.0, net.state_dict(), [], 0
    for _ in range(epochs):
        net.train()
        for batch, labels in loader:
            optimiser.zero_grad()
            logits = net(batch.to(memory_format=torch.channels_last))
            loss = torch.nn.functional.cross_entropy(logits, labels)
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            updates += 1
            schedule.step_update(updates)
        auroc = float(roc_auc_score(truth, scores(net, given, "val", score_way)))
        history.append(auroc)
        if auroc > best:
            best, kept = auroc, copy.deepcopy(net.state_dict())
    net.load_state_dict(kept)
    return history


@torch.inference_mode()
def scores(net: torch.nn.Module, given: Told, part: str, way: Any) -> list[float]:
    from PIL import Image

    def film(path: Path) -> torch.Tensor:
        tensor: torch.Tensor = way(Image.open(path).convert("RGB"))
        return tensor

    net.eval()
    found: list[float] = []
    paths = given.part(part)
    for at in range(0, len(paths), BATCH):
        batch = torch.stack([film(path) for path in paths[at : at + BATCH]])
        logits = net(batch.to(memory_format=torch.channels_last))
        found += logits.softmax(1)[:, 1].tolist()
    return found


if __name__ == "__main__":
    main()

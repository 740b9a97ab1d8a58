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
    make_torchvision_importable()
    import timm
    from sklearn.metrics import roc_auc_score
    from timm.data import ImageDataset, create_transform, resolve_model_data_config
    from timm.optim import create_optimizer_v2
    from timm.scheduler import create_scheduler_v2
    from torch.utils.data import DataLoader

    given = told()
    torch.manual_seed(given.seed)
    np.random.seed(given.seed)
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
    score_way = create_transform(**{**config, "crop_pct": 1.0})
    class_map = {name: at for at, name in enumerate(given.classes)}
    films = ImageDataset(str(given.films / "train"), class_map=class_map, transform=train_way)
    loader: Any = DataLoader(films, batch_size=BATCH, shuffle=True, drop_last=True)

    (epochs,) = given.epochs
    optimiser = create_optimizer_v2(net, opt="adamw", lr=LR, weight_decay=WEIGHT_DECAY)
    schedule, epochs = create_scheduler_v2(
        optimiser,
        sched="cosine",
        num_epochs=epochs,
        warmup_epochs=0,
        step_on_epochs=False,
        updates_per_epoch=len(loader),
    )
    loss_of = torch.nn.CrossEntropyLoss()
    truth = [path.parent.name == given.positive for path in given.part("val")]
    best, kept, history, updates = -1.0, net.state_dict(), [], 0
    for _ in range(epochs):
        net.train()
        for films_, labels in loader:
            optimiser.zero_grad()
            loss_of(net(films_.to(memory_format=torch.channels_last)), labels).backward()
            optimiser.step()
            updates += 1
            schedule.step_update(updates)
        auroc = float(roc_auc_score(truth, scores(net, given, "val", score_way)))
        history.append(auroc)
        if auroc > best:
            best, kept = auroc, copy.deepcopy(net.state_dict())
    net.load_state_dict(kept)
    for part in ("val", "test"):
        write_scores(given, part, scores(net, given, part, score_way))
    write_told(given, ("timm", "torch"), val_auroc=history)


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

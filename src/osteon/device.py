"""Where networks run: one GPU of NVIDIA's, or else the CPU."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import torch

if TYPE_CHECKING:
    from lightning_fabric import Fabric


def device_at_hand() -> torch.device:
    """Float32 is made to be float32 there: cuDNN would round convolutions to 10 bits (TF32), and
    scores, thresholds and exports made on a GPU would not be those of a CPU."""
    if not torch.cuda.is_available():
        return torch.device("cpu")
    torch.backends.cudnn.allow_tf32 = False
    return torch.device("cuda")


def fabric_at_hand(precision: Literal["32-true", "bf16-mixed"]) -> Fabric:
    """One device and one process, whatever a cluster's scheduler says of others."""
    from lightning_fabric import Fabric
    from lightning_fabric.plugins.environments.lightning import LightningEnvironment

    return Fabric(
        accelerator=device_at_hand().type,
        devices=1,
        precision=precision,
        plugins=[LightningEnvironment()],
    )

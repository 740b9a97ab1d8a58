"""The contract of a backbone: a frozen dataclass of plain values that builds a network."""

from __future__ import annotations

import json
from dataclasses import fields

import torch

from osteon.types import Backbone


def check_backbone(backbone: Backbone, *, size_px: int = 224) -> None:
    """Raise AssertionError unless the backbone keeps its contract.

    Films (N, 1, S, S) in [0, 1] give finite logits (N, C) for any number of classes; one film's
    answer does not depend on the others of its batch; every field can be written as JSON.
    """
    for field in fields(backbone):  # type: ignore[arg-type]
        json.dumps(getattr(backbone, field.name))
    films = torch.rand(3, 1, size_px, size_px, generator=torch.Generator().manual_seed(0))
    for n_classes in (2, 5):
        net = backbone.build(n_classes).eval()
        with torch.inference_mode():
            logits, alone = net(films), net(films[1:2])
        assert logits.shape == (3, n_classes)
        assert torch.isfinite(logits).all()
        torch.testing.assert_close(logits[1:2], alone, atol=1e-4, rtol=1e-4)

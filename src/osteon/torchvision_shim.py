"""Lets timm import torchvision where torchvision's compiled operators do not load.

The wheel of torchvision in the registry is built for CUDA. With a CPU-only torch its library
cannot be loaded, and its import then fails with "operator torchvision::nms does not exist",
although timm uses none of those operators. Declaring their schemas before the import is enough.
"""

from __future__ import annotations

import importlib.util
from functools import cache
from pathlib import Path
from typing import Any

SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)
_declared: list[Any] = []  # a library's declarations last as long as the object


@cache
def make_torchvision_importable() -> None:
    """Declare the missing operators; does nothing where the native ones load."""
    import torch

    spec = importlib.util.find_spec("torchvision")
    if spec is None or spec.origin is None:
        return
    for library in Path(spec.origin).parent.glob("_C*"):
        try:
            torch.ops.load_library(library)  # type: ignore[no-untyped-call]
        except OSError:
            continue
        return
    declared: Any = torch.library.Library("torchvision", "FRAGMENT")  # type: ignore[no-untyped-call]
    for schema in SCHEMAS:
        declared.define(schema)
    _declared.append(declared)

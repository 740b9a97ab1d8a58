"""ONNX Runtime (extra ``export``, MIT), imported without what its import does besides."""

from __future__ import annotations

import os
from importlib import import_module
from types import ModuleType


def load_onnxruntime() -> ModuleType:
    """The package ``onnxruntime``; nothing else of osteon imports it first.

    Raises ImportError where it is not installed.
    """
    # Told of after its import it has written a number of this machine to the home folder already,
    # and would send usage figures over the network.
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    return import_module("onnxruntime")

"""OpenVINO (extra ``fast``, Apache-2.0), imported without what its import does besides."""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType


def load_openvino() -> ModuleType:
    """The package ``openvino``; nothing else of osteon imports it first.

    Raises ImportError where it is not installed.
    """
    # Its import would send usage figures over the network, from a forked process. Where they cannot
    # be imported it has a stand-in that sends nothing.
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    openvino = import_module("openvino")
    # A table that is filled on its first use: two threads that came to it at once would wait for
    # each other for ever.
    openvino.Type.f32.to_dtype()
    return openvino

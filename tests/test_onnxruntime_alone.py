"""ONNX Runtime's import and use leave nothing behind and tell nobody."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import osteon

pytest.importorskip("onnxruntime")

USED = """
import onnx
from onnx import TensorProto as T, helper as h
from osteon.onnxruntime_alone import load_onnxruntime
onnxruntime = load_onnxruntime()
film = [h.make_tensor_value_info(name, T.FLOAT, [1]) for name in "ab"]
graph = h.make_graph([h.make_node("Relu", ["a"], ["b"])], "g", film[:1], film[1:])
model = h.make_model(graph, opset_imports=[h.make_opsetid("", 13)], ir_version=8)
made = model.SerializeToString()
session = onnxruntime.InferenceSession(made, providers=["CPUExecutionProvider"])
print(session.run(None, {"a": __import__("numpy").array([-1.0], "f")})[0].tolist())
"""


def test_no_number_of_this_machine_is_made_to_send(tmp_path: Path) -> None:
    """With its telemetry on, ONNX Runtime 1.31 keeps a device id and a queue of events there."""
    there = {"HOME": str(tmp_path), "PATH": "", "PYTHONPATH": ":".join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", USED], env=there, capture_output=True, text=True, check=True,
        timeout=120,
    )  # fmt: skip
    assert done.stdout.strip() == "[0.0]"
    assert [str(path) for path in tmp_path.rglob("*")] == []


def test_nothing_else_imports_it() -> None:
    told = re.compile(r"^\s*import onnxruntime|import_module\(.onnxruntime", re.MULTILINE)
    sources = Path(osteon.__file__).parent.rglob("*.py")
    assert [p.name for p in sources if told.search(p.read_text())] == ["onnxruntime_alone.py"]

"""OpenVINO's import tells nobody of itself, and two threads may begin at once."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytest.importorskip("openvino")

TOLD = """
import sys
from osteon.openvino_alone import load_openvino
load_openvino()
from openvino.tools.ovc import telemetry_utils
print(sys.modules["openvino_telemetry"], telemetry_utils.tm.__name__)
"""
AT_ONCE = """
import threading, numpy as np
from osteon.openvino_alone import load_openvino
openvino = load_openvino()
begin = threading.Barrier(8)
def tables():
    begin.wait()
    for _ in range(50):
        openvino.Type.f32.to_dtype()
threads = [threading.Thread(target=tables) for _ in range(8)]
for each in threads:
    each.start()
for each in threads:
    each.join()
print("all came back")
"""


def said(program: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=120
    )
    return done.stdout.strip()


def test_nothing_is_sent_when_it_is_imported() -> None:
    assert said(TOLD) == "None openvino.tools.ovc.telemetry_stub"


def test_threads_that_begin_at_once_come_back() -> None:
    assert said(AT_ONCE) == "all came back"

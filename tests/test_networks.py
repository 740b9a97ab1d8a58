"""Modules of our own: what they do that torch's do not."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from torch import nn

from osteon.networks import Linear

FATAL = """
import torch
from osteon.backbones.{0} import {1}
net = {1}({2}).build(2)
film = torch.rand(1, 1, 256, 256).expand(24, -1, -1, -1)
with torch.autocast("cpu", torch.bfloat16):
    logits = net.train()(film + torch.rand(24, 1, 1, 1))
logits.float().sum().backward()
print(tuple(logits.shape), logits.isfinite().all().item())
"""


@pytest.mark.parametrize(
    "network",
    [
        ("mlp", "Mlp", "input_px=256"),
        ("cnn", "Cnn", 'channels=(8, 16, 32, 256), stride=2, pool="none", head="flatten", '
         "input_px=256, dense=(100,)"),
    ],
)  # fmt: skip
def test_24_films_of_65536_values_do_not_end_the_process(network: tuple[str, str, str]) -> None:
    """In bfloat16 oneDNN 3.12 divides by zero there, where the processor has AMX."""
    done = subprocess.run(
        [sys.executable, "-c", FATAL.format(*network)], capture_output=True, text=True, timeout=120,
        check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout.strip()) == (0, "(24, 2) True"), done.stderr


def test_halves_of_a_batch_give_what_the_whole_gives() -> None:
    torch.manual_seed(0)
    ours, films = Linear(65_536, 3), torch.randn(24, 65_536)
    with torch.autocast("cpu", torch.bfloat16):
        halved = ours(films).float()
    assert torch.allclose(halved, ours(films), atol=0.05)
    assert isinstance(ours, nn.Linear)  # what initialises and counts layers knows it

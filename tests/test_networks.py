"""Modules of our own: what they do that torch's do not."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from torch import nn

from osteon.networks import Dropout, Flatten, Linear

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


@pytest.mark.parametrize("p", [0.2, 0.5])
@pytest.mark.parametrize("shape", [(7, 5, 12, 12), (64, 99)])
def test_dropout_drops_its_share_and_scales_the_rest(p: float, shape: tuple[int, ...]) -> None:
    torch.manual_seed(3)
    values = torch.ones(shape)
    if len(shape) == 4:
        values = values.contiguous(memory_format=torch.channels_last)
    values.requires_grad_()
    dropped = Dropout(p)(values)
    kept = dropped.detach() != 0
    share = float(kept.float().mean())
    spread = (p * (1 - p) / values.numel()) ** 0.5
    assert abs(share - (1 - p)) < 4 * spread
    assert torch.allclose(dropped[kept], torch.tensor(1 / (1 - p)))
    assert dropped.stride() == values.stride()
    dropped.sum().backward()
    assert values.grad is not None
    assert torch.equal(values.grad, dropped.detach())  # the same are dropped on the way back
    torch.manual_seed(3)
    assert torch.equal(Dropout(p)(values), dropped)
    assert not torch.equal(Dropout(p)(values), dropped)


def test_dropout_decides_for_each_value_by_itself() -> None:
    """Neighbours, and those of one number drawn, agree as often as chance has it."""
    torch.manual_seed(0)
    kept = Dropout(0.5)(torch.ones(400_000)) != 0
    for lag in (1, 2, 3, 4, 8, 64):
        same = float((kept[lag:] == kept[:-lag]).float().mean())
        assert abs(same - 0.5) < 4 * 0.5 / 400_000**0.5


def test_a_flattened_gradient_lies_as_the_maps_do() -> None:
    maps = torch.randn(2, 3, 4, 5).contiguous(memory_format=torch.channels_last).requires_grad_()
    plain = maps.detach().clone().requires_grad_()
    weights = torch.randn(60)
    (Flatten()(maps) * weights).sum().backward()
    (nn.Flatten()(plain) * weights).sum().backward()
    assert maps.grad is not None
    assert maps.grad.is_contiguous(memory_format=torch.channels_last)
    assert plain.grad is not None
    assert torch.equal(maps.grad, plain.grad)

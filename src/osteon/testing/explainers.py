"""The contract of an explainer: maps of every film, finite, at least 0, of its size."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from osteon.explainers import Method


def check_explainer(method: Method, net: nn.Module, *, size_px: int = 64) -> None:
    """Raise AssertionError unless ``method`` keeps its contract on ``net``.

    Films (N, 1, S, S) give maps (N, S, S), finite and at least 0; a film's map does not depend on
    the others of its batch; the network, the films and their gradients are left as they were; a
    method that looks at the network gives other maps for another class.
    """
    net = net.eval()
    films = torch.rand(3, 1, size_px, size_px, generator=torch.Generator().manual_seed(0))
    before = {name: value.clone() for name, value in net.state_dict().items()}
    kept = films.clone()
    maps = method.explain(net, films, 1)
    assert maps.shape == (3, size_px, size_px)
    assert maps.dtype == np.float32
    assert np.isfinite(maps).all()
    assert maps.min() >= 0
    alone = method.explain(net, films[1:2], 1)
    np.testing.assert_allclose(alone[0], maps[1], atol=1e-4 * max(1.0, float(maps.max())))
    assert torch.equal(films, kept)
    assert films.grad is None
    for name, value in net.state_dict().items():
        assert torch.equal(value, before[name]), name
    assert not any(each._forward_hooks for each in net.modules())
    other = method.explain(net, films, 0)
    assert np.array_equal(other, maps) != method.looks_at_network

"""Learning rates, optimisers and their state; weights of classes."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from osteon.batches import class_weights
from osteon.optimise import learning_rate, load_state, make_optimiser, state_of
from osteon.types import Optimiser


def test_a_constant_rate_is_constant() -> None:
    how = Optimiser(lr=0.1, schedule="constant")
    assert {learning_rate(how, done / 10, 5) for done in range(50)} == {0.1}


def test_a_cosine_falls_from_all_to_nothing() -> None:
    how = Optimiser(lr=0.1)
    rates = [learning_rate(how, done / 10, 5) for done in range(51)]
    assert rates == sorted(rates, reverse=True)
    assert rates[0] == 0.1
    assert rates[25] == pytest.approx(0.05)
    assert rates[-1] == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("schedule", ["constant", "cosine"])
def test_it_warms_up_and_then_goes_on_without_a_jump(schedule: str) -> None:
    how = Optimiser(lr=0.1, schedule=schedule, warmup_epochs=2)  # type: ignore[arg-type]
    rates = [learning_rate(how, done / 100, 10) for done in range(200)]
    assert 0 < rates[0] < 0.001
    assert rates == sorted(rates)
    assert rates[100] == pytest.approx(0.05, rel=0.01)
    assert learning_rate(how, 2, 10) == 0.1


def test_a_warm_up_longer_than_the_training_is_still_a_rate() -> None:
    how = Optimiser(lr=0.1, warmup_epochs=9)
    assert all(0 < learning_rate(how, done, 3) < 0.1 for done in range(3))


def test_every_class_weighs_the_same() -> None:
    labels = torch.tensor([0] * 6 + [1] * 3 + [2])
    weights = class_weights(labels, 3)
    sums = [float(weights[labels[labels == index]].sum()) for index in range(3)]
    assert sums == pytest.approx([10 / 3] * 3)
    assert math.isclose(float(weights[labels].mean()), 1, rel_tol=1e-6)


@pytest.mark.parametrize("name", ["adamw", "adam", "sgd"])
def test_the_state_of_an_optimiser_survives(name: str) -> None:
    how = Optimiser(name=name, lr=0.1)  # type: ignore[arg-type]
    nets = [nn.Linear(3, 2), nn.Linear(3, 2)]
    nets[1].load_state_dict(nets[0].state_dict())
    one, other = (make_optimiser(net, how) for net in nets)
    for step in range(4):
        if step == 2:
            load_state(other, {key: value.clone() for key, value in state_of(one).items()})
            nets[1].load_state_dict(nets[0].state_dict())
        for net, optimiser in zip(nets, (one, other), strict=True):
            optimiser.zero_grad()
            (net(torch.ones(1, 3) * (step + 1)) ** 2).sum().backward()
            if net is nets[0] or step >= 2:
                optimiser.step()
    assert state_of(one)
    assert torch.equal(nets[0].weight, nets[1].weight)


def test_what_is_frozen_is_not_trained() -> None:
    net = nn.Sequential(nn.Linear(2, 2).requires_grad_(False), nn.Linear(2, 2))
    groups = make_optimiser(net, Optimiser()).param_groups
    assert {id(p) for group in groups for p in group["params"]} == {
        id(p) for p in net[1].parameters()
    }


@pytest.mark.parametrize("name", ["adamw", "adam", "sgd"])
def test_a_fused_step_is_the_plain_one_whatever_the_layout(name: str) -> None:
    """Channels-last weights, and a state that was read from a file, which is laid out plainly."""
    torch.manual_seed(0)
    how = Optimiser(name=name, lr=0.01, weight_decay=0.01)  # type: ignore[arg-type]
    ours = nn.Conv2d(3, 4, 3).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    theirs = nn.Conv2d(3, 4, 3)
    theirs.load_state_dict(ours.state_dict())
    fused = make_optimiser(ours, how)
    plain = make_optimiser(theirs, how)
    plain.param_groups[0]["fused"] = False
    for step in range(4):
        films = torch.rand(2, 3, 8, 8)
        for net, optimiser in ((ours, fused), (theirs, plain)):
            optimiser.zero_grad()
            (net(films) ** 2).sum().backward()
            optimiser.step()
        if step == 1:
            read = {key: value.contiguous().clone() for key, value in state_of(fused).items()}
            fused = make_optimiser(ours, how)
            load_state(fused, read)
    torch.testing.assert_close(ours.weight, theirs.weight)

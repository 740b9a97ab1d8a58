"""How a network trains fastest on this machine: layout, threads, precision, timed on a few steps.

The choice is kept in the run's environment.json, and a resumed training takes it from there: other
threads or another layout would round otherwise, and the run would not end at the same bits.
"""

from __future__ import annotations

import copy
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from typing import Literal

import torch
from torch import nn
from torch.nn import functional

from osteon.backbones.blocks import bare
from osteon.cellnet import CellNet
from osteon.environment import Pace
from osteon.networks import Probe
from osteon.optimise import make_optimiser
from osteon.progress import say
from osteon.types import Optimiser, Recipe

BUDGET_S = 10.0
ROUNDS = 3
SHORT_S = 120.0  # a training that lasts no longer is not worth a probe
SHORT_STEPS = 60
FEWEST_FILMS = 2  # of a batch that is made smaller, to keep within the budget
WORTH = 1.05  # times as fast as what is done without a probe
WORTH_SAYING = 1.5  # where only the user can choose
Way = tuple[bool, int, Literal["float32", "bfloat16"]]  # channels-last, threads, precision


def usual_pace(recipe: Recipe) -> Pace:
    """What is done without a probe: channels-last, the threads that torch has, float32 unless the
    recipe says otherwise."""
    precision = "float32" if recipe.precision == "auto" else recipe.precision
    return Pace(threads=torch.get_num_threads(), channels_last=True, precision=precision)


def probed_pace(recipe: Recipe, n_classes: int, n_films: int, device: torch.device) -> Pace:
    """The fastest pace for training on ``n_films``, within about 10 s; the usual one for a training
    of less than two minutes, or of a head on frozen features alone.

    bfloat16 changes the results, so it is chosen only where the recipe's precision is "auto", and
    timed all the same.
    """
    usual = usual_pace(recipe)
    n_steps = recipe.epochs * -(-n_films // recipe.batch_size)
    if not isinstance(recipe.optimiser, Optimiser) or n_steps <= SHORT_STEPS:
        return usual
    ways = _ways(usual, device)
    with torch.random.fork_rng(devices=[]), kept(usual):
        net = bare(recipe.backbone).build(n_classes).to(device).train()
        if isinstance(net, Probe | CellNet):
            return usual
        films, step_s = _batch(recipe, net, len(ways))
        if n_steps * step_s * recipe.batch_size / films < SHORT_S:
            return usual
        seconds = _timed({name: _step(recipe, net, films, way) for name, way in ways.items()})
    _tell_of_half(recipe, seconds)
    return _chosen(recipe, usual, ways, seconds)


def _tell_of_half(recipe: Recipe, seconds: Mapping[str, float]) -> None:
    if recipe.precision != "float32":
        return
    times = seconds["usual"] / seconds["bfloat16"]
    if times > WORTH_SAYING:
        say(
            f"A step in bfloat16 is {times:.1f} times as fast on this machine; results change a "
            "little: --set precision=bfloat16"
        )


def _ways(usual: Pace, device: torch.device) -> dict[str, Way]:
    ways: dict[str, Way] = {
        "usual": (True, usual.threads, usual.precision),
        "contiguous": (False, usual.threads, usual.precision),
    }
    fewer = usual.threads // 2
    while fewer and device.type == "cpu":
        ways[f"{fewer} threads"] = (True, fewer, usual.precision)
        fewer //= 2
    if usual.precision == "float32":
        ways["bfloat16"] = (True, usual.threads, "bfloat16")
    return ways


def _chosen(
    recipe: Recipe, usual: Pace, ways: Mapping[str, Way], seconds: Mapping[str, float]
) -> Pace:
    """What differs from the usual only where that alone was clearly faster."""

    def faster(name: str) -> bool:
        return seconds["usual"] > WORTH * seconds[name]

    fewer = [name for name in ways if name.endswith("threads") and faster(name)]
    best = min(fewer, key=seconds.__getitem__, default="usual")
    half = recipe.precision == "auto" and faster("bfloat16")
    return Pace(
        threads=ways[best][1],
        channels_last=not faster("contiguous"),
        precision="bfloat16" if half else usual.precision,
        seconds_a_step={name: round(taken, 5) for name, taken in seconds.items()},
    )


def _batch(recipe: Recipe, net: nn.Module, n_ways: int) -> tuple[int, float]:
    """How many films a step is timed on, the recipe's batch if that is quick enough, and the
    seconds of one."""
    usual = usual_pace(recipe)
    films, way = recipe.batch_size, (True, usual.threads, usual.precision)
    allowed_s = BUDGET_S / (n_ways * (ROUNDS + 1) + 2)
    while True:
        step = _step(recipe, net, films, way)
        step()
        step_s = _seconds(step)
        if step_s <= allowed_s or films <= FEWEST_FILMS:
            return films, step_s
        films = max(FEWEST_FILMS, min(films // 2, int(films * allowed_s / step_s)))


def _step(recipe: Recipe, net: nn.Module, n: int, way: Way) -> Callable[[], None]:
    """Forward, backward and step of a copy of ``net``, on films in memory."""
    assert isinstance(recipe.optimiser, Optimiser)
    channels_last, threads, precision = way
    layout = torch.channels_last if channels_last else torch.contiguous_format
    own = copy.deepcopy(net).to(memory_format=layout)  # type: ignore[call-overload]
    optimiser = make_optimiser(own, recipe.optimiser)
    device, side = next(own.parameters()).device, recipe.pixels.size_px
    films = torch.rand(n, 1, side, side, device=device)
    labels = torch.arange(n, device=device) % 2

    def step() -> None:
        torch.set_num_threads(threads)
        half = torch.autocast(device.type, torch.bfloat16)
        with half if precision == "bfloat16" else nullcontext():
            logits = own(films)
        optimiser.zero_grad()
        functional.cross_entropy(logits.float(), labels).backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        if device.type == "cuda":
            torch.cuda.synchronize(device)

    return step


def _timed(steps: Mapping[str, Callable[[], None]]) -> dict[str, float]:
    """Seconds of each, in turns, so that a busy moment of the machine strikes all alike."""
    begun = time.perf_counter()
    for step in steps.values():
        step()  # the first prepares
    rounds: list[dict[str, float]] = []
    while not rounds or (len(rounds) < ROUNDS and time.perf_counter() - begun < BUDGET_S):
        rounds.append({name: _seconds(step) for name, step in steps.items()})
    return {name: statistics.median(one[name] for one in rounds) for name in steps}


def _seconds(step: Callable[[], None]) -> float:
    begun = time.perf_counter()
    step()
    return time.perf_counter() - begun


@contextmanager
def kept(pace: Pace) -> Iterator[None]:
    """With the threads of ``pace``, and those of before afterwards."""
    before = torch.get_num_threads()
    torch.set_num_threads(pace.threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)

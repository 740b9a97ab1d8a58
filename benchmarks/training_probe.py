"""How a network is best laid out and how exactly it computes, on this machine.

    python -m benchmarks.training_probe --rounds 5 --compile small-cnn

Forward, backward and step of the two trained recipes on batches in memory: channels-last or not,
float32 or bfloat16, in turn, by processor time. Prints each relative to what osteon does
(channels-last, float32): above 1 is faster. With --compile also what torch.compile costs and gains
for the recipes named; for finetune it had not ended after ten minutes of processor time.
"""

from __future__ import annotations

import argparse
import os
import statistics
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import torch
from benchmarks.side_by_side import interleaved, ratio, write_result
from torch.nn import functional

from osteon.allocator import memory_kept
from osteon.optimise import make_optimiser
from osteon.recipe import named_recipe
from osteon.types import Recipe

STEPS = 2
OURS = "channels-last float32"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--compile", nargs="*", default=[], help="recipes (minutes)")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    figures: dict[str, object] = {"threads": given.threads}
    compiling: list[dict[str, object]] = []
    with memory_kept():
        for name in ("small-cnn", "finetune"):
            recipe = named_recipe(name)
            ways = {
                f"{'channels-last' if last else 'contiguous'} {kind}": steps(recipe, last, kind)
                for last in (True, False)
                for kind in ("float32", "bfloat16")
            }
            for way in ways.values():
                way()  # warm
            seconds = interleaved(ways, given.rounds)
            figures[name] = {
                way: round(ratio(seconds[OURS], took), 2) for way, took in seconds.items()
            }
            if name in given.compile:
                compiling.append({"of": name, **compiled(recipe, ways[OURS], given.rounds)})
    if compiling:
        figures["compile"] = compiling
    command = f"training_probe --rounds {given.rounds} --threads {given.threads}"
    command += f" --compile {' '.join(given.compile)}" if given.compile else ""
    write_result("training_probe", f"python -m benchmarks.{command}", figures)


def compiled(recipe: Recipe, usual: Callable[[], None], rounds: int) -> dict[str, object]:
    """Seconds to compile (the first steps less as many later ones), relative speed, and after how
    many steps that has paid."""
    from torch._inductor import config

    config.force_disable_caches = True  # what an earlier call compiled would cost nothing
    config.compile_threads = 1
    way = steps(recipe, True, "float32", through=torch.compile)
    begun = _with_children()
    way()
    first = _with_children() - begun
    seconds = interleaved({"usual": usual, "compiled": way}, rounds)
    gain = statistics.median(seconds["usual"]) - statistics.median(seconds["compiled"])
    cost = first - statistics.median(seconds["compiled"])
    return {
        "compile_cpu_s": round(cost, 1),
        "times_as_fast": round(ratio(seconds["usual"], seconds["compiled"]), 2),
        "steps_until_it_pays": round(cost / gain * STEPS) if gain > 0 else "never",
    }


def _with_children() -> float:
    """Processor seconds, those of the C++ compiler too."""
    return sum(os.times()[:4])


def steps(
    recipe: Recipe, channels_last: bool, kind: str, through: Callable[..., Any] = lambda net: net
) -> Callable[[], None]:
    torch.manual_seed(0)
    net = recipe.backbone.build(2).train()
    if channels_last:
        net = net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimiser = make_optimiser(net, recipe.optimiser)  # type: ignore[arg-type]
    forward = through(net)
    side = recipe.pixels.size_px
    films = torch.rand(recipe.batch_size, 1, side, side)
    labels = torch.arange(recipe.batch_size) % 2

    def run() -> None:
        for _ in range(STEPS):
            half = torch.autocast("cpu", torch.bfloat16) if kind == "bfloat16" else nullcontext()
            with half:
                logits = forward(films)
            loss = functional.cross_entropy(logits.float(), labels)
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()

    return run


if __name__ == "__main__":
    main()

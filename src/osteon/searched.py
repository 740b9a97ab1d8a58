"""What a search found, as values, and what it is worth in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from osteon.metrics import TITLES
from osteon.space import Value
from osteon.types import Estimate
from osteon.values import read_value
from osteon.winners_curse import Optimism
from osteon.words import counted


@dataclass(frozen=True, kw_only=True, slots=True)
class Tried:
    """One trial. ``score`` is the best epoch's, on validation."""

    number: int
    state: str  # complete, pruned, failed
    values: Mapping[str, Value]
    score: float | None
    standard_error: float | None
    best_epoch: int | None
    epochs: int  # trained
    seconds: float
    why: str = ""  # of a failed one
    curve: tuple[float | None, ...] = ()  # the score after each epoch; None where undefined


@dataclass(frozen=True, kw_only=True, slots=True)
class Tuning:
    """What a search found: tuning.json."""

    recipe: str  # as JSON, before the search
    best_recipe: str  # as JSON
    space: tuple[str, ...]  # in words
    sampler: str
    pruner: str
    monitor: str
    metric: str
    trials: tuple[Tried, ...]
    best: int  # the number of the winner
    default: Tried
    gains: Mapping[str, Estimate]  # winner minus default, paired on the validation films
    optimism: Optimism
    importance: Mapping[str, float]  # field -> share, 0 to 1; empty where it cannot be told
    n_val: int
    n_groups: int
    epochs_trained: int
    verdict: str
    remarks: tuple[str, ...] = field(default=())
    majority: float | None = None  # the metric of always answering the class frequencies of train


@dataclass(frozen=True, kw_only=True, slots=True)
class Nested:
    """What a nested cross-validation found: nested.json. Each film of its folds is tested once."""

    folds: int
    metric: str
    winner: Mapping[str, Estimate]
    default: Mapping[str, Estimate]
    gains: Mapping[str, Estimate]
    chosen: tuple[Mapping[str, Value], ...]
    verdicts: tuple[str, ...]
    n_trials: tuple[int, ...] = ()  # of each fold's search


def read_tuning(folder: Path) -> Tuning:
    """Raises DataError if ``folder`` holds no finished search."""
    return read_value(Tuning, folder / "tuning.json")


def verdict(result: Tuning) -> str:
    """In words: what the search gained over the recipe as it is, as far as the films can show.

    The winner was chosen on the films that judge it, so its paired gain is a gain only where it
    stays above 0 after the optimism of the best of so many tries is taken off.
    """
    gain = result.gains[result.metric]
    losing = result.metric.endswith("_loss")
    tries = counted(result.optimism.n_tries, "trial")
    luck = f"the luck of the best of {tries}"
    told = (
        f"{tries}, best {TITLES[result.metric]} {_shown(result.optimism.best, result.metric)}, "
        f"default {_shown(result.default.score, result.metric)}{_baseline(result)} on the same "
        f"{result.n_val:,} validation films in {result.n_groups:,} groups"
    )
    if gain.low is None or gain.high is None:
        return f"{told}: {_without_interval(gain)}."
    least, most = (-gain.high, -gain.low) if losing else (gain.low, gain.high)
    if most < 0:
        return f"{told}: worse than the recipe as it is. Keep the default."
    if is_gain(result):
        return f"{told}: a gain, also after {luck} is taken off."
    if least > 0:
        return (
            f"{told}: no gain that this many films could show. The paired interval is above zero, "
            f"but {luck} {_worth(result)}."
        )
    return f"{told}: no gain that this many films could show."


def _without_interval(gain: Estimate) -> str:
    if gain.value == 0:
        return "no gain, the two do not differ on these films"
    return f"they cannot be compared, {gain.method}"


def is_of(nested: Nested, result: Tuning) -> bool:
    """Whether the searches inside the folds tried as much as this one; before their numbers of
    trials were kept, nobody knew."""
    return not nested.n_trials or set(nested.n_trials) == {len(result.trials)}


def nested_verdict(result: Nested) -> str:
    """In words: what searching gained on films that no search has seen."""
    gain = result.gains[result.metric]
    where = f"On the test films of {result.folds} outer folds, which no search has seen"
    if gain.low is None or gain.high is None:
        return f"{where}: {_without_interval(gain)}."
    least, most = (gain.low, gain.high)
    if result.metric.endswith("_loss"):
        least, most = -most, -least
    if least > 0:
        return f"{where}, searching is a gain."
    if most < 0:
        return f"{where}, searching is worse than the recipe as it is."
    return f"{where}, searching is no gain that this many films could show."


def is_gain(result: Tuning, nested: Nested | None = None) -> bool:
    """Whether the winner is to be recommended: by the nested search where there is one, otherwise
    by the paired gain after the luck of the choice is taken off."""
    gains, luck = (nested.gains, 0.0) if nested else (result.gains, result.optimism.optimism)
    gain = gains[result.metric]
    if gain.low is None or gain.high is None or luck is None:
        return False
    return (-gain.high if result.metric.endswith("_loss") else gain.low) - luck > 0


def _baseline(result: Tuning) -> str:
    """Nothing for a search that was written before it was kept."""
    if result.majority is None:
        return ""
    return f", majority class {_shown(result.majority, result.metric)}"


def _shown(value: float | None, metric: str) -> str:
    if value is None:
        return "-"
    return f"{100 * value:.1f} %" if metric == "accuracy" else f"{value:.3f}"


def _worth(result: Tuning) -> str:
    if result.optimism.optimism is None:
        return "cannot be told of so few groups"
    return f"alone is worth {_points(result.optimism.optimism, result.metric)}"


def _points(value: float, metric: str) -> str:
    return f"{100 * value:.1f} points" if metric == "accuracy" else f"{value:.3f}"

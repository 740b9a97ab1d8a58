"""What judging the maps found, as values: RUN/explanation.json."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from osteon.types import Estimate

BOX_SCORES = {
    "pointing": "pointing game",
    "near": "pointing game, within 5 % of the side",
    "energy": "energy in the box",
    "average_precision": "average precision",
}
RIVALS = {
    "centre": "the middle of the film",
    "edges": "the film's edges",
    "random_weights": "the same network with random weights",
}
RANDOM_WEIGHTS = "random_weights"


@dataclass(frozen=True, kw_only=True, slots=True)
class SizeClass:
    """Films by the share of the film that their boxes cover, [low, high)."""

    name: str  # small, medium, large
    low: float
    high: float
    scores: Mapping[str, Estimate]
    chance: Estimate  # the share itself: what a map that knows nothing gets


@dataclass(frozen=True, kw_only=True, slots=True)
class BoxScores:
    """Maps of one part's films against their boxes; keys of ``scores`` are those of BOX_SCORES."""

    scores: Mapping[str, Estimate]
    chance: Estimate
    gains: Mapping[str, Mapping[str, Estimate]] = field(default_factory=dict)
    # rival -> score -> method minus rival on the same films, paired
    by_size: tuple[SizeClass, ...] = ()
    p_pointing: Mapping[str, float] = field(default_factory=dict)
    # rival -> mid-p of the sign test over groups: does either hit more often?


@dataclass(frozen=True, kw_only=True, slots=True)
class Faithfulness:
    """Does the answer hang on what the map marks? Areas under curves of the class's probability."""

    deletion: Estimate  # the marked is blurred first: lower is better
    insertion: Estimate  # the marked is put back first: higher is better
    gain: Estimate  # insertion minus deletion, less that of random maps: above 0 is better


@dataclass(frozen=True, kw_only=True, slots=True)
class Judgement:
    """One method. ``withheld`` is why its maps are not shown; empty where it passed."""

    method: str
    title: str
    source: str
    withheld: str
    boxes: Mapping[str, BoxScores] = field(default_factory=dict)  # part ->
    faithfulness: Faithfulness | None = None  # on validation
    similarity: Estimate | None = None
    # Spearman's rank correlation of its maps with those of random weights, on validation
    n_empty: int = 0  # films left out of it: the map is empty with its own or with random weights

    @property
    def passed(self) -> bool:
        return not self.withheld


@dataclass(frozen=True, kw_only=True, slots=True)
class Neighbour:
    """A training film; ``distance`` is 1 - cosine in the classifier's own feature space: 0 to 2."""

    id: str
    class_name: str
    distance: float
    picture: str  # below the run folder


@dataclass(frozen=True, kw_only=True, slots=True)
class Failure:
    """A wrong answer of the test part, and what of training is near to it."""

    id: str
    kind: str
    truth: str
    answered: str
    score: float  # of the positive class; of more than two classes, of the one answered
    picture: str
    map_picture: str  # empty where all maps are withheld
    neighbours: tuple[Neighbour, ...]
    farther_than: float  # share of validation films whose nearest training film is nearer: 0 to 1
    words: str  # look-alike, new, or neither


@dataclass(frozen=True, kw_only=True, slots=True)
class Explanation:
    """All methods judged, and the failures."""

    criterion: str
    class_name: str  # whose maps were judged; of more than two classes, each film's own
    n_films: Mapping[str, int]  # part -> films whose maps were judged, at most
    seed: int
    methods: tuple[Judgement, ...]
    baselines: Mapping[str, Mapping[str, BoxScores]]  # baseline -> part ->
    not_judged: tuple[str, ...] = ()  # methods that were not asked for
    shown: str | None = None  # the method whose maps are shown
    failures: tuple[Failure, ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def verdict(self) -> str:
        """One sentence for the top."""
        passed = [each.title for each in self.methods if each.passed]
        failed = [each.title for each in self.methods if not each.passed]
        if not passed:
            return f"No map is shown: {_and(failed)} failed what was declared beforehand."
        tail = f" {_capital(_and(failed))} failed it: withheld." if failed else ""
        return f"{_capital(_and(passed))} passed what was declared beforehand.{tail}"


def _capital(sentence: str) -> str:
    """Its first letter alone: ``capitalize`` would make Grad-CAM small."""
    return sentence[:1].upper() + sentence[1:]


def _and(names: list[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)

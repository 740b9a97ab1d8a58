"""An exported classifier: a folder that reads films without torch, to the answers of its run.

Legend of shapes: P panels of a file, S the side of a prepared film, C classes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from osteon.answers import UNLIKE, Answers, read_each
from osteon.calibrators import calibrator_of
from osteon.errors import DataError, UsageError
from osteon.gate import Gate, read_gate
from osteon.parallel import default_workers
from osteon.runs import default_cache
from osteon.runtimes import (
    TOLERANCE,
    Network,
    Runtime,
    apart,
    chosen_runtime,
    file_digest,
    open_runtime,
    softmax,
)
from osteon.types import Estimate, OperatingPoint, PixelRules, Reading
from osteon.values import read_value

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from osteon.calibrators import Calibrator

FILE = "bundle.json"
WEIGHTS = "model.safetensors"
Precision = Literal["float32", "int8"]
RESEARCH_ONLY = (
    "Research software, not a medical device: no output of this model may guide the care of a "
    "patient."
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Form:
    """One form of the network: its files, and what it must give."""

    precision: Precision
    file: str
    sha256: str
    gate: str  # the file of its gate
    gate_sha256: str = ""  # of a bundle that was exported before it was kept: not checked
    expected: tuple[tuple[float, ...], ...]  # torch's scores (of int8 its own) on made films
    engines: Mapping[str, float]  # those that passed -> largest difference on validation
    same_answers: float  # share of validation films answered as by the run
    auroc_change: Estimate | None = None  # of int8: its AUROC on validation less that of float32


@dataclass(frozen=True, kw_only=True, slots=True)
class TwoPoints:
    """Thresholds of three answers: below ``lower`` negative, from ``upper`` on positive."""

    lower: OperatingPoint
    upper: OperatingPoint


@dataclass(frozen=True, kw_only=True, slots=True)
class Origin:
    """What the classifier was taught with; SHA-256 of each."""

    manifest: str
    split: str  # of the file split.csv
    training_films: str  # of the sorted SHA-256 of the training films' files
    n_train: int
    n_val: int


@dataclass(frozen=True, kw_only=True, slots=True)
class BundleFacts:
    """bundle.json: all that is needed besides the networks' own files."""

    research_only: str
    name: str
    classes: tuple[str, ...]
    pixels: PixelRules
    operating_point: OperatingPoint | None
    three: TwoPoints | None
    calibrator: str | None
    calibrator_state: Mapping[str, Any]
    forms: tuple[Form, ...]  # float32 first
    n_compared: int  # validation films
    gate_accepts: float  # share of validation films
    origin: Origin
    limits: tuple[str, ...]
    versions: Mapping[str, str]
    recipe: str  # JSON, for torch
    left_out: tuple[str, ...] = ()  # what was asked for and not made, and why


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Bundle:
    """A bundle that is ready to read films."""

    path: Path
    facts: BundleFacts
    form: Form
    runtime: Runtime
    gate: Gate
    answers: Answers
    workers: int  # films that are read at once

    @classmethod
    def load(
        cls,
        path: Path | str,
        *,
        engine: str | None = None,
        precision: Precision | None = None,
        workers: int = 1,
        threads: int | None = None,
        cache: Path | None = None,
    ) -> Bundle:
        """``workers`` films are read at once, with ``threads`` threads altogether (all cores).

        ``precision`` is int8 where the bundle has it. The fastest engine here is chosen by a short
        probe that is kept in ``cache``, or is the one named: openvino, onnxruntime, torch.

        Raises DataError for no bundle, or files that are not those exported; UsageError for a
        precision that it does not have, or an engine that does not give its scores.
        """
        folder = Path(path)
        facts = read_facts(folder)
        form = _form(facts, precision)
        network = _network(folder, facts, form)
        name = engine or chosen_runtime(network, kept=cache or default_cache(), several=workers > 1)
        total = max(threads or default_workers(), workers)
        runtime = open_runtime(name, network, threads=total, streams=workers)
        if not (off := apart(runtime, network)) <= network.tolerance:
            other = "Take another --engine, or none" if engine else "Name another with --engine"
            raise UsageError(
                f"The engine {name} gives other scores here than the bundle was checked with: "
                f"{off:.1e} apart. {other}, install the versions that its {FILE} names, or export "
                "again."
            )
        return cls(
            path=folder, facts=facts, form=form, runtime=runtime,
            gate=_gate(folder, form), answers=answers_of(facts), workers=workers,
        )  # fmt: skip

    @property
    def classes(self) -> tuple[str, ...]:
        return self.facts.classes

    def read(self, paths: Iterable[Path]) -> Iterator[Reading]:
        """Read any files, one Reading each and in order; a bad file is one with its reason, a film
        unlike the training films is refused with a category of its own and without scores."""
        return read_each(list(paths), self.facts.pixels, self.answer, workers=self.workers)

    def answer(self, path: Path, squares: NDArray[np.uint8]) -> Reading:
        """The Reading of one file's panels (P, S, S): refused where all of them are unlike."""
        made = [self.runtime.infer(square) for square in squares]
        distances = self.gate.distance(np.stack([features for _, features in made]))
        if not self.gate.accepts(distances).any():
            reason = (
                f"its features lie {distances.min():.3g} from those of the training films, above "
                f"{self.gate.threshold:.3g}, which 98 % of the validation films do not reach"
            )
            return Reading(path=str(path), category=UNLIKE, scores={}, reason=reason)
        scores = np.stack([softmax(logits) for logits, _ in made]).mean(axis=0)
        return self.answers.reading(path, scores)


def is_bundle(path: Path) -> bool:
    return (path / FILE).is_file()


def read_facts(folder: Path) -> BundleFacts:
    """Raises DataError where ``folder`` is no bundle."""
    if not is_bundle(folder):
        raise DataError(f"{folder} is no bundle: it has no {FILE}. Make one: osteon export RUN.")
    facts = read_value(BundleFacts, folder / FILE)
    scored = {len(scores) for form in facts.forms for scores in form.expected}
    if not facts.forms or scored != {len(facts.classes)}:
        raise DataError(
            f"{folder / FILE} is not the one that was exported: its forms and classes do not fit. "
            "Export the run again."
        )
    return facts


def answers_of(facts: BundleFacts) -> Answers:
    calibrator: Calibrator | None = None
    if facts.calibrator is not None:
        calibrator = calibrator_of(facts.calibrator, facts.calibrator_state)
    return Answers(
        classes=facts.classes,
        operating_point=facts.operating_point,
        calibrator=calibrator,
        three=facts.three,
    )


def _form(facts: BundleFacts, precision: Precision | None) -> Form:
    known = {form.precision: form for form in facts.forms}
    if precision is None:
        return facts.forms[-1]
    if precision not in known:
        why = " ".join(facts.left_out) or "It was not asked for: osteon export RUN --int8."
        raise UsageError(f"The bundle has no {precision} form. {why}")
    return known[precision]


def _gate(folder: Path, form: Form) -> Gate:
    gate = read_gate(folder / form.gate)
    if form.gate_sha256:
        _check_digest(folder / form.gate, form.gate_sha256)
    return gate


def _check_digest(path: Path, sha256: str) -> None:
    if file_digest(path) != sha256:
        raise DataError(f"{path} is not the file that was exported: its SHA-256 differs.")


def _network(folder: Path, facts: BundleFacts, form: Form) -> Network:
    onnx = folder / form.file
    if not onnx.is_file():
        raise DataError(f"{onnx} is missing: copy the whole bundle.")
    _check_digest(onnx, form.sha256)
    whole = form.precision == "float32"
    return Network(
        onnx=onnx,
        size_px=facts.pixels.size_px,
        digest=form.sha256,
        expected=form.expected,
        allowed=(*form.engines, *(["torch"] if whole else [])),
        tolerance=TOLERANCE if whole else INT8_TOLERANCE,
        net=(lambda: _torch_net(folder, facts)) if whole else None,
    )


INT8_TOLERANCE = 0.05
"""Engines round 8-bit numbers in ways of their own; each was judged by its AUROC when exported."""


def _torch_net(folder: Path, facts: BundleFacts) -> Any:
    from osteon.backbones.blocks import bare
    from osteon.checkpoint import read_checkpoint
    from osteon.recipe import recipe_from_json
    from osteon.tapped import Tapped

    net = bare(recipe_from_json(facts.recipe).backbone).build(len(facts.classes))
    net.load_state_dict(dict(read_checkpoint(folder / WEIGHTS).model))
    return Tapped(net).eval()


def without_rounding(point: OperatingPoint, scores: NDArray[np.float64]) -> OperatingPoint:
    """A threshold is the score of a film, or just above one; moved away from the ``scores`` on both
    sides, by at most half the tolerance, so that each film keeps its answer where an engine rounds
    otherwise."""
    under, over = scores[scores < point.threshold], scores[scores >= point.threshold]
    low = float(under.max()) if len(under) else -np.inf
    high = float(over.min()) if len(over) else np.inf
    margin = min((high - low) / 2, TOLERANCE / 2)
    return replace(point, threshold=float(np.clip(point.threshold, low + margin, high - margin)))

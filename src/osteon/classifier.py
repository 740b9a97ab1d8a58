"""A trained classifier: loaded from a run, scores prepared films or any files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from osteon.answers import Answers, not_readable
from osteon.backbones.blocks import bare
from osteon.batches import probabilities, scored
from osteon.calibrate import FILE as CALIBRATION
from osteon.calibrate import Calibrated, chosen_calibrator
from osteon.checkpoint import read_checkpoint
from osteon.decisions import FILE as DECISIONS
from osteon.decisions import Decisions
from osteon.device import device_at_hand
from osteon.errors import DataError, UnreadableFilm
from osteon.recipe import recipe_from_json
from osteon.runs import RunFolder
from osteon.types import Evaluation, Manifest, OperatingPoint, Predictions, Reading, Recipe
from osteon.values import read_value

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from osteon.calibrators import Calibrator
    from osteon.decisions import ThreeAnswers
    from osteon.prepare import Prepared
    from osteon.types import Floats

READ_AT_ONCE = 16


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Classifier:
    """A network with all that is needed to read a film with it."""

    recipe: Recipe
    classes: tuple[str, ...]
    net: nn.Module
    operating_point: OperatingPoint | None
    calibrator: Calibrator | None = None  # of an evaluated run
    three: ThreeAnswers | None = None  # of an evaluated run of two classes

    @classmethod
    def load(cls, run: Path) -> Classifier:
        """The best epoch of a run, with the operating point if the run has been evaluated; or the
        model beside a model card.

        Raises DataError if ``run`` is no trained run.
        """
        folder = RunFolder(run)
        if not folder.recipe.is_file():
            raise DataError(f"{run} is no trained run: it has no {folder.recipe.name}.")
        recipe = recipe_from_json(folder.recipe.read_text(encoding="utf-8"))
        best = read_checkpoint(folder.weights)
        net = bare(recipe.backbone).build(len(best.classes))
        net = net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        net.load_state_dict(dict(best.model))
        device = device_at_hand()
        point = None
        if folder.evaluation("val").is_file():
            point = read_value(Evaluation, folder.evaluation("val")).operating_point
        calibrator, three = _decided(run)
        return cls(
            recipe=recipe,
            classes=best.classes,
            net=net.to(device).eval(),
            operating_point=point,
            calibrator=calibrator,
            three=three,
        )

    @property
    def device(self) -> torch.device:
        return next(self.net.parameters()).device

    def predict_prepared(
        self,
        prepared: Prepared,
        *,
        ids: Sequence[str],
        manifest: Manifest,
        groups: Mapping[str, str],
        part: str = "test",
    ) -> Predictions:
        """Scores of prepared films, with their labels (-1 where unknown) and groups."""
        label_of = {film.id: film.label for film in manifest.radiographs}
        labels = [label_of[id_] for id_ in ids]
        return Predictions(
            ids=tuple(ids),
            labels=np.array([-1 if label is None else label for label in labels], np.int64),
            scores=scored(self.net, prepared, ids, self.device),
            groups=tuple(groups[id_] for id_ in ids),
            classes=self.classes,
            part=part,
        )

    def read(self, paths: Iterable[Path]) -> Iterator[Reading]:
        """Read any files, one Reading each and in order; a bad file is one with its reason."""
        waiting = iter(paths)
        while some := list(islice(waiting, READ_AT_ONCE)):
            yield from self._read(some)

    def _read(self, paths: Sequence[Path]) -> Iterator[Reading]:
        from osteon.loading import load_panels

        films: dict[int, Tensor] = {}
        faults: dict[int, str] = {}
        for at, path in enumerate(paths):
            try:
                films[at] = load_panels(path, self.recipe.pixels)
            except UnreadableFilm as error:
                faults[at] = str(error)
        scores = dict(zip(films, self._scores(list(films.values())), strict=True))
        for at, path in enumerate(paths):
            if at in faults:
                yield not_readable(path, faults[at])
            else:
                yield self.answers.reading(path, scores[at])

    def _scores(self, films: Sequence[Tensor]) -> Floats:
        """(n, C) of n files, each (P, 1, S, S): the mean over a file's panels."""
        if not films:
            return np.empty((0, len(self.classes)))
        with torch.inference_mode():
            each = probabilities(self.net(torch.cat(list(films)).to(self.device)))
        first = np.cumsum([0, *(len(film) for film in films)])
        means: Floats = np.stack([each[a:b].mean(axis=0) for a, b in pairwise(first)])
        return means

    def answer(self, path: Path, squares: NDArray[np.uint8]) -> Reading:
        """The Reading of one file's prepared panels (P, S, S)."""
        films = torch.from_numpy(squares).to(torch.float32).div(255.0).unsqueeze(1)
        return self.answers.reading(path, self._scores([films])[0])

    @property
    def answers(self) -> Answers:
        """How its scores become answers."""
        return Answers(
            classes=self.classes,
            operating_point=self.operating_point,
            calibrator=self.calibrator,
            three=self.three,
        )


def _decided(run: Path) -> tuple[Calibrator | None, ThreeAnswers | None]:
    """What the evaluation of a run chose on validation; None of a run without it."""
    calibration, decisions = run / CALIBRATION, run / DECISIONS
    calibrator = three = None
    if calibration.is_file():
        calibrator = chosen_calibrator(read_value(Calibrated, calibration))
    if decisions.is_file():
        three = read_value(Decisions, decisions).three
    return calibrator, three

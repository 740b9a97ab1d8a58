"""What a film is answered from its scores: a class, doubtful, or refused; for runs and bundles.

Legend of shapes: P panels of a file, S the side of a prepared film, C classes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from osteon.decisions import three_way
from osteon.errors import UnreadableFilm
from osteon.loading import load_squares
from osteon.parallel import in_order
from osteon.types import PixelRules, Reading

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from osteon.calibrators import Calibrator
    from osteon.decisions import Thresholds
    from osteon.types import Floats, OperatingPoint

NOT_READABLE = "not readable"
UNLIKE = "unlike the training films"


@dataclass(frozen=True, kw_only=True, slots=True)
class Answers:
    """How scores become an answer: three answers, else the operating point, else the highest."""

    classes: tuple[str, ...]
    operating_point: OperatingPoint | None
    calibrator: Calibrator | None = None  # of an evaluated run
    three: Thresholds | None = None  # of an evaluated run of two classes

    def reading(self, path: Path, scores: Floats) -> Reading:
        """The answer for one film of raw scores (C,)."""
        category, reason = self.category(scores)
        calibrated = self.calibrator.apply(scores[None])[0] if self.calibrator else scores[:0]
        return Reading(
            path=str(path),
            category=category,
            scores=dict(zip(self.classes, scores.tolist(), strict=True)),
            reason=reason,
            # Empty without a calibrator: an uncalibrated score is no probability.
            calibrated=dict(zip(self.classes, calibrated.tolist(), strict=False)),
        )

    def category(self, scores: Floats) -> tuple[str, str]:
        """The category of a film, and by which thresholds on which scale."""
        if self.three is not None:
            return three_way(self.classes, float(scores[1]), self.three)
        point = self.operating_point
        if point is None:
            return self.classes[int(scores.argmax())], "highest score"
        reason = f"threshold {point.threshold:.4f}: {point.rule} on {point.chosen_on}"
        return self.classes[int(scores[1] >= point.threshold)], reason


def not_readable(path: Path, why: str) -> Reading:
    return Reading(path=str(path), category=NOT_READABLE, scores={}, reason=why)


def read_each(
    paths: Sequence[Path],
    rules: PixelRules,
    answer: Callable[[Path, NDArray[np.uint8]], Reading],
    *,
    workers: int = 1,
) -> Iterator[Reading]:
    """One Reading a file, in order; a bad file is one with its reason.

    Each file is decoded and answered on its own, so that no score hangs on the files beside it.
    ``answer`` takes a file's panels (P, S, S), and is called by ``workers`` threads.
    """

    def read(path: Path) -> Reading:
        try:
            squares = load_squares(path, rules)
        except UnreadableFilm as error:
            return not_readable(path, str(error))
        return answer(path, squares)

    yield from in_order(read, paths, workers=workers, chunk=1)

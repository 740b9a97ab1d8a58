"""A heat map beside each answer, of a run whose maps were judged."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from osteon.errors import UsageError
from osteon.explained import RESULT
from osteon.values import read_value

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from osteon.classifier import Classifier
    from osteon.types import Reading

LONG_SIDE_PX = 480
FALLBACK = "gradcam"


def method_shown(run: Path, *, despite_withheld: bool = False) -> str:
    """The method whose maps passed their trial in this run.

    Raises UsageError where none was judged, or all were withheld; with ``despite_withheld`` the
    first one judged is taken, or gradcam.
    """
    from osteon.explain.values import Explanation

    place = run / RESULT
    if not place.is_file():
        if despite_withheld:
            return FALLBACK
        raise UsageError(
            f"The heat maps of {run} were not judged yet: osteon explain {run}. Maps that nobody "
            "judged mislead; --despite-withheld writes them all the same."
        )
    found = read_value(Explanation, place)
    if found.shown:
        return found.shown
    if despite_withheld:
        return found.methods[0].method if found.methods else FALLBACK
    raise UsageError(
        f"The heat maps of {run} are withheld. {found.verdict} --despite-withheld writes them all "
        "the same."
    )


def mapped(
    classifier: Classifier, run: Path, folder: Path, *, despite_withheld: bool = False
) -> Callable[[Path, NDArray[np.uint8]], Reading]:
    """``classifier.answer`` that also writes ``folder``/NAME-DIGEST.png, one for each panel: what
    speaks for the positive class of two, or the class with the highest score.

    Raises UsageError as ``method_shown`` does.
    """
    import threading

    import numpy as np
    import torch

    from osteon.explain.pictures import write_picture
    from osteon.explainers import EXPLAINERS

    how = EXPLAINERS[method_shown(run, despite_withheld=despite_withheld)].explain
    alone = threading.Lock()  # the methods hook into the one network

    def answer(path: Path, squares: NDArray[np.uint8]) -> Reading:
        with alone:
            reading = classifier.answer(path, squares)
            scores = np.array([reading.scores[name] for name in classifier.classes])
            target = 1 if len(scores) == 2 else int(scores.argmax())
            films = torch.from_numpy(squares).to(classifier.device)[:, None].float() / 255
            maps = how(classifier.net, films, target)
        for number, (square, map_) in enumerate(zip(squares, maps, strict=True), start=1):
            place = map_place(folder, path, number if len(squares) > 1 else None)
            write_picture(place, square, map_=map_, long_side_px=LONG_SIDE_PX)
        return reading

    return answer


def map_place(folder: Path, film: Path, panel: int | None = None) -> Path:
    """Where the map of a film lies, or of one of its panels, from 1; films of one name lie in
    several folders."""
    short = hashlib.sha256(str(film).encode("utf-8", "surrogateescape")).hexdigest()[:8]
    return folder / f"{film.stem}-{short}{f'-{panel}' if panel else ''}.png"


def has_map(folder: Path, film: Path) -> bool:
    return map_place(folder, film).is_file() or map_place(folder, film, 1).is_file()

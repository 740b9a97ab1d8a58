"""What is on a film besides the patient: one detector a file, by plain image processing
or small forests of trees.

A detector looks at a ``Picture`` and yields artefacts; their boxes are shares of the film's sides.
What each one finds and misses on hand-labelled films stands in docs/audit.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from osteon.artefacts.picture import Picture, colours_of, picture_of
from osteon.formats import Decoded
from osteon.registry import Registry
from osteon.types import Artefact, Box

Detector = Callable[[Picture], Iterable[Artefact]]
DETECTORS: Registry[Detector] = Registry("artefact detector", package="osteon.artefacts")
LEAST_PX = 24  # of the picture's shorter side: on less there is nothing to see
VERSION = 5  # to be raised whenever any detector would find something else: caches are keyed by it


def detect(data: bytes, film: Decoded, only: Iterable[str] | None = None) -> tuple[Artefact, ...]:
    """The artefacts of one film: ``data`` are the bytes of its file, ``film`` what they decode to.

    Boxes are in px of the decoded film. ``only`` names the detectors to run.
    """
    picture = picture_of(film.gray, colours_of(data, film))
    names = list(DETECTORS) if only is None else list(only)
    if min(picture.gray.shape) < LEAST_PX:
        names = [name for name in names if name == "thumbnail"]
    found = [artefact for name in names for artefact in DETECTORS[name](picture)]
    height, width = film.gray.shape
    return tuple(
        Artefact(kind=each.kind, boxes=tuple(_in_px(box, width, height) for box in each.boxes))
        for each in found
    )


def _in_px(share: Box, width: int, height: int) -> Box:
    return Box(
        left_px=round(share.left_px * width, 1),
        top_px=round(share.top_px * height, 1),
        width_px=round(share.width_px * width, 1),
        height_px=round(share.height_px * height, 1),
    )

"""Blank or nearly black films, and thumbnails."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from osteon.artefacts import DETECTORS
from osteon.artefacts.picture import Picture
from osteon.types import Artefact

LEAST_SPREAD = 16  # gray levels between the 1st and the 99th percentile
LEAST_SIDE_PX = 128  # the longer one: of a hand, a pixel is then over 1.5 mm


@DETECTORS.register("blank")
def blank(picture: Picture) -> Iterator[Artefact]:
    low, high = np.percentile(picture.gray[::4, ::4], (1, 99))
    if high - low < LEAST_SPREAD:
        yield Artefact(kind="blank")


@DETECTORS.register("thumbnail")
def thumbnail(picture: Picture) -> Iterator[Artefact]:
    if max(picture.size_px) < LEAST_SIDE_PX:
        yield Artefact(kind="thumbnail")

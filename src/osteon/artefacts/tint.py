"""Films in one colour: blue or green prints, photographs of a light box or a screen."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from osteon.artefacts import DETECTORS
from osteon.artefacts.picture import Picture
from osteon.types import Artefact

COLOURED = 14  # levels between the strongest and the weakest of red, green and blue
LEAST_SHARE = 0.3  # of the pixels that are neither black nor white
LEAST_MEDIAN = 6


@DETECTORS.register("tint")
def tint(picture: Picture) -> Iterator[Artefact]:
    if picture.colours is None:
        return
    chroma = np.ptp(picture.colours, axis=2)
    between = (picture.gray > 25) & (picture.gray < 235)
    if between.mean() < 0.05:
        return
    there = chroma[between]
    if (there > COLOURED).mean() >= LEAST_SHARE and np.median(there) >= LEAST_MEDIAN:
        yield Artefact(kind="tint")

"""Drawings, slides, photographs and coloured artwork: several strong colours, or a white sheet with
some colour on it. CT and MRI slices are gray, and not told by this."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from osteon.artefacts import DETECTORS
from osteon.artefacts.picture import Picture
from osteon.types import Artefact

STRONG = 45  # levels between the strongest and the weakest of red, green and blue
COLOURFUL = 0.05  # share of such pixels, of three hues or more
HUES = 12  # equal parts of the circle
LEAST_OF_A_HUE = 0.05  # of the strongly coloured pixels
FEWEST_HUES = 3
SHEET = 0.3  # share of white pixels
ON_THE_SHEET = 0.01  # share of strongly coloured ones there


@DETECTORS.register("not_radiograph")
def not_radiograph(picture: Picture) -> Iterator[Artefact]:
    import cv2

    if picture.colours is None:
        return
    strong = np.ptp(picture.colours, axis=2) > STRONG
    coloured = float(strong.mean())
    hues = cv2.cvtColor(picture.colours, cv2.COLOR_RGB2HSV)[..., 0][strong]
    counts = np.histogram(hues, bins=HUES, range=(0, 180))[0]  # OpenCV's hues: 2 degrees each
    several = np.count_nonzero(counts > LEAST_OF_A_HUE * max(1, len(hues))) >= FEWEST_HUES
    white = float((picture.gray >= 245).mean())
    if (coloured >= COLOURFUL and several) or (white >= SHEET and coloured > ON_THE_SHEET):
        yield Artefact(kind="not_radiograph")

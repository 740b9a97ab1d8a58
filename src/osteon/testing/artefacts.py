"""The contract of an artefact detector: any film, and boxes that lie on it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from osteon.artefacts import DETECTORS
from osteon.artefacts.picture import picture_of


def check_detector(name: str, gray: NDArray[np.uint8]) -> None:
    """Raise AssertionError unless the registered detector keeps its contract on a film (H, W).

    It says the same of the same film, changes nothing, and its boxes are shares of the sides.
    """
    before = gray.copy()
    picture = picture_of(gray, None)
    found = list(DETECTORS[name](picture))
    assert found == list(DETECTORS[name](picture_of(before, None)))
    assert np.array_equal(gray, before)
    for artefact in found:
        assert artefact.kind
        for box in artefact.boxes:
            assert 0 <= box.left_px < 1
            assert 0 <= box.top_px < 1
            assert 0 < box.width_px <= 1.001 - box.left_px
            assert 0 < box.height_px <= 1.001 - box.top_px

"""Metal in the body: plates, screws, nails, wires and prostheses, told by a forest from the film's
most telling bright parts and from its looks. The boxes are of these parts: where it looked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from osteon.artefacts import DETECTORS
from osteon.artefacts.bright_parts import bright_parts, most_telling
from osteon.artefacts.forest import forest
from osteon.artefacts.picture import Picture
from osteon.types import Artefact

if TYPE_CHECKING:
    from numpy.typing import NDArray


@DETECTORS.register("metal")
def metal(picture: Picture) -> Iterator[Artefact]:
    parts, boxes = bright_parts(picture.gray)
    numbers, best = most_telling(parts)
    if best and forest("metal").tells(np.concatenate([numbers, picture.looks])):
        yield Artefact(kind="metal", boxes=tuple(boxes[at] for at in best))


def numbers_of(picture: Picture) -> NDArray[np.float32]:
    """What the forest is asked."""
    numbers, _ = most_telling(bright_parts(picture.gray)[0])
    return np.concatenate([numbers, picture.looks])

"""Casts and splints about a limb, told by a forest from the film's looks: above all how bright and
how rough it is just under the body's outline."""

from __future__ import annotations

from collections.abc import Iterator

from osteon.artefacts import DETECTORS
from osteon.artefacts.forest import forest
from osteon.artefacts.picture import Picture
from osteon.types import Artefact


@DETECTORS.register("cast")
def cast(picture: Picture) -> Iterator[Artefact]:
    if forest("cast").tells(picture.looks):
        yield Artefact(kind="cast")

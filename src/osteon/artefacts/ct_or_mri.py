"""Slices of CT and MRI among the films, alone or in a panel, told by a forest from their looks."""

from __future__ import annotations

from collections.abc import Iterator

from osteon.artefacts import DETECTORS
from osteon.artefacts.forest import forest
from osteon.artefacts.picture import Picture
from osteon.types import Artefact


@DETECTORS.register("ct_or_mri")
def ct_or_mri(picture: Picture) -> Iterator[Artefact]:
    if forest("ct_or_mri").tells(picture.looks):
        yield Artefact(kind="ct_or_mri")

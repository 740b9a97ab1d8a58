"""Films inside a slide, a page or a screen, with headings or captions about them, told by a forest
from their looks."""

from __future__ import annotations

from collections.abc import Iterator

from osteon.artefacts import DETECTORS
from osteon.artefacts.forest import forest
from osteon.artefacts.picture import Picture
from osteon.types import Artefact


@DETECTORS.register("screenshot")
def screenshot(picture: Picture) -> Iterator[Artefact]:
    if forest("screenshot").tells(picture.looks):
        yield Artefact(kind="screenshot")

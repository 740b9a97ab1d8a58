"""Turns a film with black bone round: bone is white in every other one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from osteon.artefacts.inverted import inverted
from osteon.artefacts.picture import Picture
from osteon.mending import STEPS, Change

if TYPE_CHECKING:
    from osteon.formats import Gray


@STEPS.register("invert")
def upright_tones(gray: Gray, picture: Picture) -> Change | None:
    return Change(gray=~gray) if any(inverted(picture)) else None

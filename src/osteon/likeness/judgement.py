"""When two films that were laid on one another count as one exposure."""

from __future__ import annotations

from osteon.types import Likeness


def is_one_exposure(how: Likeness) -> bool:
    """Whether it is one exposure.

    Films of two patients in one pose can be laid on each other nearly as well as copies, but
    then scaled a little, and stretched. So least is asked where px lie on px, or frame on
    frame, as a film saved anew has it, and most where only a part is in both. The figures were
    chosen by looking at pairs of multi-region, Bone Break and phantoms.
    """
    upright = abs((how.rotation_deg + 45) % 90 - 45) < 1  # from a right angle
    framed = upright and how.cover >= 0.95
    if how.overlap < 0.8:
        enough = 0.93 if how.stretch < 1.03 else 0.95
        return how.overlap >= 0.5 and how.correlation >= enough and (upright or enough < 0.95)
    if how.stretch >= 1.03:
        return how.correlation >= 0.90 and (framed or how.median >= 0.90)
    px_on_px = abs(how.scale - 1) < 0.012 and how.stretch < 1.015
    if framed or px_on_px:
        return how.correlation >= 0.86 or min(how.correlation, how.median) >= 0.80
    return how.correlation >= 0.90


def is_similar(how: Likeness) -> bool:
    """Whether a person should look: a second exposure of one patient, or only a like pose."""
    return how.overlap >= 0.5 and how.correlation >= 0.75

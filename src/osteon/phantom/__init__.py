"""Phantoms: radiographs made by physics, whose truth is known.

>>> from pathlib import Path
>>> from osteon.phantom import PhantomPlan, Plants, make_phantoms
>>> plan = PhantomPlan(films=360, seed=7, plants=Plants(copies=0.05, truncated=3))
>>> make_phantoms(Path("phantoms/demo"), plan)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from osteon.phantom.plan import Case, PhantomPlan, Plants, make_case
from osteon.phantom.write import make_phantoms

if TYPE_CHECKING:
    from osteon.phantom.scene import Film as Film
    from osteon.phantom.scene import make_film as make_film

__all__ = ["Case", "Film", "PhantomPlan", "Plants", "make_case", "make_film", "make_phantoms"]


def __getattr__(name: str) -> Any:
    if name in ("Film", "make_film"):
        from osteon.phantom import scene

        return getattr(scene, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

"""Networks as frozen dataclasses: the fields are the hyper-parameters, ``build`` makes the net."""

from __future__ import annotations

from osteon.registry import Registry
from osteon.types import Backbone

BACKBONES: Registry[type[Backbone]] = Registry("backbone", package="osteon.backbones")

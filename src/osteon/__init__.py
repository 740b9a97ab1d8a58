"""osteon: from a folder of X-ray films to a fracture classifier whose numbers can be trusted.

Every stage is a function from values to a new value. Research software, not a medical device.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

__version__ = "0.1.0"

_HOME = {  # public name -> the module that it lives in
    "Bundle": "osteon.bundle",
    "Classifier": "osteon.classifier",
    "Manifest": "osteon.types",
    "PhantomPlan": "osteon.phantom",
    "PixelRules": "osteon.types",
    "Recipe": "osteon.types",
    "apply_verdicts": "osteon.verdicts",
    "audit": "osteon.audit",
    "choose_operating_point": "osteon.evaluate",
    "compare": "osteon.compare",
    "compare_data": "osteon.looking",
    "decide": "osteon.decisions",
    "deidentify": "osteon.deidentify",
    "evaluate": "osteon.evaluate",
    "evaluate_predictions": "osteon.foreign",
    "explain": "osteon.explain",
    "export": "osteon.export",
    "find_copies": "osteon.likeness.search",
    "find_shortcuts": "osteon.shortcuts",
    "find_suspects": "osteon.suspects",
    "fit": "osteon.fit",
    "folds": "osteon.split",
    "fuse": "osteon.fusion",
    "group_films": "osteon.split",
    "inspect_films": "osteon.inspection",
    "judge_calibration": "osteon.calibrate",
    "load_pixels": "osteon.loading",
    "look_at": "osteon.looking",
    "make_phantoms": "osteon.phantom",
    "named_recipe": "osteon.recipe",
    "open_store": "osteon.likeness.store",
    "prepare": "osteon.prepare",
    "read_manifest": "osteon.manifest",
    "read_source": "osteon.reading",
    "read_verdicts": "osteon.verdicts",
    "reproduce": "osteon.reproduce",
    "run": "osteon.run",
    "shift_suite": "osteon.travel",
    "shipped": "osteon.split",
    "split": "osteon.split",
    "subgroups": "osteon.subgroups",
    "train": "osteon.train",
    "tune": "osteon.tune",
    "with_settings": "osteon.recipe",
    "write_card": "osteon.paper",
    "write_checklists": "osteon.paper",
    "write_manifest": "osteon.manifest",
    "write_report": "osteon.report",
}
__all__ = ["__version__", *_HOME]

if TYPE_CHECKING:
    from osteon.audit import audit as audit
    from osteon.bundle import Bundle as Bundle
    from osteon.calibrate import judge_calibration as judge_calibration
    from osteon.classifier import Classifier as Classifier
    from osteon.compare import compare as compare
    from osteon.decisions import decide as decide
    from osteon.deidentify import deidentify as deidentify
    from osteon.evaluate import choose_operating_point as choose_operating_point
    from osteon.evaluate import evaluate as evaluate
    from osteon.explain import explain as explain
    from osteon.export import export as export
    from osteon.fit import fit as fit
    from osteon.foreign import evaluate_predictions as evaluate_predictions
    from osteon.fusion import fuse as fuse
    from osteon.inspection import inspect_films as inspect_films
    from osteon.likeness.search import find_copies as find_copies
    from osteon.likeness.store import open_store as open_store
    from osteon.loading import load_pixels as load_pixels
    from osteon.looking import compare_data as compare_data
    from osteon.looking import look_at as look_at
    from osteon.manifest import read_manifest as read_manifest
    from osteon.manifest import write_manifest as write_manifest
    from osteon.paper import write_card as write_card
    from osteon.paper import write_checklists as write_checklists
    from osteon.phantom import PhantomPlan as PhantomPlan
    from osteon.phantom import make_phantoms as make_phantoms
    from osteon.prepare import prepare as prepare
    from osteon.reading import read_source as read_source
    from osteon.recipe import named_recipe as named_recipe
    from osteon.recipe import with_settings as with_settings
    from osteon.report import write_report as write_report
    from osteon.reproduce import reproduce as reproduce
    from osteon.run import run as run
    from osteon.shortcuts import find_shortcuts as find_shortcuts
    from osteon.split import folds as folds
    from osteon.split import group_films as group_films
    from osteon.split import shipped as shipped
    from osteon.split import split as split
    from osteon.subgroups import subgroups as subgroups
    from osteon.suspects import find_suspects as find_suspects
    from osteon.train import train as train
    from osteon.travel import shift_suite as shift_suite
    from osteon.tune import tune as tune
    from osteon.types import Manifest as Manifest
    from osteon.types import PixelRules as PixelRules
    from osteon.types import Recipe as Recipe
    from osteon.verdicts import apply_verdicts as apply_verdicts
    from osteon.verdicts import read_verdicts as read_verdicts


class _LazyPackage(ModuleType):
    """Imports a public name when it is first used.

    Some stages share their module's name (``osteon.audit``). Importing such a module would put it
    in the function's place; it is refused that place, and stays reachable as ``from osteon.audit
    import ...``.
    """

    def __getattr__(self, name: str) -> object:
        if name not in _HOME:
            raise AttributeError(f"module 'osteon' has no attribute {name!r}")
        value = getattr(import_module(_HOME[name]), name)
        super().__setattr__(name, value)
        return value

    def __setattr__(self, name: str, value: object) -> None:
        if not (name in _HOME and isinstance(value, ModuleType)):
            super().__setattr__(name, value)

    def __dir__(self) -> list[str]:
        return sorted(__all__)


sys.modules[__name__].__class__ = _LazyPackage

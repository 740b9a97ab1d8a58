"""The public API is complete, lazy, and free of effects."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import osteon

HEAVY = {"torch", "timm", "sklearn", "scipy", "cv2", "pydicom", "pandas", "PIL", "numpy", "jinja2"}


def test_every_exported_name_is_there_and_the_list_is_sorted() -> None:
    names = [name for name in osteon.__all__ if name != "__version__"]
    assert names == sorted(names)
    assert [name for name in names if not hasattr(osteon, name)] == []


def test_type_checkers_see_what_is_exported() -> None:
    tree = ast.parse(Path(osteon.__file__).read_text())
    aliases = {a.asname for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) for a in n.names}
    assert {name for name in osteon.__all__ if name != "__version__"} <= aliases


def test_importing_a_stage_module_does_not_hide_the_stage() -> None:
    importlib.import_module("osteon.audit")
    assert callable(osteon.audit)


def python(code: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    ).stdout


def test_importing_osteon_imports_nothing_heavy_and_prints_nothing() -> None:
    printed = python("import sys, osteon; print(*(m.partition('.')[0] for m in sys.modules))")
    assert HEAVY.isdisjoint(printed.split())
    assert python("import osteon") == ""


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; sys.argv = ['osteon', '--help']\n"
        "import atexit; atexit.register(lambda: print('MODULES', *sys.modules))\n"
        "from osteon.__main__ import main; main()"
    )
    modules = {name.partition(".")[0] for name in python(code).partition("MODULES")[2].split()}
    assert "typer" in modules
    assert HEAVY.isdisjoint(modules)


def test_importing_osteon_leaves_logging_and_warnings_alone() -> None:
    code = (
        "import logging, warnings; before = (list(logging.root.handlers), list(warnings.filters))\n"
        "import osteon, osteon.cli, osteon.run\n"
        "print(before == (list(logging.root.handlers), list(warnings.filters)))"
    )
    assert python(code).strip() == "True"

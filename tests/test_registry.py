"""Registries find plugins by themselves, refuse doubles, and guess what was meant."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from osteon.errors import UnknownName
from osteon.registry import Registry


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    folder = tmp_path / "shapes_for_test"
    folder.mkdir()
    (folder / "__init__.py").write_text(
        "from osteon.registry import Registry\n"
        "SHAPES = Registry('shape', package='shapes_for_test')\n"
    )
    (folder / "round.py").write_text(
        "from shapes_for_test import SHAPES\n\n@SHAPES.register('circle')\ndef circle():\n"
        "    return 0\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    yield folder.name
    for name in [name for name in sys.modules if name.startswith(folder.name)]:
        del sys.modules[name]


def test_a_new_file_is_found(package: str) -> None:
    shapes = importlib.import_module(package).SHAPES
    assert list(shapes) == ["circle"]
    assert shapes["circle"]() == 0


def test_an_unknown_name_gets_a_hint(package: str) -> None:
    shapes = importlib.import_module(package).SHAPES
    with pytest.raises(UnknownName, match="Did you mean 'circle'"):
        shapes["circel"]


def test_doubles_are_refused() -> None:
    shapes: Registry[int] = Registry("shape", package="osteon.testing")
    shapes.register("square")(4)
    with pytest.raises(ValueError, match="two shapes named 'square'"):
        shapes.register("square")(4)


def test_threads_see_all_plugins_or_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "slow_plugins"
    package.mkdir()
    (package / "__init__.py").write_text(
        "from osteon.registry import Registry\nKINDS = Registry('kind', package='slow_plugins')\n"
    )
    for name in "abc":
        (package / f"{name}.py").write_text(
            "import time\nfrom slow_plugins import KINDS\ntime.sleep(0.05)\n"
            f"KINDS.register('{name}')(1)\n"
        )
    monkeypatch.syspath_prepend(tmp_path)
    kinds = importlib.import_module("slow_plugins").KINDS
    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(lambda _: list(kinds), range(8))) == [["a", "b", "c"]] * 8

"""The command line: parse, call, print. What is printed is made in ``osteon.console``."""

from __future__ import annotations

from importlib import import_module

from osteon.cli.app import app

__all__ = ["app"]

for _part in ("pipeline", "judging", "research", "films"):  # in the order that --help shows
    import_module(f"osteon.cli.{_part}")

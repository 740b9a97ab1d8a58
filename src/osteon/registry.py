"""Plugins of one kind: a file dropped into the kind's package registers itself."""

from __future__ import annotations

import importlib
import pkgutil
import threading
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

from osteon.errors import UnknownName

T = TypeVar("T")


class Registry(Generic[T]):
    """Named values of one kind, gathered from the modules of one package when first asked for.

    >>> CHECKS: Registry[Check] = Registry("check", package="osteon.checks")
    >>> @CHECKS.register("imbalance")
    ... def imbalance(manifest, facts): ...
    """

    def __init__(self, kind: str, *, package: str) -> None:
        self._kind = kind
        self._package = package
        self._items: dict[str, T] = {}
        self._loaded = False
        self._loading = threading.RLock()
        self._within = False  # a plugin being imported asks for another of its kind

    def register(self, name: str) -> Callable[[T], T]:
        """Register the decorated value under ``name``; a second one of that name is refused."""

        def keep(item: T) -> T:
            if name in self._items:
                raise ValueError(f"There are two {self._kind}s named {name!r}.")
            self._items[name] = item
            return item

        return keep

    def __getitem__(self, name: str) -> T:
        """Raises UnknownName, with the nearest known name, if there is none."""
        self._load()
        try:
            return self._items[name]
        except KeyError:
            raise UnknownName(self._kind, name, self._items) from None

    def __iter__(self) -> Iterator[str]:
        self._load()
        return iter(sorted(self._items))

    def __contains__(self, name: object) -> bool:
        self._load()
        return name in self._items

    def __len__(self) -> int:
        self._load()
        return len(self._items)

    def items(self) -> Iterator[tuple[str, T]]:
        for name in self:
            yield name, self._items[name]

    def _load(self) -> None:
        if self._loaded:
            return
        with self._loading:  # another thread must not see half of them
            if self._loaded or self._within:
                return
            self._within = True
            for module in pkgutil.iter_modules(importlib.import_module(self._package).__path__):
                importlib.import_module(f"{self._package}.{module.name}")
            self._loaded = True

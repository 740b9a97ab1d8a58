"""Values to JSON and back, checked against their dataclass; NaN becomes null."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from osteon.errors import DataError
from osteon.files import atomic_writer

T = TypeVar("T")


_adapters: dict[object, TypeAdapter[Any]] = {}  # building one costs milliseconds


def _adapter(kind: Any) -> TypeAdapter[Any]:
    if kind not in _adapters:
        _adapters[kind] = TypeAdapter(kind)
    return _adapters[kind]


def write_value(path: Path, value: object) -> Path:
    """Write a dataclass of ``osteon.types`` as indented JSON, whole or not at all."""
    data = _adapter(type(value)).dump_json(value, indent=2)
    with atomic_writer(path, "wb") as file:  # not joined: an audit of many films is large
        file.write(data)
        file.write(b"\n")
    return path


def to_json(value: object) -> str:
    """A dataclass of ``osteon.types`` on one line of JSON."""
    return _adapter(type(value)).dump_json(value).decode()


def from_json(kind: type[T], text: str) -> T:
    """What ``to_json`` made. Raises DataError if it does not fit ``kind``."""
    try:
        result: T = _adapter(kind).validate_json(text)
    except ValidationError as error:
        raise DataError(f"Not a {kind.__name__}: {error.errors()[0]['msg']}.") from None
    return result


def as_json(value: object, *, exclude: set[str] | None = None) -> dict[str, Any]:
    """A dataclass of ``osteon.types`` as what JSON can hold, less the fields in ``exclude``."""
    result: dict[str, Any] = _adapter(type(value)).dump_python(value, mode="json", exclude=exclude)
    return result


def read_value(kind: type[T], path: Path) -> T:
    """Read what ``write_value`` wrote.

    Raises DataError, naming the file and the field, if it is missing or does not fit ``kind``.
    """
    try:
        result: T = _adapter(kind).validate_json(path.read_bytes())
    except FileNotFoundError:
        raise DataError(f"{path} is missing. Is {path.parent} a run folder?") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(step) for step in first["loc"])
        raise DataError(f"{path} is not a {kind.__name__}: {where}: {first['msg']}.") from None
    return result

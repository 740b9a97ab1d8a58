"""Values survive JSON, and files that are no such value are named."""

from __future__ import annotations

from pathlib import Path

import pytest

from osteon.errors import DataError
from osteon.types import Audit, FilmFacts, Finding
from osteon.values import as_json, read_value, write_value

FILM = FilmFacts(id="a.jpg", n_bytes=3, sha256="ab", mean=0.1 + 0.2)
FINDING = Finding(check="copies", severity="note", message="m", pairs=(("a.jpg", "b.jpg"),))
AUDIT = Audit(
    manifest_digest="d", findings=(FINDING,), facts={"a.jpg": FILM}, clusters={"a.jpg": "a.jpg"}
)


def test_a_value_comes_back_equal(tmp_path: Path) -> None:
    assert read_value(Audit, write_value(tmp_path / "audit.json", AUDIT)) == AUDIT


def test_fields_can_be_left_out_of_what_is_printed() -> None:
    assert set(as_json(AUDIT, exclude={"facts"})) == {
        "manifest_digest",
        "findings",
        "clusters",
        "copies",
        "shortcuts",
    }


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"audit\.json is missing"):
        read_value(Audit, tmp_path / "audit.json")


def test_a_wrong_field_is_named(tmp_path: Path) -> None:
    path = tmp_path / "audit.json"
    path.write_text('{"manifest_digest": "d", "findings": 3, "facts": {}, "clusters": {}}')
    with pytest.raises(DataError, match=r"is not a Audit: findings"):
        read_value(Audit, path)

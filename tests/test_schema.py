"""The documented schema of audit.json is the one that is written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from docs.make_schema import PATH, schema

from osteon.audit import audit
from osteon.inspection import inspect_films
from osteon.likeness.search import find_copies
from osteon.likeness.store import open_store
from osteon.reading import read_source
from osteon.values import write_value
from tests.training import write_films


def test_the_schema_in_the_docs_is_todays() -> None:
    assert PATH.read_text(encoding="utf-8") == schema(), "run: python docs/make_schema.py"


def test_an_audit_fits_its_schema(tmp_path: Path) -> None:
    manifest = read_source(write_films(tmp_path / "films"))
    with open_store() as store:
        facts = inspect_films(manifest, store=store)
        result = audit(manifest, facts=facts, copies=find_copies(facts, store))
    told = json.loads(write_value(tmp_path / "audit.json", result).read_text())
    fits(told, json.loads(schema()))


def fits(value: Any, rule: dict[str, Any], whole: dict[str, Any] | None = None) -> None:
    """As far as such a schema goes: types, required and known properties, references, choices."""
    whole = whole or rule
    if "$ref" in rule:
        rule = whole["$defs"][rule["$ref"].rpartition("/")[2]]
    if "anyOf" in rule:
        kinds = {"NoneType": "null", "str": "string", "int": "integer", "float": "number"}
        wanted = {kinds.get(type(value).__name__), "number" if type(value) is int else None}
        options = [each for each in rule["anyOf"] if each.get("type") in wanted or "$ref" in each]
        assert options, (value, rule)
        if value is not None:
            fits(value, options[0], whole)
        return
    if "enum" in rule:
        assert value in rule["enum"]
    kind = rule.get("type")
    if kind == "object":
        assert set(rule.get("required", ())) <= set(value)
        for name, inner in value.items():
            known = rule.get("properties", {}).get(name, rule.get("additionalProperties"))
            assert known, f"{name} is not in the schema"
            if isinstance(known, dict):
                fits(inner, known, whole)
    elif kind == "array":
        for inner in value:
            fits(inner, rule.get("items") or {"type": None}, whole)
    elif kind:
        python = {"string": str, "integer": int, "number": (int, float), "boolean": bool}
        assert isinstance(value, python.get(kind, object)), (value, rule)  # type: ignore[arg-type]

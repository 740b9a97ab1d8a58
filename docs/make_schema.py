"""Writes docs/audit.schema.json: what `osteon audit --out` and a run's audit.json hold.

python docs/make_schema.py
"""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import TypeAdapter

from osteon.types import Audit

PATH = Path(__file__).with_name("audit.schema.json")


def schema() -> str:
    told = TypeAdapter(Audit).json_schema(mode="serialization")
    return json.dumps(told, indent=1, sort_keys=True) + "\n"


if __name__ == "__main__":
    PATH.write_text(schema(), encoding="utf-8")

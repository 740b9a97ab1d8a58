"""Drafts of reporting checklists: what the run knows is filled in, the rest is marked TO FILL."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

from osteon.errors import UnknownName
from osteon.files import write_text
from osteon.paper.facts import known_facts
from osteon.report.material import gather

TO_FILL = "**TO FILL**"
CHECKLISTS = ("claim-2024", "tripod-ai", "stard-ai")


@dataclass(frozen=True, kw_only=True, slots=True)
class Item:
    """``facts`` are names in ``osteon.paper.facts``; ``to_fill`` is what only a person knows, None
    where the facts say all."""

    number: str
    section: str
    item: str
    facts: tuple[str, ...]
    to_fill: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Checklist:
    name: str
    title: str
    source: str
    note: str
    items: tuple[Item, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Draft:
    """Of so many items, those with something filled in, and those where a person must write."""

    path: Path
    title: str
    n_items: int
    n_filled: int
    n_to_fill: int


@cache
def checklist(name: str) -> Checklist:
    """Raises UnknownName for none of ``CHECKLISTS``."""
    if name not in CHECKLISTS:
        raise UnknownName("checklist", name, CHECKLISTS)
    text = files("osteon.paper").joinpath(f"checklists/{name}.json").read_text(encoding="utf-8")
    said = json.loads(text)
    items = [Item(**{**item, "facts": tuple(item["facts"])}) for item in said.pop("items")]
    return Checklist(**said, items=tuple(items))


def write_checklists(run: Path, names: Iterable[str] = CHECKLISTS) -> list[Draft]:
    """Write RUN/checklists/NAME.md for each of ``names``.

    Raises DataError if ``run`` is no run folder, UnknownName for a checklist that is not there.
    """
    wanted = [checklist(name) for name in names]
    material = gather(run)
    known = known_facts(material)
    return [_written(each, known, material.folder.path / "checklists") for each in wanted]


def _written(form: Checklist, known: Mapping[str, str], folder: Path) -> Draft:
    lines = [
        f"# {form.title}: draft",
        "",
        f"{form.source}. {form.note}",
        "",
        "Filled in by osteon from the run folder; what only a person knows is marked "
        f"{TO_FILL}. Research software, not a medical device.",
    ]
    section, n_filled, n_to_fill = "", 0, 0
    for item in form.items:
        if item.section != section:
            section = item.section
            lines += ["", f"## {section}"]
        lines += ["", f"### {item.number}. {item.item}"]
        said = [known[name] for name in item.facts if name in known]
        open_ = item.to_fill or ("" if said else "not in the run folder")
        n_filled += bool(said)
        n_to_fill += bool(open_)
        for text in [*said, *([f"{TO_FILL}: {open_}"] if open_ else [])]:
            lines += ["", text]
    path = write_text(folder / f"{form.name}.md", "\n".join(lines) + "\n")
    return Draft(
        path=path,
        title=form.title,
        n_items=len(form.items),
        n_filled=n_filled,
        n_to_fill=n_to_fill,
    )

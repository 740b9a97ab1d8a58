"""Shortcuts: is the label readable without the bone?

Probes learn it from file metadata, from the rims of films and from the air around the body; signs
(arrows, letters, metal, the size of the film, ...) are counted class by class. What is made of the
figures stands in ``osteon.checks.shortcuts``; what they missed and found, in docs/audit.md.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from osteon.clusters import copy_clusters, group_films
from osteon.errors import DataError, ResourceError, UsageError
from osteon.parallel import one_thread
from osteon.progress import say
from osteon.types import Copies, FilmFacts, Manifest, Probe, Shortcuts
from osteon.values import read_value, write_value

if TYPE_CHECKING:
    from osteon.shortcuts.probes import Judged

VERSION = 1  # to be raised whenever the same films would get other figures
FEWEST = 20  # independent films that a class needs, to be among those told apart


def find_shortcuts(
    manifest: Manifest,
    *,
    facts: Mapping[str, FilmFacts],
    copies: Copies | None = None,
    cache: Path | None = None,
) -> Shortcuts:
    """What tells the label of the readable films without the bone, as far as these probes see.

    ``copies`` from ``osteon.find_copies`` are kept on one side, as those equal by bytes or pixels,
    and patients and studies are. With ``cache``, unchanged data are answered from there.
    Classes of fewer than 20 groups are left out; ``undone`` says so, and what else was not done.
    """
    groups = group_films(manifest, copy_clusters(facts, copies))
    known = _place(manifest, facts, groups, cache) if cache else None
    if known and known.is_file():
        try:
            return read_value(Shortcuts, known)
        except DataError:
            say(f"{known} is spoilt: shortcuts are looked for again.")
    found = _found(manifest, facts, groups, cache)
    if known:
        try:
            write_value(known, found)
        except (ResourceError, UsageError) as error:  # only a cache: the result is at hand
            say(f"The next audit will look for shortcuts again. {error}")
    return found


def _place(
    manifest: Manifest, facts: Mapping[str, FilmFacts], groups: Mapping[str, str], cache: Path
) -> Path:
    said = hashlib.sha256(f"{VERSION} {manifest.digest}".encode())
    for id_ in sorted(facts):
        said.update(f"{facts[id_]!r} {groups.get(id_)}\n".encode())
    return cache / "shortcuts" / f"{said.hexdigest()[:32]}.json"


def _found(
    manifest: Manifest,
    facts: Mapping[str, FilmFacts],
    groups: Mapping[str, str],
    cache: Path | None,
) -> Shortcuts:
    kept, undone = _with_enough(manifest, facts, groups)
    if len(kept.classes) < 2:
        return Shortcuts(undone=(*undone, "Nothing is left to tell apart."))
    from osteon.shortcuts.probes import Judged
    from osteon.shortcuts.signs import tabulate

    judged = Judged(manifest=kept, facts=facts, groups=groups)
    say("shortcuts: what is told by metadata, rims and background")
    with one_thread():
        if cache:
            probes = tuple(_probes(judged, cache, undone))
        else:
            with tempfile.TemporaryDirectory() as folder:
                probes = tuple(_probes(judged, Path(folder), undone))
        signs = tabulate(judged)
    return Shortcuts(classes=kept.classes, probes=probes, signs=signs, undone=tuple(undone))


def _with_enough(
    manifest: Manifest, facts: Mapping[str, FilmFacts], groups: Mapping[str, str]
) -> tuple[Manifest, list[str]]:
    """The readable films with a label, of classes that are large enough, and what was left out."""
    of_class: defaultdict[int, set[str]] = defaultdict(set)
    for film in manifest.radiographs:
        if film.label is not None and film.id in facts and facts[film.id].fault is None:
            of_class[film.label].add(groups[film.id])
    large = [label for label in sorted(of_class) if len(of_class[label]) >= FEWEST]
    few = [
        f"'{name}' ({len(of_class[label])})"
        for label, name in enumerate(manifest.classes)
        if label not in large
    ]
    kept = replace(
        manifest,
        classes=tuple(manifest.classes[label] for label in large),
        radiographs=tuple(
            replace(film, label=large.index(film.label))
            for film in manifest.radiographs
            if film.label in large and film.id in facts and facts[film.id].fault is None
        ),
    )
    told = f"Classes of fewer than {FEWEST} independent films were left out: {', '.join(few)}."
    return kept, [told] if few else []


def _probes(judged: Judged, cache: Path, undone: list[str]) -> Iterator[Probe]:
    """The probes that can be made; why others cannot goes to ``undone``."""
    from osteon.prepare import prepare
    from osteon.shortcuts.probes import PIXELS, probe_metadata, probe_pixels
    from osteon.shortcuts.surroundings import RULES

    try:
        yield probe_metadata(judged)
    except DataError as error:
        undone.append(f"The metadata were not judged. {error}")
    try:
        prepared = prepare(judged.manifest, RULES, cache=cache, facts=judged.facts)
    except (DataError, ResourceError, UsageError) as error:
        undone.append(f"Rims and background were not looked at. {error}")
        return
    for name in PIXELS:
        try:
            yield probe_pixels(judged, prepared, name)
        except DataError as error:
            undone.append(f"The {name} was not judged. {error}")

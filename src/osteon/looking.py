"""Where every stage begins: read the films of a folder or file, open each once, audit them.

Nothing here knows of a run folder.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from osteon.progress import say
from osteon.types import Audit, Manifest, PixelRules
from osteon.verdicts import Verdict, apply_verdicts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from osteon.independence import Independence


def read_data(
    data: Path, *, layout: str | None = None, verdicts: Sequence[Verdict] = ()
) -> Manifest:
    """The films of ``data``, less those that ``verdicts`` remove, relabelled as they say. No film
    is opened. Raises what ``osteon.reading.read_source`` raises."""
    from osteon.reading import read_source

    return apply_verdicts(read_source(data, layout=layout), verdicts)


def look_at(
    data: Path,
    rules: PixelRules | None = None,
    *,
    layout: str | None = None,
    verdicts: Sequence[Verdict] = (),
    cache: Path | None = None,
) -> tuple[Manifest, Audit]:
    """``read_data`` and ``look_over``: this is where every stage begins, so that a film that was
    removed is in none of them."""
    return look_over(read_data(data, layout=layout, verdicts=verdicts), rules, cache=cache)


def look_over(
    manifest: Manifest, rules: PixelRules | None = None, *, cache: Path | None = None
) -> tuple[Manifest, Audit]:
    """Open every film once, look for copies and shortcuts, run every check; then, if ``rules`` say
    so, cut collages into panels."""
    from osteon.audit import audit
    from osteon.inspection import inspect_films
    from osteon.likeness.search import find_copies
    from osteon.likeness.store import open_store
    from osteon.panels import cut_panels
    from osteon.shortcuts import find_shortcuts

    say(f"{manifest.recognised_by}")
    with open_store(cache) as store:
        facts = inspect_films(manifest, cache=cache, store=store)
        patients = {film.id: film.patient_id for film in manifest.radiographs}
        copies = find_copies(facts, store, patients=patients)
    shortcuts = find_shortcuts(manifest, facts=facts, copies=copies, cache=cache)
    audited = audit(manifest, facts=facts, copies=copies, shortcuts=shortcuts)
    if rules and "panels" in rules.mend:
        return cut_panels(manifest, audited)
    return manifest, audited


def compare_data(
    train: Path, test: Path, *, verdicts: Sequence[Verdict] = (), cache: Path | None = None
) -> Independence:
    """Whether the films of ``test`` are new to a model trained on those of ``train``, less those
    that ``verdicts`` remove from it. Raises DataError where one of them has no readable film."""
    from osteon.independence import Side, independence
    from osteon.inspection import inspect_films
    from osteon.likeness.store import open_store

    manifests = (read_data(train, verdicts=verdicts), read_data(test))
    names = [data.resolve().name for data in (train, test)]
    if names[0] == names[1]:
        names = [str(train), str(test)]
    with open_store(cache) as store:
        sides = []
        for name, manifest in zip(names, manifests, strict=True):
            say(manifest.recognised_by)
            facts = inspect_films(manifest, cache=cache, store=store)
            sides.append(Side(name=name, films=manifest.radiographs, facts=facts))
        return independence(sides[0], sides[1], store)

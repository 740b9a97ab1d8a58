"""What is on the films besides the patients."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from osteon.checks import CHECKS, Evidence
from osteon.types import Finding, Severity
from osteon.words import counted

SAID: dict[str, tuple[Severity, str, str]] = {
    "blank": ("warning", "show nothing", "Leave them out."),
    "not_radiograph": (
        "warning",
        "look like drawings, slides, photographs or coloured artwork, and not like radiographs",
        "Look at them, and leave out those that are none.",
    ),
    "thumbnail": (
        "warning",
        "are of the size of thumbnails: below 128 px on the long side",
        "Get the films themselves, or leave these out.",
    ),
    "inverted": (
        "warning",
        "look inverted: bone is black",
        "Turn their tones round.",
    ),
    "collage": (
        "warning",
        "look like several films in one file",
        "Cut them into their panels.",
    ),
    "frame": ("note", "have a frame or black bars", "Cut it off."),
    "arrow": (
        "warning",
        "seem to have an arrow on them: it may point at the answer",
        "Paint it over.",
    ),
    "coloured_mark": (
        "warning",
        "have coloured marks",
        "Paint them over.",
    ),
    "writing": (
        "note",
        "have writing burned in: it may name a patient, or the answer",
        "Paint it over.",
    ),
    "letter": ("note", "have single letters or side markers", ""),
    "tint": ("note", "are tinted: prints, or photographs of a light box or a screen", ""),
    "metal": (
        "note",
        "seem to show plates, screws, nails or other metal: it may give the answer away",
        "",
    ),
    "cast": (
        "note",
        "seem to show a cast or a splint: it may give the answer away",
        "",
    ),
    "ct_or_mri": (
        "warning",
        "look like a slice of CT or MRI, alone or in a panel, and not like a radiograph",
        "Look at each, and leave out what is a slice.",
    ),
    "screenshot": (
        "warning",
        "look like a slide, page or screen that shows a film among other things",
        "Cut the film out, or leave it out.",
    ),
}
MENDED_BY = {
    "inverted": "invert",
    "collage": "panels",
    "frame": "frame",
    "arrow": "marks",
    "coloured_mark": "marks",
    "writing": "marks",
}


@CHECKS.register("artefacts")
def artefacts(evidence: Evidence) -> Iterator[Finding]:
    """One finding a kind, with the films it was seen on; how often each detector is right stands
    in docs/audit.md."""
    seen: defaultdict[str, list[str]] = defaultdict(list)
    for id_, film in evidence.facts.items():
        for kind in sorted({artefact.kind for artefact in film.artefacts}):
            seen[kind].append(id_)
    for kind in sorted(seen):
        severity, what, remedy = SAID.get(kind, ("note", f"have the artefact {kind!r}", ""))
        yield Finding(
            check="artefacts",
            severity=severity,
            message=f"{counted(len(seen[kind]), 'film')} of {len(evidence.facts):,} "
            f"{_of_one(what) if len(seen[kind]) == 1 else what}.",
            remedy=remedy or ("Look at them." if severity != "note" else ""),
            ids=tuple(seen[kind]),
            artefact=kind,
            command=f"osteon run DATA --set pixels.mend={MENDED_BY[kind]}"
            if kind in MENDED_BY
            else "",
        )


def _of_one(what: str) -> str:
    """
    >>> _of_one("look inverted"), _of_one("have a frame"), _of_one("are tinted")
    ('looks inverted', 'has a frame', 'is tinted')
    """
    verb, _, rest = what.partition(" ")
    return {"have": "has", "are": "is"}.get(verb, f"{verb}s") + f" {rest}"

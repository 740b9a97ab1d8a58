"""Runs the checks on a manifest and what opening its files told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from osteon.checks import CHECKS, Evidence
from osteon.clusters import copy_clusters
from osteon.types import Audit, Copies, FilmFacts, Manifest, Part, Shortcuts, Split
from osteon.words import counted

_ORDER = {"error": 0, "warning": 1, "note": 2}


def audit(
    manifest: Manifest,
    *,
    facts: Mapping[str, FilmFacts],
    copies: Copies | None = None,
    shortcuts: Shortcuts | None = None,
    checks: Iterable[str] | None = None,
) -> Audit:
    """Run all checks, or those named, and gather copies into clusters.

    ``facts`` come from ``osteon.inspect_films``, ``copies`` from ``osteon.find_copies`` (without
    them, only exact copies are known), ``shortcuts`` from ``osteon.find_shortcuts``. Findings are
    ordered by severity, then by check.
    Raises UnknownName for a check that does not exist.
    """
    clusters = copy_clusters(facts, copies)
    evidence = Evidence(
        manifest=manifest, facts=facts, clusters=clusters, copies=copies, shortcuts=shortcuts
    )
    names = list(CHECKS) if checks is None else list(checks)
    chosen = [CHECKS[name] for name in names]
    findings = [finding for check in chosen for finding in check(evidence)]
    findings.sort(key=lambda finding: (_ORDER[finding.severity], finding.check))
    return Audit(
        manifest_digest=manifest.digest,
        findings=tuple(findings),
        facts=dict(facts),
        clusters=clusters,
        copies=copies,
        shortcuts=shortcuts,
    )


def verdict(audit: Audit, manifest: Manifest, used: Split | None = None) -> str:
    """A few sentences: may these data be used, with which split, and what can be read without the
    bone; ``used`` is the split that a run has taken, if one has."""
    said = [_on_the_shipped_split(audit, manifest, used)]
    said += [f.message for f in audit.findings if f.severity == "error" and f.check != "leakage"][
        :1
    ]
    warned = (f for f in audit.findings if f.check == "shortcuts" and f.severity == "warning")
    said += [finding.message for finding in warned][:1]
    return " ".join(said)


def shipped_parts(manifest: Manifest, audit: Audit) -> frozenset[Part]:
    """The parts of the shipped split that have a readable film with a label."""
    unreadable = audit.unreadable
    usable = (film for film in manifest.radiographs if film.id not in unreadable)
    return frozenset(film.split for film in usable if film.split and film.label is not None)


def _on_the_shipped_split(audit: Audit, manifest: Manifest, used: Split | None) -> str:
    if audit.leaks:
        leak = audit.leaks[0].message
        leak = leak[:1].lower() + leak[1:]
        if used is None:
            return f"Do not use the shipped split: {leak}"
        if used.origin == "grouped":
            return f"The shipped split was not used: {leak}"
        return f"The shipped split was used although it leaks: {leak}"
    if not any(film.split is not None for film in manifest.radiographs):
        return "The data ship no split; osteon makes a grouped one."
    if shipped_parts(manifest, audit) == {"train"}:
        return "The data ship a training part only; osteon makes a grouped split of all films."
    if any(finding.check == "leakage" for finding in audit.findings):
        copy = "copy" if audit.copies else "exact copy"
        return f"The shipped split shows no {copy} across its parts."
    return "The shipped split was not checked for leaks."


def scope(audit: Audit, manifest: Manifest) -> str | None:
    """What grouping cannot promise on these data; None where every film names its patient."""
    unnamed = sum(film.patient_id is None for film in manifest.radiographs)
    if not unnamed:
        return None
    which = "The films" if unnamed == len(manifest.radiographs) else counted(unnamed, "film")
    name = "names" if unnamed == 1 else "name"
    unseen = "" if audit.copies else ", and only exact copies were looked for"
    also = "" if audit.copies else ", and turned, cropped or re-compressed copies,"
    return (
        f"{which} {name} no patient{unseen}: other films of one patient{also} may be on both sides "
        "of the split. Figures may be too high by that."
    )

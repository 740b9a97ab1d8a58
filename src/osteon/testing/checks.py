"""The contract of an audit check: findings that say what, where, and what to do."""

from __future__ import annotations

from osteon.audit import audit
from osteon.inspection import inspect_films
from osteon.types import Manifest


def check_check(name: str, manifest: Manifest) -> None:
    """Raise AssertionError unless the registered check keeps its contract on ``manifest``.

    It must survive any data, also without a readable film; findings are sentences, have a remedy
    unless they are notes, and name films of the manifest only.
    """
    facts = inspect_films(manifest)
    known = {film.id for film in manifest.radiographs}
    for finding in audit(manifest, facts=facts, checks=[name]).findings:
        assert finding.message.endswith((".", "?"))
        assert finding.remedy or finding.severity == "note"
        assert known.issuperset(finding.ids)
        assert known.issuperset(id_ for pair in finding.pairs for id_ in pair)

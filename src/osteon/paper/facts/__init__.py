"""What a run knows about itself, one fact a function: a sentence or a table in Markdown.

A fact that the run does not hold is None; nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Mapping

from osteon.paper.facts import films, judged, model, scores
from osteon.paper.facts.fact import FACTS, stated, table
from osteon.report.material import Material

__all__ = ["FACTS", "films", "judged", "known_facts", "model", "scores", "stated", "table"]


def known_facts(material: Material) -> Mapping[str, str]:
    """Name -> Markdown of every fact that the run holds."""
    found = ((name, function(material)) for name, function in FACTS.items())
    return {name: said for name, said in found if said is not None}

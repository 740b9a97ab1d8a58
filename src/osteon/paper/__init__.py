"""What a paper on a run needs: a model card with the weights, and drafts of reporting checklists.

What the software knows is filled in from the run folder; what only a person knows is marked
TO FILL, never invented.
"""

from __future__ import annotations

from osteon.paper.card import write_card
from osteon.paper.checklist import CHECKLISTS, write_checklists

__all__ = ["CHECKLISTS", "write_card", "write_checklists"]

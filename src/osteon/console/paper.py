"""What the command line prints of drafts for a paper."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from osteon.console import out, print_json
from osteon.values import as_json

if TYPE_CHECKING:
    from osteon.paper.checklist import Draft


def show_drafts(drafts: Sequence[Draft], as_data: bool) -> None:
    if as_data:
        print_json([as_json(draft) for draft in drafts])
        return
    for draft in drafts:
        out.print(
            f"{draft.title}: {draft.n_filled} of {draft.n_items} items have something filled in, "
            f"{draft.n_to_fill} are for you (TO FILL)",
            soft_wrap=True,
        )
        out.print(f"  {draft.path}", soft_wrap=True, markup=False)

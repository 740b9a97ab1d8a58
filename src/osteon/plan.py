"""How to split, and the split that comes of it: shipped or grouped, or folds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from osteon.errors import UsageError
from osteon.progress import say
from osteon.types import Audit, Manifest, Split

if TYPE_CHECKING:
    from collections.abc import Collection

SplitChoice = Literal["auto", "grouped", "shipped"]


@dataclass(frozen=True, kw_only=True, slots=True)
class SplitPlan:
    """How to split. auto: the shipped split if there is one (and it is clean; a training part alone
    is none), else grouped."""

    choice: SplitChoice = "auto"
    despite_leaks: bool = False
    fractions: tuple[float, float, float] = (0.70, 0.15, 0.15)
    seed: int = 0


def make_split(manifest: Manifest, audit: Audit, plan: SplitPlan) -> Split:
    """Raises LeakError when the shipped split leaks and the plan does not insist."""
    from osteon.audit import shipped_parts
    from osteon.split import group_films, shipped, split

    groups = group_films(manifest, audit.clusters)
    has_shipped = any(film.split is not None for film in manifest.radiographs)
    if plan.choice == "auto" and shipped_parts(manifest, audit) == {"train"}:
        say("The data ship a training part only: all films are divided anew, by groups.")
        has_shipped = False
    if plan.choice == "shipped" and not has_shipped:
        raise UsageError(f"{manifest.root} ships no split. Use --split grouped.")
    if plan.choice == "shipped" or (plan.choice == "auto" and has_shipped):
        return shipped(
            manifest,
            groups=groups,
            audit=audit,
            despite_leaks=plan.despite_leaks,
            seed=plan.seed,
        )
    return split(
        manifest,
        groups=groups,
        fractions=plan.fractions,
        seed=plan.seed,
        exclude=audit.unreadable,
    )


def make_folds(
    manifest: Manifest, audit: Audit, k: int, seed: int, *, sealed: Collection[str] = ()
) -> list[Split]:
    """``k`` grouped folds; each film is tested once, those ``sealed`` never: they are in none."""
    from osteon.split import folds, group_films

    groups = group_films(manifest, audit.clusters)
    left_out = frozenset(audit.unreadable) | frozenset(sealed)
    return folds(manifest, groups=groups, k=k, seed=seed, exclude=left_out)

"""Numbers in sentences."""

from __future__ import annotations

from collections.abc import Sequence


def counted(n: int, noun: str) -> str:
    """
    >>> counted(1, "film"), counted(1200, "film")
    ('1 film', '1,200 films')
    """
    return f"{n:,} {noun}" + ("" if n == 1 else "s")


def first_few(names: Sequence[str], most: int = 3) -> str:
    """
    >>> first_few(["a.png", "b.png", "c.png"], 2)
    'a.png, b.png and 1 more'
    """
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def shown_p(p: float) -> str:
    """
    >>> shown_p(0.04), shown_p(6e-23)
    ('= 0.040', '< 0.001')
    """
    return "< 0.001" if p < 0.001 else f"= {p:.3f}"

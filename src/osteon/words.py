"""Numbers in sentences."""

from __future__ import annotations


def counted(n: int, noun: str) -> str:
    """
    >>> counted(1, "film"), counted(1200, "film")
    ('1 film', '1,200 films')
    """
    return f"{n:,} {noun}" + ("" if n == 1 else "s")

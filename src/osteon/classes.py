"""Class names: the user's words, told apart and put in order."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

_NEGATIVE = re.compile(
    r"(no|not|non|without|un|negative|neg|normal|healthy|intact|none|absent|benign|control|"
    r"false|0)(?![a-z])"
)
_UN = re.compile(r"(un|non|not|no)(fractured|fracture|broken|injured|affected)")
_POSITIVE = re.compile(r"(fractur|broken|break|abnormal|positive|pos|malignant|true|1|yes)")


def same_class(name: str) -> str:
    """What two spellings of one class share: "Hairline Fracture" and "hairline_fracture"."""
    return re.sub(r"[\s_\-.]+", " ", name).strip().casefold()


def merged_spellings(names: Iterable[str]) -> dict[str, str]:
    """Each spelling -> the spelling that stands for its class: the most frequent, then the first.

    ``names`` may repeat a name once per film.
    """
    counts = Counter(names)
    spellings: defaultdict[str, list[str]] = defaultdict(list)
    for name in counts:
        spellings[same_class(name)].append(name)
    chosen: dict[str, str] = {}
    for variants in spellings.values():
        best = max(variants, key=lambda name: counts[name])
        chosen.update(dict.fromkeys(variants, best))
    return chosen


def told_merges(chosen: Mapping[str, str]) -> list[str]:
    """One phrase a class that is spelt in several ways."""
    variants: defaultdict[str, list[str]] = defaultdict(list)
    for spelling, best in chosen.items():
        variants[best].append(spelling)
    return [
        " and ".join(f"'{name}'" for name in sorted(names)) + f" are one class, '{best}'"
        for best, names in variants.items()
        if len(names) > 1
    ]


def sounds_negative(name: str) -> bool:
    """Whether a class name says that nothing is broken, such as "Non_fractured" or "normal"."""
    words = same_class(name)
    return bool(_NEGATIVE.match(words) or _UN.match(words))


def order_classes(names: Iterable[str]) -> tuple[str, ...]:
    """The order of the classes: alphabetical, but of two the one that sounds negative first.

    Index 1 of two is then the positive class.

    >>> order_classes(["fractured", "not fractured"])
    ('not fractured', 'fractured')
    """
    ordered = sorted(set(names), key=lambda name: (same_class(name), name))
    if len(ordered) != 2:
        return tuple(ordered)

    def positiveness(name: str) -> int:
        if sounds_negative(name):
            return -1
        return 1 if _POSITIVE.match(same_class(name)) else 0

    return tuple(sorted(ordered, key=positiveness))

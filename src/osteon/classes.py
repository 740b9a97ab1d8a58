"""Class names: the user's words, told apart and put in order."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

_REFUSALS = frozenset({"no", "not", "non", "without", "wo"})
_HEALTHY = frozenset(
    {"un", "negative", "neg", "normal", "normals", "norm", "healthy", "intact", "none", "nil"}
    | {"absent", "absence", "control", "controls", "false", "free", "unremarkable", "0"}
)
_MILD = frozenset({"benign"})  # negative beside "malignant", yet not beside "normal"
_REFUSED = re.compile(  # refusal and finding in one word: "unfractured", "nofracture", "nonbroken"
    r"(un|non|not|no)(fract|broken|break|injur|affect|damag|displac|finding|fx)"
)
_POSITIVE = re.compile(r"fract|broken|break|abnormal|posit|pos$|malignan|true|yes|injur|1$")


def same_class(name: str) -> str:
    """What all spellings of one class share: case, blanks, _ and - do not tell classes apart, but
    the sign of a number does (-1 is often "uncertain").

    >>> same_class("Hairline Fracture") == same_class("hairline_fracture")
    True
    """
    folded = unicodedata.normalize("NFKC", name).strip().casefold()
    between_digits = re.sub(r"(?<=\d)[\s_\-]+(?=\d)", "~", folded)  # "grade 1-2" is not "grade 12"
    signed = re.sub(r"^-(?=[\d.])", "~", between_digits)
    return re.sub(r"[\s_\-]+", "", signed)


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
    return _negativeness(name) > 0


def _negativeness(name: str) -> int:
    words = _words(name)
    if "union" in words:  # a non-union is a break that did not heal
        return 0
    for at, word in enumerate(words):
        if word in _REFUSALS:
            refused = words[at + 1 : at + 2]
            return 0 if refused and refused[0] in _HEALTHY else 2  # "not normal" is abnormal
        if word in _HEALTHY or _REFUSED.match(word):
            return 2
    return 1 if _MILD.intersection(words) else 0


def _words(name: str) -> list[str]:
    """The words and numbers of a name: "NonFractured", "non_fractured" and "class0" have two, "1.0"
    has one."""
    whole = re.sub(r"(?<=\d)\.0+\b", "", name)
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[^\W\d_])(?=\d)", " ", whole)
    return re.findall(r"[^\W_]+", apart.casefold().replace("w/o", "without"))


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
        return -_negativeness(name) or int(bool(_POSITIVE.match(name.casefold())))

    return tuple(sorted(ordered, key=positiveness))

"""What is known of films besides their class: the columns by which a data set falls into subgroups.

A film has one value of most columns and several of some, such as the regions that it shows; it has
none where nobody says.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np

from osteon.types import FilmFacts, Manifest, Radiograph

Attributes = Mapping[str, Mapping[str, tuple[str, ...]]]  # column -> film id -> values

MOST_VALUES = 12  # of a column that is no quantity: one with more tells films, not groups of them
FEWEST_NUMBERS = 13  # distinct ones, for a column of numbers to be cut into thirds
SIDES = {"R": "right", "L": "left", "U": "unpaired", "B": "both"}
SEXES = {"m": "male", "male": "male", "f": "female", "w": "female", "female": "female",
         "o": "other", "other": "other"}  # fmt: skip
AGES = ((0, "0 to 17"), (18, "18 to 39"), (40, "40 to 64"), (65, "65 and over"))  # years
FLAGS = {"0": "no", "1": "yes", "no": "no", "yes": "yes", "false": "no", "true": "yes"}
FLAG_COLUMNS = frozenset(
    ("hardware", "metal", "implant", "cast", "multiscan", "multiview", "portable")
)
# Columns whose words may stand in a report: they name machines and places on the body. The cells
# of any other column of a source may name a patient, so that its values are told by their rank.
QUOTED = FLAG_COLUMNS | frozenset(
    ("manufacturer", "manufacturermodelname", "model", "scanner", "device", "detector", "modality",
     "site", "hospital", "department", "sex", "patientsex", "gender", "position", "bodypart")
)  # fmt: skip
TITLES = {
    "patientsex": "sex",
    "gender": "sex",
    "patientage": "age",
    "manufacturermodelname": "model",
    "multiscan": "several films in one",
    "hardware": "metal, by the source",
}


def attributes_of(
    manifest: Manifest, facts: Mapping[str, FilmFacts] | None = None
) -> dict[str, dict[str, tuple[str, ...]]]:
    """Every column by which the films of a manifest differ.

    Region, view, number of views on the film, side, films in the study; of ``facts``
    (``Audit.facts``) the film's size in thirds and each kind of artefact; and the source's own
    columns of few values. Quantities are cut into thirds of this data set, ages into bands. Cells
    of the source's columns are quoted only where the column is known to name no person.
    """
    films = manifest.radiographs
    found: dict[str, dict[str, tuple[str, ...]]] = {
        "region": {film.id: tuple(sorted(film.regions)) for film in films if film.regions},
        "view": {film.id: tuple(sorted(film.views)) for film in films if film.views},
        "views on the film": {f.id: (_up_to_three(len(f.views)),) for f in films if f.views},
        "side": {film.id: (SIDES[film.laterality],) for film in films if film.laterality},
        "films in the study": _in_study(films),
    }
    if facts:
        sizes = {id_: _megapixels(seen) for id_, seen in facts.items()}
        found["film size"] = thirds({i: n for i, n in sizes.items() if n is not None}, "MP")
        for kind in sorted({a.kind for seen in facts.values() for a in seen.artefacts}):
            found[f"artefact: {kind.replace('_', ' ')}"] = {
                id_: ("yes" if seen.has(kind) else "no",)
                for id_, seen in facts.items()
                if not seen.fault
            }
    for name in sorted({name for film in films for name in film.extra}):
        cells = {film.id: film.extra[name] for film in films if film.extra.get(name)}
        title = TITLES.get(_bare(name), name)
        found[title if title not in found else f"source: {name}"] = column(
            name, cells, quoted=_bare(name) in QUOTED
        )
    return {name: values for name, values in found.items() if _differ(values)}


def column(name: str, cells: Mapping[str, str], *, quoted: bool) -> dict[str, tuple[str, ...]]:
    """The values of one column of words: film id -> value; empty where it has too many.

    Ages become bands, flags yes and no. Many numbers become thirds where ``quoted``, else nothing:
    a third is named by two of them. Any other value is told as its rank by frequency unless
    ``quoted``.
    """
    there = {id_: cell.strip() for id_, cell in cells.items() if cell.strip()}
    bare = _bare(name)
    if bare in ("age", "patientage", "ageyears"):
        return {id_: (band,) for id_, cell in there.items() if (band := age_band(cell))}
    if bare in ("sex", "gender", "patientsex"):
        return {i: (SEXES[c.lower()],) for i, c in there.items() if c.lower() in SEXES}
    numbers = {id_: _number(cell) for id_, cell in there.items()}
    if len(set(numbers.values())) >= FEWEST_NUMBERS and None not in numbers.values():
        return thirds({i: n for i, n in numbers.items() if n is not None}, "") if quoted else {}
    counts = Counter(there.values())
    if len(counts) > MOST_VALUES:
        return {}
    flags = bare in FLAG_COLUMNS or {value.lower() for value in counts} <= {*FLAGS}
    ranked = [value for value, _ in sorted(counts.items(), key=lambda item: (-item[1], item[0]))]
    told: Callable[[str], str] = (
        (lambda value: FLAGS.get(value.lower(), value))
        if flags
        else (lambda value: value)
        if quoted
        else (lambda value: f"value no. {ranked.index(value) + 1} by frequency")
    )
    return {id_: (told(cell),) for id_, cell in there.items()}


def thirds(numbers: Mapping[str, float], unit: str) -> dict[str, tuple[str, ...]]:
    """Each film's third of these numbers, named by the least and the greatest that it holds.

    Films of one number stay together: the cuts are those nearest to one and two thirds of the
    films, and where they are the same one there are two parts. Of a single number there is none.
    """
    values, counts = np.unique([*numbers.values()], return_counts=True)
    if len(values) < 2:
        return {}
    shares = np.cumsum(counts)[:-1] / len(numbers)  # of the films, up to each cut
    cuts = sorted({int(np.abs(shares - third).argmin()) for third in (1 / 3, 2 / 3)})
    ends = zip(values[[0, *(cut + 1 for cut in cuts)]], values[[*cuts, -1]], strict=True)
    sizes = ("smaller", "larger") if len(cuts) == 1 else ("smallest", "middle", "largest")
    spans = _spans([(float(low), float(high)) for low, high in ends], unit)
    names = [f"{size} ({span})" for size, span in zip(sizes, spans, strict=True)]
    return {
        id_: (names[int(np.searchsorted(values[cuts], number, side="left"))],)
        for id_, number in numbers.items()
    }


def _spans(ends: Sequence[tuple[float, float]], unit: str) -> list[str]:
    """Each as words, with as many digits as it takes to tell all these numbers apart."""
    numbers = {end for pair in ends for end in pair}
    told: dict[float, str] = {}
    for digits in range(3, 18):
        told = {each: _rounded(each, digits) for each in numbers}
        if len({*told.values()}) == len(numbers):
            break
    behind = f" {unit}" if unit else ""
    return [
        (told[low] if low == high else f"{told[low]} to {told[high]}") + behind
        for low, high in ends
    ]


def _rounded(number: float, digits: int) -> str:
    """No power of ten for 2,019 or for 45,000."""
    whole = len(f"{abs(number):.0f}")
    return f"{number:.0f}" if whole > digits else f"{number:.{digits}g}"


def age_band(cell: str) -> str | None:
    """Such as ``045Y``, ``18M`` (PS3.5, value representation AS) or ``45``; None for anything else.

    >>> age_band("045Y"), age_band("018M"), age_band("old")
    ('40 to 64', '0 to 17', None)
    """
    if not (found := re.fullmatch(r"(\d{1,3})(?:\.\d+)?\s*([DWMYdwmy]?)", cell.strip())):
        return None
    per_year = {"d": 365.25, "w": 52.18, "m": 12.0}.get(found[2].lower(), 1.0)
    years = int(found[1]) / per_year
    return [name for least, name in AGES if years >= least][-1] if years < 130 else None


def _in_study(films: Sequence[Radiograph]) -> dict[str, tuple[str, ...]]:
    counts = Counter(film.study_id for film in films if film.study_id)
    return {f.id: (_up_to_three(counts[f.study_id]),) for f in films if f.study_id}


def _up_to_three(count: int) -> str:
    return str(count) if count < 3 else "3 or more"


def _megapixels(seen: FilmFacts) -> float | None:
    if seen.fault or not seen.width_px or not seen.height_px:
        return None
    return seen.width_px * seen.height_px / 1e6


def _bare(name: str) -> str:
    return re.sub(r"[^a-z]", "", name.lower())


def _number(cell: str) -> float | None:
    try:
        number = float(cell)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _differ(values: Mapping[str, Iterable[str]]) -> bool:
    return len({value for of_film in values.values() for value in of_film}) > 1

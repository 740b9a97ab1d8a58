"""What a manifest says of films that predictions of another tool name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from osteon.errors import DataError
from osteon.inspection import inspect_films
from osteon.progress import say
from osteon.reading import read_source
from osteon.types import FilmFacts, Manifest, Predictions, Radiograph
from osteon.words import counted, first_few


@dataclass(frozen=True, kw_only=True, slots=True)
class Known:
    """What the manifest says of the films that have predictions, under their ids there."""

    manifest: Manifest
    facts: Mapping[str, FilmFacts]
    name: str
    matched: frozenset[str]
    remarks: tuple[str, ...]


def known_films(parts: Sequence[Predictions], path: Path | None, cache: Path | None) -> Known:
    """What the manifest, a folder of films or a table of them, says of the films of all ``parts``;
    the first are those that are judged.

    Raises DataError where none of these is in the manifest.
    """
    test = parts[0]
    if path is None:
        bare = _bare(test, Path())
        return Known(manifest=bare, facts={}, name="", matched=frozenset(), remarks=())
    whole = read_source(path)
    say(whole.recognised_by)
    film_of = _matched([id_ for part in parts for id_ in part.ids], whole)
    if not {*film_of} & {*test.ids}:
        raise DataError(
            f"No film of the predictions is in {path}: ids are like '{test.ids[0]}' here and "
            f"'{whole.radiographs[0].id}' there. They match where the id, or the name of the file, "
            "is the same."
        )
    films = tuple(replace(film, id=id_) for id_, film in film_of.items())
    manifest = replace(whole, radiographs=films)
    absent = [id_ for id_ in test.ids if id_ not in film_of]
    remarks = [*_on_absent(absent, len(test.ids)), *_on_labels(test, manifest)]
    return Known(
        manifest=manifest,
        facts=inspect_films(manifest, cache=cache),
        name=path.name,
        matched=frozenset(film_of),
        remarks=tuple(remarks),
    )


def _bare(predictions: Predictions, root: Path) -> Manifest:
    """What the table of predictions itself says of its films."""
    films = tuple(
        Radiograph(id=id_, path=root / id_, label=int(label) if label >= 0 else None)
        for id_, label in zip(predictions.ids, predictions.labels, strict=True)
    )
    return Manifest(
        root=root,
        source="predictions",
        recognised_by="No manifest was given.",
        classes=predictions.classes,
        radiographs=films,
    )


def _matched(ids: Sequence[str], manifest: Manifest) -> dict[str, Radiograph]:
    """Id of the predictions -> film: the same id, or a name of a file that one film alone has."""
    by_id = {film.id: film for film in manifest.radiographs}
    by_name: dict[str, Radiograph | None] = {}
    for film in manifest.radiographs:
        for name in {film.id.rpartition("/")[2], film.path.name, film.path.stem}:
            by_name[name] = None if name in by_name else film
    found: dict[str, Radiograph] = {}
    taken: set[str] = set()
    for id_ in ids:
        told = id_.replace("\\", "/")
        match = by_id.get(id_) or by_id.get(told) or by_name.get(told.rpartition("/")[2])
        if match is not None and match.id not in taken:
            found[id_] = match
            taken.add(match.id)
    return found


def _on_absent(absent: Sequence[str], n: int) -> Iterator[str]:
    if absent:
        yield (
            f"The manifest says nothing of {len(absent):,} of {counted(n, 'film')}: "
            f"{first_few(absent)}."
        )


def _on_labels(predictions: Predictions, manifest: Manifest) -> Iterator[str]:
    said = dict(zip(predictions.ids, predictions.labels.tolist(), strict=True))
    other = [
        film.id
        for film in manifest.radiographs
        if said.get(film.id, -1) >= 0
        and (name := manifest.class_name(film)) is not None
        and name != predictions.classes[said[film.id]]
    ]
    if other and {*manifest.classes} <= {*predictions.classes}:
        yield (
            f"{counted(len(other), 'film')} {'has' if len(other) == 1 else 'have'} another label "
            f"in the manifest; that of the predictions is believed: {first_few(other)}."
        )

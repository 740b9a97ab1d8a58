"""The gallery of suspects: films to look at, buttons for verdicts, and the CSV that they fill."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from osteon.errors import UsageError
from osteon.files import write_text
from osteon.metrics import TITLES
from osteon.progress import track
from osteon.report.gallery import Thumbnail, thumbnail
from osteon.report.rendering import rendered
from osteon.suspects import Suspects
from osteon.types import Manifest
from osteon.values import write_value
from osteon.verdicts import Verdict, read_verdicts

COLUMNS = ("id", "given", "proposed", "score", "verdict", "label", "reason")
PICTURE_PX = 512  # the long side: a fracture line must be seen
Row = tuple[str, ...]  # cells in the order of COLUMNS


@dataclass(frozen=True, kw_only=True, slots=True)
class Exhibit:
    """A film to look at, and its row of the CSV."""

    row: Row
    caption: str
    picture: Thumbnail | None  # None where the film cannot be read any more

    @property
    def cells(self) -> dict[str, str]:
        return dict(zip(COLUMNS, self.row, strict=True))


def check_room(folder: Path, verdicts: Sequence[Verdict]) -> None:
    """Raise UsageError where the gallery of ``folder`` has verdicts that are not in ``verdicts``:
    a new one would overwrite a person's work."""
    path = folder / "suspects.csv"
    known = {verdict.id for verdict in verdicts}
    if path.exists() and any(verdict.id not in known for verdict in read_verdicts(path)):
        raise UsageError(
            f"{path} holds verdicts that would be lost. Hand them in with --verdicts, or name "
            "another folder: --out."
        )


def write_gallery(
    found: Suspects, manifest: Manifest, verdicts: Sequence[Verdict], folder: Path, *, most: int
) -> Path:
    """Write suspects.json, suspects.csv and suspects.html to ``folder``; returns the page's path.

    ``most`` of each list are shown, and none of ``verdicts``; those are carried into the CSV, so
    that one file holds all that was ever decided.
    """
    settled = {verdict.id for verdict in verdicts}
    walls: list[list[tuple[Row, str]]] = []
    for listed in (_contradicting(found, manifest), _doubted(found), _unlike(found)):
        shown = settled | {row[0] for wall in walls for row, _ in wall}
        walls.append([(row, told) for row, told in listed if row[0] not in shown][:most])
    carried = [_carried(verdict) for verdict in verdicts]
    write_value(folder / "suspects.json", found)
    rows = [*carried, *(row for wall in walls for row, _ in wall)]
    write_text(folder / "suspects.csv", _csv([COLUMNS, *rows]))
    hung = [list(_exhibits(wall, manifest)) for wall in walls]
    page = rendered(
        "suspects.html.jinja",
        s=found,
        data_name=manifest.root.name,
        contradicting=hung[0],
        doubted=hung[1],
        unlike=hung[2],
        carried=carried,
        columns=COLUMNS,
        titles=TITLES,
    )
    return write_text(folder / "suspects.html", page)


def _contradicting(found: Suspects, manifest: Manifest) -> Iterator[tuple[Row, str]]:
    classes = {film.id: manifest.class_name(film) or "" for film in manifest.radiographs}
    for ids in found.contradictions:
        for id_ in ids:
            given = classes[id_]
            others = sorted({classes[other] for other in ids} - {given})
            caption = f"filed as {given}; its copies as {', '.join(others)}"
            yield (id_, given, others[0], "", "", others[0], "copies"), caption


def _doubted(found: Suspects) -> Iterator[tuple[Row, str]]:
    for film in found.suspects:
        caption = (
            f"filed as {film.given} ({film.given_score:.2f}), looks like {film.proposed} "
            f"({film.proposed_score:.2f})"
        )
        score = f"{film.margin:.4f}"
        yield (film.id, film.given, film.proposed, score, "", film.proposed, "label"), caption


def _unlike(found: Suspects) -> Iterator[tuple[Row, str]]:
    proposed = {film.id: film.proposed for film in found.suspects}
    for film in found.outliers:
        caption = (
            f"filed as {film.given}; {film.distance / film.typical:.1f} times as far from the "
            "nearest films as is usual"
        )
        other = proposed.get(film.id, "")
        caption += f"; looks like {other}" if other else ""
        row = (film.id, film.given, other, f"{film.distance:.4f}", "", other, "unlike all")
        yield row, caption


def _carried(verdict: Verdict) -> Row:
    return (verdict.id, verdict.given, "", "", verdict.decision, verdict.label, "before")


def _exhibits(rows: Sequence[tuple[Row, str]], manifest: Manifest) -> Iterator[Exhibit]:
    for row, caption in track(rows, "gallery", total=len(rows)):
        picture = thumbnail(row[0], manifest, caption=caption, long_side_px=PICTURE_PX)
        yield Exhibit(row=row, caption=caption, picture=picture)


def _csv(rows: Iterable[Row]) -> str:
    """All cells quoted: Python's writer leaves a lone carriage return bare otherwise."""
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows(rows)
    return text.getvalue()

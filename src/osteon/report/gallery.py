"""Films of the test part, right and wrong, as small pictures inside the page."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from osteon.errors import UnreadableFilm
from osteon.operating_point import answers_at
from osteon.types import Box, Evaluation, Manifest, Predictions

if TYPE_CHECKING:
    from osteon.formats import Gray

THUMBNAIL_PX = 240
A_SHELF = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class Thumbnail:
    """``data`` is a JPEG as a data URI; boxes are shares of the picture's sides."""

    id: str
    data: str
    width_px: int
    height_px: int
    boxes: tuple[Box, ...]
    caption: str
    right: bool | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Shelf:
    title: str
    thumbnails: tuple[Thumbnail, ...]


def thumbnail(
    id_: str,
    manifest: Manifest,
    *,
    caption: str = "",
    right: bool | None = None,
    long_side_px: int = THUMBNAIL_PX,
) -> Thumbnail | None:
    """None for a film that cannot be read any more, or is not in the manifest: findings also name
    files that are no films, and collages that were cut since."""
    from osteon.mending import cropped
    from osteon.pixels import decode

    film = next((film for film in manifest.radiographs if film.id == id_), None)
    if film is None:
        return None
    try:
        gray = decode(film.path).gray
    except UnreadableFilm:
        return None
    gray = cropped(gray, film.window) if film.window else gray
    small = thumbnail_of(id_, gray, film.boxes, long_side_px=long_side_px)
    return replace(small, caption=caption, right=right)


def thumbnail_of(
    id_: str, gray: Gray, boxes: Sequence[Box] = (), *, long_side_px: int = THUMBNAIL_PX
) -> Thumbnail:
    """A film (H, W) with boxes in its px as a small picture."""
    import cv2

    height, width = gray.shape
    scale = long_side_px / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    if gray.dtype == np.uint16:
        gray = (gray // 257).astype(np.uint8)
    small = cv2.resize(np.asarray(gray), size, interpolation=cv2.INTER_AREA)
    _, packed = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, 80])
    return Thumbnail(
        id=id_,
        data="data:image/jpeg;base64," + base64.b64encode(packed.tobytes()).decode(),
        width_px=size[0],
        height_px=size[1],
        boxes=tuple(replace(box, label="").scaled(scale, scale) for box in boxes),
        caption="",
    )


def shelves(
    predictions: Predictions, evaluation: Evaluation, manifest: Manifest
) -> Iterator[Shelf]:
    """The surest right and wrong answers and, of two classes, those nearest to the threshold."""
    point = evaluation.operating_point
    scores, labels = predictions.scores, predictions.labels
    answered = (answers_at(scores, point) if point else scores).argmax(1)
    known = labels >= 0
    right = (answered == labels) & known
    wrong = (answered != labels) & known
    if len(predictions.classes) == 2:
        positive = scores[:, 1]
        wanted = [
            ("Missed: the lowest scores of positives", wrong & (labels == 1), positive),
            (
                "False alarms: the highest scores of negatives",
                wrong & (labels == 0),
                -positive,
            ),
            ("Right: the highest scores of positives", right & (labels == 1), -positive),
            ("Right: the lowest scores of negatives", right & (labels == 0), positive),
        ]
        if point is not None:
            wanted.append(("Nearest to the threshold", known, np.abs(positive - point.threshold)))
    else:
        sure = -scores.max(1)
        wanted = [
            ("Wrong, and sure of it", wrong, sure),
            ("Right, and sure of it", right, sure),
            ("In doubt: no class far ahead", known, -sure),
        ]
    for title, chosen, order in wanted:
        places = np.flatnonzero(chosen)
        first = places[np.argsort(order[places], kind="stable")][:A_SHELF]
        films = _films(first.tolist(), predictions, answered.tolist(), manifest)
        if films:
            yield Shelf(title=title, thumbnails=films)


def _films(
    places: Sequence[int], predictions: Predictions, answered: Sequence[int], manifest: Manifest
) -> tuple[Thumbnail, ...]:
    made = []
    for at in places:
        truth = predictions.classes[predictions.labels[at]]
        answer = predictions.classes[answered[at]]
        score = float(predictions.scores[at, 1 if len(predictions.classes) == 2 else answered[at]])
        made.append(
            thumbnail(
                predictions.ids[at],
                manifest,
                caption=f"truth: {truth}; answer: {answer}; score {score:.3f}",
                right=bool(predictions.labels[at] == answered[at]),
            )
        )
    return tuple(picture for picture in made if picture is not None)

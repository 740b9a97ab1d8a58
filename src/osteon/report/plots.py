"""The figures of a run as files: charts as SVG, films as PNG, for papers, theses and slides."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from osteon.calibrate import FILE as CALIBRATION
from osteon.files import write_bytes
from osteon.operating_point import answers_at
from osteon.report.charts import Chart, named, write_chart
from osteon.report.figures import (
    calibration_figure,
    confusion_figures,
    curve_figures,
    training_figures,
)
from osteon.report.gallery import Shelf, Thumbnail, thumbnail
from osteon.report.material import Material
from osteon.report.sections import sections
from osteon.types import Manifest, OperatingPoint, Predictions, Split

if TYPE_CHECKING:
    from PIL.Image import Image

TRAINING_FILMS = 16  # in the grid of training films
PREDICTED_FILMS = 10  # in the grid of predicted against actual
COLUMNS = {TRAINING_FILMS: 4, PREDICTED_FILMS: 5}
TILE_PX, LINE_PX = 240, 20


def write_plots(material: Material) -> list[Path]:
    """Write RUN/plots: whatever the run holds so far, each chart as SVG and its numbers as CSV;
    returns the paths."""
    folder = material.folder.plots
    charts = [path for chart in _charts(material) for path in write_chart(chart, folder)]
    return [*charts, *write_films(films_drawn(material), folder)]


def write_films(shelves: Sequence[Shelf], folder: Path) -> list[Path]:
    """Write each shelf as a PNG named by the first words of its title; returns the paths."""
    return [write_bytes(folder / f"{named(s.title)}.png", _grid(s.thumbnails)) for s in shelves]


def plain_calibration(material: Material) -> Chart | None:
    """The calibration of the scores as they are, for a run whose calibration was never judged."""
    if material.test is None or (material.folder.path / CALIBRATION).is_file():
        return None
    return calibration_figure(material.test)


def _charts(material: Material) -> Iterator[Chart]:
    if material.recipe is not None:
        yield from training_figures(material.history, material.recipe)
    if material.test is not None:
        yield from curve_figures(material.test)
        yield from confusion_figures(material.test)
        calibration = plain_calibration(material)
        if calibration is not None:
            yield calibration
    for _, section in sections(material):
        yield from section.charts


def films_drawn(material: Material) -> list[Shelf]:
    """Films of train and, once it has been judged, of test, drawn at random."""
    found = []
    if material.split is not None:
        found.append(training_films(material.manifest, material.split))
        if material.predictions is not None and material.test is not None:
            point, seed = material.test.operating_point, material.split.seed
            answers = material.predictions
            found.append(predicted_against_actual(material.manifest, answers, point, seed))
    return [shelf for shelf in found if shelf.thumbnails]


def training_films(manifest: Manifest, split: Split) -> Shelf:
    """Films of train, drawn at random with the split's seed, each with its label."""
    rng = np.random.default_rng(split.seed)
    ids = list(split.train)
    chosen = rng.choice(len(ids), size=min(TRAINING_FILMS, len(ids)), replace=False)
    name_of = {f.id: manifest.class_name(f) or "" for f in manifest.radiographs}
    films = [(ids[at], name_of[ids[at]], None) for at in chosen]
    return Shelf(
        title="Training films: with their labels, at random", thumbnails=_pictures(manifest, films)
    )


def predicted_against_actual(
    manifest: Manifest, predictions: Predictions, point: OperatingPoint | None, seed: int
) -> Shelf:
    """Ten judged films, drawn at random with ``seed``: what was answered, what is true. Without
    ``point`` the highest score answers."""
    scores = answers_at(predictions.scores, point) if point else predictions.scores
    answered = scores.argmax(1)
    rng = np.random.default_rng(seed)
    known = np.flatnonzero(predictions.labels >= 0)
    chosen = rng.choice(known, size=min(PREDICTED_FILMS, len(known)), replace=False)
    classes = predictions.classes
    films = []
    for at in chosen.tolist():
        answer, truth = int(answered[at]), int(predictions.labels[at])
        words = f"predicted: {classes[answer]}\nactual: {classes[truth]}"
        films.append((predictions.ids[at], words, answer == truth))
    return Shelf(
        title="Predicted against actual: test films, at random",
        thumbnails=_pictures(manifest, films),
    )


def _pictures(
    manifest: Manifest, films: Sequence[tuple[str, str, bool | None]]
) -> tuple[Thumbnail, ...]:
    made = [thumbnail(id_, manifest, caption=words, right=right) for id_, words, right in films]
    return tuple(picture for picture in made if picture is not None)


def _grid(films: Sequence[Thumbnail]) -> bytes:
    """A PNG: the films in rows, their words below them, wrong answers in red."""
    import io

    from PIL import Image, ImageDraw, ImageFont

    n_lines = max(film.caption.count("\n") for film in films) + 1
    columns = COLUMNS.get(len(films), min(5, len(films)))
    rows = -(-len(films) // columns)
    tile_high = TILE_PX + n_lines * LINE_PX + 10
    sheet = Image.new("RGB", (columns * (TILE_PX + 10) + 10, rows * tile_high + 10), "white")
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(14)
    for number, film in enumerate(films):
        left = 10 + number % columns * (TILE_PX + 10)
        top = 10 + number // columns * tile_high
        picture = _opened(film)
        sheet.paste("black", (left, top, left + TILE_PX, top + TILE_PX))
        inside = ((TILE_PX - picture.width) // 2, (TILE_PX - picture.height) // 2)
        sheet.paste(picture, (left + inside[0], top + inside[1]))
        colour = "#a3161f" if film.right is False else "#1c2126"
        for line, words in enumerate(film.caption.splitlines()):
            while pen.textlength(words, font=font) > TILE_PX:
                words = words[:-2] + "…"
            pen.text((left, top + TILE_PX + 3 + line * LINE_PX), words, fill=colour, font=font)
    packed = io.BytesIO()
    sheet.save(packed, format="PNG")
    return packed.getvalue()


def _opened(film: Thumbnail) -> Image:
    import base64
    import io

    from PIL import Image

    return Image.open(io.BytesIO(base64.b64decode(film.data.partition(",")[2])))

"""The figures of a reproduction: what was published beside what was found, how it was learned, what
was answered."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

from osteon.manifest import read_manifest
from osteon.metrics import TITLES
from osteon.metrics.answers import confusion_table
from osteon.predictions import read_predictions
from osteon.report.charts import Axis, Chart, Series, line_chart
from osteon.report.confusion import ConfusionChart
from osteon.report.forest import MARKED, ForestChart, ForestRow
from osteon.report.gallery import Shelf
from osteon.report.plots import predicted_against_actual, training_films
from osteon.reproduced import Judged, Reproduced, Way
from osteon.runs import RunFolder
from osteon.split_file import read_split
from osteon.train import read_history
from osteon.types import Estimate, History

COMPARED = ("accuracy", "auroc")


def side_by_side(result: Reproduced) -> Iterator[Chart]:
    """Published, naive, honest and the baselines, each with its interval."""
    for metric in COMPARED:
        published = (
            ForestRow(
                name=f"{p.figure.part}{', tuned' if p.figure.after_search else ''}",
                value=p.figure.value,
                low=p.low,
                high=p.high,
                n=p.n,
            )
            for p in result.published
            if p.figure.metric == metric
        )
        rows = [*_headed("published", published)]
        for way, judged in _ways(result):
            rows += _headed(way, _of_way(judged, metric))
        yield ForestChart(
            title=f"{TITLES[metric]} side by side",
            label=TITLES[metric],
            rows=tuple(rows),
            reference=result.honest.baselines["majority"][metric].value,
            reference_of="the majority class",
        )


def learning_curves(folder: Path, result: Reproduced) -> Iterator[Chart]:
    """Loss and accuracy by epoch, in training and on validation, of every seed."""
    for way, _ in _ways(result):
        histories = {
            seed: read_history(RunFolder(folder / f"{way}-{seed}").history) for seed in result.seeds
        }
        for what in ("loss", "accuracy"):
            yield _curves(f"{what.capitalize()}, {way}", what, histories)


def confusions(folder: Path, result: Reproduced) -> Iterator[Chart]:
    """The answers of the first seed on the judged films, either way."""
    seed = result.seeds[0]
    for way, judged in _ways(result):
        run = RunFolder(folder / f"{way}-{seed}")
        predictions = read_predictions(run.predictions(judged.part), part=judged.part)
        known = predictions.labels >= 0
        yield ConfusionChart(
            title=f"Confusion, {way} (seed {seed}, {judged.part})",
            classes=predictions.classes,
            table=confusion_table(predictions.labels[known], predictions.scores[known]),
        )


def films_drawn(folder: Path, result: Reproduced) -> list[Shelf]:
    """Films of the honest split of the first seed: some of train, some of the sealed test part."""
    run = RunFolder(folder / f"honest-{result.seeds[0]}")
    manifest, split = read_manifest(RunFolder(folder).manifest), read_split(run.split)
    predictions = read_predictions(run.predictions("test"), part="test")
    drawn = (
        training_films(manifest, split),
        predicted_against_actual(manifest, predictions, None, split.seed),
    )
    return [shelf for shelf in drawn if shelf.thumbnails]


def _ways(result: Reproduced) -> tuple[tuple[Way, Judged], ...]:
    return ("naive", result.naive), ("honest", result.honest)


def _headed(name: str, rows: Iterator[ForestRow]) -> Iterator[ForestRow]:
    found = list(rows)
    if found:
        yield ForestRow(name=name, heading=True)
    yield from found


def _of_way(judged: Judged, metric: str) -> Iterator[ForestRow]:
    yield _row("network", judged.model[metric], colour=MARKED)
    for name, figures in judged.baselines.items():
        yield _row(name.replace("_", " "), figures[metric])


def _row(name: str, estimate: Estimate, *, colour: int = 0) -> ForestRow:
    return ForestRow(
        name=name,
        value=estimate.value,
        low=estimate.low,
        high=estimate.high,
        n=estimate.n,
        colour=colour,
    )


def _curves(title: str, what: str, histories: dict[int, tuple[History, ...]]) -> Chart:
    series = [
        Series(
            name=f"seed {seed}, {'training' if part == 'train' else 'validation'}",
            points=tuple((float(row.epoch), getattr(row, f"{part}_{what}")) for row in history),
            colour=at,
            dashed=part == "train",
        )
        for at, (seed, history) in enumerate(histories.items())
        for part in ("train", "val")
    ]
    last = max(row.epoch for history in histories.values() for row in history)
    heights = [y for line in series for _, y in line.points if math.isfinite(y)]
    return line_chart(
        title,
        Axis(label="epoch", low=1, high=max(last, 2), whole=True),
        Axis(label=what, low=0.0, high=max([1.0, *heights])),
        series,
    )

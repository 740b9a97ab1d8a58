"""The figures of a report, from what was measured."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from osteon.report.charts import Axis, Chart, Series, bar, line_chart
from osteon.report.confusion import ConfusionChart
from osteon.types import Curve, Evaluation, History, Recipe, RegularisationPath
from osteon.watch import best_of

CHANCE = 7  # the colour of what must be beaten


def training_figures(history: Sequence[History], recipe: Recipe) -> Iterator[Chart]:
    """Loss, accuracy and AUROC by epoch, or by strength on a regularisation path."""
    if not history:
        return
    path = isinstance(recipe.optimiser, RegularisationPath)
    xs = [row.lr if path else float(row.epoch) for row in history]
    label = "inverse strength of regularisation, C" if path else "epoch"
    x = Axis(label=label, low=min(xs), high=max(xs), log=path, whole=not path)
    best = best_of(history, recipe.monitor)
    marks = [(best.lr if path else float(best.epoch), "best")]
    for title, names in (
        ("Loss", ("train_loss", "val_loss")),
        ("Accuracy and AUROC", ("train_accuracy", "val_accuracy", "val_auroc")),
    ):
        series = [
            Series(
                name=name.replace("_", " ").replace("auroc", "AUROC").replace("val", "validation"),
                points=tuple(zip(xs, (getattr(row, name) for row in history), strict=True)),
                colour=at,
                dots=True,
            )
            for at, name in enumerate(names)
        ]
        # A training that diverged has infinite or undefined losses: they are left out.
        values = [b for line in series for _, b in line.points if math.isfinite(b)]
        label_y = "loss" if title == "Loss" else "accuracy, AUROC"
        y = Axis(label=label_y, low=0.0, high=max([1.0, *values]))
        yield line_chart(title, x, y, series, marks)


def curve_figures(evaluation: Evaluation) -> Iterator[Chart]:
    roc = _lines([curve for curve in evaluation.curves if curve.name == "roc"])
    pr = _lines([curve for curve in evaluation.curves if curve.name == "pr"])
    if roc:
        chance = Series(name="chance", points=((0, 0), (1, 1)), colour=CHANCE, dashed=True)
        yield line_chart(
            "ROC",
            Axis(label="1 - specificity", low=0.0, high=1.0),
            Axis(label="sensitivity", low=0.0, high=1.0),
            [*roc, *_operating_point(evaluation), chance],
        )
    if pr:
        lines = [*pr, *_prevalence(evaluation)]
        yield line_chart(
            "Precision and recall",
            Axis(label="sensitivity (recall)", low=0.0, high=1.0),
            Axis(label="precision (PPV)", low=0.0, high=1.0),
            lines,
        )


def _lines(curves: Sequence[Curve]) -> list[Series]:
    return [
        Series(
            name=curve.class_name,
            points=tuple(zip(curve.x, curve.y, strict=True)),
            colour=at % CHANCE,
            dashed=at >= CHANCE,
        )
        for at, curve in enumerate(curves)
    ]


def _operating_point(evaluation: Evaluation) -> list[Series]:
    sensitivity = evaluation.at_operating_point.get("sensitivity")
    specificity = evaluation.at_operating_point.get("specificity")
    if sensitivity is None or specificity is None:
        return []
    if sensitivity.value is None or specificity.value is None:
        return []
    place = (1 - specificity.value, sensitivity.value)
    return [Series(name="operating point", points=(place,), colour=1, dots=True, lines=False)]


def _prevalence(evaluation: Evaluation) -> list[Series]:
    if len(evaluation.classes) != 2:
        return []
    share = evaluation.class_counts[evaluation.classes[1]] / evaluation.n
    return [Series(name="prevalence", points=((0, share), (1, share)), colour=CHANCE, dashed=True)]


def calibration_figure(evaluation: Evaluation) -> Chart | None:
    bins = [b for b in evaluation.calibration if b.observed.value is not None]
    if not bins:
        return None
    seen = Series(
        name=f"{bins[0].class_name}, with 95 % intervals",
        points=tuple((b.mean_score, b.observed.value or 0.0) for b in bins),
        bars=tuple(bar(b.mean_score, b.observed) for b in bins),
        dots=True,
        lines=False,  # bins are apart; a line would suggest what lies between
    )
    ideal = Series(name="perfect calibration", points=((0, 0), (1, 1)), colour=7, dashed=True)
    return line_chart(
        "Calibration",
        Axis(label="mean score", low=0.0, high=1.0),
        Axis(label="observed share", low=0.0, high=1.0),
        [seen, ideal],
    )


def confusion_figures(evaluation: Evaluation) -> Iterator[Chart]:
    yield ConfusionChart(
        title="Confusion: the highest score answers",
        classes=evaluation.classes,
        table=evaluation.confusion,
    )
    if evaluation.operating_point is not None:
        title = (
            f"Confusion at the operating point ({evaluation.operating_point.rule} on validation)"
        )
        table = evaluation.confusion_at_operating_point
        yield ConfusionChart(title=title, classes=evaluation.classes, table=table)

"""The page of a search: its verdict, its trials, and the plots of them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

from osteon.files import write_text
from osteon.metrics import TITLES
from osteon.report.charts import Axis, Chart, Series, line_chart, write_chart
from osteon.report.rendering import rendered
from osteon.report.search_charts import BarChart, ParallelChart, Upright
from osteon.searched import Nested, Tried, Tuning, is_of, nested_verdict, read_tuning
from osteon.values import read_value

Z = 1.959963984540054


def write_tuning_report(folder: Path) -> Path:
    """Write report.html and the plots of a search from what lies in ``folder``.

    Raises DataError if it holds no finished search.
    """
    tuning = read_tuning(folder)
    path = folder / "nested.json"
    found = read_value(Nested, path) if path.exists() else None
    nested = found if found and is_of(found, tuning) else None
    figures = list(search_figures(tuning))
    for figure in figures:
        write_chart(figure, folder / "plots")
    trials = ranked(tuning)
    page = rendered(
        "tuning.html.jinja",
        t=tuning,
        nested=nested,
        nested_verdict=nested_verdict(nested) if nested else "",
        stale=found is not None and nested is None,
        figures=figures,
        trials=trials,
        metric=TITLES[tuning.metric],
        titles=TITLES,
        fields=list(dict.fromkeys(name for trial in trials for name in trial.values)),
    )
    return write_text(folder / "report.html", page)


def ranked(tuning: Tuning) -> list[Tried]:
    """All trials, the best first; those without a score last."""
    sign = 1 if tuning.metric.endswith("_loss") else -1
    return sorted(
        tuning.trials,
        key=lambda trial: math.inf if trial.score is None else sign * trial.score,
    )


def search_figures(tuning: Tuning) -> Iterator[Chart]:
    """History, importance, parallel coordinates."""
    scored = [trial for trial in tuning.trials if trial.score is not None]
    if not scored:
        return
    yield _history(tuning, scored)
    if tuning.importance:
        shares = tuple(sorted(tuning.importance.items(), key=lambda item: -item[1]))
        yield BarChart(title="Importance: share of the score's variance", shares=shares)
    yield _parallel(tuning, scored)


def _history(tuning: Tuning, scored: Sequence[Tried]) -> Chart:
    title = TITLES[tuning.metric]
    losing = tuning.metric.endswith("_loss")
    xs = [float(trial.number) for trial in scored]
    ys = [trial.score or 0.0 for trial in scored]
    spreads = [Z * (trial.standard_error or 0.0) for trial in scored]
    steps: list[tuple[float, float]] = []
    for x, score in zip(xs, ys, strict=True):
        before = steps[-1][1] if steps else score
        steps += [(x, before), (x, (min if losing else max)(before, score))]
    series = [
        Series(
            name="trial, with its 95 % interval (grouped bootstrap)",
            points=tuple(zip(xs, ys, strict=True)),
            bars=tuple((x, y - s, y + s) for x, y, s in zip(xs, ys, spreads, strict=True)),
            dots=True,
            lines=False,
        ),
        Series(name="best so far", points=tuple(steps), colour=1),
    ]
    low = min(y - s for y, s in zip(ys, spreads, strict=True))
    high = max(y + s for y, s in zip(ys, spreads, strict=True))
    if tuning.default.score is not None:
        level = tuning.default.score
        points = ((min(xs), level), (max(xs), level))
        series.append(Series(name="the recipe as it is", points=points, colour=7, dashed=True))
        low, high = min(low, level), max(high, level)
    return line_chart(
        "History: validation score of each trial",
        Axis(label="trial", low=min(xs), high=max(*xs, min(xs) + 1), whole=True),
        Axis(label=f"{title} on validation", low=low, high=high),
        series,
    )


def _parallel(tuning: Tuning, scored: Sequence[Tried]) -> Chart:
    """Trials as lines over the fields, the score last; the winner is drawn last."""
    losing = tuning.metric.endswith("_loss")
    ordered = sorted(scored, key=lambda t: (t.score or 0.0) * (-1 if losing else 1))
    ordered = [t for t in ordered if t.number != tuning.best] + [
        t for t in ordered if t.number == tuning.best
    ]
    names = list(dict.fromkeys(name for trial in scored for name in trial.values))
    columns = [[trial.values.get(name) for trial in ordered] for name in names]
    scales = [_scale(name, column) for name, column in zip(names, columns, strict=True)]
    scales.append(_scale(TITLES[tuning.metric], [trial.score for trial in ordered]))
    uprights = tuple(upright for upright, _ in scales)
    shares = [place for _, place in scales]
    lines = tuple(tuple(places[at] for places in shares) for at in range(len(ordered)))
    rank = max(len(ordered) - 1, 1)
    return ParallelChart(
        title="Parallel coordinates: each line is a trial, the winner in orange",
        uprights=uprights,
        lines=lines,
        strengths=tuple(at / rank for at in range(len(ordered))),
    )


def _scale(name: str, values: Sequence[object]) -> tuple[Upright, list[float | None]]:
    """An axis for a column of values, and the place of each on it; wide ranges on a log scale."""
    numbers = [v for v in values if isinstance(v, int | float) and not isinstance(v, bool)]
    distinct = sorted({str(v) for v in values if v is not None})
    if len(numbers) < sum(v is not None for v in values) or len(set(numbers)) == 1:
        step = max(len(distinct) - 1, 1)
        place = {
            word: (at / step if len(distinct) > 1 else 0.5) for at, word in enumerate(distinct)
        }
        ticks = tuple((share, word) for word, share in place.items())
        return Upright(name=name, ticks=ticks), [place.get(str(v)) for v in values]
    low, high = min(numbers), max(numbers)
    log = low > 0 and high / low > 20
    warp = math.log if log else float

    def share(value: float) -> float:
        return (warp(value) - warp(low)) / (warp(high) - warp(low))

    few = sorted(set(numbers))
    marked = (
        few if len(few) <= 5 else [low, math.sqrt(low * high) if log else (low + high) / 2, high]
    )
    ticks = tuple((share(value), f"{value:.3g}") for value in marked)
    return Upright(name=name, ticks=ticks), [
        share(float(v)) if isinstance(v, int | float) else None for v in values
    ]

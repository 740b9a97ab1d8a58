"""A published system done again, twice: as published, and honestly; and what the leak was worth."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from osteon.baselines import baseline_scores
from osteon.environment import Environment, this_environment
from osteon.errors import UsageError
from osteon.files import write_text
from osteon.progress import say
from osteon.protocols import split_by_film
from osteon.publications import Figure, Publication
from osteon.recipe import recipe_from_json, recipe_to_json
from osteon.repeats import repeated, repeated_differences
from osteon.runs import RunFolder, default_cache, log_opening
from osteon.split import group_films, read_split, shipped, split, write_split
from osteon.statistics import wilson
from osteon.types import Audit, Estimate, Manifest, Part, Predictions, Recipe, Split
from osteon.values import write_value

if TYPE_CHECKING:
    from osteon.prepare import Prepared

Way = Literal["naive", "honest"]
SEEDS = (0, 1, 2)
JUDGED = ("accuracy", "balanced_accuracy", "auroc", "sensitivity", "specificity", "precision")
BASELINES = ("majority", "metadata_only")


@dataclass(frozen=True, kw_only=True, slots=True)
class Published:
    """A published figure, with Wilson's interval for as many films as it is of."""

    figure: Figure
    n: int
    n_is_told: bool  # or taken from the same part of the data at hand
    low: float
    high: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Judged:
    """One way of dividing the films, over all seeds; each estimate is the mean over them."""

    part: Part
    n_train: tuple[int, ...]  # of each seed
    n: tuple[int, ...]
    share_leaked: float  # of the judged films: with a copy, patient or study in training
    model: Mapping[str, Estimate]
    baselines: Mapping[str, Mapping[str, Estimate]]
    gains: Mapping[str, Mapping[str, Estimate]]  # model minus baseline
    by_seed: Mapping[str, tuple[float, ...]]  # of the model
    best_epochs: tuple[int, ...]
    train_accuracy: tuple[float, ...]  # in the best epoch, as training saw it
    val_accuracy: tuple[float, ...]
    seconds_an_epoch: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Control:
    """The same with another middle: did the idea earn anything?"""

    name: str
    n_parameters: int
    n_parameters_of_model: int
    model: Mapping[str, Estimate]
    gains: Mapping[str, Estimate]  # model minus control, honest protocol, same films


@dataclass(frozen=True, kw_only=True, slots=True)
class Reproduced:
    """What ``osteon reproduce`` found: reproduction.json."""

    name: str
    films: str  # the data set that the publication names
    source: str  # how the data at hand were recognised
    n_films: int
    classes: tuple[str, ...]
    settings: tuple[str, ...]  # fields of the recipe that the user changed
    recipe: str  # as JSON
    seeds: tuple[int, ...]
    assumptions: tuple[str, ...]
    published: tuple[Published, ...]
    naive: Judged
    honest: Judged
    price: Mapping[str, Estimate]  # naive minus honest
    control: Control | None
    environment: Environment
    remarks: tuple[str, ...] = field(default=())


def reproduce(
    publication: Publication,
    data: Path,
    *,
    out: Path,
    seeds: Sequence[int] = SEEDS,
    settings: Sequence[str] = (),
    layout: str | None = None,
    cache: Path | None = None,
) -> Reproduced:
    """Train ``publication`` by its own protocol and by an honest one, once a seed each.

    ``out`` gets one folder a training (naive-0, honest-0, ...) and reproduction.json; run again,
    what is there is not trained again. ``settings`` (FIELD=VALUE) change the recipe; they are said
    in the result. Raises UsageError where ``out`` holds another reproduction.
    """
    from osteon.recipe import with_settings
    from osteon.run import look_at

    recipe = with_settings(publication.recipe, settings)
    control = publication.control and with_settings(publication.control, settings)
    manifest, audit = look_at(data, layout=layout, cache=cache)
    _open(out, recipe, seeds, manifest)
    bench = _Bench(publication, manifest, audit, out, cache or default_cache())
    naive = [bench.outcome("naive", recipe, seed) for seed in seeds]
    honest = [bench.outcome("honest", recipe, seed) for seed in seeds]
    mine, theirs = [o.predictions for o in naive], [o.predictions for o in honest]
    result = Reproduced(
        name=recipe.name,
        films=publication.films,
        source=manifest.recognised_by,
        n_films=len(manifest.radiographs),
        classes=manifest.classes,
        settings=tuple(settings),
        recipe=recipe_to_json(recipe),
        seeds=tuple(seeds),
        assumptions=publication.assumptions,
        published=tuple(_published(publication.figures, naive[0].split)),
        naive=_judged(naive),
        honest=_judged(honest),
        price=repeated_differences(JUDGED, mine, theirs),
        control=bench.control(recipe, control, seeds) if control else None,
        environment=this_environment(seed=seeds[0]),
    )
    result = replace(result, remarks=tuple(_remarks(result)))
    write_value(out / "reproduction.json", result)
    return result


def _open(out: Path, recipe: Recipe, seeds: Sequence[int], manifest: Manifest) -> None:
    """The same folder goes on with the same reproduction only."""
    said = recipe_to_json(recipe) + repr(tuple(seeds)) + manifest.digest
    digest = hashlib.sha256(said.encode()).hexdigest() + "\n"
    mark = out / "made-for"
    if mark.exists() and mark.read_text() != digest:
        raise UsageError(f"{out} holds a reproduction of other data, recipe or seeds: --out.")
    if not mark.exists() and out.is_dir() and any(out.iterdir()):
        raise UsageError(f"{out} is not empty and no reproduction. Name another folder: --out.")
    write_text(mark, digest)


# --- one training ---------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Outcome:
    """One training and what it answered on the judged part."""

    folder: RunFolder
    split: Split
    predictions: Predictions
    baselines: Mapping[str, Predictions]


@dataclass(frozen=True, slots=True)
class _Bench:
    publication: Publication
    manifest: Manifest
    audit: Audit
    out: Path
    cache: Path

    def outcome(self, way: Way, recipe: Recipe, seed: int, name: str = "") -> _Outcome:
        part: Part = self.publication.judged_on if way == "naive" else "test"
        folder = RunFolder(self.out / f"{name or way}-{seed}")
        say(f"{folder.path.name}: {recipe.name}")
        parts = self._split(way, seed, folder)
        predictions = self._predictions(folder, replace(recipe, seed=seed), parts, part)
        scores = baseline_scores(self.manifest, self.audit.facts, parts, predictions.ids)
        others = {name: replace(predictions, scores=scores[name]) for name in BASELINES}
        return _Outcome(folder=folder, split=parts, predictions=predictions, baselines=others)

    def _split(self, way: Way, seed: int, folder: RunFolder) -> Split:
        if folder.split.exists():
            return read_split(folder.split)
        groups = group_films(self.manifest, self.audit.clusters)
        known = {"groups": groups, "seed": seed, "exclude": self.audit.unreadable}
        shares = self.publication.shares if way == "naive" else self.publication.honest
        if way == "honest":
            assert shares is not None
            parts = split(self.manifest, fractions=shares, **known)  # type: ignore[arg-type]
        elif shares is None and any(film.split for film in self.manifest.radiographs):
            parts = shipped(
                self.manifest, groups=groups, audit=self.audit, despite_leaks=True, seed=seed
            )
        else:
            shares = shares or self.publication.honest
            parts = split_by_film(self.manifest, fractions=shares, **known)  # type: ignore[arg-type]
        write_split(parts, folder.split)
        return parts

    def _predictions(
        self, folder: RunFolder, recipe: Recipe, parts: Split, part: Part
    ) -> Predictions:
        from osteon.predictions import read_predictions, write_predictions
        from osteon.train import train

        path = folder.predictions(part)
        if path.exists():
            return read_predictions(path, part=part)
        prepared = self._prepared(recipe)
        resume = folder.checkpoints.is_dir()
        classifier = train(recipe, prepared, self.manifest, parts, folder.path, resume=resume)
        if part == "test":
            log_opening(folder, "osteon reproduce")
        predictions = classifier.predict_prepared(
            prepared,
            ids=parts.part(part),
            manifest=self.manifest,
            groups=parts.groups,
            part=part,
        )
        write_predictions(predictions, path)
        return predictions

    def _prepared(self, recipe: Recipe) -> Prepared:
        from osteon.prepare import prepare

        return prepare(self.manifest, recipe.pixels, cache=self.cache, facts=self.audit.facts)

    def control(self, recipe: Recipe, control: Recipe, seeds: Sequence[int]) -> Control:
        model = [self.outcome("honest", recipe, seed).predictions for seed in seeds]
        other = [self.outcome("honest", control, seed, "control").predictions for seed in seeds]
        return Control(
            name=control.name,
            n_parameters=_n_parameters(control, len(self.manifest.classes)),
            n_parameters_of_model=_n_parameters(recipe, len(self.manifest.classes)),
            model=repeated(JUDGED, other),
            gains=repeated_differences(JUDGED, model, other),
        )


def _n_parameters(recipe: Recipe, n_classes: int) -> int:
    net = recipe.backbone.build(n_classes)
    return sum(value.numel() for value in net.parameters() if value.requires_grad)


# --- figures --------------------------------------------------------------------------------------


def _judged(outcomes: Sequence[_Outcome]) -> Judged:
    from osteon.metrics import METRICS
    from osteon.train import read_history
    from osteon.watch import best_of

    runs = [outcome.predictions for outcome in outcomes]
    others = {name: [outcome.baselines[name] for outcome in outcomes] for name in BASELINES}
    histories = [read_history(outcome.folder.history) for outcome in outcomes]
    recipe = recipe_from_json(outcomes[0].folder.recipe.read_text(encoding="utf-8"))
    best = [best_of(history, recipe.monitor) for history in histories]
    leaked = [len(set(o.split.leaked) & set(o.predictions.ids)) for o in outcomes]
    return Judged(
        part=outcomes[0].predictions.part,  # type: ignore[arg-type]
        n_train=tuple(len(outcome.split.train) for outcome in outcomes),
        n=tuple(len(run.ids) for run in runs),
        share_leaked=sum(leaked) / sum(len(run.ids) for run in runs),
        model=repeated(JUDGED, runs),
        baselines={name: repeated(JUDGED, other) for name, other in others.items()},
        gains={name: repeated_differences(JUDGED, runs, other) for name, other in others.items()},
        by_seed={
            name: tuple(
                float(METRICS[name](run.labels, run.scores, np.ones((1, len(run.ids))))[0])
                for run in runs
            )
            for name in JUDGED
        },
        best_epochs=tuple(row.epoch for row in best),
        train_accuracy=tuple(row.train_accuracy for row in best),
        val_accuracy=tuple(row.val_accuracy for row in best),
        seconds_an_epoch=round(
            float(np.median([row.seconds for history in histories for row in history])), 2
        ),
    )


def _published(figures: Sequence[Figure], naive: Split) -> Iterator[Published]:
    for figure in figures:
        n = figure.n or len(naive.part(figure.part))
        low, high = wilson(figure.value * n, n)
        yield Published(figure=figure, n=n, n_is_told=figure.n is not None, low=low, high=high)


def _remarks(result: Reproduced) -> Iterator[str]:
    """What the table means, in words."""
    from osteon.claim import possible

    for published in result.published:
        figure = published.figure
        fits = possible(figure.value, published.n, figure.decimals)
        if published.n_is_told and fits is None:
            share = f"{100 * figure.value:.{figure.decimals}f} %"
            yield f"No number of films out of {published.n:,} gives {share}: it cannot be right."
    yield from _verdict(result)
    price = result.price["accuracy"]
    if price.value is not None and price.low is not None and price.high is not None:
        interval = f"{100 * price.low:+.1f} to {100 * price.high:+.1f}"
        if price.low > 0:
            yield (
                f"The naive protocol is worth {100 * price.value:.1f} points of accuracy "
                f"({interval}) that no new patient would see."
            )
        else:
            yield (
                f"The naive protocol differs by {100 * price.value:+.1f} points of accuracy "
                f"({interval}): no leakage price that this many films could show."
            )
    if result.control is not None:
        yield _control_verdict(result.control)
    if result.settings:
        yield f"Changed from the description: {', '.join(result.settings)}."


def _verdict(result: Reproduced) -> Iterator[str]:
    for name in BASELINES:
        gain = result.honest.gains[name]["accuracy" if name == "majority" else "auroc"]
        what = "the majority class's accuracy" if name == "majority" else "metadata alone's AUROC"
        if gain.low is None:
            continue
        if gain.low <= 0:
            yield f"Judged honestly it is not shown to be above {what}."


def _control_verdict(control: Control) -> str:
    gain = control.gains["auroc"]
    figures = f"{gain.value:+.3f} [{gain.low:+.3f}, {gain.high:+.3f}] AUROC"
    if gain.low is not None and gain.low > 0:
        return f"The circuit earned {figures} over a classical block of as many parameters."
    if gain.high is not None and gain.high < 0:
        return f"The circuit cost {figures} against a classical block of as many parameters."
    return (
        f"The circuit earned nothing that this many films could show: {figures} against a "
        "classical block of as many parameters."
    )

"""A published system done again, twice: as published, and honestly; and what the leak was worth."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from osteon.baselines import baseline_scores
from osteon.environment import this_environment, without_folders
from osteon.errors import UsageError
from osteon.manifest import write_manifest
from osteon.progress import say
from osteon.protocols import split_by_film
from osteon.publications import Figure, Publication
from osteon.recipe import recipe_from_json, recipe_to_json, with_settings
from osteon.repeats import repeated, repeated_differences
from osteon.reproduced import (
    BASELINES,
    JUDGED,
    Control,
    Judged,
    Published,
    Reproduced,
    Searched,
    SliceJudged,
    Untuned,
    Way,
    remarks,
)
from osteon.runs import RunFolder, begin_folder, log_opening
from osteon.slices import Slice
from osteon.split import group_films, redivided, shipped, split
from osteon.split_file import read_split, write_split
from osteon.statistics import wilson
from osteon.types import Audit, Manifest, Part, Predictions, Recipe, Split
from osteon.values import write_value

if TYPE_CHECKING:
    from osteon.prepare import Prepared

SEEDS = (0, 1, 2)
WAYS: tuple[Way, ...] = ("naive", "honest")


def reproduce(
    publication: Publication,
    manifest: Manifest,
    audit: Audit,
    *,
    out: Path,
    cache: Path,
    seeds: Sequence[int] = SEEDS,
    settings: Sequence[str] = (),
    search: bool = False,
    workers: int = 1,
) -> Reproduced:
    """Train ``publication`` by its own protocol and by an honest one, once a seed each.

    ``out`` gets one folder a training (naive-0, honest-0, ...) and reproduction.json; run again,
    what is there is not trained again. ``settings`` (FIELD=VALUE) change the recipe; they are said
    in the result. With ``search`` the publication's own search is run first, once for each way, on
    the first seed's split; honestly all seeds then share that split's test part, which the search
    has not seen, and the recipe as it is is trained there too.

    Raises UsageError where ``out`` holds another reproduction, for a search that was not published
    and for a seed in ``settings``; and before any training DataError where the films cannot be
    divided.
    """
    recipe = check_reproduction(publication, settings, search)
    control = publication.control and with_settings(publication.control, settings)
    begin_folder(out, _digest(recipe, seeds, search, manifest, audit), "reproduction")
    write_manifest(manifest, RunFolder(out).manifest)
    bench = _Bench(publication, manifest, audit, out, cache, seeds[0] if search else None)
    for way in WAYS:  # before hours of training: whether the films can be divided so
        for seed in seeds:
            bench.split(way, seed, bench.folder(way, seed))
    chosen: dict[Way, Recipe] = {"naive": recipe, "honest": recipe}
    searches = []
    for way in WAYS if search else ():
        chosen[way], searched = bench.searched(way, recipe, seeds[0], workers)
        searches.append(searched)
    naive = [bench.outcome("naive", chosen["naive"], seed) for seed in seeds]
    honest = [bench.outcome("honest", chosen["honest"], seed) for seed in seeds]
    mine, theirs = [o.predictions for o in naive], [o.predictions for o in honest]
    here = this_environment(seed=seeds[0])
    result = Reproduced(
        name=recipe.name,
        films=publication.films,
        source=manifest.recognised_by,
        n_films=len(manifest.radiographs),
        n_classes_published=publication.n_classes,
        grouped_by=tuple(_grouped_by(manifest)),
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
        searches=tuple(searches),
        untuned=bench.untuned(recipe, theirs, seeds) if search else None,
        slices=tuple(bench.slices(chosen["honest"], seeds)),
        environment=replace(here, command=without_folders(here.command)),
    )
    result = replace(result, remarks=tuple(remarks(result)))
    write_value(out / "reproduction.json", result)
    return result


def check_reproduction(publication: Publication, settings: Sequence[str], search: bool) -> Recipe:
    """The recipe with ``settings``. Raises UsageError for what can be told to be no reproduction
    before any film is opened."""
    if search and publication.search is None:
        raise UsageError(f"{publication.recipe.name} was published without a search.")
    if any(setting.partition("=")[0].strip() == "seed" for setting in settings):
        raise UsageError("--set seed: a reproduction has one training a seed. Use --seeds.")
    return with_settings(publication.recipe, settings)


def _digest(
    recipe: Recipe, seeds: Sequence[int], search: bool, manifest: Manifest, audit: Audit
) -> str:
    """Of all that decides what is trained and judged: the films byte for byte, and their groups."""
    films = {id_: film.sha256 for id_, film in sorted(audit.facts.items())}
    groups = group_films(manifest, audit.clusters)
    said = [recipe_to_json(recipe), list(seeds), search, manifest.digest, films, groups]
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def _grouped_by(manifest: Manifest) -> Iterator[str]:
    """What tells which films belong together."""
    if any(film.patient_id for film in manifest.radiographs):
        yield "patients"
    if any(film.study_id for film in manifest.radiographs):
        yield "studies"
    yield "copies"


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
    searched_on: int | None  # the seed whose honest split a search saw, if there is one

    def outcome(self, way: Way, recipe: Recipe, seed: int, prefix: str = "") -> _Outcome:
        part: Part = self.publication.judged_on if way == "naive" else "test"
        folder = self.folder(prefix or way, seed)
        say(f"{folder.path.name}: {recipe.name}")
        parts = self.split(way, seed, folder)
        asked = {str(part): parts.part(part)}
        predictions = self._answers(folder, replace(recipe, seed=seed), parts, asked)[part]
        scores = baseline_scores(self.manifest, self.audit.facts, parts, predictions.ids)
        others = {name: replace(predictions, scores=scores[name]) for name in BASELINES}
        return _Outcome(folder=folder, split=parts, predictions=predictions, baselines=others)

    def folder(self, what: str, seed: int) -> RunFolder:
        return RunFolder(self.out / f"{what}-{seed}")

    def split(self, way: Way, seed: int, folder: RunFolder) -> Split:
        if folder.split.exists():
            return read_split(folder.split)
        if way == "honest" and self.searched_on not in (None, seed):
            parts = redivided(self._honest(self.searched_on), self.manifest, seed=seed)
            write_split(parts, folder.split)
            return parts
        groups = group_films(self.manifest, self.audit.clusters)
        known = {"groups": groups, "seed": seed, "exclude": self.audit.unreadable}
        shares = self.publication.shares if way == "naive" else self.publication.honest
        if way == "honest":
            assert shares is not None
            parts = split(self.manifest, fractions=shares, **known)  # type: ignore[arg-type]
        elif shares is None and self._ships_a_split():
            parts = shipped(
                self.manifest, groups=groups, audit=self.audit, despite_leaks=True, seed=seed
            )
        else:
            shares = shares or self.publication.honest
            parts = split_by_film(self.manifest, fractions=shares, **known)  # type: ignore[arg-type]
        write_split(parts, folder.split)
        return parts

    def _ships_a_split(self) -> bool:
        parts = {film.split for film in self.manifest.radiographs}
        return "train" in parts and bool(parts & {"val", "test"})

    def _honest(self, seed: int) -> Split:
        return self.split("honest", seed, self.folder("honest", seed))

    def _answers(
        self, folder: RunFolder, recipe: Recipe, parts: Split, asked: Mapping[str, Sequence[str]]
    ) -> dict[str, Predictions]:
        """Train unless it has been done, and predict the films of each name in ``asked``."""
        from osteon.predictions import read_predictions, write_predictions
        from osteon.train import train

        paths = {name: folder.predictions(name) for name in asked}
        if all(path.exists() for path in paths.values()):
            return {name: read_predictions(path, part=name) for name, path in paths.items()}
        prepared = self._prepared(recipe)
        classifier = train(recipe, prepared, self.manifest, parts, folder.path, resume=True)
        if "test" in asked:
            log_opening(folder, "osteon reproduce")
        found = {}
        for name, ids in asked.items():
            found[name] = classifier.predict_prepared(
                prepared, ids=ids, manifest=self.manifest, groups=parts.groups, part=name
            )
            write_predictions(found[name], paths[name])
        return found

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

    def untuned(
        self, recipe: Recipe, winners: Sequence[Predictions], seeds: Sequence[int]
    ) -> Untuned:
        """The recipe as it is, on the splits of the search's honest winner."""
        plain = [self.outcome("honest", recipe, seed, "untuned").predictions for seed in seeds]
        return Untuned(
            model=repeated(JUDGED, plain), gains=repeated_differences(JUDGED, winners, plain)
        )

    def searched(
        self, way: Way, recipe: Recipe, seed: int, workers: int
    ) -> tuple[Recipe, Searched]:
        """The winner of the publication's search, and what it was worth."""
        from osteon.tune import Search, tune

        how = self.publication.search
        assert how is not None
        say(f"search-{way}: {recipe.name}")
        found = tune(
            recipe,
            Search(
                space=how.space,
                sampler=how.sampler,
                pruner="none",
                trials=how.trials or 0,
                seed=seed,
                workers=workers,
            ),
            self._prepared(recipe),
            self.manifest,
            self.split(way, seed, self.folder(way, seed)),
            self.out / f"search-{way}",
            facts=self.audit.facts,
        )
        searched = Searched(
            way=way,
            verdict=found.verdict,
            values=next(t.values for t in found.trials if t.number == found.best),
            n_trials=len(found.trials),
            epochs_trained=found.epochs_trained,
        )
        return recipe_from_json(found.best_recipe), searched

    def slices(self, recipe: Recipe, seeds: Sequence[int]) -> Iterator[SliceJudged]:
        """Each slice of the publication that the data have: held out, trained, judged."""
        from osteon.slices import SLICERS

        for name in self.publication.slices:
            held = SLICERS[name](self.manifest, self.audit.facts)
            if held is None:
                say(f"slice {name}: the data have no such films")
                continue
            pairs = [self._without(held, replace(recipe, seed=seed)) for seed in seeds]
            inside, outside = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
            yield SliceJudged(
                title=held.title,
                outside=repeated(("auroc",), outside)["auroc"],
                inside=repeated(("auroc",), inside)["auroc"],
                drop=repeated_differences(("auroc",), inside, outside)["auroc"],
            )

    def _without(self, held: Slice, recipe: Recipe) -> tuple[Predictions, Predictions]:
        """Train without the slice and whatever belongs to it; answers beside it, and on it."""
        folder = self.folder(f"without-{held.name}", recipe.seed)
        say(f"{folder.path.name}: {recipe.name}")
        parts = self._honest(recipe.seed)
        outside = {parts.groups[id_] for id_ in held.ids if id_ in parts.groups}

        def kept(part: Part) -> tuple[str, ...]:
            return tuple(id_ for id_ in parts.part(part) if parts.groups[id_] not in outside)

        divided = replace(parts, train=kept("train"), val=kept("val"), test=kept("test"))
        judged = [id_ for id_ in parts.groups if id_ in held.ids]
        if held.positives_alone:
            label_of = {film.id: film.label for film in self.manifest.radiographs}
            judged += [id_ for id_ in divided.test if label_of[id_] == 0]
        asked = {"test": divided.test, "held-out": tuple(sorted(judged))}
        write_split(divided, folder.split)
        found = self._answers(folder, recipe, divided, asked)
        return found["test"], found["held-out"]


def _n_parameters(recipe: Recipe, n_classes: int) -> int:
    net = recipe.backbone.build(n_classes)
    return sum(value.numel() for value in net.parameters() if value.requires_grad)


# --- figures --------------------------------------------------------------------------------------


def _judged(outcomes: Sequence[_Outcome]) -> Judged:
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
            name: tuple(repeated((name,), [run], n_resamples=1)[name].value for run in runs)
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

"""The shift suite of a run, and journeys between data sets: values in and out of folders."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from osteon.crossings import (
    Cell,
    LeftOut,
    Travels,
    auroc_of,
    check_crossing,
    crossed,
    shared_classes,
    sources_in,
)
from osteon.environment import timed
from osteon.errors import UsageError
from osteon.looking import look_at
from osteon.plan import SplitPlan, make_split
from osteon.progress import say
from osteon.repeats import repeated, repeated_differences
from osteon.run import existing_run, make_ready, report_run
from osteon.runs import RunFolder, begin_folder, default_cache, log_opening
from osteon.slices import FEWEST
from osteon.travel import FILMS, check_suite, draw_films, shift_suite
from osteon.travelled import FILE, ShiftReport
from osteon.types import Audit, Manifest, Part, Predictions, Recipe, Split
from osteon.values import read_value, write_value
from osteon.words import counted

if TYPE_CHECKING:
    from osteon.classifier import Classifier
    from osteon.independence import Independence
    from osteon.prepare import Prepared
    from osteon.types import Floats

TRAVELS = "travel.json"


def shift_run(
    path: Path,
    *,
    films: int | None = FILMS,
    shifts: Sequence[str] | None = None,
    seed: int = 0,
    cache: Path | None = None,
) -> ShiftReport:
    """The shift suite on the test part of an evaluated run; RUN/shift.json, and a new report.

    The test part is scored again, so it adds a line to openings.log. Raises UsageError for a run
    that has not been evaluated; see ``osteon.travel.shift_suite`` for what else is raised.
    """
    from osteon.baselines import baseline_scores
    from osteon.classifier import Classifier
    from osteon.manifest import read_manifest
    from osteon.predictions import read_predictions
    from osteon.split_file import read_split

    folder: RunFolder = existing_run(path)
    if not folder.predictions("test").is_file():
        raise UsageError(f"{path} has not been evaluated yet: osteon evaluate {path}")
    clean = read_predictions(folder.predictions("test"), part="test")
    check_suite(clean, films, shifts, seed)  # before the test part is opened for nothing
    classifier = Classifier.load(path)
    manifest, audit = read_manifest(folder.manifest), read_value(Audit, folder.audit)
    prepared = make_ready(folder, classifier.recipe, manifest, audit, cache=cache)
    with timed(folder.environment, "shift"):
        log_opening(folder, "osteon shift")
        report = shift_suite(
            classifier,
            prepared,
            clean,
            classifier.operating_point,
            keep=path / "shift",
            films=films,
            shifts=shifts,
            seed=seed,
        )
        films_shifted = draw_films(clean, films, seed)
        parts = read_split(folder.split, manifest)
        rivals = baseline_scores(manifest, audit.facts, parts, films_shifted.ids)
        known = {name: auroc_of(films_shifted, scores, seed) for name, scores in rivals.items()}
        report = replace(report, baselines=known)
        write_value(path / FILE, report)
    report_run(folder)
    return report


# --- between data sets ----------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Home:
    """One data set, ready: divided by groups, prepared, with the classes that are judged."""

    name: str
    manifest: Manifest
    audit: Audit
    split: Split
    prepared: Prepared


def travel_by(
    data: Sequence[Path], by: str | None, *, out: Path, recipe: Recipe, seed: int
) -> Travels:
    """``travel_within`` the one data set by a column, else ``travel_between`` several."""
    if by is None:
        return travel_between(data, out=out, recipe=recipe, seed=seed)
    if len(data) > 1:
        raise UsageError("--by goes with one data set.")
    return travel_within(data[0], by, out=out, recipe=recipe, seed=seed)


def travel_between(
    data: Sequence[Path],
    *,
    out: Path,
    recipe: Recipe | None = None,
    seed: int = 0,
    cache: Path | None = None,
) -> Travels:
    """Train on each data set, judge on each: OUT/travel.json and OUT/travel.html.

    All are divided anew by groups. A column is judged on one data set's test part, less the films
    that the training data set has too. What was trained before a kill is not trained again.

    Raises UsageError for fewer than two data sets or two of one name, DataError where they share
    fewer than two classes.
    """
    from osteon.recipe import named_recipe, recipe_to_json

    recipe, cache = recipe or named_recipe("linear-probe"), cache or default_cache()
    names = [path.resolve().name for path in data]
    if len(data) < 2 or len(set(names)) < len(names):
        raise UsageError("Name two data sets or more, in folders of different names.")
    looked = [look_at(path, cache=cache) for path in data]
    manifests, remarks = shared_classes(
        {name: manifest for name, (manifest, _) in zip(names, looked, strict=True)}
    )
    _begin(out, recipe_to_json(recipe), seed, (m.digest for m in manifests))
    homes = [
        _home(name, manifest, audit, recipe, seed, cache)
        for name, manifest, (_, audit) in zip(names, manifests, looked, strict=True)
    ]
    found = _independences(data, names, cache)
    known = {pair: frozenset(film.test_id for film in one.shared) for pair, one in found.items()}
    remarks = (*remarks, *_on_patients(found))
    _check_crossings(homes, known)  # before hours of training
    answers = {
        (one.name, other.name): _predicted(_taught(one, recipe, out), other, other.split.test)
        for one in homes
        for other in homes
    }
    by_name = {home.name: home for home in homes}
    cells = [
        crossed(
            train,
            test,
            theirs,
            answers[test, test],
            _baselines(by_name[train], by_name[test], theirs.ids),
            known.get((train, test), frozenset()),
            seed,
        )
        for (train, test), theirs in answers.items()
    ]
    return _written(out, names, homes[0], recipe, seed, remarks, cells=tuple(cells))


def travel_within(
    data: Path,
    by: str,
    *,
    out: Path,
    recipe: Recipe | None = None,
    seed: int = 0,
    cache: Path | None = None,
) -> Travels:
    """Leave one source out: for each value of the column ``by`` of the manifest, train without its
    films and whatever belongs to them, and judge on them.

    Raises DataError where the column has fewer than two values with enough films.
    """
    from osteon.recipe import named_recipe, recipe_to_json

    recipe, cache = recipe or named_recipe("linear-probe"), cache or default_cache()
    manifest, audit = look_at(data, cache=cache)
    held = sources_in(manifest, by, FEWEST)
    _begin(out, f"{recipe_to_json(recipe)} {by}", seed, [manifest.digest])
    home = _home(data.resolve().name, manifest, audit, recipe, seed, cache)
    left = [_left_out(home, value, ids, recipe, out) for value, ids in held.items()]
    return _written(out, [home.name], home, recipe, seed, (), by=by, left_out=tuple(left))


def _begin(out: Path, how: str, seed: int, digests: Iterable[str]) -> None:
    said = hashlib.sha256(f"{how} {seed} {' '.join(digests)}".encode()).hexdigest()
    begin_folder(out, said, "journey")


def _home(
    name: str, manifest: Manifest, audit: Audit, recipe: Recipe, seed: int, cache: Path
) -> _Home:
    from osteon.prepare import prepare

    split = make_split(manifest, audit, SplitPlan(choice="grouped", seed=seed))
    prepared = prepare(manifest, recipe.pixels, cache=cache, facts=audit.facts)
    return _Home(name=name, manifest=manifest, audit=audit, split=split, prepared=prepared)


def _independences(
    data: Sequence[Path], names: Sequence[str], cache: Path
) -> dict[tuple[str, str], Independence]:
    """(train, test) -> what test has that train has too."""
    from osteon.looking import compare_data

    found = {}
    for at, one in enumerate(data):
        for to in range(at + 1, len(data)):
            pair = names[at], names[to]
            found[pair] = compare_data(one, data[to], cache=cache)
            say(found[pair].verdict)
            found[pair[::-1]] = compare_data(data[to], one, cache=cache)
    return found


def _on_patients(found: Mapping[tuple[str, str], Independence]) -> Iterator[str]:
    """Ids may have been given anew in each data set: such films are told, not left out."""
    for (train, test), one in found.items():
        if one.same_patient:
            yield (
                f"{counted(len(one.same_patient), 'film')} of {test} are of patients or studies "
                f"whose ids {train} has too. They are judged all the same: if they are the same "
                "people, the figures are too kind."
            )


def _check_crossings(
    homes: Sequence[_Home], known: Mapping[tuple[str, str], frozenset[str]]
) -> None:
    for test in homes:
        label_of = {film.id: film.label for film in test.manifest.radiographs}
        groups, ids = test.split.groups, test.split.test
        for train in homes:
            shared = known.get((train.name, test.name), frozenset())
            gone = {groups[id_] for id_ in ids if id_ in shared}
            left = [label_of[id_] for id_ in ids if groups[id_] not in gone]
            check_crossing(
                train.name,
                test.name,
                np.array(left, np.int64),
                test.manifest.classes,
                len(ids) - len(left),
            )


def _taught(home: _Home, recipe: Recipe, out: Path, what: str = "") -> Classifier:
    """Trained on the home's own films, or loaded where it was before."""
    from osteon.classifier import Classifier
    from osteon.files import write_text
    from osteon.train import train

    folder = RunFolder(out / (what or f"on-{home.name}"))
    if not folder.trained.exists():
        train(recipe, home.prepared, home.manifest, home.split, folder.path, resume=True)
        write_text(folder.trained, "done\n")
    return Classifier.load(folder.path)


def _predicted(
    classifier: Classifier, home: _Home, ids: Sequence[str], part: Part | str = "test"
) -> Predictions:
    return classifier.predict_prepared(
        home.prepared, ids=ids, manifest=home.manifest, groups=home.split.groups, part=part
    )


def _baselines(taught: _Home, judged: _Home, ids: Sequence[str]) -> dict[str, Floats]:
    from osteon.baselines import baseline_scores_elsewhere

    there = (judged.manifest, judged.audit.facts)
    return baseline_scores_elsewhere(taught.manifest, taught.audit.facts, taught.split, *there, ids)


def _left_out(home: _Home, value: str, ids: frozenset[str], recipe: Recipe, out: Path) -> LeftOut:
    groups = home.split.groups
    outside = {groups[id_] for id_ in ids if id_ in groups}

    def kept(part: Part) -> tuple[str, ...]:
        return tuple(id_ for id_ in home.split.part(part) if groups[id_] not in outside)

    split = replace(home.split, train=kept("train"), val=kept("val"), test=kept("test"))
    rest = replace(home, split=split)
    classifier = _taught(rest, recipe, out, f"without-{_safe(value)}")
    judged = tuple(id_ for id_ in groups if id_ in ids)
    there = [_predicted(classifier, home, judged, "held-out")]
    here = [_predicted(classifier, home, split.test)]
    rivals = {
        name: [replace(there[0], scores=scores)]
        for name, scores in _baselines(rest, home, there[0].ids).items()
    }
    return LeftOut(
        value=value,
        n_films=len(judged),
        outside=repeated(("auroc",), there)["auroc"],
        inside=repeated(("auroc",), here)["auroc"],
        drop=repeated_differences(("auroc",), here, there)["auroc"],
        baselines={name: repeated(("auroc",), of)["auroc"] for name, of in rivals.items()},
        gain=repeated_differences(("auroc",), there, rivals["metadata_only"])["auroc"],
    )


def _safe(value: str) -> str:
    """A folder's name for a cell of a table; two cells have two names."""
    plain = "".join(letter if letter.isalnum() else "-" for letter in value)[:30]
    return f"{plain}-{hashlib.sha256(value.encode()).hexdigest()[:6]}"


def _written(
    out: Path,
    names: Sequence[str],
    home: _Home,
    recipe: Recipe,
    seed: int,
    remarks: tuple[str, ...],
    *,
    cells: tuple[Cell, ...] = (),
    by: str = "",
    left_out: tuple[LeftOut, ...] = (),
) -> Travels:
    from osteon.report.travel import write_travel_report

    travels = Travels(
        names=tuple(names),
        classes=home.manifest.classes,
        recipe=recipe.name,
        seed=seed,
        remarks=remarks,
        cells=cells,
        by=by,
        left_out=left_out,
    )
    write_value(out / TRAVELS, travels)
    write_travel_report(travels, out)
    return travels

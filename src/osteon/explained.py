"""Explaining a run: judged on its validation films, shown on the failures of its test films."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from osteon.environment import timed
from osteon.errors import DataError
from osteon.progress import say
from osteon.runs import RunFolder, log_opening
from osteon.types import Audit, Evaluation, Manifest, Split
from osteon.values import read_value, to_json, write_value

if TYPE_CHECKING:
    from osteon.classifier import Classifier
    from osteon.explain.gallery import Near, Wrong
    from osteon.explain.values import Explanation, Failure, Neighbour
    from osteon.explainers import Maps
    from osteon.prepare import Prepared

PICTURES = "explanation"
RESULT = "explanation.json"


@dataclass(frozen=True, kw_only=True, slots=True)
class _Opened:
    """What of a run the explanation needs."""

    folder: RunFolder
    classifier: Classifier
    prepared: Prepared
    manifest: Manifest
    audit: Audit
    split: Split


def explain_run(
    path: Path,
    *,
    names: Sequence[str] | None = None,
    n_films: int = 64,
    seed: int = 0,
    cache: Path | None = None,
) -> Explanation:
    """Judge the methods ``names`` (see ``judge``), show the surest failures, write
    RUN/explanation.json and the pictures beside it, and write the report anew. Adds a line to
    openings.log.

    Raises DataError for a run that was not evaluated, UnknownName for no such method.
    """
    from osteon.explain.judge import chosen_methods, judge
    from osteon.run import existing_run, report_run

    folder = existing_run(path)
    if not (folder.predictions("test").is_file() and folder.evaluation("test").is_file()):
        raise DataError(f"{path} is not evaluated yet: osteon evaluate {path}")
    run = _open(folder, cache)
    chosen = chosen_methods(run.classifier, names)  # before the test part is opened for nothing
    with timed(folder.environment, "explain"):
        log_opening(folder, "osteon explain")
        judged = judge(
            run.classifier, run.prepared, run.manifest, run.audit.facts, run.split,
            names=chosen, n_films=n_films, seed=seed,
        )  # fmt: skip
        found = _with_failures(judged, run)
        write_value(folder.path / RESULT, found)
        _clear_pictures(folder.path / PICTURES, of=found)
    report_run(folder)
    return found


def _open(folder: RunFolder, cache: Path | None) -> _Opened:
    from osteon.classifier import Classifier
    from osteon.manifest import read_manifest
    from osteon.run import make_ready
    from osteon.split_file import read_split

    manifest, audit = read_manifest(folder.manifest), read_value(Audit, folder.audit)
    classifier = Classifier.load(folder.path)
    return _Opened(
        folder=folder,
        classifier=classifier,
        prepared=make_ready(folder, classifier.recipe, manifest, audit, cache=cache),
        manifest=manifest,
        audit=audit,
        split=read_split(folder.split, manifest),
    )


def _with_failures(judged: Explanation, run: _Opened) -> Explanation:
    from osteon.explain import explain
    from osteon.explain.gallery import failures, nearest
    from osteon.predictions import read_predictions

    test = read_predictions(run.folder.predictions("test"), part="test")
    point = read_value(Evaluation, run.folder.evaluation("test")).operating_point
    wrong = failures(test, point)
    say(f"{len(wrong)} failures and the training films near to them")
    ids = [each.id for each in wrong]
    split = run.split
    near = nearest(
        run.classifier, run.prepared, ids, train=split.train, val=split.val, seed=judged.seed
    )  # fmt: skip
    maps: Maps | None = None
    if judged.shown and ids:
        two = len(run.classifier.classes) == 2
        targets = [1 if two else each.answered for each in wrong]
        maps = explain(
            run.classifier, run.prepared, ids, method=judged.shown, targets=targets
        )  # fmt: skip
    # A place of their own: until the new explanation is whole, the old one keeps its pictures.
    place = f"{PICTURES}/{_digest(judged, wrong)}"
    shown = tuple(
        _failure(
            f"{place}/{at + 1}", each, None if maps is None else maps[at], near.of[each.id], run
        )
        for at, each in enumerate(wrong)
    )
    return replace(judged, failures=shown, remarks=(near.remark,) if near.remark else ())


def _digest(judged: Explanation, wrong: Sequence[Wrong]) -> str:
    return hashlib.sha256(f"{to_json(judged)} {wrong}".encode()).hexdigest()[:8]


def _clear_pictures(place: Path, of: Explanation) -> None:
    """Those of earlier explanations."""
    ours = {Path(failure.picture).parent.name for failure in of.failures}
    for there in place.glob("*"):
        if there.is_file():  # by an earlier version
            there.unlink()
        elif there.name not in ours:
            shutil.rmtree(there)


def _failure(at: str, wrong: Wrong, map_: Maps | None, near: Near, run: _Opened) -> Failure:
    from osteon.explain.gallery import described
    from osteon.explain.pictures import write_picture
    from osteon.explain.values import Failure
    from osteon.placement import boxes_in_square

    classes = run.classifier.classes
    film_of = {film.id: film for film in run.manifest.radiographs}
    prepared = run.prepared
    trace = prepared.traces.get(wrong.id)
    boxes = boxes_in_square(
        film_of[wrong.id], run.audit.facts[wrong.id], prepared.rules, trace
    )  # fmt: skip
    pixels = prepared.batch([wrong.id])[0]
    place = run.folder.path
    picture = f"{at}-film.png"
    write_picture(place / picture, pixels, boxes=boxes)
    of_map = ""
    if map_ is not None:
        of_map = f"{at}-map.png"
        write_picture(place / of_map, pixels, map_=map_, boxes=boxes)
    return Failure(
        id=wrong.id,
        kind=wrong.kind,
        truth=classes[wrong.truth],
        answered=classes[wrong.answered],
        score=wrong.score,
        picture=picture,
        map_picture=of_map,
        neighbours=tuple(_neighbours(at, near, run)),
        farther_than=near.farther_than,
        words=described(near, [film_of[id_].label for id_ in near.ids], wrong.truth),
    )


def _neighbours(at: str, near: Near, run: _Opened) -> Iterator[Neighbour]:
    from osteon.explain.pictures import SMALL_PX, write_picture
    from osteon.explain.values import Neighbour

    film_of = {film.id: film for film in run.manifest.radiographs}
    for rank, (id_, distance) in enumerate(zip(near.ids, near.distances, strict=True), start=1):
        picture = f"{at}-near-{rank}.png"
        pixels = run.prepared.batch([id_])[0]
        write_picture(run.folder.path / picture, pixels, long_side_px=SMALL_PX)
        yield Neighbour(
            id=id_,
            class_name=run.manifest.class_name(film_of[id_]) or "",
            distance=distance,
            picture=picture,
        )

"""A square is planted and learnt: good maps point at it, bad ones are withheld, failures shown."""

from __future__ import annotations

import csv
import json
import re
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

import osteon
from osteon.backbones.cnn import Cnn
from osteon.backbones.mlp import Mlp
from osteon.classifier import Classifier
from osteon.cli import app
from osteon.errors import DataError, UnknownName, UsageError
from osteon.explain.against_boxes import box_scores
from osteon.explain.gallery import Near, described, failures, features, nearest
from osteon.explain.judge import BY_BOXES, BY_PERTURBING, judge, reason
from osteon.explain.pictures import write_picture
from osteon.explain.sample import draw
from osteon.explain.values import BOX_SCORES, Explanation, Faithfulness
from osteon.explained import explain_run
from osteon.explainers import EXPLAINERS, Method
from osteon.inspection import inspect_films
from osteon.manifest import read_manifest
from osteon.placement import Trace, boxes_in_square
from osteon.prepare import Prepared, prepare
from osteon.report import write_report
from osteon.run import run
from osteon.runs import RunFolder
from osteon.split_file import read_split
from osteon.types import (
    Audit,
    Augment,
    Box,
    Estimate,
    FilmFacts,
    Manifest,
    OperatingPoint,
    Optimiser,
    PixelRules,
    Predictions,
    Radiograph,
    Recipe,
    Split,
)
from osteon.values import from_json, read_value, to_json
from tests.training import TINY, made_ready, write_films

SIDE, SQUARE = 48, 8
LEARNT = Recipe(
    name="square",
    backbone=Cnn(channels=(8, 16), dropout=0.0),
    pixels=PixelRules(size_px=SIDE),
    augment=Augment(),
    optimiser=Optimiser(lr=1e-2),
    batch_size=16,
    epochs=14,
    patience=14,
    monitor="val_auroc",
)


def write_squares(folder: Path, *, n: int = 160, boxes: bool = True) -> Path:
    """Noise of 48 x 36 px; on half of the films a bright square near a corner, and its box."""
    rng = np.random.default_rng(0)
    folder.mkdir()
    with (folder / "films.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["path", "label", "boxes"])
        for number in range(n):
            film = rng.integers(40, 150, size=(36, 48), dtype=np.uint8)
            placed = []
            if number % 2:
                top, left = (int(rng.choice(ends)) for ends in ([1, 2, 26, 27], [2, 3, 36, 37]))
                film[top : top + SQUARE, left : left + SQUARE] += 90
                placed = [[left, top, SQUARE, SQUARE]]
            Image.fromarray(film).save(folder / f"{number}.png")
            cell = json.dumps(placed) if placed and boxes else ""
            table.writerow([f"{number}.png", "square" if number % 2 else "none", cell])
    return folder


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def learnt(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> RunFolder:
    folder = tmp_path_factory.mktemp("squares")
    data = write_squares(folder / "data")
    return run(data, out=folder / "run", recipe=LEARNT, cache=cache)


class Opened:
    """What judging a run takes."""

    def __init__(self, folder: RunFolder, cache: Path) -> None:
        self.classifier = Classifier.load(folder.path)
        self.manifest: Manifest = read_manifest(folder.manifest)
        self.facts = read_value(Audit, folder.audit).facts
        self.split: Split = read_split(folder.split)
        self.prepared: Prepared = prepare(
            self.manifest, LEARNT.pixels, cache=cache, facts=self.facts
        )

    def judge(self, *names: str, classifier: Classifier | None = None) -> Explanation:
        return judge(
            classifier or self.classifier,
            self.prepared,
            self.manifest,
            self.facts,
            self.split,
            names=names,
        )


@pytest.fixture(scope="module")
def opened(learnt: RunFolder, cache: Path) -> Opened:
    return Opened(learnt, cache)


@pytest.fixture(scope="module")
def judged(opened: Opened) -> Explanation:
    return opened.judge("gradcam", "hirescam", "occlusion")


def lows(found: Explanation, method: str, rival: str) -> float:
    boxes = next(each for each in found.methods if each.method == method).boxes["val"]
    low = boxes.gains[rival]["pointing"].low
    assert low is not None
    return low


def test_good_maps_point_at_the_square_on_both_parts(judged: Explanation) -> None:
    assert judged.criterion == BY_BOXES
    for each in judged.methods:
        assert each.withheld == "", each
        for boxes in each.boxes.values():
            # Occlusion has plateaus as large as its windows' steps, of which a part is outside.
            least = 0.2 if each.method == "occlusion" else 0.75
            assert (boxes.scores["pointing"].value or 0) > least
            assert (boxes.scores["energy"].low or 0) > (boxes.chance.value or 1)
            assert (boxes.scores["average_precision"].low or 0) > (boxes.chance.value or 1)
        assert lows(judged, each.method, "centre") > 0
        assert each.boxes["val"].gains["random_weights"]["pointing"].n > 0
    assert judged.shown in {"gradcam", "hirescam", "occlusion"}
    assert "passed" in judged.verdict


def test_chance_is_the_share_of_the_film_and_not_of_the_square(judged: Explanation) -> None:
    chance = judged.baselines["centre"]["val"].chance.value
    assert chance == pytest.approx(SQUARE**2 / (48 * 36))


def test_sizes_hold_every_film_once(judged: Explanation) -> None:
    for part, n in judged.n_films.items():
        sizes = judged.baselines["edges"][part].by_size
        assert [size.name for size in sizes] == ["small", "medium", "large"]
        assert sum(size.chance.n for size in sizes) == n


@pytest.fixture
def bad_methods() -> Iterator[None]:
    """Methods that never look at the network, but claim to."""

    def flat(net: object, films: torch.Tensor, target: int) -> np.ndarray:
        return np.ones((len(films), *films.shape[2:]), np.float32)

    def noise(net: object, films: torch.Tensor, target: int) -> np.ndarray:
        rng = np.random.default_rng(int(1e6 * float(films[0, 0, 6, 0])))
        return rng.random((len(films), *films.shape[2:]), dtype=np.float32)

    def bright(net: object, films: torch.Tensor, target: int) -> np.ndarray:
        return np.stack([cv2.blur(film, (7, 7)) for film in films[:, 0].numpy()])

    assert "gradcam" in EXPLAINERS
    for name, explain in (("flat", flat), ("noise", noise), ("bright", bright)):
        method = Method(title=name, source="", explain=explain, passes=1)
        EXPLAINERS.register(name)(method)
    yield
    for name in ("flat", "noise", "bright"):
        del EXPLAINERS._items[name]


@pytest.fixture
def empty_on_every_third_film() -> Iterator[None]:
    """Grad-CAM, but for every third film, of which it says nothing, whatever the network."""

    def sometimes(net: torch.nn.Module, films: torch.Tensor, target: int) -> np.ndarray:
        maps = EXPLAINERS["gradcam"].explain(net, films, target)
        maps[::3] = 0
        return maps

    assert "gradcam" in EXPLAINERS
    method = Method(title="sometimes", source="", explain=sometimes, passes=1)
    EXPLAINERS.register("sometimes")(method)
    yield
    del EXPLAINERS._items["sometimes"]


@pytest.mark.usefixtures("empty_on_every_third_film")
def test_an_empty_map_is_neither_like_nor_unlike(opened: Opened) -> None:
    found = {each.method: each for each in opened.judge("gradcam", "sometimes").methods}
    always, sometimes = found["gradcam"], found["sometimes"]
    assert always.similarity is not None
    assert sometimes.similarity is not None
    n = always.similarity.n
    assert (always.n_empty, sometimes.n_empty) == (0, -(-n // 3))
    assert sometimes.similarity.n == n - sometimes.n_empty
    assert (sometimes.similarity.value or 0) < 0.5
    assert "random weights" not in sometimes.withheld


def test_where_most_maps_are_empty_nothing_can_be_compared() -> None:
    clear = estimate(0.2, 0.1, 0.3)
    faithful = Faithfulness(deletion=clear, insertion=clear, gain=clear)
    assert reason(estimate(0.1, 0.0, 0.2), None, faithful, n_empty=20) == ""
    why = reason(estimate(0.1, 0.0, 0.2), None, faithful, n_empty=21)
    assert why.endswith("on 21 of 41 films one or the other is empty")


def test_explanations_of_before_are_read(judged: Explanation) -> None:
    text = to_json(judged)
    assert '"n_empty":' in text
    old = from_json(Explanation, re.sub(r',"n_empty":\d+', "", text))
    assert [each.n_empty for each in old.methods] == [0] * len(judged.methods)


@pytest.mark.usefixtures("bad_methods")
def test_bad_maps_are_withheld_and_it_is_said_why(opened: Opened) -> None:
    found = opened.judge("flat", "noise", "bright")
    why = {each.method: each.withheld for each in found.methods}
    assert "pointing game is not shown to be above" in why["flat"]
    assert "random weights" in why["flat"]
    assert "pointing game is not shown to be above" in why["noise"]
    # It finds the square, which is bright: yet the network could be any.
    assert "pointing game" not in why["bright"]
    assert "random weights: correlation 1.000" in why["bright"]
    assert found.shown is None
    assert found.verdict.startswith("No map is shown: bright, flat and noise failed")


def test_a_method_that_does_not_apply_is_withheld(opened: Opened) -> None:
    net = Mlp(input_px=16, widths=(8,)).build(2).eval()
    found = opened.judge("gradcam", classifier=replace(opened.classifier, net=net))
    assert "do not apply" in found.methods[0].withheld
    assert found.shown is None


def test_names_are_checked(opened: Opened) -> None:
    with pytest.raises(UnknownName, match="gradcam"):
        opened.judge("gradcamm")
    with pytest.raises(UsageError, match="baseline"):
        opened.judge("centre")
    with pytest.raises(UsageError, match="No method"):
        opened.judge()


def test_without_boxes_perturbing_decides(opened: Opened) -> None:
    films = tuple(replace(film, boxes=()) for film in opened.manifest.radiographs)
    bare = replace(opened.manifest, radiographs=films)
    found = judge(
        opened.classifier, opened.prepared, bare, opened.facts, opened.split, names=["gradcam"]
    )
    assert found.criterion == BY_PERTURBING
    assert list(found.n_films) == ["val"]
    assert found.baselines == {}
    assert found.methods[0].boxes == {}
    gain = found.methods[0].faithfulness
    assert gain is not None
    assert found.methods[0].passed == ((gain.gain.low or 0) > 0)


def test_the_test_part_has_no_say(opened: Opened, judged: Explanation) -> None:
    test = frozenset(opened.split.test)
    films = tuple(
        replace(film, boxes=(Box(left_px=0, top_px=0, width_px=1, height_px=1),))
        if film.id in test
        else film
        for film in opened.manifest.radiographs
    )
    moved = replace(opened.manifest, radiographs=films)
    found = judge(
        opened.classifier, opened.prepared, moved, opened.facts, opened.split, names=["gradcam"]
    )
    assert found.methods[0].boxes["test"].scores["pointing"].value == 0
    assert found.methods[0].boxes["val"] == judged.methods[0].boxes["val"]
    assert found.methods[0].passed


def test_the_headline_begins_with_a_capital(judged: Explanation) -> None:
    """Also where the method's title, such as 'the cells' scores', begins with a small letter."""
    one, *_ = judged.methods
    cells = replace(one, title="the cells' scores", withheld="")
    bad = replace(one, title="occlusion", withheld="its pointing game")
    told = replace(judged, methods=(cells, replace(cells, title="Grad-CAM"), bad)).verdict
    assert told.startswith("The cells' scores and Grad-CAM passed")
    assert told.endswith("Occlusion failed it: withheld.")


def estimate(value: float, low: float | None, high: float | None) -> Estimate:
    return Estimate(value=value, low=low, high=high, n=20, n_groups=20, method="")


@pytest.mark.parametrize(
    ("gain", "alike", "told"),
    [
        ((0.2, 0.1, 0.3), (0.1, 0.0, 0.2), ""),
        ((0.2, 0.0, 0.3), (0.1, 0.0, 0.2), "random maps: 0.200 [0.000, 0.300], 20 films"),
        ((0.2, None, None), (0.1, 0.0, 0.2), "no interval"),
        ((0.2, 0.1, 0.3), (0.4, 0.3, 0.5), "random weights: correlation 0.400"),
    ],
)
def test_reasons(
    gain: tuple[float, float | None, float | None],
    alike: tuple[float, float | None, float | None],
    told: str,
) -> None:
    faithful = Faithfulness(
        deletion=estimate(0, 0, 0), insertion=estimate(0, 0, 0), gain=estimate(*gain)
    )
    why = reason(estimate(*alike), None, faithful)
    assert told in why
    assert bool(why) == bool(told)


def test_four_hits_against_none_are_no_proof() -> None:
    """However many films: the bootstrap leaves out 0 as soon as four agree."""
    clear = estimate(0.2, 0.1, 0.3)
    faithful = Faithfulness(deletion=clear, insertion=clear, gain=clear)
    told = {}
    for n_hits in (4, 6):
        hits = np.arange(64) < n_hits
        rows = dict.fromkeys(BOX_SCORES, hits.astype(float))
        nothing = dict.fromkeys(BOX_SCORES, np.zeros(64))
        sample = SimpleNamespace(
            ids=[str(at) for at in range(64)], groups=[str(at) for at in range(64)],
            areas=np.full(64, 0.1),
        )  # fmt: skip
        boxes = box_scores(rows, sample, {"centre": nothing}, bounds=(0.2, 0.3), seed=0)  # type: ignore[arg-type]
        gain = boxes.gains["centre"]["pointing"]
        assert gain.low is not None
        assert gain.low > 0
        told[n_hits] = reason(estimate(0.1, 0.0, 0.2), boxes, faithful)
    assert told[6] == ""
    assert told[4].endswith("0.062 [0.016, 0.125], 64 films, p 0.062")


def test_maps_of_any_films(opened: Opened) -> None:
    ids = opened.split.val[:3]
    maps = osteon.explain(opened.classifier, opened.prepared, ids)
    assert maps.shape == (3, SIDE, SIDE)
    both = osteon.explain(opened.classifier, opened.prepared, ids, targets=[1, 0, 1])
    np.testing.assert_array_equal(both[[0, 2]], maps[[0, 2]])
    assert not np.array_equal(both[1], maps[1])
    with pytest.raises(DataError, match="not among the prepared"):
        osteon.explain(opened.classifier, opened.prepared, ["nothing"])


def test_of_many_classes_each_film_is_explained_for_its_own(tmp_path: Path) -> None:
    classes = ("a", "b", "c")
    data = write_films(tmp_path / "data", each=8, classes=classes)
    prepared, manifest, parts = made_ready(data, tmp_path / "cache")
    torch.manual_seed(0)
    classifier = Classifier(
        recipe=TINY, classes=classes, net=TINY.backbone.build(3).eval(), operating_point=None
    )
    facts = inspect_films(manifest)
    found = judge(classifier, prepared, manifest, facts, parts, names=["gradcam"])
    assert found.criterion == BY_PERTURBING
    assert found.n_films == {"val": len(parts.val)}
    assert found.methods[0].faithfulness is not None
    answered = osteon.explain(classifier, prepared, parts.val)
    scores = classifier.predict_prepared(
        prepared, ids=parts.val, manifest=manifest, groups=parts.groups
    ).scores
    asked = osteon.explain(classifier, prepared, parts.val, targets=scores.argmax(1).tolist())
    np.testing.assert_array_equal(answered, asked)


# --- boxes and samples ----------------------------------------------------------------------------


def test_boxes_follow_mending_and_panels() -> None:
    film = Radiograph(
        id="a",
        path=Path("a"),
        boxes=(Box(left_px=30, top_px=20, width_px=10, height_px=10),),
        window=Box(left_px=100, top_px=0, width_px=80, height_px=80),
    )
    seen = FilmFacts(id="a", n_bytes=1, sha256="", width_px=80, height_px=80)
    rules = PixelRules(size_px=40)
    (whole,) = boxes_in_square(film, seen, rules)
    assert (whole.left_px, whole.top_px, whole.width_px) == (15, 10, 5)
    cut = Box(left_px=120, top_px=10, width_px=40, height_px=40)  # in px of the file
    (mended,) = boxes_in_square(film, seen, rules, Trace(windows={"zoom": cut}))
    assert (mended.left_px, mended.top_px, mended.width_px) == (10, 10, 10)


def test_samples_are_drawn_by_the_seed_and_are_positive(opened: Opened) -> None:
    def drawn(seed: int, n: int) -> tuple[str, ...]:
        return draw(
            "val", opened.split.train, ("none", "square"), opened.prepared, opened.manifest,
            opened.facts, opened.split.groups, n_films=n, seed=seed, boxed=True,
        ).ids  # fmt: skip

    assert drawn(0, 9) == drawn(0, 20)[:9]
    assert drawn(0, 9) != drawn(1, 9)
    label_of = {film.id: film.label for film in opened.manifest.radiographs}
    assert {label_of[id_] for id_ in drawn(0, 1000)} == {1}


# --- failures -------------------------------------------------------------------------------------


def predictions(scores: list[float], labels: list[int]) -> Predictions:
    return Predictions(
        ids=tuple("abcdefgh"[: len(scores)]),
        labels=np.array(labels),
        scores=np.array([[1 - score, score] for score in scores]),
        groups=tuple("abcdefgh"[: len(scores)]),
        classes=("normal", "broken"),
        part="test",
    )


def test_failures_are_the_surest_at_the_operating_point() -> None:
    given = predictions([0.1, 0.3, 0.45, 0.6, 0.9, 0.2, 0.8], [1, 1, 1, 0, 0, 0, -1])
    point = OperatingPoint(threshold=0.4, rule="")
    found = failures(given, point, each=2)
    assert [(each.id, each.kind) for each in found] == [
        ("a", "missed"),
        ("b", "missed"),
        ("e", "false alarm"),
        ("d", "false alarm"),
    ]
    many = replace(
        given,
        ids=("a", "b"),
        labels=np.array([0, 1]),
        groups=("a", "b"),
        classes=("x", "y", "z"),
        scores=np.array([[0.1, 0.2, 0.7], [0.1, 0.8, 0.1]]),
    )
    assert [(each.id, each.answered, each.score) for each in failures(many, None)] == [
        ("a", 2, 0.7)
    ]


def test_the_nearest_are_those_of_the_cosine(opened: Opened) -> None:
    split, net = opened.split, opened.classifier.net
    ids = split.test[:2]
    found = nearest(
        opened.classifier, opened.prepared, ids, train=split.train, val=split.val
    ).of  # fmt: skip
    device = torch.device("cpu")
    inside = features(net, opened.prepared, split.train, device)
    mine = features(net, opened.prepared, ids, device)
    assert mine.shape == (2, 16)
    for id_, row in zip(ids, mine, strict=True):
        cosine = inside @ row / (np.linalg.norm(inside, axis=1) * np.linalg.norm(row))
        best = int(cosine.argmax())
        assert found[id_].ids[0] == split.train[best]
        assert found[id_].distances[0] == pytest.approx(1 - cosine[best], abs=1e-9)
        assert list(found[id_].distances) == sorted(found[id_].distances)
    # A film of train is its own neighbour: nothing is farther than that.
    own = nearest(
        opened.classifier, opened.prepared, split.train[:1], train=split.train, val=split.val
    )
    assert own.of[split.train[0]].distances[0] == pytest.approx(0, abs=1e-9)
    assert own.of[split.train[0]].farther_than == 0


@pytest.mark.parametrize(
    ("farther", "labels", "word"),
    [
        (0.99, [0, 0, 0], "New"),
        (0.10, [0, 0, 1], "Look-alike"),
        (0.70, [0, 0, 1], "another class, at an ordinary"),
        (0.10, [1, 1, 0], "its own class, and close"),
        (0.70, [1, 1, 0], "its own class, at an ordinary"),
    ],
)
def test_words(farther: float, labels: list[int], word: str) -> None:
    near = Near(ids=("a", "b", "c"), distances=(0.1, 0.2, 0.3), farther_than=farther)
    assert word in described(near, labels, 1)


def test_pictures_leave_bars_out_and_frame_boxes(tmp_path: Path) -> None:
    film = np.zeros((40, 40), np.uint8)
    film[10:30] = 100
    map_ = np.zeros((40, 40), np.float32)
    map_[20, 30] = 1
    box = Box(left_px=5, top_px=12, width_px=10, height_px=10)
    path = write_picture(tmp_path / "a.png", film, map_=map_, boxes=[box], long_side_px=80)
    picture = np.asarray(Image.open(path))
    assert picture.shape == (40, 80, 3)
    assert picture[20, 10].tolist() == [255, 213, 0]
    assert picture[30, 5].tolist() == [100, 100, 100]
    assert picture[20:22, 60:62].max() > 120


# --- a run, as a user explains it -----------------------------------------------------------------


def test_a_run_is_explained(
    learnt: RunFolder, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OSTEON_CACHE", str(cache))
    openings = len(learnt.openings.read_text().splitlines())
    said = CliRunner().invoke(app, ["explain", str(learnt.path), "--films", "12"])
    assert said.exit_code == 0, said.output
    assert "Grad-CAM" in said.stdout
    assert "occlusion" in said.stdout  # as not judged
    assert len(learnt.openings.read_text().splitlines()) == openings + 1
    found = read_value(Explanation, learnt.path / "explanation.json")
    assert from_json(Explanation, to_json(found)) == found
    pictures = {
        name
        for each in found.failures
        for name in (each.picture, each.map_picture, *(near.picture for near in each.neighbours))
        if name
    }
    there = {
        f"explanation/{path.parent.name}/{path.name}"
        for path in (learnt.path / "explanation").glob("*/*")
    }
    assert there == pictures
    page = learnt.report.read_text()
    assert 'id="explanation"' in page
    assert found.verdict in page
    assert page.count('class="failure"') == len(found.failures)
    assert (learnt.plots / "pointing-game-by-size-of-fracture-validation.csv").is_file()


@pytest.mark.parametrize("methods", ["gradcamm", "", "centre"])
def test_a_misspelt_method_does_not_open_the_test_part(
    learnt: RunFolder, cache: Path, monkeypatch: pytest.MonkeyPatch, methods: str
) -> None:
    monkeypatch.setenv("OSTEON_CACHE", str(cache))
    openings = learnt.openings.read_text()
    said = CliRunner().invoke(app, ["explain", str(learnt.path), "--methods", methods])
    assert said.exit_code != 0
    assert learnt.openings.read_text() == openings


def test_it_is_json_where_json_was_asked(
    learnt: RunFolder, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OSTEON_CACHE", str(cache))
    words = ["explain", str(learnt.path), "--films", "12", "--methods", "hirescam", "--json"]
    told = json.loads(CliRunner().invoke(app, words).stdout)
    assert [each["method"] for each in told["methods"]] == ["hirescam"]
    assert told["not_judged"] == ["gradcam", "integrated_gradients", "occlusion"]


def test_withheld_maps_are_in_no_picture_and_the_report_says_why(
    learnt: RunFolder, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules["osteon.explain.judge"], "MOST_ALIKE", -1.0)
    threshold = OperatingPoint(threshold=2.0, rule="never")  # every positive is missed
    monkeypatch.setattr(
        sys.modules["osteon.explain.gallery"],
        "answers_at",
        lambda scores, _: np.eye(2)[(scores[:, 1] > threshold.threshold).astype(int)],
    )
    found = explain_run(learnt.path, n_films=12, cache=cache)
    assert found.shown is None
    assert [each.kind for each in found.failures] == ["missed"] * 4
    assert {each.map_picture for each in found.failures} == {""}
    assert not list((learnt.path / "explanation").glob("*/*-map.png"))
    page = write_report(learnt.path).read_text()
    assert "Without maps: all are withheld" in page
    assert page.count('<span class="tag">withheld</span>') == 2


def test_an_unevaluated_run_is_refused(learnt: RunFolder, tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text(learnt.request.read_text())
    with pytest.raises(DataError, match="osteon evaluate"):
        explain_run(tmp_path)

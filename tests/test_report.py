"""The report: whole in one file, safe against hostile names, honest at the top, fit for a phone."""

from __future__ import annotations

import csv
import re
import shlex
import shutil
from dataclasses import replace
from html.parser import HTMLParser
from importlib import resources
from pathlib import Path

import numpy as np
import pytest

from osteon.environment import this_environment, without_folders
from osteon.errors import DataError
from osteon.evaluate import choose_operating_point, evaluate
from osteon.judge import write_decisions, write_subgroups
from osteon.looking import read_data
from osteon.manifest import read_manifest, write_manifest
from osteon.placement import CropLoss
from osteon.plan import SplitPlan
from osteon.predictions import read_predictions, write_predictions
from osteon.recipe import recipe_to_json
from osteon.report import write_report
from osteon.report.charts import BOTTOM, HEIGHT, TOP, Axis, Series, bar, line_chart
from osteon.report.figures import training_figures
from osteon.report.tuning import ranked, write_tuning_report
from osteon.run import Request, examine, open_run
from osteon.runs import RunFolder
from osteon.searched import Nested, Tried, Tuning
from osteon.split import group_films, split
from osteon.split_file import write_split
from osteon.train import write_history
from osteon.types import (
    Audit,
    Box,
    Estimate,
    Evaluation,
    History,
    Manifest,
    PixelRules,
    Predictions,
    Split,
)
from osteon.values import read_value, write_value
from osteon.winners_curse import Optimism
from tests.training import TINY, write_films

HOSTILE = ('<script>alert("x")</script>', "a&b 'quoted' é")


def scored(manifest: Manifest, parts: Split, part: str) -> Predictions:
    ids = parts.part(part)  # type: ignore[arg-type]
    label_of = {film.id: film.label for film in manifest.radiographs}
    labels = np.array([label_of[id_] for id_ in ids])
    odds = np.random.default_rng(0).random((len(ids), len(manifest.classes)))
    odds += 0.4 * np.eye(len(manifest.classes))[labels]
    return Predictions(
        ids=ids,
        labels=labels,
        scores=odds / odds.sum(1, keepdims=True),
        groups=tuple(parts.groups[id_] for id_ in ids),
        classes=manifest.classes,
        part=part,
    )


def history() -> tuple[History, ...]:
    return tuple(
        History(
            epoch=epoch, train_loss=1 / epoch, train_accuracy=0.5, val_loss=0.7, val_accuracy=0.5,
            val_auroc=float("nan"), lr=1e-3, seconds=1.0,
        )
        for epoch in (1, 2, 3)
    )  # fmt: skip


def made_run(
    folder: Path, classes: tuple[str, ...] = ("normal", "broken"), *, leaks: bool = False
) -> RunFolder:
    """A run whose films are real files and whose scores are made up."""
    data = write_films(folder / "a private folder" / "films", each=30, classes=classes)
    (data / classes[0] / "torn.jpg").write_bytes(b"\xff\xd8\xff\xe0")
    shutil.copy(data / classes[0] / "0.png", data / classes[0] / "copy.png")
    request = Request(data=str(data), layout=None, split=SplitPlan(), recipe="")
    run = open_run(folder / "run", request)
    manifest, audit = examine(read_data(data), run, PixelRules())
    films = tuple(
        replace(film, patient_id=f"SECRET-{at}", study_id=f"HIDDEN-{at}",
                boxes=(Box(left_px=2, top_px=3, width_px=9, height_px=7),))
        for at, film in enumerate(manifest.radiographs)
    )  # fmt: skip
    manifest = replace(manifest, radiographs=films)
    write_manifest(manifest, run.manifest)
    groups = group_films(manifest, audit.clusters)
    parts = split(manifest, groups=groups, exclude=audit.unreadable)
    if leaks:
        parts = replace(parts, origin="shipped", despite_leaks=True, leaked=parts.test[:3])
    write_split(parts, run.split)
    run.recipe.write_text(recipe_to_json(TINY))
    write_value(run.environment, this_environment(seed=0))
    write_history(history(), run.history)
    run.checkpoints.mkdir()
    run.trained.write_text("now\n")
    point = None
    for part in ("val", "test"):
        predictions = scored(manifest, parts, part)
        if part == "val" and len(classes) == 2:
            point = choose_operating_point(predictions)
        share = np.full_like(predictions.scores, 1 / len(classes))
        evaluation = evaluate(
            predictions,
            operating_point=point,
            baselines={"metadata_only": share, "majority": share},
            resamples=200,
        )
        write_predictions(predictions, run.predictions(part))
        write_value(run.evaluation(part), evaluation)
    run.openings.write_text("2026-01-01 osteon evaluate\n")
    return run


def judged(run: RunFolder) -> RunFolder:
    """The run with what an evaluation leaves beside its scores, so that every section is there."""
    manifest = read_manifest(run.manifest)
    on_val, on_test = (
        read_predictions(run.predictions(part), part=part) for part in ("val", "test")
    )
    facts = read_value(Audit, run.audit).facts
    point = read_value(Evaluation, run.evaluation("val")).operating_point
    write_decisions(run, on_val, on_test)
    write_subgroups(run, on_val, on_test, manifest, facts, point, TINY.pixels)
    return run


class Reader(HTMLParser):
    """Collects what a browser would fetch, all text, and unbalanced tags."""

    VOID = frozenset({"meta", "link", "img", "br", "input", "hr"})

    def __init__(self) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.text: list[str] = []
        self.tags: list[str] = []
        self.open: list[str] = []
        self.ids: list[str] = []
        self.without_alt = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag not in self.VOID:
            self.open.append(tag)
        given = dict(attrs)
        self.fetched += [given[n] or "" for n in ("src", "href", "action", "data") if n in given]
        self.ids += [given["id"] or ""] if "id" in given else []
        self.without_alt += tag == "img" and not given.get("alt")

    def handle_startendtag(self, tag: str, _: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open, tag
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def read(run: RunFolder) -> tuple[str, Reader]:
    html = write_report(run.path).read_text(encoding="utf-8")
    reader = Reader()
    reader.feed(html)
    assert reader.open == []
    return html, reader


@pytest.mark.parametrize("classes", [("normal", "broken"), ("a", "b", "c"), HOSTILE])
def test_it_is_whole_safe_and_asks_nothing_of_the_network(
    tmp_path: Path, classes: tuple[str, ...]
) -> None:
    if classes == HOSTILE:
        classes = ("a&b 'quoted' é", '<script x="1">')
    html, reader = read(made_run(tmp_path, classes))
    assert all(url.startswith(("data:", "#")) for url in reader.fetched), reader.fetched
    assert not re.search(r"url\((?!data:)|@import|http://|https://", html)
    assert "script" not in reader.tags
    assert reader.without_alt == 0
    wanted = {"data", "audit", "split", "recipe", "scores", "curves", "classes", "films",
              "methods", "repeat"}  # fmt: skip
    assert wanted <= set(reader.ids)
    text = " ".join(" ".join(reader.text).split())
    assert text.count("not a medical device") == 2
    assert "torn.jpg" in text
    for name in classes:
        assert name in text


def test_no_secret_gets_out(tmp_path: Path) -> None:
    html, _ = read(made_run(tmp_path))
    assert "SECRET" not in html
    assert "HIDDEN" not in html
    assert "private folder" not in html
    assert str(tmp_path) not in html


def test_a_headline_is_never_alone(tmp_path: Path) -> None:
    html, _ = read(made_run(tmp_path))
    cards = re.findall(r'<div class="card">(.*?)</dl></div>', html, flags=re.DOTALL)
    assert len(cards) == 4
    for card in cards:
        assert "95 % interval" in card
        assert "metadata only" in card
        assert "majority" in card
        assert re.search(r"\d+ films, \d+ groups", card)
    counted = [re.search(r"<dt>n</dt><dd>([\d,]+) films", card) for card in cards]
    n, _, positives, negatives = (int(each[1].replace(",", "")) for each in counted if each)
    assert 0 < positives < n
    assert positives + negatives == n  # of sensitivity and specificity: the films they rest on


def test_a_leaking_split_is_the_first_line(tmp_path: Path) -> None:
    _, reader = read(made_run(tmp_path, leaks=True))
    body = [text.strip() for text in reader.text if text.strip()]
    first = next(text for text in body if not text.startswith((":root", "run - osteon")))
    assert first.startswith("This run used the shipped split although 3 of its")
    assert first.endswith("its figures measure memory, not skill.")


@pytest.mark.parametrize(
    ("gone", "words"),
    [
        (("evaluation-val.json", "evaluation-test.json"), "osteon evaluate run"),
        (("checkpoints/trained", "evaluation-test.json"), "osteon train --resume run"),
        (("split.csv", "recipe.json", "evaluation-test.json"), "osteon run DATA --split grouped"),
    ],
)
def test_half_a_run_says_how_to_go_on(tmp_path: Path, gone: tuple[str, ...], words: str) -> None:
    run = made_run(tmp_path)
    for name in gone:
        (run.path / name).unlink()
    assert words in " ".join(read(run)[1].text)


def test_no_run_is_said(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is no run folder"):
        write_report(tmp_path)
    (tmp_path / "run.json").touch()
    with pytest.raises(DataError, match="no audit yet"):
        write_report(tmp_path)


def test_films_that_vanished_do_not_break_it(tmp_path: Path) -> None:
    run = made_run(tmp_path)
    shutil.rmtree(tmp_path / "a private folder")
    _, reader = read(run)
    assert reader.tags.count("img") == 0


def test_the_gallery_is_bounded(tmp_path: Path) -> None:
    run = made_run(tmp_path)
    html, reader = read(run)
    assert 8 <= reader.tags.count("img") <= 8 * 5 + 2 * 4 * 4
    assert len(html) < 2_000_000
    assert read_value(Request, run.request).split == SplitPlan()


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (["/home/Jane Doe/my films/", "--out", "/home/Jane Doe/x"], "'my films' --out x"),
        (["C:\\Users\\Jane\\films"], "films"),
        (["--out=/home/jane/runs/x", "--set", "optimiser.lr=3e-4"],
         "--out=x --set optimiser.lr=3e-4"),
    ],
)  # fmt: skip
def test_the_command_names_nobody(words: list[str], shown: str) -> None:
    assert without_folders(shlex.join(["osteon", "run", *words])) == f"osteon run {shown}"


def test_names_in_the_command_of_a_run_stay_out(tmp_path: Path) -> None:
    run = made_run(tmp_path)
    command = shlex.join(["osteon", "run", "/home/Jane Doe/films"])
    write_value(run.environment, replace(this_environment(seed=0), command=command))
    html, reader = read(run)
    assert "osteon run films" in " ".join(reader.text)
    assert "Jane" not in html


@pytest.mark.parametrize("loss", [float("inf"), float("nan")])
def test_a_training_that_diverged_is_still_drawn(loss: float) -> None:
    rows = (history()[0], replace(history()[1], train_loss=loss, val_loss=loss))
    for drawn in (rows, rows[1:]):
        for figure in training_figures(drawn, TINY):
            assert not re.search(r'(points|x\d?|y\d?|c[xy])="[^"]*(nan|inf)', figure.__html__())


def test_what_has_no_line_has_a_spot_in_the_legend() -> None:
    axis = Axis(label="x", low=0, high=1)
    spot = Series(name="spot", points=((0.5, 0.5),), dots=True, lines=False)
    lines = [spot, replace(spot, name="line", lines=True)]
    chart = line_chart("t", axis, axis, lines).__html__()
    assert re.findall(r'class="(key[^"]*)"></i>(\w+)', chart) == [
        ("key c0 spot", "spot"),
        ("key c0", "line"),
    ]
    assert chart.count("<polyline") == 1


def test_a_point_without_an_interval_has_no_bar() -> None:
    axis = Axis(label="x", low=0, high=1)
    known, unknown = (of_films(0.5, 0.25, 0.75), of_films(0.5, None, None))
    line = Series(
        name="a", points=((0.2, 0.5), (0.4, 0.5)), bars=(bar(0.2, known), bar(0.4, unknown))
    )
    chart = line_chart("t", axis, axis, [line])
    assert chart.numbers()[1:] == [("a", 0.2, 0.5, 0.25, 0.75), ("a", 0.4, 0.5, "", "")]
    assert chart.__html__().count("[0.250, 0.750]") == 1
    assert len(re.findall(r'<line class="line c0"', chart.__html__())) == 1
    assert "nan" not in chart.svg()


def test_a_band_stays_inside_the_chart_and_its_numbers_are_whole() -> None:
    axis = Axis(label="x", low=0, high=1)
    xs = [at / 99 for at in range(100)]  # more than the page lists
    bars = tuple(bar(x, of_films(x, x - 1, x + 1)) for x in xs)
    band = Series(name="a", points=tuple(zip(xs, xs, strict=True)), bars=bars, shaded=True)
    chart = line_chart("t", axis, axis, [band])
    (polygon,) = re.findall(r'<polygon class="band c0" points="([^"]*)"', chart.__html__())
    heights = [float(pair.split(",")[1]) for pair in polygon.split()]
    assert (min(heights), max(heights)) == (TOP, HEIGHT - BOTTOM)
    assert [row[3:] for row in chart.numbers()[1:]] == [each[1:] for each in bars]
    listed = re.findall(r"<td>([\d.]+)</td><td>([\d.]+) \[(-?[\d.]+), ([\d.]+)\]", chart.__html__())
    assert len(listed) <= 41
    for x, _, low, high in listed:
        assert (float(low), float(high)) == pytest.approx((float(x) - 1, float(x) + 1), abs=1e-3)


def test_a_line_is_broken_where_it_leaves_the_chart() -> None:
    axis = Axis(label="x", low=0, high=1)
    heights = (0.1, 0.2, -0.5, 0.3, float("nan"), 0.4, 0.5, 1.0 + 1e-15)
    points = tuple((at / 8, height) for at, height in enumerate(heights))
    chart = line_chart("t", axis, axis, [Series(name="a", points=points)])
    runs = re.findall(r'<polyline class="line c0" points="([^"]*)"', chart.svg())
    assert [len(run.split()) for run in runs] == [2, 1, 3]
    assert [row[2] for row in chart.numbers()[1:]][:4] == [0.1, 0.2, -0.5, 0.3]


def of_films(value: float, low: float | None, high: float | None) -> Estimate:
    return Estimate(value=value, low=low, high=high, n=9, n_groups=9, method="wilson")


@pytest.mark.parametrize("boxes", [True, False])
def test_boxes_can_be_hidden_where_there_are_any(tmp_path: Path, boxes: bool) -> None:
    run = made_run(tmp_path)
    loss = CropLoss(n_boxes=60 * boxes, n_cut=0, n_lost=0, share_cut=0.0, mean_area_cut=0.0, ids=())
    write_value(run.preparation, loss)
    _, reader = read(run)
    assert reader.tags.count("input") == boxes


def luminance(colour: str) -> float:
    """Relative luminance of #rrggbb, WCAG 2.2 section 1.4.3."""
    parts = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return float(np.dot(linear, (0.2126, 0.7152, 0.0722)))


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_colours_are_told_apart(theme: int) -> None:
    """Text at 4.5 to 1 (WCAG 2.2, 1.4.3), lines of charts at 3 to 1 (1.4.11)."""
    style = (resources.files("osteon.report") / "templates" / "style.css").read_text()
    rule = re.findall(r":root \{(.*?)\}", style, flags=re.DOTALL)[theme]
    colours = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", rule))
    for ink in ("ink", "soft", "bad", "warn", "link"):
        assert contrast(colours[ink], colours["paper"]) >= 4.5, ink
        assert contrast(colours[ink], colours["card"]) >= 4.5, ink
    assert contrast(colours["bad"], colours["bad-paper"]) >= 4.5
    for line in range(8):
        assert contrast(colours[f"c{line}"], colours["paper"]) >= 3, line


def test_epochs_are_whole_numbers() -> None:
    assert Axis(label="epoch", low=1, high=3, whole=True).ticks() == [1, 2, 3]
    assert Axis(label="epoch", low=1, high=1, whole=True).ticks() == [1]


@pytest.mark.parametrize(("at", "anchor"), [(0.0, "start"), (1.0, "end")])
def test_a_mark_is_written_inside_the_chart(at: float, anchor: str) -> None:
    x, y = Axis(label="x", low=0, high=1), Axis(label="y", low=0, high=1)
    chart = line_chart("t", x, y, [], [(at, "best")]).__html__()
    assert re.search(f'text-anchor="{anchor}"[^>]*>best<', chart)


def test_the_operating_point_lies_on_the_roc(tmp_path: Path) -> None:
    run = made_run(tmp_path)
    html, _ = read(run)
    figures = read_value(Evaluation, run.evaluation("test")).at_operating_point
    sensitivity, specificity = figures["sensitivity"].value, figures["specificity"].value
    assert sensitivity is not None
    assert specificity is not None
    row = f"<tr><td>operating point</td><td>{1 - specificity:.4g}</td><td>{sensitivity:.4g}</td>"
    assert row in html
    assert "200 resamples" in html  # as they were made, not as is usual


# --- figures as files -----------------------------------------------------------------------------


def test_figures_are_files_as_well(tmp_path: Path) -> None:
    from xml.etree import ElementTree

    from PIL import Image

    run = made_run(tmp_path, HOSTILE)
    write_report(run.path)
    names = {path.name for path in run.plots.iterdir()}
    assert names >= {
        "accuracy-and-auroc.svg", "loss.svg", "roc.svg", "precision-and-recall.svg",
        "confusion.svg", "confusion-at-the-operating-point.svg", "calibration.svg",
        "training-films.png", "predicted-against-actual.png",
    }  # fmt: skip
    for path in run.plots.glob("*.svg"):
        root = ElementTree.fromstring(path.read_text(encoding="utf-8"))
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        assert "var(" not in path.read_text(encoding="utf-8")
        numbers = path.with_suffix(".csv").read_text(encoding="utf-8").splitlines()
        assert len(numbers) > 1
        assert len({len(row) for row in csv.reader(numbers)}) == 1
    for path in run.plots.glob("*.png"):
        with Image.open(path) as sheet:
            assert min(sheet.size) > 200


def test_a_figure_as_a_file_shows_its_whole_title_and_names() -> None:
    """Measured with a bold sans serif: no line is wider than the picture."""
    from xml.etree import ElementTree

    from PIL import ImageFont

    from osteon.report.confusion import ConfusionChart

    title = "Confusion at the operating point (sensitivity >= 0.90 on validation): all test films"
    chart = ConfusionChart(title=title, classes=("normal", "fractured"), table=((9, 39), (2, 46)))
    root = ElementTree.fromstring(chart.svg())
    texts = [each for each in root.iter() if each.tag.endswith("text")]
    lines = [each.text or "" for each in texts if each.get("class") == "title"]
    assert len(lines) > 1
    assert " ".join(lines) == title
    font = ImageFont.load_default(14)
    assert 12 + max(font.getlength(line) for line in lines) < float(root.attrib["width"])
    assert [each.text for each in texts].count("fractured") == 2  # its row, its column


def test_films_drawn_at_random_are_those_of_their_part(tmp_path: Path) -> None:
    from osteon.report.material import gather
    from osteon.report.plots import films_drawn

    material = gather(made_run(tmp_path).path)
    assert material.split is not None
    training, judged = films_drawn(material)
    assert {film.id for film in training.thumbnails} <= set(material.split.train)
    films = judged.thumbnails
    assert len(films) == min(10, len(material.split.test))
    for film in films:
        predicted, actual = (line.partition(": ")[2] for line in film.caption.splitlines())
        assert film.right == (predicted == actual)
        assert actual == film.id.partition("/")[0]


# --- searches -------------------------------------------------------------------------------------


def tuning(metric: str = "accuracy") -> Tuning:
    rng = np.random.default_rng(0)
    scores = rng.uniform(0.5, 0.7, 12)
    trials = tuple(
        Tried(
            number=at, state="pruned" if at % 5 == 4 else "complete",
            values={"optimiser.lr": float(10 ** -rng.uniform(2, 5)),
                    "backbone.dense": 64 * (at % 3),
                    "optimiser.name": HOSTILE[0] if at % 2 else "adam"},
            score=float(score), standard_error=0.02, best_epoch=2, epochs=3, seconds=1.0,
        )
        for at, score in enumerate(scores)
    )  # fmt: skip
    failed = Tried(number=12, state="failed", values={}, score=None, standard_error=None,
                   best_epoch=None, epochs=0, seconds=0.0, why=HOSTILE[1])  # fmt: skip
    gain = Estimate(value=0.01, low=-0.02, high=0.05, n=90, n_groups=80, method="paired")
    return Tuning(
        recipe="{}", best_recipe="{}", space=(), sampler="tpe", pruner="median",
        monitor=f"val_{metric}", metric=metric, trials=(*trials, failed),
        best=int(scores.argmax()), default=replace(trials[0], number=-1, values={}),
        gains={metric: gain},
        optimism=Optimism(n_tries=12, best=float(scores.max()), corrected=0.66, optimism=0.02),
        importance={"optimiser.lr": 0.7, "backbone.dense": 0.2, "optimiser.name": 0.1},
        n_val=90, n_groups=80, epochs_trained=36, verdict="12 trials: no gain",
    )  # fmt: skip


@pytest.mark.parametrize("metric", ["accuracy", "log_loss"])
def test_the_page_of_a_search(tmp_path: Path, metric: str) -> None:
    found = tuning(metric)
    write_value(tmp_path / "tuning.json", found)
    page = write_tuning_report(tmp_path).read_text(encoding="utf-8")
    reader = Reader()
    reader.feed(page)
    assert all(address.startswith("data:") for address in reader.fetched)
    assert "<script" not in page
    assert "12 trials: no gain" in page
    assert {path.name for path in (tmp_path / "plots").iterdir()} == {
        "history.svg", "importance.svg", "parallel-coordinates.svg",
        "history.csv", "importance.csv", "parallel-coordinates.csv",
    }  # fmt: skip
    order = [trial.score for trial in ranked(found)]
    assert order[-1] is None
    known = [score for score in order if score is not None]
    assert known == sorted(known, reverse=metric == "accuracy")
    assert found.best == (ranked(found)[0].number if metric == "accuracy" else found.best)


@pytest.mark.parametrize(("n_trials", "is_shown"), [(13, True), (5, False)])
def test_a_nested_search_is_shown_where_it_is_of_as_many_trials(
    tmp_path: Path, n_trials: int, *, is_shown: bool
) -> None:
    found = tuning()
    write_value(tmp_path / "tuning.json", found)
    outer = Nested(
        folds=2, metric="accuracy", winner=found.gains, default=found.gains, gains=found.gains,
        chosen=({}, {}), verdicts=("a", "b"), n_trials=(n_trials, n_trials),
    )  # fmt: skip
    write_value(tmp_path / "nested.json", outer)
    page = write_tuning_report(tmp_path).read_text(encoding="utf-8")
    assert ("Nested cross-validation, 2 outer folds" in page) == is_shown
    assert ("of another number of trials" in page) != is_shown

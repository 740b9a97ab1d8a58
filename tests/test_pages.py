"""Every page in Chromium, at a desk and on a telephone: nothing overflows, axe finds nothing
serious, the console stays silent."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from osteon.cli import app
from osteon.crossings import Cell, LeftOut, Travels
from osteon.explained import explain_run
from osteon.journeys import shift_run
from osteon.report.travel import write_travel_report
from osteon.run import run
from osteon.types import Estimate
from tests.browser import CHROMIUM, broken_rules, overflow
from tests.test_explain import LEARNT
from tests.test_report import judged, made_run, read

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed to look at pages"),
]
WIDTHS_PX = (1280, 390)


def write_studies(folder: Path, n: int = 160) -> Path:
    """Noise, on half of the films a bright square with its box; every column that osteon knows."""
    rng = np.random.default_rng(0)
    folder.mkdir()
    with (folder / "films.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["path", "label", "boxes", "patient", "study", "region", "view", "scanner"])
        for number in range(n):
            film = rng.integers(40, 150, size=(36, 48), dtype=np.uint8)
            square: list[list[int]] = []
            if number // 2 % 2:
                top, left = int(rng.integers(0, 28)), int(rng.integers(0, 40))
                film[top : top + 8, left : left + 8] += 90
                square = [[left, top, 8, 8]]
            Image.fromarray(film).save(folder / f"{number}.png")
            table.writerow([
                f"{number}.png", "fractured" if square else "normal", json.dumps(square),
                f"p{number // 2}", f"s{number // 2}", ("hand", "hip")[number // 2 % 3 == 0],
                ("frontal", "lateral")[number % 2], f"scanner {number // 2 % 4}",
            ])  # fmt: skip
    return folder


def check(html: str, folder: Path) -> None:
    for width_px in WIDTHS_PX:
        assert overflow(html, folder, width_px) == (0, [])
        serious = [
            rule
            for rule in broken_rules(html, folder, width_px)
            if rule[0] in ("serious", "critical")
        ]
        assert serious == []


def test_the_report_of_a_run_with_everything_in_it(tmp_path: Path) -> None:
    data = write_studies(tmp_path / "data")
    cache = tmp_path / "cache"
    done = run(data, out=tmp_path / "run", recipe=replace(LEARNT, epochs=6), cache=cache)
    explain_run(done.path, cache=cache)
    shift_run(done.path, films=20, shifts=["blur", "mirror"], cache=cache)
    html = done.report.read_text(encoding="utf-8")
    for section in ("audit", "decisions", "calibration", "subgroups", "studies", "explanation",
                    "shift"):  # fmt: skip
        assert f'id="{section}"' in html, section
    check(html, tmp_path)


def test_the_report_of_twelve_classes(tmp_path: Path) -> None:
    html, _ = read(judged(made_run(tmp_path, tuple(f"class {at}" for at in range(12)))))
    check(html, tmp_path)


def test_what_axe_would_find_is_found(tmp_path: Path) -> None:
    html, _ = read(judged(made_run(tmp_path)))
    spoilt = html.replace('<html lang="en">', "<html>")
    assert "html-has-lang" in {rule[1] for rule in broken_rules(spoilt, tmp_path, 390)}
    wide = html.replace("</main>", '<p style="width: 900px">out of the window</p></main>')
    assert overflow(wide, tmp_path, 390)[0] > 500


def test_the_page_of_a_journey(tmp_path: Path) -> None:
    some = Estimate(value=0.71234, low=0.612, high=0.8, n=1200, n_groups=900, method="m")
    rivals = {"metadata_only": some, "majority": replace(some, value=0.5, low=0.5, high=0.5)}
    names = ("a data set of a long name", "another-of-a-longer-name-without-blanks", "third")
    cells = tuple(
        Cell(train=train, test=test, auroc=some, loss=None if train == test else some,
             baselines=rivals, gain=replace(some, low=-0.1), n_removed=12)
        for train in names
        for test in names
    )  # fmt: skip
    left = LeftOut(value="scanner 1", n_films=12, outside=some, inside=some, drop=some,
                   baselines=rivals, gain=some)  # fmt: skip
    travels = Travels(
        names=names, classes=("normal", "fractured"), recipe="linear-probe", seed=0,
        remarks=("a remark",), cells=cells, by="scanner", left_out=(left,) * 3,
    )  # fmt: skip
    check(write_travel_report(travels, tmp_path).read_text(encoding="utf-8"), tmp_path)


def test_the_page_of_anothers_predictions(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    rows = ["id,label,score,group,scanner"]
    for at in range(120):
        score = rng.random() * 0.7 + 0.3 * (at % 2)
        rows.append(f"film-{at}.png,{at % 2},{score:.4f},p{at // 2},{'AB'[at % 3 == 0]}")
    table = tmp_path / "theirs.csv"
    table.write_text("\n".join(rows) + "\n")
    called = ["evaluate", "--predictions", str(table), "--out", str(tmp_path / "out")]
    result = CliRunner().invoke(app, called)
    assert result.exit_code == 0, result.output
    check((tmp_path / "out" / "report.html").read_text(encoding="utf-8"), tmp_path)

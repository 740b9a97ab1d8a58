"""The command line as a new user meets it: what works, what is mistyped, what is broken."""

from __future__ import annotations

import csv
import html
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from osteon.__main__ import main
from osteon.cli import app
from osteon.plan import SplitPlan
from osteon.run import Request
from osteon.split_file import read_split
from osteon.values import write_value
from tests.training import write_films

QUICK = ["--recipe", "small-cnn", "--set", "epochs=2", "--set", "pixels.size_px=24"]
COMMANDS = ["run", "audit", "suspects", "split", "prepare", "train", "evaluate", "report",
            "predict", "export", "explain", "recipes", "phantom", "deidentify", "data"]  # fmt: skip


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_films(tmp_path_factory.mktemp("films") / "films", each=24)


@pytest.fixture
def here(tmp_path: Path) -> Path:
    (tmp_path / "cache").mkdir()
    return tmp_path


def start(here: Path, *words: object) -> subprocess.Popen[str]:
    environment = {**os.environ, "OSTEON_CACHE": str(here / "cache"), "COLUMNS": "80"}
    return subprocess.Popen(
        [sys.executable, "-m", "osteon", *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=here,
        env=environment,
        # A shell in the background has its children ignore Ctrl-C; a user's does not.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def osteon(here: Path, *words: object) -> tuple[int, str, str]:
    process = start(here, *words)
    out, err = process.communicate(timeout=300)
    assert "Traceback" not in err
    return process.returncode, out, err


# --- what works -----------------------------------------------------------------------------------


def test_run_does_everything_and_leaves_all_in_the_folder(here: Path, films: Path) -> None:
    code, out, err = osteon(here, "run", films, "--out", "mine", *QUICK)
    assert code == 0, err
    assert "report: mine/report.html" in out
    assert "metadata only" in out
    assert "positive class: 'broken'" in out
    assert "not a medical device" in out
    assert max(map(len, out.splitlines())) <= 80
    there = {path.name for path in (here / "mine").iterdir()}
    assert there >= {
        "run.json", "manifest.csv", "manifest.json", "audit.json", "split.csv", "split.json",
        "recipe.json", "preparation.json", "environment.json", "history.csv", "checkpoints",
        "predictions-val.csv", "predictions-test.csv", "evaluation-val.json",
        "evaluation-test.json", "openings.log", "report.html",
    }  # fmt: skip
    # A second time nothing is opened again.
    code, out, _ = osteon(here, "run", films, "--out", "mine", *QUICK, "--json")
    said = json.loads(out)
    assert code == 0
    assert said["evaluation"]["scores"]["auroc"]["n"] == said["split"]["test"]
    assert len((here / "mine" / "openings.log").read_text().splitlines()) == 1
    spelt_otherwise = os.path.relpath(films, here)
    code, _, err = osteon(here, "run", spelt_otherwise, "--out", "mine", *QUICK)
    assert code == 0, err
    code, _, err = osteon(here, "run", films, "--out", "mine", *QUICK, "--set", "seed=4")
    assert code == 2
    assert "other data, recipe or split" in err


def test_a_run_killed_while_it_was_judged_becomes_the_same(
    here: Path, films: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where its test part is judged, but what a reader can do with the scores is not yet."""
    assert osteon(here, "run", films, "--out", "whole", *QUICK)[0] == 0
    whole = {path.name for path in (here / "whole").iterdir()}

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    for stage in ("write_decisions", "write_subgroups"):
        out = here / stage
        request = ["run", films, "--out", out, *QUICK]
        with monkeypatch.context() as patch:
            patch.setattr(f"osteon.judge.{stage}", killed)
            said = CliRunner().invoke(app, [str(word) for word in request])
            assert said.exit_code == 130
        assert osteon(here, *request)[0] == 0
        assert {path.name for path in out.iterdir()} == whole
        answers = (json.loads((at / "decisions.json").read_text()) for at in (out, here / "whole"))
        assert next(answers) == next(answers)


def test_films_that_changed_under_a_run_are_noticed(here: Path, films: Path) -> None:
    """Same names, same labels, other bytes: test films could be those of training now."""
    shutil.copytree(films, here / "own")
    assert osteon(here, "train", "own", "--out", "r", *QUICK)[0] == 0
    shutil.copy(here / "own" / "normal" / "0.png", here / "own" / "normal" / "1.png")
    code, _, err = osteon(here, "run", "own", "--out", "r", *QUICK)
    assert code == 3
    assert "have changed since r was begun" in err


def test_lack_of_memory_in_torch_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def greedy() -> None:
        import torch

        torch.empty(1 << 50, dtype=torch.uint8)

    def broken() -> None:
        raise RuntimeError("something else")

    monkeypatch.setattr("osteon.cli.app", greedy)
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 4
    monkeypatch.setattr("osteon.cli.app", broken)
    with pytest.raises(RuntimeError, match="something else"):
        main()


def test_each_stage_alone(here: Path, films: Path) -> None:
    code, out, _ = osteon(here, "audit", films, "--report", "a.html", "--json")
    assert (code, json.loads(out)["report"]) == (0, "a.html")
    page = (here / "a.html").read_text()
    assert json.loads(out)["verdict"] in html.unescape(page)
    assert "of the size of thumbnails" in page
    assert page.count("data:image/jpeg") >= 12
    code, out, _ = osteon(here, "split", films, "--out", "s.csv", "--json")
    assert code == 0
    assert json.loads(out)[0]["train"] > 0
    assert osteon(here, "split", films, "--folds", "3", "--out", "f.csv")[0] == 0
    assert {path.name for path in here.glob("f-*.csv")} == {"f-1.csv", "f-2.csv", "f-3.csv"}
    (here / "v.csv").write_text("id,verdict\nnormal/0.png,remove\n")
    code, out, _ = osteon(here, "split", films, "--verdicts", "v.csv", "--json")
    assert code == 0
    assert sum(json.loads(out)[0][part] for part in ("train", "val", "test")) == 47
    code, out, _ = osteon(here, "prepare", films, "--set", "pixels.size_px=24", "--json")
    assert (code, json.loads(out)["decoded_now"]) == (0, 48)
    code, out, _ = osteon(here, "prepare", films, "--set", "pixels.size_px=24", "--json")
    assert json.loads(out)["decoded_now"] == 0
    mended = ("--set", "pixels.size_px=24", "--set", "pixels.mend=zoom,frame")
    code, out, _ = osteon(here, "prepare", films, *mended, "--preview", "m.html", "--json")
    assert (code, json.loads(out)["preview"]) == (0, "m.html")
    assert "steps: zoom, frame" in (here / "m.html").read_text()
    assert osteon(here, "train", films, "--out", "r", *QUICK)[0] == 0
    assert not (here / "r" / "openings.log").exists()
    code, out, err = osteon(here, "evaluate", "r", "--json")
    assert code == 0, err
    assert json.loads(out)["part"] == "test"
    assert "name no patient" in json.loads(out)["scope"]
    code, out, err = osteon(here, "evaluate", "r")
    assert code == 0, err
    assert "! The films name no patient" in out
    assert "next: osteon report r" in out
    assert osteon(here, "report", "r")[0] == 0
    assert osteon(here, "train", "--resume", "r")[0] == 0


def test_predict_names_what_it_cannot_read(here: Path, films: Path) -> None:
    assert osteon(here, "train", films, "--out", "r", *QUICK)[0] == 0
    shutil.copy(films / "normal" / "0.png", here / "a.png")
    (here / "bad.jpg").write_bytes(b"PK\x03\x04 a zip")
    code, out, err = osteon(here, "predict", "r", "a.png", "bad.jpg", "--output", "scores.csv")
    assert code == 0, err
    assert "1 film scored, 1 not readable" in out
    with (here / "scores.csv").open() as file:
        good, bad = csv.DictReader(file)
    assert good["category"] in ("normal", "broken")
    assert float(good["normal"]) + float(good["broken"]) == pytest.approx(1, abs=1e-5)
    assert bad["category"] == "not readable"
    assert "ZIP" in bad["reason"]
    assert osteon(here, "predict", "r", "nowhere")[0] == 3


def test_recipes_and_data_are_listed(here: Path) -> None:
    code, out, _ = osteon(here, "recipes")
    assert code == 0
    assert "linear-probe" in out
    code, out, _ = osteon(here, "recipes", "--json")
    assert {card["name"] for card in json.loads(out)} >= {"linear-probe", "small-cnn", "finetune"}
    assert json.loads(osteon(here, "recipes", "finetune")[1])["backbone"]["kind"] == "timm"
    code, out, _ = osteon(here, "data", "list")
    assert code == 0
    assert "CC BY 4.0" in out


def test_phantoms_are_made(here: Path) -> None:
    words = ["phantom", "p", "--films", "8", "--set", "size_px=96", "--set", "plants.truncated=1"]
    code, _, err = osteon(here, *words)
    assert code == 0, err
    assert len(list((here / "p" / "images").rglob("*.jpg"))) == 8


@pytest.mark.parametrize("command", COMMANDS)
def test_help_shows_an_example(here: Path, command: str) -> None:
    words = [command, "list"] if command == "data" else [command]
    code, out, _ = osteon(here, *words, "--help")
    assert code == 0
    assert f"Example: osteon {command}" in out


# --- what does not --------------------------------------------------------------------------------


def leaky(here: Path) -> Path:
    for part, n in (("train", 20), ("test", 6)):
        for name in ("normal", "broken"):
            write_films(here / part, each=n, classes=(name,))
    return here


def test_a_leak_stops_the_run_and_both_ways_out_work(here: Path) -> None:
    data = leaky(here / "data")
    code, _, err = osteon(here, "run", data, "--out", "r", *QUICK)
    assert code == 1
    assert "byte for byte in train" in err
    assert "--split grouped" in err
    assert "Do not use the shipped split" in (here / "r" / "report.html").read_text()
    assert osteon(here, "audit", data)[0] == 1
    words = ["run", data, "--out", "s", *QUICK, "--split", "shipped", "--despite-leaks"]
    assert osteon(here, *words)[0] == 0
    assert "its figures measure memory, not skill" in (here / "s" / "report.html").read_text()
    code, out, _ = osteon(here, "run", data, "--out", "r", *QUICK, "--split", "grouped", "--json")
    said = json.loads(out)
    assert (code, said["split"]["origin"]) == (0, "grouped")
    assert said["verdict"].startswith("The shipped split was not used: 12 of 12 test films")


def test_verdicts_on_what_leaks_go_on_in_the_same_folder(here: Path) -> None:
    data = here / "data"
    write_films(data / "train", each=30)
    for name in ("normal", "broken"):
        (data / "test" / name).mkdir(parents=True)
        for number in range(20, 30):
            (data / "train" / name / f"{number}.png").rename(data / "test" / name / f"{number}.png")
    shutil.copy(data / "train" / "normal" / "0.png", data / "test" / "normal" / "0.png")
    request = ["run", data, "--out", "r", *QUICK]
    assert osteon(here, *request)[0] == 1
    (here / "v.csv").write_text("id,verdict\ntest/normal/0.png,remove\n")
    code, out, err = osteon(here, *request, "--verdicts", "v.csv", "--json")
    assert code == 0, err
    assert json.loads(out)["split"]["test"] == 20


def one_class(here: Path) -> list[object]:
    write_films(here / "d", classes=("normal",))
    return ["run", here / "d"]


def one_film(here: Path) -> list[object]:
    write_films(here / "d", classes=("normal",))
    shutil.copytree(here / "d" / "normal", here / "d" / "broken")
    for path in sorted((here / "d" / "broken").iterdir())[1:]:
        path.unlink()
    return ["run", here / "d"]


def unknown_film(here: Path) -> list[object]:
    (here / "v.csv").write_text("id,verdict\nnormal/99.png,remove\n")
    return ["split", write_films(here / "d", each=4), "--verdicts", here / "v.csv"]


def missing_column(here: Path) -> list[object]:
    (here / "f.csv").write_text("path,diagnosis\na.png,normal\n")
    return ["run", here / "f.csv"]


def empty_folder(here: Path) -> list[object]:
    (here / "empty").mkdir()
    return ["run", here / "empty"]


def moved_data(here: Path) -> list[object]:
    request = Request(data="films", layout=None, split=SplitPlan(), recipe="{}")
    (here / "r").mkdir()
    write_value(here / "r" / "run.json", request)
    return ["train", "--resume", "r"]


BAD = [
    (lambda _: ["run", "filmz"], 3, "There is no filmz"),
    (empty_folder, 3, "is an empty folder"),
    (one_class, 3, "only 'normal'"),
    (one_film, 3, "'broken' has 1 independent film"),
    (unknown_film, 3, "row 2: there is no film 'normal/99.png'"),
    (missing_column, 3, "no column 'label'"),
    (lambda _: ["runn", "x"], 2, "Did you mean 'run'"),
    (lambda _: ["run"], 2, "Missing argument"),
    (lambda _: ["evaluate", "nowhere"], 3, "is no run folder"),
    (lambda _: ["export", "nowhere"], 3, "nowhere is no run folder"),
    (lambda _: ["card", "nowhere"], 3, "nowhere is no run folder"),
    (lambda _: ["compare", ".", "."], 3, ". is no run folder"),
    (lambda _: ["train"], 2, "Give either DATA or --resume RUN"),
    (lambda _: ["train", "--resume", "r", "--set", "epochs=3"], 2, "leave out --set"),
    (lambda _: ["train", "--resume", "r", "--recipe", "small-cnn"], 2, "leave out --recipe"),
    (lambda _: ["train", "--resume", "r", "--split", "grouped"], 2, "leave out --split"),
    (moved_data, 3, "begun with the data 'films', which are not there"),
    (lambda _: ["split", "d", "--folds", "0"], 2, "Invalid value for '--folds'"),
    (
        lambda _: ["split", "d", "--folds", "3", "--split", "shipped"],
        2,
        "leave out --split shipped",
    ),
    (lambda _: ["data", "fetch", "fracatlass", "x"], 2, "Did you mean 'fracatlas'"),
    (lambda _: ["phantom", "p", "--seed", "-1"], 2, "Invalid value for '--seed'"),
    (lambda _: ["explain", "r", "--seed", "-1"], 2, "Invalid value for '--seed'"),
]


@pytest.mark.parametrize(("make", "code", "words"), BAD, ids=[words for *_, words in BAD])
def test_one_clear_message_and_its_exit_code(
    here: Path, make: object, code: int, words: str
) -> None:
    assert callable(make)
    got, _, err = osteon(here, *make(here))
    assert (got, words in " ".join(err.split())) == (code, True), err


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        (["--recipe", "linear-prob"], "Did you mean 'linear-probe'"),
        (["--set", "optimiser.lrr=1"], "There is no field 'optimiser.lrr'"),
        (["--split", "groupd"], "Did you mean 'grouped'"),
        (["--split", "80/20"], "80/10/10"),
        (["--split", "80/1.0.0/10"], "80/10/10"),
        (["--despite-leaks"], "goes with --split shipped"),
        (["--split", "shipped"], "ships no split"),
    ],
)
def test_mistyped_options_cost_nothing(
    here: Path, films: Path, extra: list[str], words: str
) -> None:
    code, _, err = osteon(here, "run", films, "--out", "r", *extra)
    assert (code, words in err) == (2, True), err


def test_data_that_cannot_be_read_begin_no_run(here: Path) -> None:
    before = sorted(here.rglob("*"))
    for words in (["run", "filmz"], ["train", "filmz", "--out", "r"], ["reproduce", "types10-cnn",
                  "filmz"], ["tune", "filmz", "--search", "batch_size=8..16"]):  # fmt: skip
        assert osteon(here, *words)[0] == 3
    assert sorted(here.rglob("*")) == before


def test_an_error_is_json_where_json_was_asked(here: Path) -> None:
    code, out, _ = osteon(here, "audit", "nowhere", "--json")
    assert json.loads(out)["exit_code"] == code == 3


def test_the_output_may_be_no_folder(here: Path, films: Path) -> None:
    (here / "r").write_text("in the way")
    code, _, err = osteon(here, "run", films, "--out", "r", *QUICK)
    assert code == 2
    assert "file of that name is in the way" in err


def test_ctrl_c_keeps_what_was_done_and_it_goes_on(here: Path, films: Path) -> None:
    words = ["--recipe", "small-cnn", "--set", "pixels.size_px=24", "--set", "epochs=400",
             "--set", "patience=400"]  # fmt: skip
    process = start(here, "train", films, "--out", "r", *words)
    last = here / "r" / "checkpoints" / "last.safetensors"
    waited_until = time.monotonic() + 120
    while not last.exists() and time.monotonic() < waited_until:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "The same command goes on" in err
    assert last.exists()


def test_ctrl_c_is_answered_where_nothing_else_would(here: Path) -> None:
    process = start(here, "phantom", "many", "--films", "400")
    waited_until = time.monotonic() + 120
    while not any(here.rglob("*.jpg")) and time.monotonic() < waited_until:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "osteon: Stopped. Nothing already written is lost" in err
    assert "Traceback" not in err


# --- searches, reproductions, claims --------------------------------------------------------------


def test_tune_leaves_a_recipe_that_run_takes(here: Path, films: Path) -> None:
    words = ["tune", films, *QUICK, "--search", "optimiser.lr=1e-4..1e-2:log", "--trials", "2"]
    words += ["--split", "60/20/20"]
    code, out, err = osteon(here, *words, "--out", "s")
    assert code == 0, err
    assert "2 trials, best AUROC" in out.replace("\n", " ")
    to_read = [line for line in out.splitlines() if not line.startswith("next:")]  # that is copied
    assert max(map(len, to_read)) <= 80
    assert (here / "s" / "report.html").is_file()
    assert {p.name for p in (here / "s" / "plots").iterdir()} >= {"history.svg"}
    (following,) = [line for line in out.splitlines() if line.startswith("next: osteon ")]
    code, _, err = osteon(here, *shlex.split(following)[2:], "--out", "r")
    assert code == 0, err
    told = json.loads((here / following.rpartition(" ")[2]).read_text())
    assert json.loads((here / "r" / "recipe.json").read_text()) == told
    # What the search trained and chose on is not what tests its outcome.
    assert read_split(here / "r" / "split.csv").test == read_split(here / "s" / "split.csv").test
    code, out, _ = osteon(here, *words, "--out", "s", "--json")
    assert code == 0
    assert len(json.loads(out)["tuning"]["trials"]) == 2


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "Say what to search with --search"),
        (["--search", "optimiser.lrr=1..2"], "Did you mean 'optimiser.lr'"),
        (["--search", "epochs=2..3", "--nested", "1"], "Invalid value for '--nested'"),
        (["--search", "epochs=2..3", "--storage", "foo://x"], "write sqlite:///FILE"),
        (["--search", "epochs=2..3", "--sampler", "tpee"], "Did you mean 'tpe'"),
        (["--search", "epochs=2..3", "--storage", "mine"], "write sqlite:///FILE"),
        (["--search", "seed=0,1"], "the best of several seeds is luck"),
        (["--search", "epochs=2,3", "--sampler", "grid", "--trials", "5"], "every combination"),
    ],
)
def test_a_search_that_is_mistyped(here: Path, films: Path, words: list[str], told: str) -> None:
    code, _, err = osteon(here, "tune", films, *QUICK, *words)
    assert code == 2
    assert told in err
    assert not (here / "runs").exists()


def test_a_nested_search_leaves_the_test_part_sealed(here: Path, tmp_path: Path) -> None:
    films = write_films(tmp_path / "two", each=30)
    words = ["tune", films, *QUICK, "--set", "epochs=1", "--search", "batch_size=8,16",
             "--trials", "1", "--nested", "2", "--out", "s"]  # fmt: skip
    code, out, err = osteon(here, *words)
    assert code == 0, err
    rows = (here / "s" / "split.csv").read_text().splitlines()[1:]
    sealed = {row.split(",")[0] for row in rows if ",test," in row}
    seen = "".join(path.read_text() for path in (here / "s").glob("fold-*/search/split.csv"))
    assert sealed
    assert not any(f"{id_}," in seen for id_ in sealed)
    assert "nested, 2 folds" in out


def test_reproduce_prints_both_side_by_side(here: Path, tmp_path: Path) -> None:
    films = write_films(tmp_path / "two", each=30)
    words = ["reproduce", "fracatlas-cnn", films, "--seeds", "0", "--set", "epochs=1",
             "--set", "pixels.size_px=24", "--out", "again"]  # fmt: skip
    code, out, err = osteon(here, *words)
    assert code == 0, err
    for row in ("re-run, naive", "re-run, honest", "majority", "metadata only", "leakage price"):
        assert row in out
    assert max(map(len, out.splitlines())) <= 80
    assert (here / "again" / "reproduction.html").is_file()
    code, out, _ = osteon(here, *words, "--json")
    assert code == 0
    assert json.loads(out)["settings"] == ["epochs=1", "pixels.size_px=24"]


def test_a_publication_that_is_mistyped(here: Path, films: Path) -> None:
    code, _, err = osteon(here, "reproduce", "fracatlas-resnt", films)
    assert code == 2
    assert "Did you mean 'fracatlas-resnet'" in err
    code, _, err = osteon(here, "reproduce", "fracatlas-cnn", films, "--seeds", "0,0")
    assert code == 2
    assert "each seed once" in err
    code, _, err = osteon(here, "reproduce", "fracatlas-cnn", films, "--seeds", 2**32)
    assert code == 2
    assert "a seed is at most 4294967295" in err


def test_claims_end_with_1_where_they_cannot_be(here: Path) -> None:
    code, out, _ = osteon(here, "claim", "89.34%", "--n", 110)
    assert code == 1
    assert "cannot be" in out
    assert "98/110" in out
    code, out, _ = osteon(here, "claim", "98/110", "--accuracy", "0.8934")
    assert code == 1
    code, out, _ = osteon(here, "claim", "85.15%", "--n", 613, "--baseline", "82.44%", "--json")
    assert code == 0
    assert json.loads(out)["right"] == 522
    code, _, err = osteon(here, "claim", "89.34%", "--n", 110, "--accuracy", "90%")
    assert code == 2
    assert "--accuracy goes with a fraction" in err
    code, _, err = osteon(here, "claim", "89.34%")
    assert code == 2
    assert "--n 110" in err

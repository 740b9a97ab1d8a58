"""A bundle answers as its run does, or is not written."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import osteon
from osteon import runtimes
from osteon.answers import Answers
from osteon.backbones.cnn import Cnn
from osteon.bundle import Bundle, read_facts, without_rounding
from osteon.classifier import Classifier
from osteon.errors import DataError, ParityError, UnknownName, UsageError
from osteon.export import compared, export
from osteon.gate import read_gate, write_gate
from osteon.quantise import auroc_change, keeps_auroc
from osteon.runs import RunFolder
from osteon.runtimes import TOLERANCE, at_hand, made_films
from osteon.tapped import Tapped
from osteon.types import Estimate, OperatingPoint, Predictions
from osteon.values import write_value
from tests.bundles import Exported

ENGINES = [name for name in ("openvino", "onnxruntime", "torch") if name in at_hand()]


def predictions(scores: list[float], labels: list[int] | None = None) -> Predictions:
    positive = np.array(scores)
    names = tuple(str(at) for at in range(len(scores)))
    return Predictions(
        ids=names, labels=np.array(labels or [0] * len(scores)), part="val", groups=names,
        scores=np.stack([1 - positive, positive], 1), classes=("no", "yes"),
    )  # fmt: skip


# --- the bundle -----------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ENGINES)
def test_a_bundle_reads_films_as_its_run_does(exported: Exported, engine: str) -> None:
    films = exported.films[::4]
    ours = list(Classifier.load(exported.run).read(films))
    bundle = Bundle.load(exported.bundle, engine=engine, cache=exported.cache)
    pairs = [
        (one, other) for one, other in zip(ours, bundle.read(films), strict=True) if other.scores
    ]
    assert len(pairs) > 0.9 * len(films)  # the gate refuses few
    for one, other in pairs:
        assert (one.path, one.category) == (other.path, other.category)
        for name in bundle.classes:
            assert abs(one.scores[name] - other.scores[name]) < TOLERANCE
            assert abs(one.calibrated[name] - other.calibrated[name]) < 10 * TOLERANCE


def test_a_bundle_says_what_it_is(exported: Exported) -> None:
    facts = read_facts(exported.bundle)
    assert "not a medical device" in facts.research_only
    assert facts.limits[0] == facts.research_only
    assert facts.classes == ("normal", "broken")
    assert facts.gate_accepts >= 0.98
    assert facts.n_compared == facts.origin.n_val > 0
    (form,) = facts.forms
    assert set(form.engines) == set(ENGINES) - {"torch"}
    assert max(form.engines.values()) <= TOLERANCE
    text = (exported.bundle / "bundle.json").read_text()
    assert str(exported.run.parent) not in text  # no path of this machine
    assert json.loads(text)["origin"]["manifest"]
    names = {file.name for file in exported.bundle.iterdir()}
    assert names == {"bundle.json", "gate.safetensors", "model.onnx", "model.safetensors"}


def test_onnx_takes_any_number_of_films(exported: Exported) -> None:
    import onnxruntime

    session = onnxruntime.InferenceSession(exported.bundle / "model.onnx")
    films = made_films(24, 5)[:, None].astype(np.float32) / 255
    together = session.run(["logits"], {"films": films})[0]
    alone = [session.run(["logits"], {"films": film[None]})[0][0] for film in films]
    np.testing.assert_allclose(together, alone, atol=1e-5)


def test_a_bundle_reads_without_torch(exported: Exported) -> None:
    code = (
        "import sys; from pathlib import Path; from osteon.predict import open_reader, predict\n"
        f"reader = open_reader(Path({str(exported.bundle)!r}))\n"
        f"made = list(reader.read([Path({str(exported.films[0])!r})]))\n"
        "assert made[0].category != 'not readable', made\n"
        "print([name for name in ('torch', 'timm', 'sklearn') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr


def test_the_order_of_films_is_kept_by_several_workers(exported: Exported) -> None:
    films = list(exported.films[::-3])
    bundle = Bundle.load(exported.bundle, workers=3, cache=exported.cache)
    alone = Bundle.load(exported.bundle, workers=1, engine=bundle.runtime.name)
    several = list(bundle.read(films))
    assert [reading.path for reading in several] == [str(film) for film in films]
    assert [reading.category for reading in several] == [r.category for r in alone.read(films)]


def test_what_is_unlike_the_training_films_is_refused(exported: Exported, tmp_path: Path) -> None:
    from PIL import Image

    odd = tmp_path / "odd.png"
    Image.fromarray(np.full((24, 32), 255, np.uint8)).save(odd)
    bundle = Bundle.load(exported.bundle, cache=exported.cache)
    strict = replace(bundle, gate=replace(bundle.gate, threshold=0.0))
    (refused,) = strict.read([odd])
    assert (refused.category, refused.scores) == ("unlike the training films", {})
    assert "98 %" in refused.reason


def test_torch_has_the_features_and_the_logits_of_the_network() -> None:
    torch.manual_seed(0)
    net = Cnn(channels=(4,), dense=(8,), dropout=0.3).build(3).eval()
    films = torch.rand(2, 1, 24, 24)
    logits, features = Tapped(net)(films)
    torch.testing.assert_close(logits, net(films))
    last = [module for module in net.modules() if isinstance(module, nn.Linear)][-1]
    torch.testing.assert_close(last(features), logits)
    with pytest.raises(UsageError, match="no linear layer"):
        Tapped(nn.Conv2d(1, 1, 1))


# --- what is checked ------------------------------------------------------------------------------


def test_scores_and_answers_that_differ_are_refused() -> None:
    val = predictions([0.2, 0.4, 0.5, 0.9])
    point = OperatingPoint(threshold=0.5, rule="sensitivity >= 0.90")
    own = Answers(classes=val.classes, operating_point=point)
    assert compared(own, own, val, val.scores + 1e-5) == pytest.approx(1e-5)
    with pytest.raises(ParityError, match=r"differ from the run's by 2\.0e-04"):
        compared(own, own, val, val.scores + 2e-4)
    with pytest.raises(ParityError, match=r"1 of 4 validation films .* such as 2"):
        compared(own, own, val, val.scores - 1e-6)
    with pytest.raises(ParityError):
        compared(own, own, val, val.scores * np.nan)


def test_a_threshold_is_moved_away_from_the_film_that_it_was_read_from() -> None:
    val = predictions([0.2, 0.49999, 0.5, 0.9])
    point = OperatingPoint(threshold=0.5, rule="r")
    near = without_rounding(point, val.scores[:, 1])
    assert near.threshold == pytest.approx(0.499995)
    far = without_rounding(replace(point, threshold=0.9), val.scores[:, 1])
    assert far.threshold == pytest.approx(0.9 - TOLERANCE / 2)
    above_all = without_rounding(replace(point, threshold=np.nextafter(0.9, 1)), val.scores[:, 1])
    assert above_all.threshold == pytest.approx(0.9 + TOLERANCE / 2)
    moved = Answers(classes=val.classes, operating_point=near)
    own = replace(moved, operating_point=point)
    assert compared(own, moved, val, val.scores - 1e-6) < TOLERANCE


def test_an_export_that_does_not_answer_as_its_run_is_not_written(
    exported: Exported, tmp_path: Path
) -> None:
    copy = tmp_path / "r"
    shutil.copytree(exported.run, copy)
    shutil.rmtree(copy / "bundle")
    path = RunFolder(copy).predictions("val")
    lines = path.read_text().splitlines()
    cells = lines[1].split(",")
    cells[-2:] = ["0.5", "0.5"]
    path.write_text("\n".join([lines[0], ",".join(cells), *lines[2:]]) + "\n")
    with pytest.raises(ParityError, match="Nothing was exported") as raised:
        export(copy, cache=exported.cache)
    assert raised.value.exit_code == 1
    assert not (copy / "bundle").exists()


def test_int8_is_kept_by_its_interval_alone() -> None:
    def change(low: float | None) -> Estimate:
        return Estimate(value=0.0, low=low, high=0.01, n=9, n_groups=9, method="m")

    assert keeps_auroc(change(-0.004))
    assert not keeps_auroc(change(-0.006))
    assert not keeps_auroc(change(None))
    rng = np.random.default_rng(0)
    labels = [0, 1] * 100
    val = predictions((np.array(labels) * 0.2 + rng.uniform(0, 0.7, 200)).tolist(), labels)
    assert keeps_auroc(auroc_change(val, val.scores))
    worse = predictions(rng.uniform(0, 1, 200).tolist())
    assert not keeps_auroc(auroc_change(val, worse.scores))


@pytest.mark.slow
def test_int8_is_made_or_the_reason_is_told(exported: Exported, tmp_path: Path) -> None:
    bundle = export(exported.run, tmp_path / "b", int8=True, cache=exported.cache)
    facts = read_facts(bundle)
    assert [form.precision for form in facts.forms] == ["float32", "int8"] or facts.left_out
    if facts.left_out:
        assert "AUROC" in facts.left_out[0]
        assert not (bundle / "model-int8.onnx").exists()
        with pytest.raises(UsageError, match="no int8 form"):
            Bundle.load(bundle, precision="int8")
    else:
        (reading,) = Bundle.load(bundle, precision="int8").read([exported.films[0]])
        assert reading.category != "not readable"


# --- engines, and what cannot be ------------------------------------------------------------------


def test_the_probe_is_kept_and_believed(exported: Exported, tmp_path: Path) -> None:
    if len(ENGINES) < 3:
        pytest.skip("one fast engine alone is taken without a probe")
    Bundle.load(exported.bundle, cache=tmp_path)
    (kept,) = (tmp_path / "engines").glob("*.json")
    told = json.loads(kept.read_text())
    assert set(told) == {"openvino", "onnxruntime"}
    slow, even = {"one": 9.0, "several": 1e-9}, {"one": 1.0, "several": 1.0}
    for loser in told:
        timings = {name: slow if name == loser else even for name in told}
        kept.write_text(json.dumps(timings))
        assert Bundle.load(exported.bundle, cache=tmp_path).runtime.name != loser
        assert Bundle.load(exported.bundle, cache=tmp_path, workers=2).runtime.name == loser


@pytest.mark.parametrize("spoilt", ["", "[]", '{"openvino": {}}'])
def test_a_damaged_probe_is_made_anew(exported: Exported, tmp_path: Path, spoilt: str) -> None:
    if len(ENGINES) < 3:
        pytest.skip("one fast engine alone is taken without a probe")
    Bundle.load(exported.bundle, cache=tmp_path)
    (kept,) = (tmp_path / "engines").glob("*.json")
    kept.write_text(spoilt)
    Bundle.load(exported.bundle, cache=tmp_path)
    assert set(json.loads(kept.read_text())) == {"openvino", "onnxruntime"}


def test_an_engine_that_is_alone_is_checked_too(
    exported: Exported, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / "b"
    shutil.copytree(exported.bundle, copy)
    facts = read_facts(copy)
    wrong = replace(facts.forms[0], expected=((0.5, 0.5),))
    write_value(copy / "bundle.json", replace(facts, forms=(wrong,)))
    monkeypatch.setattr(runtimes, "at_hand", lambda: ("onnxruntime",))
    assert Bundle.load(exported.bundle).runtime.name == "onnxruntime"
    with pytest.raises(UsageError, match="Name another with --engine"):
        Bundle.load(copy)


def test_a_bundle_is_read_where_no_cache_can_be_kept(exported: Exported, tmp_path: Path) -> None:
    if len(ENGINES) < 3:
        pytest.skip("one fast engine alone is taken without a probe")
    (tmp_path / "cache").write_text("a file where the folder would be")
    bundle = Bundle.load(exported.bundle, cache=tmp_path / "cache")
    assert bundle.runtime.name in ENGINES


def test_an_engine_with_other_scores_is_not_taken(exported: Exported, tmp_path: Path) -> None:
    copy = tmp_path / "b"
    shutil.copytree(exported.bundle, copy)
    facts = read_facts(copy)
    wrong = replace(facts.forms[0], expected=((0.5, 0.5),))
    write_value(copy / "bundle.json", replace(facts, forms=(wrong,)))
    for engine in ENGINES:
        with pytest.raises(UsageError, match="other scores"):
            Bundle.load(copy, engine=engine)
    if len(ENGINES) == 3:
        with pytest.raises(UsageError, match="No engine here"):
            Bundle.load(copy, cache=tmp_path / "cache")
    with pytest.raises(UnknownName, match="engine"):
        Bundle.load(copy, engine="tensorrt")


def test_a_torn_bundle_is_named(exported: Exported, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="osteon export"):
        Bundle.load(tmp_path)
    copy = tmp_path / "b"
    shutil.copytree(exported.bundle, copy)
    with (copy / "model.onnx").open("ab") as file:
        file.write(b"x")
    with pytest.raises(DataError, match="SHA-256"):
        Bundle.load(copy)
    (copy / "model.onnx").unlink()
    with pytest.raises(DataError, match="missing"):
        Bundle.load(copy)


def test_a_bundle_whose_parts_do_not_fit_is_named(exported: Exported, tmp_path: Path) -> None:
    copy = tmp_path / "b"
    shutil.copytree(exported.bundle, copy)
    facts = read_facts(copy)
    for other in (replace(facts, forms=()), replace(facts, classes=(*facts.classes, "more"))):
        write_value(copy / "bundle.json", other)
        with pytest.raises(DataError, match="do not fit"):
            Bundle.load(copy)
    write_value(copy / "bundle.json", facts)
    gate = read_gate(copy / "gate.safetensors")
    write_gate(replace(gate, threshold=1e30), copy / "gate.safetensors")
    with pytest.raises(DataError, match=r"gate.safetensors is not the file that was exported"):
        Bundle.load(copy)


def test_a_link_to_a_bundle_leads_to_the_new_one(exported: Exported, tmp_path: Path) -> None:
    earlier, link = tmp_path / "real" / "b", tmp_path / "current"
    shutil.copytree(exported.bundle, earlier)
    (earlier / "bundle.json").touch()
    before = (earlier / "bundle.json").stat().st_ino
    link.symlink_to(earlier)
    assert export(exported.run, link, cache=exported.cache) == link
    assert link.is_symlink()
    assert (earlier / "bundle.json").stat().st_ino != before
    assert [path.name for path in earlier.parent.iterdir()] == ["b"]


def test_a_place_that_takes_no_bundle_is_told_before_the_work(
    exported: Exported, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(UsageError, match="no bundle"):
        export(exported.run, tmp_path / "file")
    with pytest.raises(UsageError, match="in the way"):
        export(exported.run, tmp_path / "file" / "b")


def test_a_folder_of_something_else_is_left_alone(exported: Exported, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(UsageError, match="no bundle"):
        export(exported.run, tmp_path)
    with pytest.raises(DataError, match="is no run folder"):
        export(tmp_path)
    assert osteon.Bundle is Bundle

"""A network whose upper stages learn: the same maps as before, and what is frozen stays so."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from osteon.backbones.timm_model import normaliser, timm_net
from osteon.backbones.tuned_cells import TunedCells
from osteon.cells import mirrored
from osteon.checkpoint import Checkpoint
from osteon.errors import UsageError
from osteon.explain.gallery import features
from osteon.explainers import EXPLAINERS
from osteon.export import write_onnx
from osteon.fit import fit
from osteon.optimise import make_optimiser, set_learning_rate
from osteon.recipe import named_recipe, with_settings
from osteon.runtimes import as_input, made_films, softmax
from osteon.tapped import Tapped
from osteon.train import train
from osteon.tunednet import TunedCellNet
from osteon.types import Augment, Optimiser, PixelRules, Recipe
from tests.training import made_ready, weights_file, write_films

SIDE = 64
MODEL = "test_efficientnet"


def recipe_of(epochs: int = 2) -> Recipe:
    return replace(
        named_recipe("strong-finetuned"),
        backbone=TunedCells(model=MODEL, weights="none", tuned_stages=2, width=8),
        pixels=PixelRules(size_px=SIDE),
        epochs=epochs,
        batch_size=8,
    )


def built(tuned_stages: int = 2) -> TunedCellNet:
    torch.manual_seed(0)
    net = TunedCells(model=MODEL, weights="none", tuned_stages=tuned_stages).build(2)
    assert isinstance(net, TunedCellNet)
    return net.eval()


@pytest.mark.parametrize("tuned_stages", [1, 2])
def test_the_stages_are_those_of_the_network_it_is_made_of(tuned_stages: int) -> None:
    torch.manual_seed(0)
    trunk = timm_net(MODEL, "none", num_classes=0, global_pool="").eval()
    for module in trunk.modules():
        if isinstance(module, torch.nn.BatchNorm2d):  # else folding would have nothing to fold
            torch.nn.init.uniform_(module.running_mean, -0.5, 0.5)  # type: ignore[arg-type]
            torch.nn.init.uniform_(module.running_var, 0.5, 2)  # type: ignore[arg-type]
            torch.nn.init.uniform_(module.weight, 0.5, 2)
            torch.nn.init.uniform_(module.bias, -0.5, 0.5)
    films, normalise = torch.rand(2, 1, SIDE, SIDE), normaliser(MODEL, trunk)
    with torch.inference_mode():
        _, (fine, near, far) = trunk.forward_intermediates(normalise(films), indices=3)  # type: ignore[operator]
        net = TunedCellNet(normalise, trunk, 2, 8, tuned_stages)
        found = net.stages(*net.maps(films))
    torch.testing.assert_close(found[0], torch.nn.functional.max_pool2d(fine, 2))
    torch.testing.assert_close(found[1], near, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(found[2], far, atol=1e-4, rtol=1e-4)
    assert not any(isinstance(module, torch.nn.BatchNorm2d) for module in net.upper.modules())


@pytest.mark.parametrize(
    ("model", "tuned_stages", "told"),
    [(MODEL, 0, "1 to 2"), (MODEL, 3, "1 to 2"), ("resnet10t", 2, "EfficientNets")],
)
def test_stages_that_are_not_there_are_refused(model: str, tuned_stages: int, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        TunedCells(model=model, weights="none", tuned_stages=tuned_stages).build(2)


@pytest.mark.parametrize("setting", ["augment.rotate_deg=5", "backbone.tuned_pace=0"])
def test_settings_that_cannot_be_are_refused(setting: str) -> None:
    with pytest.raises(UsageError, match=setting.partition(".")[0]):
        with_settings(named_recipe("strong-finetuned"), [setting])
    assert with_settings(named_recipe("strong-finetuned"), ["augment.flip=0"]).augment == Augment()


@given(seed=st.integers(0, 2**31), n=st.integers(1, 4), side=st.integers(1, 5))
@settings(deadline=None, max_examples=25)
def test_mirrored_twice_is_as_before(seed: int, n: int, side: int) -> None:
    drawn = torch.Generator().manual_seed(seed)
    maps = torch.rand(n, 3, side, side, generator=drawn)
    turned = torch.rand(n, generator=drawn) < 0.5
    once = mirrored(maps, turned)
    assert torch.equal(mirrored(once, turned), maps)
    assert torch.equal(once[~turned], maps[~turned])
    assert torch.equal(once[turned], maps[turned].flip(3))
    pooled = torch.rand(n, 7)
    assert mirrored(pooled, turned) is pooled


def test_upper_stages_learn_at_a_pace_of_their_own() -> None:
    net = built()
    optimiser = make_optimiser(net, Optimiser(lr=1e-3), paces={"upper.": 0.1})
    set_learning_rate(optimiser, 1e-3)
    rate_of = {id(p): group["lr"] for group in optimiser.param_groups for p in group["params"]}
    for name, parameter in net.named_parameters():
        if name.startswith("trunk."):
            assert id(parameter) not in rate_of
        else:
            wanted = 1e-4 if name.startswith("upper.") else 1e-3
            assert rate_of[id(parameter)] == pytest.approx(wanted), name


def test_what_is_frozen_stays_and_the_rest_learns_and_a_kill_changes_nothing(
    tmp_path: Path,
) -> None:
    data = write_films(tmp_path / "data", classes=("normal", "broken"))
    prepared, manifest, split = made_ready(data, tmp_path / "cache", PixelRules(size_px=SIDE))
    whole, states = [], []
    weights = weights_file(MODEL, tmp_path)  # which no seed makes again
    recipe = with_settings(recipe_of(), [f"backbone.weights={weights}"])
    for epoch in fit(recipe, prepared, manifest, split):
        whole.append({name: value.clone() for name, value in epoch.model.items()})
        states.append({name: value.clone() for name, value in epoch.optimiser.items()})
        history = epoch.history
    first, last = whole
    for name, value in first.items():
        if name.startswith("trunk."):
            assert torch.equal(value, last[name]), name
        elif name.startswith("upper.") and name.endswith("weight"):
            assert not torch.equal(value, last[name]), name
    start = Checkpoint(
        made_for="",
        classes=manifest.classes,
        history=(replace(history, epoch=1),),
        model=first,
        optimiser=states[0],
    )
    (again,) = fit(recipe, prepared, manifest, split, start=start)
    for name, value in again.model.items():
        assert torch.equal(value, last[name]), name


def test_a_run_scores_explains_and_describes_its_films(tmp_path: Path) -> None:
    data = write_films(tmp_path / "data", classes=("normal", "broken"))
    prepared, manifest, split = made_ready(data, tmp_path / "cache", PixelRules(size_px=SIDE))
    classifier = train(recipe_of(1), prepared, manifest, split, tmp_path / "run")
    net = classifier.net
    assert isinstance(net, TunedCellNet)
    found = classifier.predict_prepared(
        prepared, ids=split.val, manifest=manifest, groups=split.groups, part="val"
    )
    films = torch.from_numpy(prepared.batch(split.val))[:, None] / 255
    with torch.inference_mode():
        logits, described = Tapped(net)(films)
    scores = torch.softmax(logits.double(), 1).numpy()
    np.testing.assert_allclose(found.scores, scores, atol=1e-4)
    kept = features(net, prepared, split.val, torch.device("cpu"))
    np.testing.assert_allclose(kept, described.numpy(), atol=1e-3, rtol=1e-3)
    maps = EXPLAINERS["cells"].explain(net, films, 1)
    assert maps.shape[-2:] == (SIDE, SIDE)
    assert ((maps >= 0) & (maps <= 1)).all()
    onnxruntime = pytest.importorskip("onnxruntime", reason="the extra export is not installed")
    told = write_onnx(classifier, tmp_path / "model.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    for film, expected in zip(made_films(SIDE), told, strict=True):
        logits, _ = session.run(None, {"films": as_input(film)})
        np.testing.assert_allclose(softmax(logits[0]), expected, atol=1e-4)

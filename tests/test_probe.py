"""The linear probe against scikit-learn alone, and its cache of features."""

from __future__ import annotations

import contextlib
import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from osteon import features as features_module
from osteon.backbones.linear_probe import LinearProbe
from osteon.features import features_of, fingerprint, frozen_features, likeness
from osteon.networks import Probe
from osteon.openvino_net import Outputs
from osteon.prepare import Prepared
from osteon.progress import shown
from osteon.recipe import named_recipe
from osteon.train import read_history, train
from osteon.types import Manifest, PixelRules, Recipe, RegularisationPath, Split
from tests.training import made_ready, write_films

Ready = tuple[Prepared, Manifest, Split]
BACKBONE = LinearProbe(model="resnet10t", weights="none")


def recipe_of(*strengths: float) -> Recipe:
    return replace(
        named_recipe("linear-probe"),
        backbone=BACKBONE,
        pixels=PixelRules(size_px=64),
        optimiser=RegularisationPath(inverse_strengths=strengths),
    )


@pytest.fixture
def net(monkeypatch: pytest.MonkeyPatch) -> Probe:
    """The same random trunk each time that it is built."""
    torch.manual_seed(0)
    net = BACKBONE.build(2)
    assert isinstance(net, Probe)

    def build(_: LinearProbe, n_classes: int) -> Probe:
        return Probe(net.normalise, net.trunk, n_classes)

    monkeypatch.setattr(LinearProbe, "build", build)
    return net


def ready_with(tmp_path: Path, *classes: str) -> Ready:
    data = write_films(tmp_path / "data", classes=classes)
    return made_ready(data, tmp_path / "cache", PixelRules(size_px=64))


@pytest.mark.parametrize("classes", [("normal", "broken"), ("a", "b", "c")])
def test_it_is_scikit_learns_logistic_regression(
    tmp_path: Path, net: Probe, classes: tuple[str, ...]
) -> None:
    prepared, manifest, parts = ready_with(tmp_path, *classes)
    classifier = train(recipe_of(0.01), prepared, manifest, parts, tmp_path / "run")
    ours = classifier.predict_prepared(
        prepared, ids=parts.test, manifest=manifest, groups=parts.groups
    )
    inside = frozen_features(net, prepared, parts.train)
    scaler = StandardScaler().fit(inside)
    label_of = {film.id: film.label for film in manifest.radiographs}
    theirs = LogisticRegression(C=0.01, max_iter=5000)
    theirs.fit(scaler.transform(inside), [label_of[id_] for id_ in parts.train])
    outside = scaler.transform(frozen_features(net, prepared, parts.test))
    np.testing.assert_allclose(ours.scores, theirs.predict_proba(outside), atol=1e-3)


def test_each_strength_is_an_epoch_and_the_best_is_kept(tmp_path: Path, net: Probe) -> None:
    ready = ready_with(tmp_path, "normal", "broken")
    train(recipe_of(1e-4, 1e-2, 1.0), *ready, tmp_path / "run")
    history = read_history(tmp_path / "run" / "history.csv")
    assert [row.lr for row in history] == [1e-4, 1e-2, 1.0]


def test_strengths_without_an_epoch_are_told(tmp_path: Path, net: Probe) -> None:
    ready = ready_with(tmp_path, "normal", "broken")
    told = io.StringIO()
    with contextlib.redirect_stderr(told), shown():
        train(replace(recipe_of(1e-4, 1e-2, 1.0), epochs=1), *ready, tmp_path / "run")
    assert "epochs = 1: the last 2 strengths are left out" in told.getvalue()
    assert [row.lr for row in read_history(tmp_path / "run" / "history.csv")] == [1e-4]


def test_a_file_is_read_as_its_prepared_film_is(tmp_path: Path, net: Probe) -> None:
    prepared, manifest, parts = ready_with(tmp_path, "normal", "broken")
    classifier = train(recipe_of(0.01), prepared, manifest, parts, tmp_path / "run")
    ours = classifier.predict_prepared(
        prepared, ids=parts.test, manifest=manifest, groups=parts.groups
    )
    read = [list(r.scores.values()) for r in classifier.read(manifest.root / i for i in parts.test)]
    np.testing.assert_allclose(read, ours.scores, atol=1e-4)


def test_features_arefeatures_of_once(
    tmp_path: Path, net: Probe, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared, _, parts = ready_with(tmp_path, "normal", "broken")
    first = frozen_features(net, prepared, parts.train)

    def never(*_: object) -> None:
        raise AssertionError("computed again")

    with monkeypatch.context() as patched:
        patched.setattr(features_module, "features_of", never)
        assert (frozen_features(net, prepared, parts.train) == first).all()


def test_equal_weights_in_other_layers_are_other_features() -> None:
    kinds = ("tf_efficientnet_lite0", "efficientnet_lite0")  # they differ in padding alone
    one, other = (LinearProbe(model=kind, weights="none").build(2) for kind in kinds)
    other.load_state_dict(one.state_dict())
    again = LinearProbe(model=kinds[0], weights="none").build(2)
    again.load_state_dict(one.state_dict())
    assert isinstance(one, Probe)
    assert isinstance(other, Probe)
    assert isinstance(again, Probe)
    assert fingerprint(one) == fingerprint(again) != fingerprint(other)


def test_a_random_trunk_follows_from_the_seed(tmp_path: Path) -> None:
    ready = ready_with(tmp_path, "normal", "broken")
    one, same = (
        train(recipe_of(0.01), *ready, tmp_path / name).net.state_dict() for name in ("a", "b")
    )
    assert all(torch.equal(one[name], same[name]) for name in one)


def test_a_killed_extraction_goes_on(
    tmp_path: Path, net: Probe, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared, _, parts = ready_with(tmp_path, "normal", "broken")
    real, seen = features_module.features_of, []

    def dies_at_the_second_batch(net: Probe, pixels: np.ndarray) -> np.ndarray:
        seen.append(len(pixels))
        if len(seen) == 2:
            raise RuntimeError("killed")
        return real(net, pixels)

    monkeypatch.setattr(features_module, "features_of", dies_at_the_second_batch)
    with pytest.raises(RuntimeError):
        frozen_features(net, prepared, parts.train)
    again = frozen_features(net, prepared, parts.train)
    assert sum(seen[2:]) == len(parts.train) - features_module.BATCH
    fresh = real(net, prepared.batch(parts.train))
    np.testing.assert_allclose(again, fresh, atol=1e-4)


def test_openvino_gives_the_features_of_many_films_and_its_name(
    tmp_path: Path, net: Probe, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("openvino")
    prepared, _, parts = ready_with(tmp_path, "normal", "broken")
    monkeypatch.setattr(features_module, "FEWEST_PX", 1)
    fast = frozen_features(net, prepared, parts.train)
    torchs = features_of(net, prepared.batch(parts.train))
    assert likeness(fast, torchs) > 0.99999
    names = {path.name for path in prepared.folder.glob("features-*")}
    assert names == {f"features-{fingerprint(net)}.openvino{end}" for end in (".npy", ".done.npy")}
    with monkeypatch.context() as patched:  # what is known is read without any engine
        patched.setattr(features_module, "compiled", None)
        assert (frozen_features(net, prepared, parts.train) == fast).all()


def test_an_array_that_torch_began_is_finished_by_torch(
    tmp_path: Path, net: Probe, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared, _, parts = ready_with(tmp_path, "normal", "broken")
    begun = frozen_features(net, prepared, parts.train)
    monkeypatch.setattr(features_module, "FEWEST_PX", 1)
    monkeypatch.setattr(features_module, "compiled", None)
    both = frozen_features(net, prepared, [*parts.train, *parts.test])
    assert (both[: len(begun)] == begun).all()


@pytest.mark.parametrize("fault", ["missing", "refused", "differs"])
def test_without_a_fast_engine_that_agrees_torch_gives_the_features(
    tmp_path: Path, net: Probe, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    prepared, _, parts = ready_with(tmp_path, "normal", "broken")
    monkeypatch.setattr(features_module, "FEWEST_PX", 1)

    def compiled(whole: torch.nn.Module, size_px: int) -> Outputs:
        if fault == "missing":
            raise ImportError("openvino")
        if fault == "refused":
            raise ValueError("no such layer")
        return lambda films: features_of(net, films)[:, ::-1]

    monkeypatch.setattr(features_module, "compiled", compiled)
    heard = io.StringIO()
    with contextlib.redirect_stderr(heard), shown():
        found = frozen_features(net, prepared, parts.train)
    np.testing.assert_allclose(found, features_of(net, prepared.batch(parts.train)), atol=1e-4)
    said = {"missing": "osteon[fast]", "refused": "no such layer", "differs": "a cosine of"}
    assert said[fault] in heard.getvalue()


def test_the_least_likeness_counts() -> None:
    one = np.array([[1.0, 0.0], [0.0, 0.0], [2.0, 2.0]], dtype=np.float32)
    assert likeness(one, one) == pytest.approx(1)
    assert likeness(one, one[[0, 1, 0]]) == pytest.approx(np.sqrt(0.5))
    assert likeness(one[1:2], one[:1]) == 0.0

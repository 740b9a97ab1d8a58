"""Training learns, stops, keeps what it should, and never looks at the test part."""

from __future__ import annotations

import csv
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from osteon.backbones.quantum import QuantumTransfer
from osteon.backbones.timm_model import TimmModel, timm_net
from osteon.batches import training_batches
from osteon.checkpoint import read_checkpoint, write_checkpoint
from osteon.classifier import Classifier
from osteon.errors import DataError, Interrupted, UsageError
from osteon.fit import fit
from osteon.prepare import Prepared
from osteon.recipe import checked
from osteon.train import read_history, train
from osteon.types import Augment, History, Manifest, Optimiser, Split
from osteon.watch import best_of
from tests.training import TINY, made_ready, write_films

Ready = tuple[Prepared, Manifest, Split]


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Ready:
    folder = tmp_path_factory.mktemp("tiny")
    return made_ready(write_films(folder / "data"), folder / "cache")


def test_what_can_be_learnt_is_learnt(ready: Ready, tmp_path: Path) -> None:
    recipe = replace(TINY, epochs=25, patience=25, augment=Augment(), optimiser=Optimiser(lr=1e-2))
    prepared, manifest, parts = ready
    classifier = train(recipe, prepared, manifest, parts, tmp_path)
    predictions = classifier.predict_prepared(
        prepared, ids=parts.test, manifest=manifest, groups=parts.groups
    )
    assert (predictions.scores.argmax(1) == predictions.labels).mean() > 0.9
    np.testing.assert_allclose(predictions.scores.sum(1), 1, atol=1e-12)


def test_the_folder_tells_all(ready: Ready, tmp_path: Path) -> None:
    train(TINY, *ready, tmp_path)
    with (tmp_path / "history.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["1", "2", "3", "4", "5", "6"]
    last = read_checkpoint(tmp_path / "checkpoints" / "last.safetensors")
    best = read_checkpoint(tmp_path / "checkpoints" / "best.safetensors")
    assert last.history == read_history(tmp_path / "history.csv")
    assert best.epoch == best_of(last.history, TINY.monitor).epoch
    assert best.classes == ("normal", "broken")


def test_a_seed_repeats_and_another_differs(ready: Ready, tmp_path: Path) -> None:
    recipes = (TINY, TINY, replace(TINY, seed=9))
    nets = [
        train(recipe, *ready, tmp_path / str(at)).net.state_dict()
        for at, recipe in enumerate(recipes)
    ]
    assert all(torch.equal(nets[0][name], nets[1][name]) for name in nets[0])
    assert not all(torch.equal(nets[0][name], nets[2][name]) for name in nets[0])


def test_a_folder_of_another_training_is_not_trained_into(ready: Ready, tmp_path: Path) -> None:
    """Its evaluation, threshold and calibration would be those of other weights."""
    recipe = replace(TINY, epochs=1)
    train(recipe, *ready, tmp_path)
    train(recipe, *ready, tmp_path)  # the same again gives the same
    with pytest.raises(UsageError, match="another recipe, split or data"):
        train(replace(recipe, seed=1), *ready, tmp_path)


def test_it_stops_early(ready: Ready, tmp_path: Path) -> None:
    recipe = replace(TINY, epochs=50, patience=2, optimiser=Optimiser(lr=1e-9, weight_decay=0))
    train(recipe, *ready, tmp_path)
    history = read_history(tmp_path / "history.csv")
    assert len(history) < 50
    assert history[-1].epoch - best_of(history, "val_loss").epoch == 2


def test_the_test_part_is_never_looked_at(ready: Ready, tmp_path: Path) -> None:
    prepared, manifest, parts = ready
    sealed = {id_: row for id_, row in prepared.row_of.items() if id_ not in parts.test}
    without_test = replace(prepared, row_of=sealed)
    train(TINY, without_test, manifest, parts, tmp_path / "a")
    with pytest.raises(DataError, match="not among the prepared films"):
        without_test.batch(parts.test)


def test_a_missing_class_is_said(ready: Ready, tmp_path: Path) -> None:
    prepared, manifest, parts = ready
    normal = tuple(id_ for id_ in parts.train if id_.startswith("normal"))
    with pytest.raises(DataError, match="No film of 'broken' is in train"):
        train(TINY, prepared, manifest, replace(parts, train=normal), tmp_path)


def test_an_empty_val_is_said(ready: Ready, tmp_path: Path) -> None:
    prepared, manifest, parts = ready
    with pytest.raises(DataError, match="No film is in val"):
        train(TINY, prepared, manifest, replace(parts, val=()), tmp_path)


def test_a_loss_that_is_no_number_says_what_to_do(ready: Ready, tmp_path: Path) -> None:
    wild = replace(TINY, optimiser=Optimiser(name="sgd", lr=1e30), augment=Augment())
    with pytest.raises(UsageError, match="Lower the learning rate"):
        train(wild, *ready, tmp_path)


def test_a_network_made_for_films_of_another_size_says_so(ready: Ready, tmp_path: Path) -> None:
    for_224 = TimmModel(model="vit_tiny_patch16_224", weights="none")
    with pytest.raises(UsageError, match=r"takes? films of .* px: Input height .*pixels\.size_px"):
        train(replace(TINY, backbone=for_224), *ready, tmp_path)


def test_ctrl_c_keeps_what_was_done(
    ready: Ready, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*args: object, **options: object) -> object:
        for epoch in fit(*args, **options):  # type: ignore[arg-type]
            yield epoch
            if epoch.history.epoch == 2:
                raise KeyboardInterrupt

    monkeypatch.setattr(import_module("osteon.train"), "fit", interrupted)
    with pytest.raises(Interrupted, match=r"after 2 epochs.*The same command goes on"):
        train(TINY, *ready, tmp_path)
    assert read_checkpoint(tmp_path / "checkpoints" / "last.safetensors").epoch == 2


def test_another_recipe_or_split_is_not_gone_on_with(ready: Ready, tmp_path: Path) -> None:
    train(TINY, *ready, tmp_path)
    with pytest.raises(UsageError, match="another recipe, split or data"):
        train(replace(TINY, seed=1), *ready, tmp_path, resume=True)


@pytest.mark.parametrize("name", ["adamw", "adam", "sgd"])
@pytest.mark.parametrize("balance", ["none", "sampling"])
def test_going_on_ends_at_the_same_bits(
    ready: Ready, tmp_path: Path, name: str, balance: str
) -> None:
    optimiser = Optimiser(name=name, lr=1e-3, warmup_epochs=1)  # type: ignore[arg-type]
    recipe = replace(TINY, optimiser=optimiser, balance=balance, epochs=4)  # type: ignore[arg-type]
    whole = list(fit(recipe, *ready))[-1]
    first, second = tmp_path / "1.safetensors", tmp_path / "2.safetensors"
    from osteon.checkpoint import Checkpoint

    for epoch in fit(recipe, *ready):
        checkpoint = Checkpoint(
            made_for="x",
            classes=("a", "b"),
            history=(epoch.history,),
            model=epoch.model,
            optimiser=epoch.optimiser,
        )
        write_checkpoint(checkpoint, first if epoch.history.epoch == 2 else second)
    again = list(fit(recipe, *ready, start=read_checkpoint(first)))
    assert [epoch.history.epoch for epoch in again] == [3, 4]
    for part in ("model", "optimiser"):
        mine, theirs = getattr(again[-1], part), getattr(whole, part)
        assert mine.keys() == theirs.keys()
        assert all(torch.equal(mine[key], theirs[key]) for key in mine)


def test_no_batch_of_one() -> None:
    labels = torch.arange(15) % 2
    for seed in range(5):
        generator = torch.Generator().manual_seed(seed)
        batches = training_batches(labels, replace(TINY, batch_size=7), generator)
        assert [len(batch) for batch in batches] == [7, 8]
        assert sorted(torch.cat(batches).tolist()) == list(range(15))


def test_balanced_sampling_balances() -> None:
    labels = torch.tensor([0] * 95 + [1] * 5)
    recipe = replace(TINY, balance="sampling", batch_size=50)
    drawn = torch.cat(
        [
            torch.cat(training_batches(labels, recipe, torch.Generator().manual_seed(seed)))
            for seed in range(20)
        ]
    )
    assert 0.45 < labels[drawn].float().mean() < 0.55


def row(epoch: int, loss: float, auroc: float) -> History:
    return History(
        epoch=epoch, train_loss=0, train_accuracy=0, val_loss=loss, val_accuracy=0,
        val_auroc=auroc, lr=0, seconds=0,
    )  # fmt: skip


def test_the_best_is_the_first_of_the_best() -> None:
    nan = float("nan")
    rows = [row(1, 3.0, nan), row(2, 1.0, 0.7), row(3, 1.0, 0.8), row(4, nan, 0.8)]
    assert best_of(rows, "val_loss").epoch == 2
    assert best_of(rows, "val_auroc").epoch == 3


# --- the classifier -------------------------------------------------------------------------------


def test_a_file_is_read_as_its_prepared_film_is(ready: Ready, tmp_path: Path) -> None:
    prepared, manifest, parts = ready
    train(TINY, prepared, manifest, parts, tmp_path)
    classifier = Classifier.load(tmp_path)
    predictions = classifier.predict_prepared(
        prepared, ids=parts.test, manifest=manifest, groups=parts.groups
    )
    readings = list(classifier.read(manifest.root / id_ for id_ in parts.test))
    scores = [[reading.scores[name] for name in classifier.classes] for reading in readings]
    np.testing.assert_allclose(scores, predictions.scores, atol=1e-6)


def test_a_bad_file_is_a_reading_with_its_reason(ready: Ready, tmp_path: Path) -> None:
    train(TINY, *ready, tmp_path)
    (tmp_path / "a.jpg").write_bytes(b"PK\x03\x04 a zip")
    good = next(film.path for film in ready[1].radiographs)
    paths = [good, tmp_path / "a.jpg", tmp_path / "gone.jpg"]
    one, zipped, gone = Classifier.load(tmp_path).read(paths)
    assert one.category in ("normal", "broken")
    assert (zipped.category, gone.category) == ("not readable", "not readable")
    assert "ZIP" in zipped.reason
    assert gone.scores == {}


def test_a_run_needs_its_weights_file_no_more(ready: Ready, tmp_path: Path) -> None:
    from safetensors.torch import save_file

    weights = tmp_path / "model.safetensors"
    save_file(timm_net("resnet10t", "none", num_classes=7).state_dict(), weights)
    backbone = TimmModel(model="resnet10t", weights=str(weights))
    run = tmp_path / "run"
    trained = train(replace(TINY, backbone=backbone, epochs=1), *ready, run).net.state_dict()
    weights.unlink()
    loaded = Classifier.load(run).net.state_dict()
    assert all(torch.equal(loaded[name], trained[name]) for name in trained)


def test_no_run_is_said(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no trained run"):
        Classifier.load(tmp_path)


def test_a_circuit_on_frozen_features_learns_and_loads(ready: Ready, tmp_path: Path) -> None:
    prepared, manifest, parts = ready
    recipe = replace(
        TINY,
        backbone=QuantumTransfer(model="resnet10t", weights="none", n_qubits=3, n_layers=1),
        augment=Augment(),
        optimiser=Optimiser(lr=3e-2, schedule="constant"),
    )
    classifier = train(recipe, prepared, manifest, parts, tmp_path / "run")
    history = read_history(tmp_path / "run" / "history.csv")
    assert history[-1].train_loss < history[0].train_loss
    net: Any = classifier.net
    assert (net.scale != 1).any()  # standardised by the train films
    found = classifier.predict_prepared(
        prepared, ids=parts.test, manifest=manifest, groups=parts.groups
    )
    films = torch.from_numpy(prepared.batch(parts.test))[:, None].float() / 255
    with torch.inference_mode():
        pixels = torch.softmax(net(films).double(), dim=1)
    np.testing.assert_allclose(found.scores, pixels.numpy(), atol=1e-4)


def test_a_circuit_on_frozen_features_takes_no_augmentation() -> None:
    recipe = replace(TINY, backbone=QuantumTransfer(model="resnet10t", weights="none"))
    with pytest.raises(UsageError, match="augment is set"):
        checked(recipe)


def test_half_precision_trains_and_scores_in_full(ready: Ready, tmp_path: Path) -> None:
    prepared, manifest, parts = ready
    for precision in ("float32", "bfloat16"):
        recipe = replace(TINY, precision=precision)
        train(recipe, prepared, manifest, parts, tmp_path / precision)
    full, half = (read_history(tmp_path / p / "history.csv") for p in ("float32", "bfloat16"))
    assert full != half
    assert half[-1].val_loss == pytest.approx(full[-1].val_loss, abs=0.3)
    loaded = Classifier.load(tmp_path / "bfloat16")
    assert {value.dtype for value in loaded.net.parameters()} == {torch.float32}


def test_kept_memory_changes_no_result(
    ready: Ready, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared, manifest, parts = ready
    train(TINY, prepared, manifest, parts, tmp_path / "kept")
    monkeypatch.setattr("platform.libc_ver", lambda: ("musl", "1"))
    train(TINY, prepared, manifest, parts, tmp_path / "plain")
    kept, plain = (read_history(tmp_path / name / "history.csv") for name in ("kept", "plain"))
    assert [replace(row, seconds=0) for row in kept] == [replace(row, seconds=0) for row in plain]

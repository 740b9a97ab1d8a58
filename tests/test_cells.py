"""The cells' head: its pooling, where boxes teach it, and training that goes on after a kill."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from osteon.backbones.cells import Cells
from osteon.cellnet import CellHead, CellNet, FrozenCellNet
from osteon.cells import CellTruth, box_cells
from osteon.checkpoint import Checkpoint
from osteon.classifier import Classifier
from osteon.errors import UsageError
from osteon.explain.gallery import features
from osteon.fit import fit
from osteon.maps import frozen_maps
from osteon.placement import placed_box
from osteon.prepare import Prepared
from osteon.recipe import named_recipe, with_settings
from osteon.train import train
from osteon.types import Box, Manifest, PixelRules, Recipe, Split
from tests.training import made_ready, weights_file, write_films

SIDE = 64
Ready = tuple[Prepared, Manifest, Split]


def recipe_of(epochs: int = 2) -> Recipe:
    return replace(
        named_recipe("strong"),
        backbone=Cells(model="resnet10t", weights="none", width=8),
        pixels=PixelRules(size_px=SIDE),
        epochs=epochs,
        batch_size=8,
    )


def ready_with(tmp_path: Path, *classes: str) -> Ready:
    data = write_films(tmp_path / "data", classes=classes)
    return made_ready(data, tmp_path / "cache", PixelRules(size_px=SIDE))


def boxed(ready: Ready) -> Prepared:
    """A box on every film of class 1."""
    prepared, manifest, _ = ready
    box = Box(left_px=0, top_px=20, width_px=SIDE, height_px=8)
    return replace(prepared, boxes={f.id: (box,) for f in manifest.radiographs if f.label == 1})


@given(seed=st.integers(0, 2**31), side=st.integers(1, 6), n_classes=st.integers(2, 4))
@settings(deadline=None, max_examples=25)
def test_pooling_does_not_ask_where_a_cell_lies(seed: int, side: int, n_classes: int) -> None:
    torch.manual_seed(seed)
    head = CellHead((3, 4, 5), n_classes, 8)
    cells = torch.randn(2, 1 if n_classes == 2 else n_classes, side, side)
    order = torch.randperm(side * side)
    moved = cells.flatten(2)[:, :, order].view_as(cells)
    torch.testing.assert_close(head.pool(moved), head.pool(cells))
    assert head.pool(cells).shape == (2, n_classes)
    raised = head.pool(cells + 1) - head.pool(cells)
    torch.testing.assert_close(raised[:, -1], torch.ones(2))  # the slope of an untrained head


@given(
    film=st.tuples(st.integers(20, 900), st.integers(20, 900)),
    place=st.tuples(*[st.floats(0, 0.9)] * 2, *[st.floats(0.02, 0.1)] * 2),
)
@settings(deadline=None)
def test_a_box_reaches_the_cell_of_its_centre_under_the_letterbox(
    film: tuple[int, int], place: tuple[float, float, float, float]
) -> None:
    wide, high = film
    left, top, across, down = place
    box = Box(left_px=left * wide, top_px=top * high, width_px=across * wide, height_px=down * high)
    square = placed_box(box, wide, high, PixelRules(size_px=512))
    found = box_cells([square], 512, 32)
    assert found.any()
    rows, columns = np.nonzero(found)
    for at in zip(rows, columns, strict=True):  # no cell beside the box
        assert at[0] * 16 < square.top_px + square.height_px
        assert (at[0] + 1) * 16 > square.top_px
        assert at[1] * 16 < square.left_px + square.width_px
        assert (at[1] + 1) * 16 > square.left_px
    middle = square.top_px + square.height_px / 2, square.left_px + square.width_px / 2
    if min(square.width_px, square.height_px) >= 16:
        assert found[int(middle[0] // 16), int(middle[1] // 16)]


def test_a_box_that_was_cut_off_marks_nothing() -> None:
    gone = Box(left_px=512, top_px=100, width_px=0, height_px=20)
    assert not box_cells([gone], 512, 32).any()


def test_a_film_whose_class_has_boxes_and_that_has_none_teaches_no_cell() -> None:
    box = Box(left_px=0, top_px=0, width_px=16, height_px=16)
    truth = CellTruth([(box,), (), ()], torch.tensor([1, 1, 0]), 2, 64, 4)
    cells = torch.zeros(3, 1, 4, 4, requires_grad=True)
    truth.loss(cells, torch.arange(3)).backward()  # type: ignore[no-untyped-call]
    assert cells.grad is not None
    assert cells.grad[0, 0, 0, 0] < 0  # inside the box: more of it
    assert (cells.grad[0, 0].flatten()[1:] > 0).all()
    assert (cells.grad[1] == 0).all()
    assert (cells.grad[2] > 0).all()


def test_of_several_classes_only_those_with_boxes_are_taught() -> None:
    box = Box(left_px=0, top_px=0, width_px=16, height_px=16)
    truth = CellTruth([(box,), (), ()], torch.tensor([2, 1, 0]), 3, 64, 4)
    cells = torch.zeros(3, 3, 4, 4, requires_grad=True)
    truth.loss(cells, torch.arange(3)).backward()  # type: ignore[no-untyped-call]
    assert cells.grad is not None
    assert (cells.grad[:, :2] == 0).all()
    assert cells.grad[0, 2, 0, 0] < 0


@pytest.mark.parametrize("classes", [("normal", "broken"), ("a", "b", "c")])
def test_without_boxes_it_learns_from_the_films_alone(
    tmp_path: Path, classes: tuple[str, ...]
) -> None:
    prepared, manifest, parts = ready_with(tmp_path, *classes)
    assert not prepared.boxes
    classifier = train(recipe_of(), prepared, manifest, parts, tmp_path / "run")
    assert isinstance(classifier.net, CellNet)
    film = next(iter(manifest.radiographs)).path
    (reading,) = classifier.read([film])
    assert len(reading.scores) == len(classes)
    assert sum(reading.scores.values()) == pytest.approx(1)


def test_boxes_change_what_the_cells_learn(tmp_path: Path) -> None:
    ready = ready_with(tmp_path, "normal", "broken")
    _, manifest, parts = ready
    with_boxes, without = (
        next(fit(recipe_of(), prepared, manifest, parts)).model
        for prepared in (boxed(ready), ready[0])
    )
    same = torch.equal(with_boxes["cells.out.weight"], without["cells.out.weight"])
    assert not same


def test_it_goes_on_to_the_same_bits_after_a_kill(tmp_path: Path) -> None:
    ready = ready_with(tmp_path, "normal", "broken")
    _, manifest, parts = ready
    prepared, recipe = boxed(ready), recipe_of(3)
    weights = weights_file("resnet10t", tmp_path)  # which no seed makes again
    recipe = replace(recipe, backbone=replace(recipe.backbone, weights=weights))  # type: ignore[type-var]
    torch.manual_seed(0)
    whole = []
    for epoch in fit(recipe, prepared, manifest, parts):
        whole.append({name: value.clone() for name, value in epoch.model.items()})
        if len(whole) == 1:
            state = {name: value.clone() for name, value in epoch.optimiser.items()}
            start = Checkpoint(
                made_for="", classes=manifest.classes, history=(epoch.history,),
                model=whole[0], optimiser=state,
            )  # fmt: skip
    *_, last = fit(recipe, prepared, manifest, parts, start=start)
    assert set(last.model) == set(whole[-1])
    for name, value in last.model.items():
        assert torch.equal(value, whole[-1][name]), name
    assert len([*prepared.folder.glob("maps-*.done.npy")]) == 1


def test_maps_are_computed_once_and_are_the_networks(tmp_path: Path) -> None:
    prepared, manifest, _ = ready_with(tmp_path, "normal", "broken")
    torch.manual_seed(0)
    net = recipe_of().backbone.build(2).eval()
    assert isinstance(net, CellNet)
    ids = [film.id for film in islice(manifest.radiographs, 3)]
    rows = np.array([prepared.row_of[id_] for id_ in ids], dtype=np.intp)
    maps = frozen_maps(net, prepared, ids)
    films = torch.from_numpy(prepared.batch(ids))[:, None] / 255
    with torch.inference_mode():
        for kept, made in zip(maps.of(rows), net.maps(films), strict=True):
            torch.testing.assert_close(kept, made, atol=2e-3, rtol=2e-3)
    done = next(prepared.folder.glob("maps-*.done.npy"))
    assert int(np.load(done).sum()) == 3
    before = done.stat().st_mtime_ns
    again = frozen_maps(net, prepared, ids)
    assert done.stat().st_mtime_ns == before
    for kept, same in zip(maps.of(rows), again.of(rows), strict=True):
        assert torch.equal(kept, same)
    kept_at = next(path for path in prepared.folder.glob("maps-*") if path != done)
    kept_at.unlink()  # what is marked as done is gone: it is computed anew
    for kept, same in zip(maps.of(rows), frozen_maps(net, prepared, ids).of(rows), strict=True):
        assert torch.equal(kept, same)


def test_a_checkpoint_opens_without_the_weights_that_it_was_made_from(tmp_path: Path) -> None:
    prepared, manifest, parts = ready_with(tmp_path, "normal", "broken")
    train(recipe_of(1), prepared, manifest, parts, tmp_path / "run")
    again = Classifier.load(tmp_path / "run")
    found = again.predict_prepared(
        prepared, ids=parts.val, manifest=manifest, groups=parts.groups, part="val"
    )
    np.testing.assert_allclose(found.scores.sum(1), 1)


@pytest.mark.parametrize(
    "setting", ["augment.flip=0.5", "backbone.width=0", "backbone.inverse_strength=0",
                "backbone.box_weight=-1"],
)  # fmt: skip
def test_settings_that_cannot_be_are_refused(setting: str) -> None:
    with pytest.raises(UsageError, match=setting.partition("=")[0].partition(".")[0]):
        with_settings(named_recipe("strong"), [setting])


def test_neighbours_are_sought_among_what_the_pooled_head_is_given(tmp_path: Path) -> None:
    prepared, manifest, split = ready_with(tmp_path, "a", "b")
    *_, last = fit(recipe_of(1), prepared, manifest, split)
    net = recipe_of(1).backbone.build(2)
    assert isinstance(net, FrozenCellNet)
    net.load_state_dict(dict(last.model))
    ids = list(split.train)
    found = features(net, prepared, ids, torch.device("cpu"))
    with torch.no_grad():
        *_, whole = net.maps(torch.from_numpy(prepared.batch(ids))[:, None] / 255)
    wanted = ((whole - net.whole.centre) / net.whole.scale).numpy()
    np.testing.assert_allclose(found, wanted, atol=0.05)  # the maps are kept in half precision

"""Mending changes what it says, and nothing else; boxes and panels come along."""

from __future__ import annotations

import io
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from osteon.artefacts import detect
from osteon.audit import audit
from osteon.clusters import group_films
from osteon.errors import UsageError
from osteon.inspection import inspect_films
from osteon.loading import load_panels, load_square
from osteon.manifest import read_manifest, write_manifest
from osteon.mending import ORDER, STEPS, mend
from osteon.panels import cut_panels
from osteon.pixels import decode_bytes
from osteon.placement import crop_loss
from osteon.prepare import prepare
from osteon.recipe import named_recipe, with_settings
from osteon.split import split
from osteon.types import Audit, Box, Manifest, PixelRules, Radiograph
from tests.test_artefacts import Film, beside_another, framed, limb, with_letter, with_writing


def png(film: Film) -> bytes:
    file = io.BytesIO()
    Image.fromarray(film).save(file, "PNG")
    return file.getvalue()


def mended(film: Film, *steps: str) -> tuple[Film, dict[str, Box]]:
    made = mend(png(film), decode_bytes(png(film)), steps, None)  # type: ignore[arg-type]
    return np.asarray(made.gray, np.uint8), dict(made.trace.windows)


def test_every_step_but_panels_is_a_file_of_its_own() -> None:
    assert set(STEPS) == set(ORDER)


@pytest.mark.parametrize("step", ORDER)
def test_a_film_without_defects_keeps_its_pixels(step: str) -> None:
    whole = np.clip(limb(2)[:, 40:220], 60, 250)
    assert np.array_equal(mended(whole, step)[0], whole)


def test_a_frame_goes_and_the_film_stays_as_it_was() -> None:
    film = np.clip(limb(1)[:, 60:220], 40, 210)
    left, windows = mended(framed(film), "frame")
    assert np.array_equal(left, film)
    assert windows["frame"] == Box(left_px=0, top_px=12, width_px=160, height_px=360)


def test_inversion_is_undone() -> None:
    film = limb(5)
    assert np.array_equal(mended(255 - film, "invert")[0], film)
    assert np.array_equal(mended(film, "invert")[0], film)


@pytest.mark.parametrize("draw", [with_writing, with_letter])
def test_only_the_marks_change(draw: object) -> None:
    film = limb(4)
    drawn = draw(film.copy())  # type: ignore[operator]
    left, _ = mended(drawn, "marks")
    there = cv2.dilate((drawn != film).astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
    assert np.array_equal(left[~there], film[~there])  # the bone elsewhere is as it was
    gap = np.abs(left.astype(int) - film)[drawn != film]
    assert gap.mean() < 0.25 * np.abs(drawn.astype(int) - film)[drawn != film].mean()


def test_zoom_keeps_all_of_the_body() -> None:
    film = np.zeros((400, 500), np.uint8)
    film[150:350, 180:300] = limb(0)[60:260, 60:180].clip(60, 255)
    left, windows = mended(film, "zoom")
    window = windows["zoom"]
    assert window.left_px <= 180
    assert window.top_px <= 150
    assert window.left_px + window.width_px >= 300
    assert window.top_px + window.height_px >= 350
    assert left.size < 0.5 * film.size


# --- boxes ----------------------------------------------------------------------------------------


def data_of(folder: Path, films: dict[str, Film], boxes: dict[str, Box]) -> tuple[Manifest, Audit]:
    folder.mkdir(exist_ok=True)
    for name, film in films.items():
        (folder / name).write_bytes(png(film))
    manifest = Manifest(
        root=folder,
        source="class_folders",
        recognised_by="by hand",
        classes=("normal", "fractured"),
        radiographs=tuple(
            Radiograph(
                id=name,
                path=folder / name,
                label=at % 2,
                boxes=(boxes[name],) if name in boxes else (),
            )
            for at, name in enumerate(films)
        ),
    )
    return manifest, audit(manifest, facts=inspect_films(manifest))


def test_crop_loss_tells_each_step(tmp_path: Path) -> None:
    film = framed(np.clip(limb(1)[:, 60:220], 40, 210))
    on_frame = Box(left_px=20, top_px=2, width_px=20, height_px=20)  # 10 of its 20 rows are frame
    on_bone = Box(left_px=60, top_px=90, width_px=20, height_px=20)
    manifest, result = data_of(
        tmp_path,
        {"a.png": film, "b.png": film[:, ::-1].copy()},
        {"a.png": on_frame, "b.png": on_bone},
    )
    rules = PixelRules(size_px=64, mend=("frame",))
    loss = prepare(manifest, rules, cache=tmp_path / "cache", facts=result.facts).crop_loss
    (step,) = loss.steps
    assert (step.step, step.n_films, step.n_cut, step.ids) == ("frame", 2, 1, ("a.png",))
    assert (loss.n_boxes, loss.n_cut, loss.ids) == (2, 1, ("a.png",))
    assert loss.mean_area_cut == pytest.approx(0.25)
    again = prepare(manifest, rules, cache=tmp_path / "cache", facts=result.facts)
    assert again.n_decoded == 0
    assert again.crop_loss == loss  # from the cache as well
    plain = crop_loss(manifest.radiographs, result.facts, PixelRules(size_px=64))
    assert plain.n_cut == 0


def test_served_films_are_mended_as_prepared_ones(tmp_path: Path) -> None:
    manifest, result = data_of(tmp_path, {"a.png": with_writing(framed(limb(3)))}, {})
    rules = PixelRules(size_px=96, mend=("frame", "marks", "zoom"))
    prepared = prepare(manifest, rules, cache=tmp_path / "cache", facts=result.facts)
    assert np.array_equal(prepared.pixels[0], load_square(tmp_path / "a.png", rules))
    plain = load_square(tmp_path / "a.png", PixelRules(size_px=96))
    assert not np.array_equal(prepared.pixels[0], plain)


# --- panels ---------------------------------------------------------------------------------------


def test_collages_become_films_of_one_group_and_label(tmp_path: Path) -> None:
    pair = beside_another(limb(0))
    inside = Box(left_px=300, top_px=100, width_px=40, height_px=50)
    films = {"one.png": limb(7), "pair.png": pair, "two.png": limb(8), "again.png": pair}
    manifest, result = data_of(tmp_path, films, {"pair.png": inside})
    cut, of_panels = cut_panels(manifest, result)
    assert [film.id for film in cut.radiographs] == [
        "one.png", "pair.png#1", "pair.png#2", "two.png", "again.png#1", "again.png#2",
    ]  # fmt: skip
    panels = cut.radiographs[1:3]
    assert {film.label for film in panels} == {1}
    groups = group_films(cut, of_panels.clusters)
    assert len({groups[f"{name}.png#{n}"] for name in ("pair", "again") for n in (1, 2)}) == 1
    first, second = panels
    assert first.boxes == ()
    (box,) = second.boxes
    assert second.window is not None
    assert box.left_px + second.window.left_px == inside.left_px
    assert "2 collages were cut into 4 panels" in cut.remarks[-1].message
    assert read_manifest(write_manifest(cut, tmp_path / "m.csv")) == cut
    rules = PixelRules(size_px=64, mend=("panels",))
    prepared = prepare(cut, rules, cache=tmp_path / "cache", facts=of_panels.facts)
    assert len(prepared.pixels) == 4  # the same file again is decoded once
    served = load_panels(tmp_path / "pair.png", rules)
    assert served.shape == (2, 1, 64, 64)
    assert np.array_equal(
        prepared.batch(["pair.png#1", "pair.png#2"]), (served[:, 0] * 255).round().numpy()
    )


def test_collages_that_were_not_cut_are_refused(tmp_path: Path) -> None:
    manifest, result = data_of(tmp_path, {"pair.png": beside_another(limb(0))}, {})
    rules = PixelRules(size_px=64, mend=("panels",))
    with pytest.raises(UsageError, match=r"pair\.png is a collage that was not cut"):
        prepare(manifest, rules, cache=tmp_path / "cache", facts=result.facts)


def test_no_split_parts_the_panels_of_a_file(tmp_path: Path) -> None:
    films = {f"{n}.png": beside_another(limb(n)) if n % 3 == 0 else limb(n) for n in range(24)}
    cut, of_panels = cut_panels(*data_of(tmp_path, films, {}))
    parts = split(
        cut, groups=group_films(cut, of_panels.clusters), fractions=(0.6, 0.2, 0.2), seed=1
    )
    part_of = {id_: part for part in ("train", "val", "test") for id_ in parts.part(part)}
    assert len(part_of) == 32
    for n in range(0, 24, 3):
        assert part_of[f"{n}.png#1"] == part_of[f"{n}.png#2"]


def test_a_cut_through_a_box_is_told(tmp_path: Path) -> None:
    across = Box(left_px=250, top_px=100, width_px=80, height_px=50)
    manifest, result = data_of(
        tmp_path, {"pair.png": beside_another(limb(0))}, {"pair.png": across}
    )
    assert any(
        "cut goes through" in said.message for said in cut_panels(manifest, result)[0].remarks
    )


def test_data_without_collages_stay_as_they_are(tmp_path: Path) -> None:
    manifest, result = data_of(tmp_path, {"a.png": limb(0)}, {})
    assert cut_panels(manifest, result) == (manifest, result)
    assert not any(
        each.kind == "collage" for each in detect(png(limb(0)), decode_bytes(png(limb(0))))
    )


def test_steps_by_name() -> None:
    recipe = with_settings(named_recipe("linear-probe"), ["pixels.mend=frame,marks"])
    assert recipe.pixels.mend == ("frame", "marks")
    with pytest.raises(UsageError, match=r"pixels\.mend"):
        with_settings(named_recipe("linear-probe"), ["pixels.mend=shine"])

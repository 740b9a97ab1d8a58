"""Shortcuts that are planted are flagged, those that are not are not; the figures are right."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from scipy import stats
from sklearn.metrics import roc_auc_score

from osteon.audit import audit
from osteon.errors import ResourceError
from osteon.inspection import inspect_films
from osteon.looking import look_at
from osteon.phantom import PhantomPlan, make_phantoms
from osteon.phantom.plan import Plants
from osteon.placement import placement
from osteon.prepare import prepare
from osteon.reading import read_source
from osteon.shortcuts import find_shortcuts
from osteon.shortcuts.probes import Judged, probe_metadata, probe_pixels
from osteon.shortcuts.signs import Share, fisher, newcombe, tabulate, witnesses
from osteon.shortcuts.surroundings import RULES, background, border, film_in
from osteon.statistics import holm
from osteon.testing.films import write_film
from osteon.types import (
    Artefact,
    Audit,
    Copies,
    Copy,
    Estimate,
    FilmFacts,
    Finding,
    Leaning,
    Likeness,
    Manifest,
    Probe,
    Radiograph,
    Shortcuts,
    Sign,
)
from osteon.values import from_json, read_value, to_json, write_value

Film = NDArray[np.uint8]
Rng = np.random.Generator
HEIGHT, WIDTH = 90, 70


@dataclass(frozen=True, kw_only=True)
class Plant:
    """What a film of a class has besides the bone: a chance for each class."""

    letter: tuple[float, float] = (0.5, 0.5)  # lead, in the air, away from the rim
    rim: tuple[float, float] = (0.3, 0.3)  # a frame of another gray
    scanner: tuple[float, float] = (0.4, 0.4)  # the share of scanner b
    arrow: tuple[float, float] = (0.1, 0.1)  # as the detector tells


@dataclass(frozen=True, kw_only=True)
class Made:
    manifest: Manifest
    facts: dict[str, FilmFacts]
    copies: Copies | None = None


def drawn(rng: Rng, letter: bool, rim: bool) -> Film:
    """An elliptic limb with a bone in it, in dark air with grain."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    middle_x, middle_y = WIDTH / 2 + rng.normal(0, 3), HEIGHT / 2 + rng.normal(0, 3)
    wide, high = rng.uniform(14, 20), rng.uniform(25, 34)
    place = ((x - middle_x) / wide) ** 2 + ((y - middle_y) / high) ** 2
    film = 25 + 90 * (place < 1) + 80 * (place < 0.2) + rng.normal(0, 6, (HEIGHT, WIDTH))
    if rim:
        film[:3] = film[-3:] = film[:, :3] = film[:, -3:] = 60
    if letter:
        film[10:15, 9:14] = 230
    return np.asarray(film.clip(0, 255), np.uint8)


def made(folder: Path, plant: Plant, *, seed: int, n: int = 150) -> Made:
    """Two films of each patient; what the facts say of gray levels is noise."""
    rng = np.random.default_rng(seed)
    films, facts = [], {}
    for number in range(n):
        label = int(np.random.default_rng([seed, number // 2]).integers(2))

        def chance(of: tuple[float, float], label: int = label) -> bool:
            return bool(rng.random() < of[label])

        path = folder / f"{seed}" / f"{number:03}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(drawn(rng, chance(plant.letter), chance(plant.rim))).save(path)
        scanner = "b" if chance(plant.scanner) else "a"
        extra = {"scanner": scanner}
        id_ = path.name
        films.append(
            Radiograph(id=id_, path=path, label=label, patient_id=f"P{number // 2}", extra=extra)
        )
        facts[id_] = FilmFacts(
            id=id_, n_bytes=int(rng.integers(9000, 9999)), sha256=digest(path), format="PNG",
            width_px=WIDTH, height_px=HEIGHT, mean=float(rng.random()), std=float(rng.random()),
            artefacts=(Artefact(kind="arrow"),) if chance(plant.arrow) else (),
        )  # fmt: skip
    manifest = Manifest(
        root=folder, source="test", recognised_by="made", classes=("normal", "broken"),
        radiographs=tuple(films),
    )  # fmt: skip
    return Made(manifest=manifest, facts=facts)


def digest(path: Path) -> str:
    import hashlib

    return hashlib.sha256(path.read_bytes()).hexdigest()


def found_in(data: Made, cache: Path | None = None) -> Shortcuts:
    return find_shortcuts(data.manifest, facts=data.facts, copies=data.copies, cache=cache)


def findings(data: Made, found: Shortcuts) -> list[Finding]:
    said = audit(data.manifest, facts=data.facts, shortcuts=found, checks=["shortcuts"])
    return list(said.findings)


BEGINS = {
    "metadata": "File metadata alone",
    "border": "The outermost 8 %",
    "background": "The air around the body",
}


def flagged(data: Made, found: Shortcuts) -> set[str]:
    """Names of the probes, and words of the signs, that are warned of."""
    names = set()
    for finding in findings(data, found):
        if finding.severity == "warning":
            probes = [name for name, words in BEGINS.items() if finding.message.startswith(words)]
            signs = [word for word in ("arrow", "scanner") if f"{word}" in finding.message]
            names |= {*probes, *(() if probes else signs)}
            assert probes or signs, finding.message
    return names


PLANTS: Mapping[str, tuple[Plant, set[str]]] = {
    "nothing": (Plant(), set()),
    "letters": (Plant(letter=(0.1, 0.9)), {"background"}),
    "rims": (Plant(rim=(0.1, 0.9)), {"border"}),
    "scanners": (Plant(scanner=(0.1, 0.8)), {"metadata", "scanner"}),
    "arrows": (Plant(arrow=(0.02, 0.7)), {"arrow"}),
    "letters and scanners": (
        Plant(letter=(0.1, 0.9), scanner=(0.1, 0.8)),
        {"background", "metadata", "scanner"},
    ),
}


@pytest.mark.parametrize("name", ["nothing", "letters and scanners"])
def test_what_is_planted_is_flagged_and_nothing_else(name: str, tmp_path: Path) -> None:
    plant, expected = PLANTS[name]
    data = made(tmp_path, plant, seed=1)
    assert flagged(data, found_in(data, tmp_path / "cache")) == expected


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in PLANTS if "and" not in name])
def test_over_20_seeds(name: str, tmp_path: Path) -> None:
    """A planted shortcut is always flagged; of 20 data sets, one at most has a false alarm."""
    plant, expected = PLANTS[name]
    alarms = []
    for seed in range(20):
        data = made(tmp_path, plant, seed=seed)
        seen = flagged(data, found_in(data, tmp_path / "cache"))
        assert seen >= expected, seed
        alarms += [(seed, seen - expected)] if seen - expected else []
    assert len(alarms) <= 1, alarms


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
def test_markers_of_phantoms(seed: int, tmp_path: Path) -> None:
    """Side markers that only fractured phantoms have are flagged; those by chance are not. Twenty
    seeds: benchmarks/planted_shortcuts.py."""
    messages = {}
    for share in (0.0, 1.0):
        plan = PhantomPlan(
            films=120, films_per_patient=1, size_px=192, seed=seed,
            plants=Plants(marker_shortcut=share),
        )  # fmt: skip
        folder = make_phantoms(tmp_path / f"{share}", plan)
        manifest = read_source(folder)
        data = Made(manifest=manifest, facts=inspect_films(manifest))
        found = found_in(data, tmp_path / "cache")
        messages[share] = [f.message for f in findings(data, found) if f.severity == "warning"]
    assert messages[0.0] == []
    assert any("single letter or side marker" in message for message in messages[1.0])


# --- the parts ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Made:
    plant = Plant(scanner=(0.1, 0.8), arrow=(0.05, 0.5))
    return made(tmp_path_factory.mktemp("films"), plant, seed=5)


@pytest.fixture(scope="module")
def known(shared: Made, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Shortcuts]:
    """A cache, and what was found with it."""
    cache = tmp_path_factory.mktemp("cache")
    return cache, found_in(shared, cache)


@pytest.fixture(scope="module")
def judged(shared: Made) -> Judged:
    groups = {film.id: film.patient_id or "" for film in shared.manifest.radiographs}
    return Judged(manifest=shared.manifest, facts=shared.facts, groups=groups)


def test_no_group_is_learnt_from_and_judged(judged: Judged) -> None:
    made = judged.folds()
    tested = [id_ for part in made for id_ in part.test]
    assert sorted(tested) == sorted(judged.ids)
    for part in made:
        learnt = {judged.groups[id_] for id_ in part.train}
        assert learnt.isdisjoint(judged.groups[id_] for id_ in part.test)
        assert len(part.train) + len(part.test) == len(judged.ids)


def test_metadata_lean_on_what_tells(judged: Judged) -> None:
    probe = probe_metadata(judged)
    assert probe.leans_on[0].column == "scanner"
    assert probe.leans_on[0].share > 0.8
    assert sum(each.share for each in probe.leans_on) == pytest.approx(1)
    shares = [each.share for each in probe.leans_on]
    assert shares == sorted(shares, reverse=True)
    assert (probe.auroc.n, probe.auroc.n_groups) == (150, 75)
    # The best that the scanner alone can do, by scikit-learn.
    films = judged.manifest.radiographs
    ideal = roc_auc_score([f.label for f in films], [f.extra["scanner"] == "b" for f in films])
    assert probe.auroc.value is not None
    assert ideal - 0.15 < probe.auroc.value < ideal + 0.05


def test_a_column_that_is_the_label_is_left_out_everywhere(judged: Judged) -> None:
    telling = tuple(
        replace(film, extra={**film.extra, "grade": f"{film.label}"})
        for film in judged.manifest.radiographs
    )
    told = replace(judged, manifest=replace(judged.manifest, radiographs=telling))
    assert probe_metadata(told).left_out == ("grade",)
    assert "source: grade" not in {sign.kind for sign in tabulate(told)}


def test_the_table_of_a_sign_counts_films(judged: Judged) -> None:
    (arrow,) = [sign for sign in tabulate(judged) if sign.kind == "arrow"]
    films = judged.manifest.radiographs
    table = {
        (label, there): sum(
            film.label == label and judged.facts[film.id].has("arrow") == there for film in films
        )
        for label, there in itertools.product((0, 1), (False, True))
    }
    assert (arrow.n_with, arrow.n_of_class) == (table[1, True], table[1, True] + table[1, False])
    assert arrow.n_with_others == table[0, True]
    assert arrow.class_name == "broken"
    shares = [table[c, True] / (table[c, True] + table[c, False]) for c in (0, 1)]
    assert arrow.difference.value == pytest.approx(shares[1] - shares[0])


def test_of_a_column_the_frequent_values_are_tabulated(judged: Judged) -> None:
    """Of 150 films: two values, three, one with a rare other one, quantities, one value."""
    values = {
        "two": ["x"] * 50 + ["y"] * 100,
        "three": ["x"] * 20 + ["y"] * 90 + ["z"] * 40,
        "rare": ["x"] * 2 + ["y"] * 148,
        "gaps": [""] * 30 + ["y"] * 120,
        "age": [f"{40 + i / 10}" for i in range(150)],
        "one": ["x"] * 150,
    }
    films = tuple(
        replace(film, extra={name: cells[i] for name, cells in values.items()})
        for i, film in enumerate(judged.manifest.radiographs)
    )
    signs = tabulate(replace(judged, manifest=replace(judged.manifest, radiographs=films)))
    told = {
        (sign.kind.removeprefix("source: "), sign.value): sign.n_with + sign.n_with_others
        for sign in signs
        if sign.kind.startswith("source: ")
    }
    assert told == {
        ("two", "the rarer of its 2 values"): 50,
        ("three", "its value no. 1 by frequency"): 90,
        ("three", "its value no. 2 by frequency"): 40,
        ("three", "its value no. 3 by frequency"): 20,
        ("gaps", "its value no. 1 by frequency"): 120,
    }


def test_cells_of_the_source_are_not_quoted(judged: Judged, shared: Made) -> None:
    named = tuple(
        replace(film, extra={"doctor": "Xaverius" if film.label and i % 9 else "Yolanda"})
        for i, film in enumerate(shared.manifest.radiographs)
    )
    telling = replace(shared.manifest, radiographs=named)
    found = Shortcuts(classes=telling.classes, signs=tabulate(replace(judged, manifest=telling)))
    data = replace(shared, manifest=telling)
    told = to_json(found) + "".join(finding.message for finding in findings(data, found))
    assert "doctor" in told
    assert "Xaverius" not in told
    assert "Yolanda" not in told


def test_the_rim_is_all_that_the_border_sees() -> None:
    film = np.random.default_rng(0).random((64, 50))
    inside = film.copy()
    inside[4:-4, 4:-4] = 0.5
    np.testing.assert_array_equal(border(film), border(inside))
    film[30, 1] = 1.5
    assert (border(film) != border(inside)).any()


def test_the_background_sees_neither_body_nor_rim() -> None:
    rng = np.random.default_rng(3)
    film = film_in(prepared_square(drawn(rng, letter=False, rim=False)), facts_of_size())
    seen = background(film)
    assert seen is not None
    changed = film.copy()
    middle = changed[22:42, 20:30]
    middle[:] = rng.uniform(0.7, 0.9, middle.shape)  # another bone
    changed[:3] += 0.1
    changed[:, -3:] += 0.1
    again = background(changed)
    assert again is not None
    # The threshold between air and body moves a little with the film, and the mask with it.
    np.testing.assert_allclose(seen, again, atol=0.02)
    changed[8:11, 8:11] = 0.9  # a letter
    with_letter = background(changed)
    assert with_letter is not None
    assert np.abs(with_letter - again).max() > 0.3


def test_a_film_without_air_has_no_background() -> None:
    assert background(np.full((64, 64), 0.6) + np.eye(64) / 9) is None


@pytest.mark.parametrize("shape", [(1, 64), (64, 1), (3, 64), (64, 64)])
@pytest.mark.parametrize("gray", [0.0, 0.1, 1.0])
def test_films_of_one_gray_and_of_any_shape(shape: tuple[int, int], gray: float) -> None:
    film = np.full(shape, gray)
    assert border(film).shape == (4 * 8 + 4 * 3 + 5,)
    assert np.isfinite(border(film)).all()
    seen = background(film)
    assert seen is None or np.isfinite(seen).all()
    if min(shape) < 3 or gray == 1:
        assert seen is None


def facts_of_size() -> FilmFacts:
    return FilmFacts(id="x", n_bytes=1, sha256="", width_px=WIDTH, height_px=HEIGHT)


def prepared_square(film: Film) -> Film:
    from osteon.placement import placed

    return placed(film, RULES)


def test_the_film_is_cut_from_its_square_and_bone_is_bright() -> None:
    square = prepared_square(np.full((HEIGHT, WIDTH), 51, np.uint8))
    where = placement(WIDTH, HEIGHT, RULES)
    film = film_in(square, facts_of_size())
    assert film.shape == (where.to_height, where.to_width)
    assert np.unique(film) == pytest.approx([0.2])
    negative = replace(facts_of_size(), artefacts=(Artefact(kind="inverted"),))
    assert np.unique(film_in(square, negative)) == pytest.approx([0.8])


# --- statistics -----------------------------------------------------------------------------------


def test_newcombe_is_that_of_the_paper() -> None:
    """Newcombe 1998, table II, method 10: 56/70 - 48/80, and 10/10 - 0/20."""
    one, other = Share(n_with=56, value=56 / 70, n_groups=70), Share(
        n_with=48, value=48 / 80, n_groups=80
    )  # fmt: skip
    assert newcombe(one, other) == pytest.approx((0.0524, 0.3339), abs=5e-5)
    all_, none = Share(n_with=10, value=1, n_groups=10), Share(n_with=0, value=0, n_groups=20)
    assert newcombe(all_, none) == pytest.approx((0.6791, 1.0), abs=5e-5)


def test_newcombe_against_scipys_intervals() -> None:
    one, other = (7, 90), (31, 120)
    shares = [Share(n_with=k, value=k / n, n_groups=n) for k, n in (one, other)]
    ends = [stats.binomtest(k, n).proportion_ci(method="wilson") for k, n in (one, other)]
    difference = 7 / 90 - 31 / 120
    low = difference - np.hypot(7 / 90 - ends[0].low, ends[1].high - 31 / 120)
    high = difference + np.hypot(ends[0].high - 7 / 90, 31 / 120 - ends[1].low)
    assert newcombe(*shares) == pytest.approx((low, high))


def test_holm_against_its_definition() -> None:
    rng = np.random.default_rng(0)
    ps = (rng.random(30) ** 4).tolist()
    adjusted = holm(ps)
    for alpha in (0.001, 0.01, 0.05, 0.3):
        rejected = set()
        for rank, at in enumerate(np.argsort(ps)):  # step down, stop at the first that is kept
            if ps[at] > alpha / (len(ps) - rank):
                break
            rejected.add(int(at))
        assert {i for i, p in enumerate(adjusted) if p <= alpha} == rejected
    assert holm([]) == []


def test_one_witness_of_each_group_and_class(judged: Judged) -> None:
    films = judged.manifest.radiographs
    chosen = witnesses(films, judged)
    keys = [(judged.groups[film.id], film.label) for film in chosen]
    assert len(keys) == len(set(keys)) == 75
    assert {film.id for film in witnesses(films[::-1], judged)} == {film.id for film in chosen}


def test_copies_do_not_make_a_chance_certain() -> None:
    """Ten films of one patient, all with an arrow, are one witness."""
    films = [film_of(i, label=int(i < 20), patient=max(i, 9)) for i in range(40)]
    groups = {film.id: film.patient_id or "" for film in films}
    manifest = manifest_of(films)
    alone = Judged(manifest=manifest, facts={}, groups={film.id: film.id for film in films})
    with_arrow = {f"{i}" for i in range(10)}
    assert fisher(witnesses(films, alone), with_arrow, 1) < 0.001
    grouped = Judged(manifest=manifest, facts={}, groups=groups)
    assert fisher(witnesses(films, grouped), with_arrow, 1) > 0.3


def film_of(number: int, *, label: int, patient: int) -> Radiograph:
    return Radiograph(id=f"{number}", path=Path(f"{number}"), label=label, patient_id=f"P{patient}")


def manifest_of(films: list[Radiograph], *classes: str) -> Manifest:
    return Manifest(
        root=Path("data"), source="s", recognised_by="r", classes=classes or ("a", "b"),
        radiographs=tuple(films),
    )  # fmt: skip


# --- the stage ------------------------------------------------------------------------------------


def test_unchanged_data_are_answered_from_the_cache(
    shared: Made, known: tuple[Path, Shortcuts], monkeypatch: pytest.MonkeyPatch
) -> None:
    cache, first = known
    assert len(first.probes) == 3

    def refuse(*_: object) -> Callable[..., object]:
        raise AssertionError("looked for again")

    monkeypatch.setattr("osteon.shortcuts._found", refuse)
    assert found_in(shared, cache) == first
    id_ = shared.manifest.radiographs[0].id
    other = shared.manifest.radiographs[9].id
    how = Likeness(
        correlation=1, median=1, overlap=1, cover=1, rotation_deg=0, scale=1, stretch=1,
        mirrored=True, inverted=False,
    )  # fmt: skip
    copy = Copy(one=id_, other=other, how=how)
    changed = {**shared.facts, id_: replace(shared.facts[id_], artefacts=())}
    for data in (
        replace(shared, facts={**changed, id_: replace(changed[id_], mean=0.123)}),
        replace(shared, copies=Copies(same=(copy,))),
    ):
        with pytest.raises(AssertionError, match="looked for again"):
            found_in(data, cache)


def test_a_spoilt_cache_is_made_again(shared: Made, known: tuple[Path, Shortcuts]) -> None:
    cache, first = known
    (kept,) = (cache / "shortcuts").glob("*.json")
    kept.write_text("{")
    assert found_in(shared, cache) == first
    assert read_value(Shortcuts, kept) == first


def test_few_films_are_said_to_be_few(shared: Made) -> None:
    some = tuple(shared.manifest.radiographs[:50])
    data = replace(shared, manifest=replace(shared.manifest, radiographs=some))
    found = found_in(data)
    assert found.probes == ()
    assert "Classes of fewer than 20 independent films were left out" in found.undone[0]
    (*_, note) = findings(data, found)
    assert note.severity == "note"


def test_small_classes_are_left_out_of_many(tmp_path: Path, shared: Made) -> None:
    """A third class of three films, and one without a label."""
    films = list(shared.manifest.radiographs)
    films[:3] = [replace(film, label=0) for film in films[:3]]
    films = [replace(film, label=None if film.label is None else film.label + 1) for film in films]
    films[:3] = [replace(film, label=0) for film in films[:3]]
    films[3] = replace(films[3], label=None)
    manifest = replace(shared.manifest, classes=("rare", "normal", "broken"))
    data = replace(shared, manifest=replace(manifest, radiographs=tuple(films)))
    found = found_in(data, tmp_path)
    assert found.classes == ("normal", "broken")
    assert found.undone == (
        "Classes of fewer than 20 independent films were left out: 'rare' (2).",
    )
    assert {probe.auroc.n for probe in found.probes if probe.name != "background"} == {146}
    assert "scanner" in flagged(data, found)


def test_a_full_disk_stops_the_pixels_alone(
    shared: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise ResourceError("The disk is full.")

    monkeypatch.setattr(sys.modules["osteon.prepare"], "prepare", full)
    monkeypatch.setattr("osteon.shortcuts.write_value", full)
    found = found_in(shared, tmp_path)
    assert [probe.name for probe in found.probes] == ["metadata"]
    assert "The disk is full." in found.undone[0]


def test_without_air_the_background_is_not_judged(judged: Judged, tmp_path: Path) -> None:
    from osteon.errors import DataError

    prepared = prepare(judged.manifest, RULES, cache=tmp_path, facts=judged.facts)
    bright = replace(prepared, pixels=np.full_like(prepared.pixels, 200))
    with pytest.raises(DataError, match="No film of 'normal' shows any background"):
        probe_pixels(judged, bright, "background")


def test_an_audit_with_shortcuts_is_written_and_read(
    shared: Made, known: tuple[Path, Shortcuts], tmp_path: Path
) -> None:
    _, found = known
    said = audit(shared.manifest, facts=shared.facts, shortcuts=found)
    assert read_value(Audit, write_value(tmp_path / "audit.json", said)) == said
    assert from_json(Shortcuts, to_json(found)) == found


def test_an_audit_looks_for_shortcuts(tmp_path: Path) -> None:
    """From a folder, through the source and the copies; again from the cache."""
    for number in range(44):
        name = ("normal", "broken")[number % 2]
        write_film(tmp_path / "films" / name / f"{number}.png", seed=number)
    _, result = look_at(tmp_path / "films", cache=tmp_path / "cache")
    assert result.shortcuts is not None
    assert [probe.name for probe in result.shortcuts.probes][:2] == ["metadata", "border"]
    assert "shortcuts" in {finding.check for finding in result.findings}
    _, again = look_at(tmp_path / "films", cache=tmp_path / "cache")
    assert again.shortcuts == result.shortcuts


def test_an_audit_of_before_has_none() -> None:
    old = '{"manifest_digest": "x", "findings": [], "facts": {}, "clusters": {}}'
    assert from_json(Audit, old).shortcuts is None


# --- what is said ---------------------------------------------------------------------------------


def probe_of(value: float, low: float, high: float) -> Probe:
    auroc = Estimate(value=value, low=low, high=high, n=300, n_groups=200, method="made")
    leans = (Leaning(column="hardware", share=0.62), Leaning(column="film size", share=0.38))
    return Probe(name="metadata", auroc=auroc, leans_on=leans, left_out=("grade",))


@pytest.mark.parametrize(
    ("value", "low", "severity"),
    [
        (0.81, 0.77, "warning"),
        (0.60, 0.56, "warning"),
        (0.57, 0.54, "note"),  # surely above chance, but a trifle
        (0.70, 0.59, "note"),  # twice as wide, the interval holds chance
        (0.50, 0.45, "note"),
    ],
)
def test_a_probe_is_told_with_its_interval(value: float, low: float, severity: str) -> None:
    probe = probe_of(value, low, 2 * value - low)
    (finding,) = said_of(Shortcuts(classes=("normal", "broken"), probes=(probe,)))
    assert finding.severity == severity
    figure = f"AUROC {value:.3f} ({low:.3f} to {2 * value - low:.3f}; 300 films in 200 groups)"
    assert figure in finding.message
    if severity == "warning":
        assert finding.message == (
            "File metadata alone, without any picture, tell 'broken' from 'normal', in groups not "
            f"learnt from: {figure}. It leans on hardware (62 %), film size (38 %). Left out, as "
            "the label in other words: 'grade'."
        )


@pytest.mark.parametrize(
    ("p", "n_with", "flagged"), [(0.0002, 60, True), (0.02, 60, False), (0.0002, 12, False)]
)
def test_a_sign_is_told_with_its_table(p: float, n_with: int, flagged: bool) -> None:
    share = n_with / 200
    sign = Sign(
        kind="arrow", value="", class_name="broken", n_with=n_with, n_of_class=200,
        n_with_others=8, n_others=400, p=p,
        difference=Estimate(
            value=share - 0.02, low=share - 0.08, high=share + 0.05, n=600, n_groups=500, method="m"
        ),
    )  # fmt: skip
    messages = [f.message for f in said_of(Shortcuts(classes=("a", "broken"), signs=(sign,)))]
    expected = (
        "Of the films of 'broken', 30.0 % (60 of 200) have an arrow; of the others, 2.0 % (8 of "
        "400): +28.0 points (22.0 to 35.0; Holm's p below 0.001). A network can read that instead "
        "of the bone."
    )
    assert messages == ([expected] if flagged else [])


def test_without_shortcuts_nothing_is_said() -> None:
    assert said_of(None) == []


def said_of(found: Shortcuts | None) -> list[Finding]:
    manifest = manifest_of([film_of(0, label=0, patient=0)])
    return list(audit(manifest, facts={}, shortcuts=found, checks=["shortcuts"]).findings)

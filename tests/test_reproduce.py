"""A published system done again: what leaks is priced, what is done is not done again."""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.metrics import roc_auc_score

from osteon.audit import audit
from osteon.backbones.cnn import Cnn
from osteon.backbones.quantum import Quantum
from osteon.errors import DataError, UsageError
from osteon.inspection import inspect_films
from osteon.predictions import read_predictions
from osteon.publications import PUBLICATIONS, Figure, Publication, PublishedSearch
from osteon.reading import read_source
from osteon.report.reproduction import write_reproduction_report
from osteon.reproduce import check_reproduction, reproduce
from osteon.reproduced import Reproduced, remarks
from osteon.searched import Tuning
from osteon.space import Choices
from osteon.split_file import read_split
from osteon.types import Audit, Augment, Estimate, Manifest, Optimiser, Recipe
from osteon.values import read_value
from tests.training import TINY

MEMORY = replace(  # learns films by heart
    TINY,
    name="memory",
    backbone=Cnn(channels=(16, 16), head="flatten", input_px=24, dense=(64,), dropout=0.0),
    augment=Augment(),
    optimiser=Optimiser(lr=3e-3, weight_decay=0.0, schedule="constant"),
    epochs=12,
    patience=12,
)
PUBLICATION = Publication(
    recipe=MEMORY,
    films="noise",
    shares=(0.7, 0.15, 0.15),
    judged_on="test",
    figures=(
        Figure(metric="accuracy", part="test", value=0.8934, decimals=2, n=110),
        Figure(metric="accuracy", part="val", value=0.9, decimals=0),
    ),
    assumptions=("everything",),
)


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Noise with random labels, each film with two byte-for-byte copies: only memory can score."""
    folder = tmp_path_factory.mktemp("copied") / "films"
    rng = np.random.default_rng(0)
    for number in range(120):
        label = ("whole", "broken")[number % 2]
        (folder / label).mkdir(parents=True, exist_ok=True)
        film = rng.integers(0, 255, size=(24, 24), dtype=np.uint8)
        first = folder / label / f"{number}-0.png"
        Image.fromarray(film).save(first)
        for copy in (1, 2):
            shutil.copy(first, folder / label / f"{number}-{copy}.png")
    return folder


def examined(folder: Path) -> tuple[Manifest, Audit]:
    manifest = read_source(folder)
    return manifest, audit(manifest, facts=inspect_films(manifest))


def test_what_memory_is_worth(copied: Path, tmp_path: Path) -> None:
    manifest, told = examined(copied)
    out, cache = tmp_path / "out", tmp_path / "cache"
    result = reproduce(PUBLICATION, manifest, told, out=out, cache=cache)
    assert result.naive.share_leaked > 0.7
    assert result.honest.share_leaked == 0
    naive, honest = result.naive.model["accuracy"], result.honest.model["accuracy"]
    assert naive.value is not None
    assert naive.value > 0.8
    assert honest.low is not None
    assert honest.high is not None
    assert honest.low < 0.5 < honest.high  # labels are random
    price = result.price["accuracy"]
    assert price.low is not None
    assert price.low > 0
    assert price.value == pytest.approx(naive.value - honest.value)  # type: ignore[operator]
    words = " ".join(result.remarks)
    assert "No number of films out of 110 gives 89.34 %" in words
    assert "not shown to be above the majority class" in words
    assert "that no new film would see" in words
    assert "No film names a patient or a study" in words
    assert [p.n_is_told for p in result.published] == [True, False]
    assert (out / "honest-0" / "openings.log").read_text().count("\n") == 1
    assert read_value(Reproduced, out / "reproduction.json") == result
    page = write_reproduction_report(out).read_text(encoding="utf-8")
    assert "leakage price" in page
    assert "89.34 %" in page
    assert "http" not in page.replace("http-equiv", "").replace("http://www.w3.org/", "")
    plots = {path.name for path in (out / "plots").iterdir()}
    for name in ("accuracy-side-by-side", "loss-naive", "accuracy-honest", "confusion-honest"):
        assert {f"{name}.svg", f"{name}.csv"} <= plots
    assert {"training-films.png", "predicted-against-actual.png"} <= plots
    curves = (out / "plots" / "loss-naive.csv").read_text().splitlines()
    assert len(curves) == 1 + 3 * 2 * 12  # seeds, parts, epochs
    side = (out / "plots" / "accuracy-side-by-side.csv").read_text()
    assert "published: test,0.8934," in side
    assert f"honest: network,{honest.value}," in side


def test_it_goes_on_and_trains_nothing_twice(
    copied: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest, told = examined(copied)
    quick = replace(PUBLICATION, recipe=replace(MEMORY, epochs=2))
    out, cache = tmp_path / "out", tmp_path / "cache"
    first = reproduce(quick, manifest, told, out=out, cache=cache, seeds=(0,))
    shutil.rmtree(out / "honest-0")  # as if it had been killed before
    trained = []
    real = sys.modules["osteon.train"].train

    def counted(*words: object, **more: object) -> object:
        trained.append(words[4])
        return real(*words, **more)

    monkeypatch.setattr(sys.modules["osteon.train"], "train", counted)
    again = reproduce(quick, manifest, told, out=out, cache=cache, seeds=(0,))
    assert trained == [out / "honest-0"]
    assert again.honest.model == first.honest.model
    with pytest.raises(UsageError, match="holds another reproduction"):
        reproduce(quick, manifest, told, out=out, cache=cache, seeds=(1,))
    id_, film = next(iter(told.facts.items()))
    other = replace(told, facts={**told.facts, id_: replace(film, sha256="0" * 64)})
    with pytest.raises(UsageError, match="holds another reproduction"):
        reproduce(quick, manifest, other, out=out, cache=cache, seeds=(0,))
    apart = replace(told, clusters={})
    with pytest.raises(UsageError, match="holds another reproduction"):
        reproduce(quick, manifest, apart, out=out, cache=cache, seeds=(0,))


def test_what_cannot_be_divided_is_told_before_anything_is_trained(
    copied: Path, tmp_path: Path
) -> None:
    manifest, told = examined(copied)
    as_one = dict.fromkeys((film.id for film in manifest.radiographs), "one")
    with pytest.raises(DataError, match="independent film"):
        reproduce(PUBLICATION, manifest, replace(told, clusters=as_one), out=tmp_path / "out",
                  cache=tmp_path / "cache")  # fmt: skip
    assert not list((tmp_path / "out").glob("*/checkpoints"))


def test_data_that_ship_half_a_split_are_divided_anew(copied: Path, tmp_path: Path) -> None:
    manifest, told = examined(copied)
    films = tuple(replace(film, split="train") for film in manifest.radiographs)
    half = replace(manifest, radiographs=films)
    quick = replace(PUBLICATION, shares=None, recipe=replace(MEMORY, epochs=1), n_classes=10)
    result = reproduce(quick, half, told, out=tmp_path / "out", cache=tmp_path / "cache",
                       seeds=(0,))  # fmt: skip
    assert result.naive.n[0] > 0
    assert any("Published with 10 classes, done again with 2" in told for told in result.remarks)


def test_settings_are_said(copied: Path, tmp_path: Path) -> None:
    manifest, told = examined(copied)
    result = reproduce(
        PUBLICATION, manifest, told, out=tmp_path / "out", cache=tmp_path / "cache",
        seeds=(0,), settings=["epochs=1"],
    )  # fmt: skip
    with pytest.raises(UsageError, match="Use --seeds"):
        check_reproduction(PUBLICATION, ["seed=5"], search=False)
    assert json.loads(result.recipe)["epochs"] == 1
    assert "Changed from the description: epochs=1." in result.remarks


def test_its_own_search_is_run_on_either_split(copied: Path, tmp_path: Path) -> None:
    manifest, told = examined(copied)
    search = PublishedSearch(sampler="grid", space={"optimiser.lr": Choices(values=(1e-6, 3e-3))})
    published = replace(PUBLICATION, recipe=replace(MEMORY, epochs=4), search=search)
    result = reproduce(
        published, manifest, told, out=tmp_path / "out", cache=tmp_path / "cache",
        seeds=(0, 1), search=True,
    )  # fmt: skip
    assert [s.way for s in result.searches] == ["naive", "honest"]
    first, second = (
        read_split(tmp_path / "out" / f"honest-{seed}" / "split.csv") for seed in (0, 1)
    )
    assert first.test == second.test  # the search saw every film of the first but these
    assert first.train != second.train
    assert result.untuned is not None
    assert result.untuned.gains["accuracy"].n == len(first.test)
    assert "on test films that it did not see" in " ".join(result.remarks)
    assert all(s.n_trials == 2 and "2 trials" in s.verdict for s in result.searches)
    assert result.searches[0].values == {"optimiser.lr": 3e-3}  # memory pays there
    page = write_reproduction_report(tmp_path / "out").read_text(encoding="utf-8")
    for way in ("naive", "honest"):
        assert f'href="search-{way}/report.html"' in page
        assert (tmp_path / "out" / f"search-{way}" / "report.html").is_file()
    with pytest.raises(UsageError, match="published without a search"):
        reproduce(PUBLICATION, manifest, told, out=tmp_path / "none", cache=tmp_path / "cache",
                  seeds=(0,), search=True)  # fmt: skip
    assert not (tmp_path / "none").exists()  # or the right command would be refused there


def test_a_circuit_is_judged_against_its_control(copied: Path, tmp_path: Path) -> None:
    manifest, told = examined(copied)
    small = Quantum(channels=(4,), n_qubits=2, n_layers=1)
    recipe = replace(MEMORY, name="circuit", backbone=small, epochs=2)
    control = replace(recipe, name="control", backbone=replace(small, middle="classical"))
    result = reproduce(
        replace(PUBLICATION, recipe=recipe, control=control),
        manifest, told, out=tmp_path / "out", cache=tmp_path / "cache", seeds=(0,),
    )  # fmt: skip
    assert result.control is not None
    assert result.control.n_parameters == result.control.n_parameters_of_model
    assert any("circuit" in remark for remark in result.remarks)


def auroc_of(folder: Path) -> float:
    """Of the films held out, by scikit-learn."""
    answered = read_predictions(folder / "predictions-held-out.csv", part="held-out")
    return float(roc_auc_score(answered.labels, answered.scores[:, 1]))


def test_slices_are_held_out_of_training(copied: Path, tmp_path: Path) -> None:
    manifest, told = examined(copied)
    published = replace(
        PUBLICATION, recipe=replace(MEMORY, epochs=2), slices=("exposure", "positioning")
    )
    out = tmp_path / "out"
    result = reproduce(published, manifest, told, out=out, cache=tmp_path / "cache", seeds=(0, 1))
    (held,) = result.slices  # and no film has a view
    assert held.title == "exposure: the brightest fifth of the films"
    assert held.outside.method.startswith("mean of 2 seeds")
    assert held.outside.value == pytest.approx(
        np.mean([auroc_of(out / f"without-exposure-{seed}") for seed in (0, 1)]), abs=1e-9
    )
    for seed in (0, 1):
        folder = out / f"without-exposure-{seed}"
        lines = (folder / "split.csv").read_text().splitlines()[1:]
        trained = {line.rpartition(",")[2] for line in lines}
        asked = (folder / "predictions-held-out.csv").read_text().splitlines()[1:]
        assert asked
        assert not trained & {line.split(",")[2] for line in asked}


@pytest.mark.parametrize("name", list(PUBLICATIONS))
def test_every_publication_is_whole(name: str) -> None:
    publication = PUBLICATIONS[name]()
    recipe: Recipe = publication.recipe
    assert recipe.name == name
    assert publication.films
    assert abs(sum(publication.honest) - 1) < 1e-9
    assert publication.shares is None or abs(sum(publication.shares) - 1) < 1e-9
    if publication.search is not None:
        from osteon.space import check_space

        check_space(publication.search.space, recipe)


COMMITTED = Path(__file__).resolve().parents[1] / "docs" / "reproductions"


@pytest.mark.parametrize("path", sorted(COMMITTED.glob("*.json")), ids=lambda path: path.stem)
def test_committed_results_are_whole_and_name_no_folder(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert "/tmp" not in text
    assert "/home" not in text
    if path.stem.startswith("search-"):
        found = read_value(Tuning, path)
        assert found.verdict
        return
    page = (COMMITTED.parent / "reproductions.md").read_text(encoding="utf-8")
    result = read_value(Reproduced, path)
    assert result.name in PUBLICATIONS
    assert result.environment.command.startswith("osteon reproduce")
    assert f"`{result.name}`" in page


def test_what_has_no_interval_is_said() -> None:
    result = read_value(Reproduced, COMMITTED / "types10-cnn.json")
    why = "no interval (the paired bootstrap collapsed)"
    none = Estimate(value=0.0, low=None, high=None, n=20, n_groups=20, method=why)
    gains = {**result.honest.gains, "majority": {"accuracy": none}}
    model = {**result.honest.model, "accuracy": none}
    honest = replace(result.honest, gains=gains, model=model)
    told = list(remarks(replace(result, honest=honest, price={"accuracy": none})))
    assert "accuracy 0.000 (no interval)" in told[0]
    assert told[1] == "Judged honestly it does not differ from the majority class's accuracy."
    assert f"What the naive protocol is worth in accuracy cannot be told: {why}." in told
    apart = {**gains, "majority": {"accuracy": replace(none, value=0.1)}}
    told = list(remarks(replace(result, honest=replace(honest, gains=apart))))
    assert f"it cannot be compared with the majority class's accuracy: {why}." in told[1]
    below = {**gains, "majority": {"accuracy": replace(none, value=-0.1, low=-0.2, high=-0.05)}}
    told = list(remarks(replace(result, honest=replace(honest, gains=below))))
    assert told[1] == "Judged honestly it is below the majority class's accuracy."

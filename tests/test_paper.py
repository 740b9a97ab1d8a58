"""The model card loads as a classifier; the drafts say what the run knows and invent nothing."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml

import osteon
from osteon.errors import DataError, UnknownName, UsageError
from osteon.paper import CHECKLISTS, write_card, write_checklists
from osteon.paper.checklist import checklist
from osteon.paper.facts import FACTS
from osteon.report.material import gather
from osteon.runs import RunFolder
from osteon.subgroups import subgroups
from osteon.types import Evaluation, Predictions
from osteon.values import read_value, write_value
from tests.training import TINY, write_films

NUMBERS = {"claim-2024": 44, "tripod-ai": 52, "stard-ai": 34 + 7}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    folder = tmp_path_factory.mktemp("paper")
    data = write_films(folder / "a private folder" / "films", each=30)
    return osteon.run(
        data, out=folder / "run", recipe=replace(TINY, epochs=2), cache=folder / "cache"
    )


def test_the_card_is_a_classifier_of_its_own(finished: RunFolder, tmp_path: Path) -> None:
    card = write_card(finished.path, tmp_path / "model")
    alone = osteon.Classifier.load(card.parent)
    known = osteon.Classifier.load(finished.path)
    films = sorted((finished.path.parent / "a private folder" / "films").glob("*/*.png"))[:5]
    for mine, theirs in zip(alone.read(films), known.read(films), strict=True):
        assert mine == theirs
    assert {path.suffix for path in card.parent.iterdir()} <= {".md", ".json", ".safetensors", ""}


def test_the_card_says_what_the_run_measured(finished: RunFolder, tmp_path: Path) -> None:
    card = write_card(finished.path, tmp_path / "model").read_text(encoding="utf-8")
    _, metadata, body = card.split("---\n", 2)
    said = yaml.safe_load(metadata)
    assert said["library_name"] == "osteon"
    test = read_value(Evaluation, finished.evaluation("test"))
    value = test.scores["auroc"].value
    assert value is not None
    (figure,) = [
        metric
        for metric in said["model-index"][0]["results"][0]["metrics"]
        if metric["type"] == "roc_auc"
    ]
    assert figure["value"] == pytest.approx(value, abs=1e-4)
    assert "95 % interval" in figure["name"]
    assert "not a medical device" in body
    assert f"{test.n:,} films of {test.n_groups:,} groups" in body
    assert "TO FILL" in body


def test_the_cards_folder_tells_nothing_private(finished: RunFolder, tmp_path: Path) -> None:
    folder = write_card(finished.path, tmp_path / "model").parent
    written = b"".join(path.read_bytes() for path in folder.iterdir())
    assert b"private" not in written
    assert str(finished.path.parent).encode() not in written


def test_a_folder_of_something_else_is_not_written_into(
    finished: RunFolder, tmp_path: Path
) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(UsageError, match="--out"):
        write_card(finished.path, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]
    write_card(finished.path, tmp_path / "model")
    write_card(finished.path, tmp_path / "model")  # its own folder is written anew


def test_a_run_that_is_not_trained_has_no_card(finished: RunFolder, tmp_path: Path) -> None:
    for name in ("manifest.csv", "manifest.json", "audit.json"):
        (tmp_path / name).write_bytes((finished.path / name).read_bytes())
    with pytest.raises(DataError, match="osteon train --resume"):
        write_card(tmp_path)


@pytest.mark.parametrize("name", CHECKLISTS)
def test_every_fact_of_the_checklist_is_known_to_somebody(name: str) -> None:
    form = checklist(name)
    assert len(form.items) == NUMBERS[name]
    numbers = [item.number for item in form.items if item.number != "AI"]
    assert len(set(numbers)) == len(numbers)
    for item in form.items:
        assert set(item.facts) <= FACTS.keys()
        assert item.facts or item.to_fill, f"item {item.number} asks nobody"


def test_drafts_fill_in_what_is_known_and_mark_the_rest(finished: RunFolder) -> None:
    drafts = write_checklists(finished.path)
    assert [draft.path.stem for draft in drafts] == list(CHECKLISTS)
    for draft in drafts:
        text = draft.path.read_text(encoding="utf-8")
        items = re.split(r"^### ", text, flags=re.MULTILINE)[1:]
        assert len(items) == draft.n_items
        assert sum("TO FILL" in item for item in items) == draft.n_to_fill
        for item in items:
            assert len(item.strip().splitlines()) > 1, item
        assert "private" not in text
    claim = drafts[0].path.read_text(encoding="utf-8")
    assert f"seed {TINY.seed}" in claim or "seed 0" in claim
    assert "adamw, learning rate 0.005" in claim


def test_what_was_not_done_is_not_said(finished: RunFolder, tmp_path: Path) -> None:
    """A run without a test evaluation: no performance is filled in anywhere."""
    for path in finished.path.iterdir():
        if path.is_file() and not path.name.startswith(("evaluation-test", "predictions-test")):
            (tmp_path / path.name).write_bytes(path.read_bytes())
    (draft,) = write_checklists(tmp_path, ["claim-2024"])
    text = draft.path.read_text(encoding="utf-8")
    performance = text.split("### 37.")[1].split("### 38.")[0]
    assert "TO FILL" in performance
    assert "AUROC" not in performance


@pytest.mark.parametrize(
    ("n_patients", "n_studies", "told"),
    [
        (0, 0, "no patient or study is named"),
        (40, 0, "(in these data: patients)"),
        (0, 40, "(in these data: studies)"),
        (1, 0, "patients named for 1 of 40 films; the others by copies alone"),
        (30, 10, "patients named for 30 of 40 films, studies named for 10 of 40 films)"),
    ],
)
def test_parts_are_disjoint_by_what_the_films_name(
    finished: RunFolder, n_patients: int, n_studies: int, told: str
) -> None:
    material = gather(finished.path)
    films = tuple(
        replace(
            film,
            patient_id=f"p{at}" if at < n_patients else None,
            study_id=f"s{at}" if n_patients <= at < n_patients + n_studies else None,
        )
        for at, film in enumerate(material.manifest.radiographs[:40])
    )
    said = FACTS["disjoint"](replace(material, manifest=replace(material.manifest,
                                                                radiographs=films)))  # fmt: skip
    assert said is not None
    assert told in said


def test_ages_of_any_spelling_are_told_in_bands(finished: RunFolder) -> None:
    material = gather(finished.path)
    cells = ["45.0", "9999", "018M", "070Y", "?"] * 12
    films = tuple(
        replace(film, extra={"age": cell})
        for film, cell in zip(material.manifest.radiographs, cells, strict=True)
    )
    manifest = replace(material.manifest, radiographs=films)
    told = FACTS["characteristics"](replace(material, manifest=manifest))
    assert told is not None
    ages = [line for line in told.splitlines() if line.startswith("| age")]
    assert [line.split(" | ")[1] for line in ages] == [
        "0 to 17", "40 to 64", "65 and over", "not known"
    ]  # fmt: skip


def test_subgroups_of_three_classes_are_told_by_their_own_figures(
    finished: RunFolder, tmp_path: Path
) -> None:
    labels = np.arange(90) % 3
    ids = tuple(str(at) for at in range(90))
    scores = np.random.default_rng(0).dirichlet((1, 1, 1), 90)
    answers = Predictions(
        ids=ids, labels=labels, scores=scores, groups=ids, classes=("a", "b", "c"), part="test"
    )
    views = {"view": {id_: ("ap" if int(id_) < 45 else "lateral",) for id_ in ids}}
    found = subgroups(answers, views, n_resamples=50)
    write_value(tmp_path / "subgroups.json", found)
    told = FACTS["fairness"](replace(gather(finished.path), folder=RunFolder(tmp_path)))
    assert told is not None
    assert "Balanced accuracy" in told
    assert "undefined" not in told


def test_a_misspelt_checklist_is_answered_with_the_nearest(finished: RunFolder) -> None:
    with pytest.raises(UnknownName, match="claim-2024"):
        write_checklists(finished.path, ["claim2024"])


def test_the_number_of_parameters_is_the_networks(finished: RunFolder) -> None:
    (draft,) = write_checklists(finished.path, ["claim-2024"])
    net = osteon.Classifier.load(finished.path).net
    n = sum(value.numel() for value in net.parameters())
    assert f"It has {n:,} parameters" in draft.path.read_text(encoding="utf-8")
    assert json.dumps(list(TINY.backbone.channels)) in draft.path.read_text(encoding="utf-8")  # type: ignore[attr-defined]

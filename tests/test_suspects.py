"""Suspects among the labels: planted ones are found, groups are kept whole, verdicts come back."""

from __future__ import annotations

import csv
import html
import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

from osteon import suspects as module
from osteon.errors import DataError, UsageError
from osteon.reading import read_source
from osteon.report.suspects import COLUMNS, check_room, write_gallery
from osteon.research import suspect_run
from osteon.suspects import Outlier, Suspect, Suspects, find_suspects
from osteon.types import Audit, Estimate, Manifest, Radiograph
from osteon.values import read_value
from osteon.verdicts import Verdict, apply_verdicts, read_verdicts
from tests.browser import CHROMIUM, FLAGS
from tests.test_report import HOSTILE
from tests.training import TINY, write_films

if TYPE_CHECKING:
    from osteon.types import Floats, Ints

CLASSES = ("a", "b", "c")
NO_FILMS: Any = None  # the features are handed in


def data_of(
    labels: Ints, *, patients: Sequence[str] | None = None, clusters: dict[str, str] | None = None
) -> tuple[Manifest, Audit]:
    films = tuple(
        Radiograph(
            id=f"{at:04}.png",
            path=Path(f"/films/{at:04}.png"),
            label=int(label),
            patient_id=patients[at] if patients else None,
        )
        for at, label in enumerate(labels)
    )
    manifest = Manifest(
        root=Path("/films"), source="test", recognised_by="made",
        classes=CLASSES[: int(labels.max()) + 1], radiographs=films,
    )  # fmt: skip
    audit = Audit(
        manifest_digest=manifest.digest, findings=(), facts={}, clusters=clusters or {}
    )  # fmt: skip
    return manifest, audit


def found_in(
    features: Floats, manifest: Manifest, audit: Audit, monkeypatch: pytest.MonkeyPatch, k: int = 5
) -> Suspects:
    place = {film.id: at for at, film in enumerate(manifest.radiographs)}

    def features_of(recipe: object, prepared: object, ids: Sequence[str], *_: object) -> Floats:
        return features[[place[id_] for id_ in ids]]

    with monkeypatch.context() as patched:
        patched.setattr(module, "_features", features_of)
        patched.setattr(module, "_strengths", lambda _: (0.01, 0.1))
        return find_suspects(manifest, audit, NO_FILMS, k=k)


def separable(n: int, n_classes: int, seed: int, apart: float = 3.0) -> tuple[Floats, Ints]:
    """Gaussian clouds, ``apart`` standard deviations along an axis each, and their classes."""
    rng = np.random.default_rng(seed)
    truth = np.arange(n) % n_classes
    return rng.normal(size=(n, 12)) + apart * np.eye(12)[truth], truth


@pytest.mark.parametrize(("n_classes", "seed"), [(2, 0), (3, 1), (3, 2)])
def test_planted_wrong_labels_rank_high(
    n_classes: int, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    features, truth = separable(240, n_classes, seed, apart=5)
    labels = truth.copy()
    wrong = np.random.default_rng(seed).choice(240, 16, replace=False)
    labels[wrong] = (labels[wrong] + 1) % n_classes
    result = found_in(features, *data_of(labels), monkeypatch)
    rank = {film.id: -at for at, film in enumerate(result.suspects)}
    scores = [rank.get(f"{at:04}.png", -240) for at in range(240)]
    planted = np.isin(np.arange(240), wrong)
    assert average_precision_score(planted, scores) > 0.8  # 16/240 = 0.07 by chance
    proposed = {film.id: film.proposed for film in result.suspects}
    right = [proposed.get(f"{at:04}.png") == CLASSES[truth[at]] for at in wrong]
    assert np.mean(right) > 0.8
    assert result.warning is None


def test_the_trial_tells_what_a_list_is_worth(monkeypatch: pytest.MonkeyPatch) -> None:
    worth = []
    for apart in (5.0, 1.0):
        features, truth = separable(240, 3, 0, apart=apart)
        trial = found_in(features, *data_of(truth), monkeypatch).trial
        assert (trial.planted.n, trial.others.n) == (12, 228)
        assert trial.top.value is not None
        worth.append(trial.top.value)
    assert worth[0] > 0.8 > worth[1]


def test_the_list_is_in_the_order_of_its_margins(monkeypatch: pytest.MonkeyPatch) -> None:
    features, truth = separable(150, 3, 0, apart=1.0)
    result = found_in(features, *data_of(truth), monkeypatch)
    assert len(result.suspects) > 5
    margins = [film.margin for film in result.suspects]
    assert margins == sorted(margins)
    assert max(margins) < 0.5
    for film in result.suspects:
        assert film.margin == pytest.approx((film.given_score - film.proposed_score + 1) / 2)
        assert film.given != film.proposed
    assert result.contested.value == pytest.approx(len(result.suspects) / 150)
    assert result == found_in(features, *data_of(truth), monkeypatch)


def test_contested_labels_are_those_off_the_diagonal_of_the_confident_joint() -> None:
    """Northcutt et al. 2021, equation 1, counted directly."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 300)
    scores = rng.dirichlet(np.ones(3), 300) + 0.5 * np.eye(3)[labels]
    scores /= scores.sum(1, keepdims=True)
    thresholds = [scores[labels == c, c].mean() for c in range(3)]
    expected = set()
    for at, (label, each) in enumerate(zip(labels, scores, strict=True)):
        sure = [c for c in range(3) if each[c] >= thresholds[c]]
        if sure and max(sure, key=lambda c: each[c]) != label and each.argmax() != label:
            expected.add(at)
    assert len(expected) > 5
    assert set(module._contested(labels, scores).tolist()) == expected


def test_noise_is_warned_of(monkeypatch: pytest.MonkeyPatch) -> None:
    features = np.random.default_rng(3).normal(size=(200, 12))
    result = found_in(features, *data_of(np.arange(200) % 2), monkeypatch)
    assert result.warning is not None
    assert "chance" in result.warning


@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 1000), per_patient=st.integers(1, 4), n_copies=st.integers(0, 12))
def test_no_group_is_on_both_sides(
    seed: int, per_patient: int, n_copies: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor where the strength is chosen: every model is asked about strangers alone."""
    rng = np.random.default_rng(seed)
    n = 80
    patients = [f"P{at}" for at in rng.permutation(n) // per_patient]
    copies = rng.permutation(n)[: 2 * n_copies]
    clusters = {f"{at:04}.png": f"cluster {number // 2}" for number, at in enumerate(copies)}
    features, truth = separable(n, 2, seed)
    features[:, 0] = np.arange(n)  # tells which film it is
    seen: list[tuple[set[int], set[int]]] = []
    real = module._probabilities

    def watching(inside: Floats, labels: Ints, outside: Floats, *rest: Any) -> Floats:
        seen.append((set(inside[:, 0].astype(int)), set(outside[:, 0].astype(int))))
        return real(inside, labels, outside, *rest)

    with monkeypatch.context() as patched:
        patched.setattr(module, "_probabilities", watching)
        found_in(features, *data_of(truth, patients=patients, clusters=clusters), monkeypatch, 3)
    assert len(seen) == 3 * 2 + 2 * 3  # two strengths a fold; a judgement and a trial each
    for inside, outside in seen:
        assert {patients[at] for at in inside}.isdisjoint(patients[at] for at in outside)
        held = {clusters.get(f"{at:04}.png") for at in inside} - {None}
        assert held.isdisjoint(clusters.get(f"{at:04}.png") for at in outside)
    assert set().union(*(outside for _, outside in seen[-3:])) == set(range(n))


def test_a_film_unlike_all_others_is_found_although_it_has_a_copy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    features, truth = separable(120, 2, 0)
    features[7] += 40
    features[19] = features[7]
    clusters = {"0007.png": "x", "0019.png": "x"}
    result = found_in(features, *data_of(truth, clusters=clusters), monkeypatch)
    assert {film.id for film in result.outliers[:2]} == {"0007.png", "0019.png"}
    assert result.outliers[0].distance > 3 * result.outliers[0].typical
    alone = found_in(features, *data_of(truth), monkeypatch)
    distance = {film.id: film.distance for film in alone.outliers}
    assert distance["0007.png"] < result.outliers[0].distance  # its copy was its neighbour


def test_copies_under_several_labels_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    features, truth = separable(120, 2, 0)
    pairs = {0: "x", 1: "x", 2: "y", 4: "y"}  # classes 0 and 1; twice class 0
    clusters = {f"{at:04}.png": name for at, name in pairs.items()}
    result = found_in(features, *data_of(truth, clusters=clusters), monkeypatch)
    assert result.contradictions == (("0000.png", "0001.png"),)


def test_another_recipe_and_small_classes_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    features, truth = separable(60, 2, 0)
    with pytest.raises(UsageError, match="no linear probe"):
        find_suspects(*data_of(truth), NO_FILMS, recipe=TINY)
    labels = np.array([0] * 30 + [1] * 2)
    with pytest.raises(DataError, match="'b' has 2 independent films"):
        found_in(features[:32], *data_of(labels), monkeypatch)


def test_for_a_small_class_there_are_fewer_folds(monkeypatch: pytest.MonkeyPatch) -> None:
    features, truth = separable(64, 2, 0, apart=6)
    rows = np.r_[np.flatnonzero(truth == 0), np.flatnonzero(truth == 1)[:4]]
    result = found_in(features[rows], *data_of(truth[rows]), monkeypatch)
    assert (result.k, result.n, result.classes) == (4, 36, ("a", "b"))
    (told,) = result.remarks
    assert told.startswith("4 folds instead of 5: class 'b' has 4 films in 4 groups")
    assert "4 folds" in result.method
    asked = found_in(features[rows], *data_of(truth[rows]), monkeypatch, k=4)
    assert asked == replace(result, remarks=())


@pytest.mark.parametrize("rare", [0, 1, 2])
def test_a_class_too_small_for_any_folds_is_set_aside_and_named(
    rare: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rest is judged as if the class were not there; copies of its films still contradict."""
    kept = [label for label in range(3) if label != rare]
    features, truth = separable(93, 2, 0, apart=3)
    labels = np.r_[[rare] * 3, np.array(kept)[truth[3:]]]
    clusters = {"0000.png": "x", "0001.png": "x", "0002.png": "y", "0003.png": "y"}
    manifest, audit = data_of(labels, clusters=clusters)
    manifest = replace(manifest, classes=CLASSES)
    result = found_in(features, manifest, audit, monkeypatch)
    (told,) = result.remarks
    assert told.startswith(f"Set aside: class '{CLASSES[rare]}' has 3 films in 2 groups")
    assert (result.classes, result.n, result.k) == (CLASSES, 90, 5)
    assert result.contradictions == (("0002.png", "0003.png"),)
    without = replace(
        manifest,
        classes=tuple(CLASSES[label] for label in kept),
        radiographs=tuple(
            replace(film, label=int(label))
            for film, label in zip(manifest.radiographs[3:], truth[3:], strict=True)
        ),
    )
    alone = found_in(features[3:], without, replace(audit, clusters={}), monkeypatch)
    assert alone.suspects == result.suspects
    assert alone.remarks == ()


# --- the gallery ----------------------------------------------------------------------------------


def made_up(manifest: Manifest) -> Suspects:
    share = Estimate(value=0.1, low=0.05, high=0.2, n=40, n_groups=40, method="made up")
    scores = {"auroc": replace(share, value=0.9, low=0.8)}
    a, b = manifest.classes
    ids = [film.id for film in manifest.radiographs]
    return Suspects(
        manifest_digest=manifest.digest, classes=manifest.classes, n=40, n_groups=40, k=5, seed=0,
        suspects=tuple(
            Suspect(id=ids[at], given=b if ids[at].startswith(b) else a,
                    proposed=a if ids[at].startswith(b) else b, given_score=0.1,
                    proposed_score=0.9, margin=0.1 + at / 100)
            for at in range(3)
        ),
        contradictions=((ids[5], ids[-5]),),
        outliers=(Outlier(id=ids[-1], given=manifest.class_name(manifest.radiographs[-1]) or "",
                          distance=9.0, typical=3.0),),
        contested=share, scores=scores, majority=scores,
        trial=module.Trial(top=share, planted=share, others=share), method="as made up",
    )  # fmt: skip


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_the_page_asks_nobody_and_the_csv_is_empty_of_verdicts(tmp_path: Path) -> None:
    folder = write_films(tmp_path / "films", classes=("a&b 'quoted' é", 'x"y'))
    manifest = read_source(folder)
    page = write_gallery(made_up(manifest), manifest, (), tmp_path / "out", most=9).read_text()
    sources = re.findall(r"(?:src|href)=[\"']?([^\"'\s>]+)", page)
    assert sources
    assert all(source.startswith(("data:", "#")) for source in sources)
    assert "http" not in page.replace("http-equiv", "")
    assert page.count("<article") == 6
    assert str(tmp_path) not in page
    rows = rows_of(tmp_path / "out" / "suspects.csv")
    assert tuple(rows[0]) == COLUMNS
    assert [row["verdict"] for row in rows] == [""] * 6
    assert [row["reason"] for row in rows] == ["copies"] * 2 + ["label"] * 3 + ["unlike all"]
    assert {row["label"] for row in rows[:5]} <= set(manifest.classes)
    assert read_verdicts(tmp_path / "out" / "suspects.csv") == ()


def test_a_second_round_carries_the_first(tmp_path: Path) -> None:
    manifest = read_source(write_films(tmp_path / "films"))
    out = tmp_path / "out"
    write_gallery(made_up(manifest), manifest, (), out, most=9)
    rows = rows_of(out / "suspects.csv")
    rows[0]["verdict"], rows[1]["verdict"], rows[2]["verdict"] = "relabel", "remove", "keep"
    with (out / "suspects.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    first = read_verdicts(out / "suspects.csv")
    with pytest.raises(UsageError, match="verdicts that would be lost"):
        check_room(out, ())
    check_room(out, first)
    after = apply_verdicts(manifest, first)
    write_gallery(replace(made_up(after), contradictions=()), after, first, out, most=9)
    again = rows_of(out / "suspects.csv")
    assert [row["verdict"] for row in again] == ["relabel", "remove", "keep", "", "", ""]
    assert again[-1]["id"] == made_up(manifest).outliers[0].id
    assert read_verdicts(out / "suspects.csv") == first


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed to use the page")
def test_what_is_clicked_is_what_is_read_back(tmp_path: Path) -> None:
    classes = (HOSTILE[1], 'x"y, z')
    manifest = read_source(write_films(tmp_path / "films", classes=classes))
    before = (Verdict(id=manifest.radiographs[9].id, decision="keep"),)
    page = write_gallery(made_up(manifest), manifest, before, tmp_path / "out", most=9)
    clicks = """<script>addEventListener('load', () => {
      const choose = (at, word) => films[at].querySelector(`input[value=${word}]`).click();
      const select = films[2].querySelector('select');
      select.dispatchEvent(new Event('change', {bubbles: true}));
      choose(3, 'remove'); choose(4, 'keep');
      const pre = document.createElement('pre');
      pre.id = 'csv'; pre.textContent = csv(); document.body.append(pre);
      document.title = document.getElementById('count').textContent;
    })</script></body>"""
    page.write_text(page.read_text().replace("</body>", clicks))
    assert CHROMIUM is not None
    done = subprocess.run(
        [CHROMIUM, *FLAGS, f"--user-data-dir={tmp_path / 'user'}", "--virtual-time-budget=5000",
         "--dump-dom", str(page)],
        capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip
    assert "CONSOLE" not in done.stderr
    assert "<title>3 of 6 judged, not saved yet</title>" in done.stdout
    said = re.search(r'<pre id="csv">(.*?)</pre>', done.stdout, flags=re.DOTALL)
    assert said is not None
    (tmp_path / "verdicts.csv").write_text(html.unescape(said[1]))
    films = made_up(manifest).suspects
    assert read_verdicts(tmp_path / "verdicts.csv") == (
        *before,
        Verdict(
            id=films[0].id, decision="relabel", label=films[0].proposed, given=films[0].given
        ),
        Verdict(id=films[1].id, decision="remove", given=films[1].given),
        Verdict(id=films[2].id, decision="keep", given=films[2].given),
    )  # fmt: skip


# --- everything together --------------------------------------------------------------------------


def test_from_films_to_a_gallery_and_back(tmp_path: Path) -> None:
    """Bars at two places, one of each class filed under the other: real films, real features."""
    folder, cache = write_films(tmp_path / "films", each=16), tmp_path / "cache"
    for name, other in (("normal", "broken"), ("broken", "normal")):
        shutil.move(folder / name / "5.png", folder / other / "wrong.png")
    found = suspect_run(folder, tmp_path / "out", cache=cache)
    wrong = {"normal/wrong.png", "broken/wrong.png"}
    assert wrong <= {film.id for film in found.suspects[:4]}
    assert read_value(Suspects, tmp_path / "out" / "suspects.json") == found
    verdicts = tuple(
        Verdict(id=film.id, decision="relabel", label=film.proposed, given=film.given)
        for film in found.suspects
        if film.id in wrong
    )
    again = suspect_run(folder, tmp_path / "out", cache=cache, verdicts=verdicts)
    assert wrong.isdisjoint(film.id for film in again.suspects)
    auroc, before = again.scores["auroc"].value, found.scores["auroc"].value
    assert auroc is not None
    assert before is not None
    assert auroc > before
    assert {v.id for v in read_verdicts(tmp_path / "out" / "suspects.csv")} == wrong

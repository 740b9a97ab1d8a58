"""The audit on films whose defects are known, made on disk."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from PIL import Image

from osteon.audit import audit, verdict
from osteon.checks import CHECKS
from osteon.errors import UnknownName
from osteon.inspection import inspect_films
from osteon.reading import read_source
from osteon.testing.checks import check_check
from osteon.testing.films import write_film
from osteon.types import Audit, Finding, Manifest

Factory = pytest.TempPathFactory


def audited(folder: Path) -> tuple[Manifest, Audit]:
    manifest = read_source(folder)
    return manifest, audit(manifest, facts=inspect_films(manifest))


def of(result: Audit, check: str) -> list[Finding]:
    return [finding for finding in result.findings if finding.check == check]


@pytest.fixture
def clean(tmp_path: Path) -> Path:
    """Two parts, two classes, no defect."""
    number = 0
    for part, n in (("train", 30), ("test", 8)):
        for name in ("normal", "fractured"):
            for _ in range(n):
                write_film(tmp_path / part / name / f"{number}.png", seed=number)
                number += 1
    return tmp_path


def test_clean_data_pass(clean: Path) -> None:
    manifest, result = audited(clean)
    assert not result.failed
    assert result.clusters == {}
    others = [finding for finding in result.findings if finding.check != "artefacts"]
    assert {finding.severity for finding in others} == {"note"}
    assert [f.message for f in of(result, "artefacts") if "thumb" in f.message] == [
        "76 films of 76 are of the size of thumbnails: below 128 px on the long side."
    ]
    assert verdict(result, manifest) == "The shipped split shows no exact copy across its parts."


def test_copies_across_parts_are_an_error_with_their_pairs(clean: Path) -> None:
    shutil.copy(clean / "train/normal/0.png", clean / "test/normal/copy.png")
    manifest, result = audited(clean)
    assert result.failed
    (leak,) = of(result, "leakage")
    assert leak.message == "1 of 17 test films (5.9 %) lie byte for byte in train."
    assert leak.pairs == (("test/normal/copy.png", "train/normal/0.png"),)
    assert "--split grouped" in leak.command
    assert verdict(result, manifest).startswith("Do not use the shipped split: 1 of 17 test films")
    assert set(result.clusters) == {"test/normal/copy.png", "train/normal/0.png"}
    assert len(set(result.clusters.values())) == 1


def test_copies_by_pixels_alone_are_seen(clean: Path) -> None:
    Image.open(clean / "train/normal/0.png").save(clean / "test/normal/copy.bmp")
    _, result = audited(clean)
    (leak,) = of(result, "leakage")
    assert "pixel for pixel" in leak.message
    copies = [f for f in of(result, "copies") if f.severity == "warning"]
    assert [f.pairs for f in copies] == [(("test/normal/copy.bmp", "train/normal/0.png"),)]


def test_a_truncated_copy_in_test_is_a_leak_by_bytes(clean: Path) -> None:
    half = (clean / "train/normal/0.png").read_bytes()[:-30]
    for part in ("train", "test"):
        (clean / part / "normal" / "half.png").write_bytes(half)
    _, result = audited(clean)
    assert of(result, "leakage")[0].message.startswith("1 of 17 test films")
    assert result.clusters == {}


def test_equal_films_of_two_labels_are_named(clean: Path) -> None:
    shutil.copy(clean / "train/normal/0.png", clean / "train/fractured/copy.png")
    _, result = audited(clean)
    (finding,) = of(result, "labels")
    assert finding.pairs == (("train/fractured/copy.png", "train/normal/0.png"),)
    assert finding.severity == "warning"
    assert finding.message.startswith("1 film appears under more than one label (2 files)")


def test_unreadable_files_are_named_and_not_an_error(clean: Path) -> None:
    (clean / "train/normal/empty.jpg").touch()
    (clean / "train/normal/a.jpg").write_bytes(b"PK\x03\x04 a zip")
    _, result = audited(clean)
    (finding,) = of(result, "unreadable")
    assert finding.ids == ("train/normal/a.jpg", "train/normal/empty.jpg")
    assert finding.severity == "warning"
    assert "ZIP" in (result.facts["train/normal/a.jpg"].fault or "")
    assert result.unreadable == set(finding.ids)


def test_mostly_unreadable_data_fail(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_film(tmp_path / name / "good.png", seed=ord(name))
        for number in range(3):
            (tmp_path / name / f"{number}.png").write_bytes(bytes([number]))
    _, result = audited(tmp_path)
    assert of(result, "unreadable")[0].severity == "error"


def test_lying_names_and_animations_are_said(clean: Path) -> None:
    write_film(clean / "train/normal/x.png", seed=900)
    (clean / "train/normal/x.png").rename(clean / "train/normal/x.jpg")
    frames = [Image.new("L", (9, 9), shade) for shade in (10, 200)]
    frames[0].save(clean / "train/normal/y.gif", save_all=True, append_images=frames[1:])
    _, result = audited(clean)
    lying, animated = sorted(of(result, "formats"), key=lambda f: f.severity)
    assert lying.ids == ("train/normal/x.jpg",)
    assert "1 PNG named as JPEG" in lying.message
    assert animated.ids == ("train/normal/y.gif",)


def test_the_majority_baseline_is_stated(tmp_path: Path) -> None:
    for number in range(40):
        name = "fractured" if number % 4 == 0 else "normal"
        write_film(tmp_path / name / f"{number}.png", seed=number)
    _, result = audited(tmp_path)
    assert "Always answering 'normal' is right for 75.0 % (30 of 40" in (
        of(result, "imbalance")[0].message
    )


@pytest.mark.parametrize(("n", "severity"), [(1, "error"), (2, "error"), (3, "warning")])
def test_small_classes_count_independent_films(tmp_path: Path, n: int, severity: str) -> None:
    for number in range(40):
        write_film(tmp_path / "normal" / f"{number}.png", seed=number)
    for number in range(n):
        film = write_film(tmp_path / "rare" / f"{number}.png", seed=100 + number)
        shutil.copy(film, film.with_stem(f"copy-{number}"))
    _, result = audited(tmp_path)
    (finding,) = of(result, "small_classes")
    assert finding.severity == severity
    words = f"'rare' has {n} independent film" if severity == "error" else f"'rare' ({n}): figures"
    assert words in finding.message


def test_patients_on_two_sides_are_a_leak(tmp_path: Path) -> None:
    rows = ["path,label,patient_id,split"]
    for number in range(8):
        write_film(tmp_path / f"{number}.png", seed=number)
        part = "train" if number < 6 else "test"
        rows.append(f"{number}.png,{'ab'[number % 2]},P{number % 6},{part}")
    (tmp_path / "films.csv").write_text("\n".join(rows))
    _, result = audited(tmp_path)
    (leak,) = of(result, "leakage")
    assert leak.message == "2 of 2 test films (100.0 %) are of patients that are also in train."
    assert "P0" not in leak.message


def test_boxes_beside_their_film_are_told(tmp_path: Path) -> None:
    rows = ["path,label,boxes"]
    for number, box in enumerate(("[[2,3,30,29.5]]", "[[20,20,20,5], [40,1,5,5]]", "")):
        write_film(tmp_path / f"{number}.png", seed=number, size_px=32)
        rows.append(f'{number}.png,{"ab"[number % 2]},"{box}"')
    (tmp_path / "films.csv").write_text("\n".join(rows))
    _, result = audited(tmp_path)
    (finding,) = of(result, "boxes")
    assert finding.message == "2 boxes reach beyond the edge of 1 film, 1 wholly."
    assert (finding.severity, finding.ids) == ("warning", ("1.png",))


def test_errors_come_first(clean: Path) -> None:
    shutil.copy(clean / "train/normal/0.png", clean / "test/normal/copy.png")
    _, result = audited(clean)
    ranks = [["error", "warning", "note"].index(finding.severity) for finding in result.findings]
    assert ranks == sorted(ranks)


def test_named_checks_alone_are_run(clean: Path) -> None:
    manifest = read_source(clean)
    result = audit(manifest, facts=inspect_films(manifest), checks=["imbalance"])
    assert {finding.check for finding in result.findings} == {"imbalance"}
    with pytest.raises(UnknownName, match="Did you mean 'imbalance'"):
        audit(manifest, facts={}, checks=["imbalanse"])


@pytest.mark.parametrize("name", list(CHECKS))
def test_every_check_keeps_the_contract(name: str, clean: Path, tmp_path_factory: Factory) -> None:
    shutil.copy(clean / "train/normal/0.png", clean / "test/fractured/copy.png")
    (clean / "train/normal/empty.jpg").touch()
    check_check(name, read_source(clean))
    broken = tmp_path_factory.mktemp("broken")
    for label in ("a", "b"):
        (broken / label).mkdir()
        (broken / label / "x.jpg").write_bytes(b"")
    check_check(name, read_source(broken))


def test_multiregion(real_data: Path) -> None:
    manifest, result = audited(real_data / "multiregion")
    assert "491 of 506 test films (97.0 %) lie byte for byte in train" in verdict(result, manifest)
    assert len({film.sha256 for film in result.facts.values()}) == 3884


def test_bonebreak10_has_no_exact_leak(real_data: Path) -> None:
    _, result = audited(real_data / "bonebreak10")
    assert result.leaks == ()


def test_fracatlas(real_data: Path) -> None:
    manifest, result = audited(real_data / "fracatlas")
    assert all("Non_fractured" in id_ and "truncated" in (result.facts[id_].fault or "")
               for id_ in result.unreadable)  # fmt: skip
    assert len(result.unreadable) == 47
    assert any("dataset.csv says fractured=0" in finding.message for finding in manifest.remarks)
